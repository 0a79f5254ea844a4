/* Dead letters between the queues of two partitions, large bodies among them. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "msg/table_writer.h"
#include "queue/queues_parts.h"
#include "tests/lib/leaks.h"
#include "tests/lib/partition_world.h"

#define MS PARTITION_WORLD_MS

enum { LARGE = 3 << 20, CHUNK = 100000 };

/* Partition 0 is the world's own, in "log"; partition 1 lies in "log1". */
static struct partition_world w;
static struct partition *parts[2];
static struct queues *all[2];
static struct queue *from, *to; /* of partitions 0 and 1 */
static bool is_closed;

static size_t route_dead(void *owner, struct queue *q, const struct message *m,
                         struct queue **targets, size_t max)
{
    (void)owner;
    (void)q;
    assert_true(max > 1);
    targets[0] = to;
    /* Key "both": to itself as well. */
    targets[1] = from;
    return bytes_equal(m->routing_key, bytes_text("both")) ? 2 : 1;
}

static struct queue *make(struct queues *qs, uint64_t id, const char *name, bool is_source)
{
    struct buf area;
    struct table_writer t;
    struct table arguments;

    buf_init(&area, 4096);
    table_writer_init(&t, &area);
    if (is_source)
        table_writer_text(&t, "x-dead-letter-exchange", bytes_text("dlx"));
    int rv = table_writer_finish(&t, &arguments);
    assert_int_equal(rv, 0);
    struct queue *q = queue_new(qs, &(struct queue_spec){.id = id,
                                                         .name = bytes_text(name),
                                                         .vhost = bytes_text("/"),
                                                         .is_durable = true,
                                                         .arguments = arguments});
    buf_release(&area);
    return q;
}

static void open_one(unsigned i, const char *dir)
{
    static const struct queues_options options = {
        .store = {.transient_bytes_max = 64 << 20, .spill_bytes_max = 64 << 20},
        .consumer_unsettled_max = 1000,
        .default_delivery_limit = -1,
        .lane_min_bytes = 1 << 20,
    };
    const struct queues_calls calls = {.route_dead = route_dead};
    struct fold fold;

    all[i] = queues_new(w.io, i == 0 ? "scratch0" : "scratch1", &options, &calls);
    if (i == 0)
        from = make(all[0], 1, "from", true);
    else
        to = make(all[1], 2, "to", false);
    queues_fold(all[i], &fold);
    const struct partition_open open = {.io = w.io,
                                        .number = i,
                                        .dir = dir,
                                        .options = &w.options,
                                        .log = &w.log_options,
                                        .folds = &fold,
                                        .fold_count = 1};
    int rv = partition_open(&open, &parts[i], &w.note);
    if (rv != 0)
        fail_msg("%s", w.note.text);
}

static void open_both(void)
{
    open_one(0, "log");
    open_one(1, "log1");
    queues_start(all[0], parts[0]);
    queues_start(all[1], parts[1]);
}

static void on_closed(void *owner)
{
    (void)owner;
    is_closed = true;
}

static bool has_closed(void *owner)
{
    (void)owner;
    return is_closed;
}

static void close_one(unsigned i)
{
    is_closed = false;
    partition_close(parts[i], on_closed, NULL);
    assert_true(sim_run_until(w.sim, has_closed, NULL, 60000 * MS));
    queues_free(all[i]);
}

static void close_both(void)
{
    queues_stop(all[0]);
    queues_stop(all[1]);
    close_one(0);
    close_one(1);
}

static int setup(void **state)
{
    (void)leaks_setup(state);
    partition_world_init(&w);
    w.log_options.segment_bytes = 8 << 20;
    w.log_options.block_bytes = 1 << 20;
    w.log_options.cache_bytes = 2 << 20;
    w.log_options.pending_bytes_max = 8 << 20;
    w.log_options.debt_bytes_max = 256 << 20;
    w.log_options.cold_segment_bytes = 4 << 20;
    int rv = disk_make_dir(sim_disk_as_disk(w.disk), "log1");
    assert_int_equal(rv, 0);
    rv = disk_sync_dir(sim_disk_as_disk(w.disk), "/");
    assert_int_equal(rv, 0);
    open_both();
    return 0;
}

