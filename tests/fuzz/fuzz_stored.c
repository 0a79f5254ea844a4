/* Fuzz target: what the store and the partition read back from the disk. The first byte says what
 * the rest is: 0 a message, 1 a part of a body, 2 a ledger, 3 the counts of a store, 4 the states
 * of folds. What is accepted must be written again as it was read. */
#include <stddef.h>
#include <stdint.h>

#include "cluster/fold_states.h"
#include "io/sim/sim.h"
#include "store/ledger.h"
#include "store/publish_record.h"
#include "store/records.h"
#include "store/varint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool lies_in(struct bytes part, struct bytes whole)
{
    return part.size == 0 ||
           (part.data >= whole.data && part.data + part.size <= whole.data + whole.size);
}

static void read_message(struct bytes b)
{
    struct record r = {.number = 77, .time_ms = 5, .kind = RECORD_PUBLISH, .body = b};
    struct store_target target = {0};
    struct store_record decoded;
    struct stored view;
    size_t count = 0;
    int rv = publish_record_view(&r, &view);

    if (store_record_decode(&r, &decoded) != 0)
        return;
    ASSERT(rv == 0 && view.body_size == decoded.stored.body_size);
    ASSERT(bytes_equal(view.props, decoded.stored.props) && lies_in(view.props, b));
    ASSERT(bytes_equal(view.body, decoded.stored.body) && lies_in(view.body, b));
    ASSERT(lies_in(view.exchange, b) && lies_in(view.routing_key, b));
    while (store_target_next(&decoded.targets, &target))
        count++;
    ASSERT(count <= b.size);
    for (uint64_t i = 0; i < decoded.stored.parts; i++)
        (void)reader_varint(&decoded.parts);
    ASSERT(!decoded.parts.is_failed);
}

static void read_part(struct bytes b)
{
    struct record r = {.number = 1000, .kind = RECORD_PART, .body = b};
    struct bytes piece;
    uint64_t first;

    if (part_record_view(&r, &first, &piece) == 0)
        ASSERT(first <= 1000 && piece.size > 0 && lies_in(piece, b));
}

static void read_ledger(struct bytes b)
{
    struct reader r = reader_of(b);
    struct ledger l, again;
    struct buf out;

    ledger_init(&l);
    ledger_init(&again);
    ledger_restore(&l, &r);
    ledger_check(&l);
    buf_init(&out, 1 << 24);
    ledger_save(&l, &out);
    r = reader_of(buf_view(&out));
    ledger_restore(&again, &r);
    ASSERT(reader_is_done(&r) && again.next == l.next && again.live <= l.live);
    ledger_check(&again);
    buf_release(&out);
    ledger_release(&again);
    ledger_release(&l);
}

static void read_counts(struct bytes b)
{
    const struct store_options options = {.transient_bytes_max = 1 << 20};
    struct sim_disk *disk = sim_disk_new(NULL);
    struct sim *sim = sim_new(NULL);
    struct io *io = sim_io_new(sim_node_new(sim, "a", disk));
    struct store *s = store_new(io, "/", &options);
    struct reader r = reader_of(b);
    struct buf out;

    store_restore(s, &r);
    store_check(s);
    buf_init(&out, 1 << 24);
    store_save(s, &out);
    buf_release(&out);
    store_free(s);
    sim_io_free(io);
    sim_free(sim);
    sim_disk_free(disk);
}

static void read_states(struct bytes b)
{
    struct fold_states states;
    struct bytes part;

    if (fold_states_decode(b, &states) != 0)
        return;
    ASSERT(states.count <= FOLD_STATES_MAX);
    for (size_t i = 0; i < states.count; i++)
        ASSERT(fold_states_find(&states, states.parts[i].id, &part) && lies_in(part, b));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[])(struct bytes) = {read_message, read_part, read_ledger,
                                                    read_counts, read_states};

    if (size > 0 && data[0] < ARRAY_SIZE(readers))
        readers[data[0]](bytes_of(data + 1, size - 1));
    return 0;
}