static int teardown(void **state)
{
    close_both();
    partition_world_release(&w);
    return leaks_teardown(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static uint8_t byte_at(size_t i)
{
    return (uint8_t)(i * 31 + i / 1000);
}

static struct store_upload *upload(size_t size, bool is_persistent)
{
    struct store_upload *u = store_upload_open(queues_store(all[0]), is_persistent);
    uint8_t *chunk = mem_alloc(CHUNK);

    for (size_t at = 0; at < size;) {
        size_t count = size - at < CHUNK ? size - at : CHUNK, taken = 0;

        for (size_t i = 0; i < count; i++)
            chunk[i] = byte_at(at + i);
        (void)!store_upload_add(u, bytes_of(chunk, count), &taken);
        at += taken;
        sim_run_for(w.sim, 10 * MS);
    }
    mem_free(chunk);
    return u;
}

static void publish(const char *key, const char *text, size_t large, bool is_persistent)
{
    struct bytes body = bytes_text(text);
    struct props_edit e;
    struct buf props;
    struct message m = {.exchange = bytes_text("x"),
                        .routing_key = bytes_text(key),
                        .body = large > 0 ? NULL : &body,
                        .body_count = large > 0 ? 0 : 1,
                        .body_size = large > 0 ? large : body.size};
    struct queues_publish p = {
        .message = &m, .expiration_ms = QUEUE_NO_LIMIT, .targets = &from, .target_count = 1};
    struct queues_published out;

    buf_init(&props, 4096);
    props_edit_init(&e, NULL);
    props_set_octet(&e, PROP_DELIVERY_MODE, is_persistent ? 2 : 1);
    props_encode(&e, &props);
    int rv = props_decode(buf_view(&props), &m.props);
    assert_int_equal(rv, 0);
    if (large > 0)
        p.upload = upload(large, is_persistent);
    rv = queues_publish(all[0], &p, &out);
    assert_int_equal(rv, 0);
    store_upload_close(p.upload);
    buf_release(&props);
}

/* ---- getting ---- */

struct getter {
    struct queue_get get;
    struct delivery *delivery;
    struct stored stored;
    struct store_pin pin;
    bool is_done;
};

static void got(struct queue_get *g, struct delivery *d, const struct stored *m,
                struct store_pin pin, uint64_t ready)
{
    struct getter *getter = CONTAINER_OF(g, struct getter, get);

    (void)ready;
    getter->is_done = true;
    getter->delivery = d;
    if (d == NULL)
        return;
    getter->stored = *m;
    getter->pin = store_pin_ref(pin);
}

static bool is_got(void *owner)
{
    return ((struct getter *)owner)->is_done;
}

static struct getter *get(struct queue *q)
{
    struct getter *g = MEM_NEW(struct getter);

    g->get.got = got;
    queue_get(q, &g->get);
    assert_true(sim_run_until(w.sim, is_got, g, 1000 * MS));
    return g;
}

static void reject_first(void)
{
    struct getter *g = get(from);

    assert_non_null(g->delivery);
    store_pin_release(g->pin);
    queue_reject(g->delivery);
    mem_free(g);
}

static void note_ready(void *owner)
{
    *(bool *)owner = true;
}

/* The body of the first message of `to` must be this; acks it. */
static void expect_body(size_t large, const char *text)
{
    struct getter *g = get(to);

    assert_non_null(g->delivery);
    if (large == 0) {
        assert_true(bytes_equal(g->stored.body, bytes_text(text)));
    } else {
        bool is_ready = false;
        struct store_body *b =
            store_body_open(queues_store(all[1]), &g->stored, note_ready, &is_ready);
        struct store_pin pin;
        struct bytes piece;
        size_t at = 0;
        int rv;

        while ((rv = store_body_next(b, &piece, &pin)) != ERR_NOT_FOUND) {
            if (rv == ERR_AGAIN) {
                sim_run_for(w.sim, MS);
                continue;
            }
            assert_int_equal(rv, 0);
            for (size_t i = 0; i < piece.size; i++)
                assert_int_equal(piece.data[i], byte_at(at + i));
            at += piece.size;
            store_pin_release(pin);
        }
        assert_int_equal(at, large);
        store_body_close(b);
    }
    store_pin_release(g->pin);
    queue_ack(g->delivery);
    mem_free(g);
}

static void expect_counts(uint64_t in_from, uint64_t in_to)
{
    sim_run_for(w.sim, 200 * MS);
    queue_check(from);
    queue_check(to);
    assert_int_equal(queue_ready_count(from), in_from);
    assert_int_equal(queue_ready_count(to), in_to);
    assert_int_equal(from->ledger.live, in_from);
}

static void test_a_dead_letter_moves_to_another_partition(void **state)
{
    (void)state;
    publish("k", "persistent", 0, true);
    publish("k", "transient", 0, false);
    reject_first();
    reject_first();
    expect_counts(0, 2);
    expect_body(0, "persistent");
    expect_body(0, "transient");
    expect_counts(0, 0);
}

static void test_it_may_go_there_and_back_to_its_own_queue(void **state)
{
    (void)state;
    publish("both", "m", 0, true);
    reject_first();
    expect_counts(1, 1);
    expect_body(0, "m");
}

static void test_a_large_body_is_copied(void **state)
{
    (void)state;
    publish("k", "", LARGE, true);
    publish("k", "", LARGE + 12345, false);
    sim_run_for(w.sim, 100 * MS);
    reject_first();
    reject_first();
    expect_counts(0, 2);
    expect_body(LARGE, "");
    expect_body(LARGE + 12345, "");
    expect_counts(0, 0);
}

static void test_a_large_body_is_shared_within_the_partition(void **state)
{
    (void)state;
    publish("both", "", LARGE, true);
    sim_run_for(w.sim, 100 * MS);
    reject_first();
    expect_counts(1, 1);
    expect_body(LARGE, "");
    struct getter *g = get(from);
    assert_int_equal(g->stored.body_size, LARGE);
    store_pin_release(g->pin);
    queue_ack(g->delivery);
    mem_free(g);
    expect_counts(0, 0);
}

static void test_it_stays_until_it_is_committed_there(void **state)
{
    (void)state;
    publish("k", "m", 0, true);
    sim_run_for(w.sim, 100 * MS);
    sim_disk_set_stalled(w.disk, true);
    reject_first();
    sim_run_for(w.sim, 100 * MS);
    assert_int_equal(queue_ready_count(to), 1); /* delivered before its fsync, if anybody wants */
    assert_int_equal(from->ledger.live, 1);
    sim_disk_set_stalled(w.disk, false);
    expect_counts(0, 1);
    expect_body(0, "m");
}

static void test_a_queue_that_goes_while_its_dead_are_under_way_leaves_nothing(void **state)
{
    (void)state;
    publish("k", "m", 0, true);
    sim_run_for(w.sim, 100 * MS);
    sim_disk_set_stalled(w.disk, true);
    reject_first();
    sim_run_for(w.sim, 10 * MS);
    queue_delete(from);
    sim_disk_set_stalled(w.disk, false);
    sim_run_for(w.sim, 100 * MS);
    assert_int_equal(queue_ready_count(to), 1);
    from = make(all[0], 3, "again", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_dead_letter_moves_to_another_partition),
        TEST(test_it_may_go_there_and_back_to_its_own_queue),
        TEST(test_a_large_body_is_copied),
        TEST(test_a_large_body_is_shared_within_the_partition),
        TEST(test_it_stays_until_it_is_committed_there),
        TEST(test_a_queue_that_goes_while_its_dead_are_under_way_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
