/* See store_world.h. */
#include "tests/unit/store/store_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/records.h"
#include "store/varint.h"
#include "tests/lib/test.h"

static const uint64_t minute_ns = 60 * 1000 * PARTITION_WORLD_MS;

/* ---- Messages ---- */

void store_world_fill(uint64_t number, uint64_t from, uint8_t *at, size_t size)
{
    for (size_t i = 0; i < size; i++)
        at[i] = (uint8_t)((number * 31 + (from + i) * 7) ^ ((from + i) >> 10));
}

/* Everything a message is made from, and the room for it. */
struct made {
    struct message message;
    char exchange[32];
    char key[32];
    uint8_t props[3];
    uint8_t *body;
    struct bytes pieces[3];
};

static void make(struct made *m, const struct store_world_message *from)
{
    size_t size = (size_t)from->body_size, third = size / 3;

    memset(m, 0, sizeof(*m));
    (void)snprintf(m->exchange, sizeof(m->exchange), "x%llu",
                   (unsigned long long)from->number % 10);
    (void)snprintf(m->key, sizeof(m->key), "key.%llu", (unsigned long long)from->number);
    put_be16(m->props, prop_flag(PROP_DELIVERY_MODE));
    m->props[2] = from->is_transient ? 1 : DELIVERY_MODE_PERSISTENT;
    m->message.exchange = bytes_text(m->exchange);
    m->message.routing_key = bytes_text(m->key);
    assert_int_equal(props_decode(bytes_of(m->props, 3), &m->message.props), 0);
    m->message.body_size = size;
    if (from->upload != NULL || from->shares_parts != 0)
        return;
    m->body = mem_alloc(size);
    store_world_fill(from->number, 0, m->body, size);
    m->pieces[0] = bytes_of(m->body, third);
    m->pieces[1] = bytes_of(m->body + third, 0);
    m->pieces[2] = bytes_of(m->body + third, size - third);
    m->message.body = m->pieces;
    m->message.body_count = 3;
}

/* The view is of that message; its body is looked at when it is there. */
static void expect_message(const struct stored *s, const struct store_world_entry *e)
{
    struct made m;
    struct props props;
    uint8_t mode = 0;

    make(&m, &(struct store_world_message){.number = e->number,
                                           .body_size = s->parts > 0 ? 0 : e->body_size});
    assert_true(bytes_equal(s->exchange, m.message.exchange));
    assert_true(bytes_equal(s->routing_key, m.message.routing_key));
    assert_int_equal(props_decode(s->props, &props), 0);
    assert_true(props_find_octet(&props, PROP_DELIVERY_MODE, &mode) && mode > 0);
    assert_int_equal(s->body_size, e->body_size);
    assert_true(s->time_ms > 0);
    assert_int_equal(s->body.size, s->parts > 0 ? 0 : e->body_size);
    assert_int_equal(s->parts > 0, e->body_size > STORE_PART_BYTES || s->parts > 0);
    assert_true(s->parts > 0 || bytes_equal(s->body, bytes_of(m.body, s->body.size)));
    mem_free(m.body);
}

/* ---- The fold ---- */

static struct store_world_queue *find_queue(struct store_world *w, uint64_t id)
{
    for (int i = 0; i < STORE_WORLD_QUEUES; i++) {
        if (w->queues[i].id == id)
            return &w->queues[i];
    }
    return NULL;
}

static int fold_restore(void *owner, struct bytes state, struct err_note *note)
{
    struct store_world *w = owner;
    struct reader r = reader_of(state);

    (void)note;
    for (int i = 0; i < STORE_WORLD_QUEUES; i++)
        ledger_restore(&w->queues[i].ledger, &r);
    store_restore(w->store, &r);
    assert_true(reader_is_done(&r));
    return 0;
}

static void survive(struct store_world *w, uint64_t queue, uint64_t seq,
                    const struct ledger_entry *e)
{
    const struct store_world_queue *q = find_queue(w, queue);
    size_t i = w->survivor_count++;

    assert_non_null(q);
    w->survivors = mem_grow(w->survivors, i + 1, sizeof(*w->survivors));
    w->survivors[i] = (struct store_world_survivor){(int)(q - w->queues), seq, *e};
}

static int fold_survivor(void *owner, uint64_t lane, const struct record *r)
{
    struct store_world *w = owner;
    struct store_target target = {0};
    struct store_record record;
    struct ledger_entry e = {.place = lane == LOG_SHARED ? r->number : STORE_IN_LANE};

    w->has_survivors = true;
    if (r->kind != RECORD_PUBLISH)
        return 0;
    assert_int_equal(store_record_decode(r, &record), 0);
    e.size = (uint32_t)record.stored.body_size;
    if (lane != LOG_SHARED) {
        survive(w, lane, r->number, &e);
        return 0;
    }
    store_survivor(w->store, &record, (uint32_t)record.target_count);
    while (store_target_next(&record.targets, &target))
        survive(w, target.queue, target.seq, &e);
    return 0;
}

static int by_seq(const void *a, const void *b)
{
    const struct store_world_survivor *x = a, *y = b;

    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* The survivors are complete: they go into the ledgers. */
static void take_survivors(struct store_world *w)
{
    if (w->survivor_count == 0)
        return;
    qsort(w->survivors, w->survivor_count, sizeof(*w->survivors), by_seq);
    for (size_t i = 0; i < w->survivor_count; i++) {
        const struct store_world_survivor *s = &w->survivors[i];

        ledger_add_at(&w->queues[s->queue].ledger, s->seq, &s->entry);
    }
    mem_free(w->survivors);
    w->survivors = NULL;
    w->survivor_count = 0;
}

static int replay_publish(struct store_world *w, const struct record *r)
{
    struct store_target target = {0};
    struct store_record record;
    struct reader targets;
    uint32_t references = 0;

    assert_int_equal(store_record_decode(r, &record), 0);
    targets = record.targets;
    while (store_target_next(&targets, &target)) {
        struct store_world_queue *q = find_queue(w, target.queue);

        assert_true(q != NULL && q->is_durable);
        ledger_add_at(
            &q->ledger, target.seq,
            &(struct ledger_entry){.place = r->number, .size = (uint32_t)record.stored.body_size});
        references++;
    }
    assert_int_equal(references, record.target_count);
    store_replay_message(w->store, &record, references);
    return 0;
}

static int replay_settle(struct store_world *w, const struct record *r)
{
    struct reader in = reader_of(r->body);
    struct store_world_queue *q = find_queue(w, reader_varint(&in));
    uint64_t seq = reader_varint(&in);
    struct ledger_entry e;

    if (!ledger_find(&q->ledger, seq, &e))
        return 0; /* a message in memory, or one that a checkpoint knows as settled */
    assert_true(ledger_settle(&q->ledger, seq));
    store_settle(w->store, e.place, q->id, seq);
    return 0;
}

static int fold_replay(void *owner, const struct record *r)
{
    take_survivors(owner);
    if (r->kind == RECORD_PUBLISH)
        return replay_publish(owner, r);
    return r->kind == RECORD_SETTLE ? replay_settle(owner, r) : 0;
}

static int fold_opened(void *owner, bool is_clean, struct err_note *note)
{
    (void)is_clean;
    (void)note;
    take_survivors(owner);
    return 0;
}

static void fold_save(void *owner, bool is_last, struct buf *out)
{
    struct store_world *w = owner;

    (void)is_last;
    for (int i = 0; i < STORE_WORLD_QUEUES; i++) {
        struct ledger none;

        ledger_init(&none);
        ledger_save(w->queues[i].is_durable ? &w->queues[i].ledger : &none, out);
    }
    store_save(w->store, out);
}

/* A record of a queue's own lane is needed while its seq is live. */
static void classify_own(struct store_world *w, uint64_t lane, const struct record *r,
                         struct log_sorting *s)
{
    struct store_world_queue *q = find_queue(w, lane);

    assert_non_null(q);
    if (ledger_is_live(&q->ledger, r->number))
        log_keep(s);
}

static void classify_publish(struct store_world *w, const struct record *r, struct log_sorting *s)
{
    struct store_target target = {0}, live = {0};
    struct store_record record;
    struct ledger_entry e;
    uint32_t count = 0;

    assert_int_equal(store_record_decode(r, &record), 0);
    while (store_target_next(&record.targets, &target)) {
        if (!ledger_find(&find_queue(w, target.queue)->ledger, target.seq, &e) ||
            e.place != r->number)
            continue;
        live = target;
        count++;
    }
    assert_true(count <= 1);
    if (count == 0)
        return;
    store_keep(w->store, r, s, &live, find_queue(w, live.queue)->is_deep);
}

static void fold_sorted(void *owner, uint64_t position)
{
    struct store_world *w = owner;
    struct log *log = partition_log(w->p.partition);

    assert_int_equal(position, log_first(log));
    store_sorted(w->store);
    for (int i = 0; i < STORE_WORLD_QUEUES; i++)
        log_trim(log, w->queues[i].id, ledger_low(&w->queues[i].ledger));
}

static void fold_classify(void *owner, uint64_t lane, const struct record *r, struct log_sorting *s)
{
    struct store_world *w = owner;

    if (lane != LOG_SHARED)
        classify_own(w, lane, r, s);
    else if ((r->kind == RECORD_PUBLISH || r->kind == RECORD_PART) && store_is_needed(w->store, r))
        log_keep(s);
    else if (r->kind == RECORD_PUBLISH)
        classify_publish(w, r, s);
}

static void on_committed(struct partition_watcher *watcher, uint64_t position)
{
    struct store_world *w = CONTAINER_OF(watcher, struct store_world, watcher);

    w->committed = position;
}

/* ---- Life ---- */

void store_world_init(struct store_world *w)
{
    memset(w, 0, sizeof(*w));
    partition_world_init(&w->p);
    w->options = (struct store_options){.transient_bytes_max = 1 << 20, .spill_bytes_max = 8 << 20};
    w->p.folds[0] = (struct fold){
        .owner = w,
        .id = 2,
        .kind_first = RECORD_QUEUE_FIRST,
        .kind_last = RECORD_QUEUE_LAST,
        .restore = fold_restore,
        .survivor = fold_survivor,
        .replay = fold_replay,
        .opened = fold_opened,
        .save = fold_save,
        .classify = fold_classify,
        .sorted = fold_sorted,
    };
    w->p.fold_count = 1;
    for (int i = 0; i < STORE_WORLD_QUEUES; i++) {
        w->queues[i].id = 11 + 100 * (uint64_t)i;
        w->queues[i].is_durable = i != STORE_WORLD_FLEETING;
        ledger_init(&w->queues[i].ledger);
    }
}

void store_world_release(struct store_world *w)
{
    for (int i = 0; i < STORE_WORLD_QUEUES; i++)
        mem_free(w->queues[i].entries);
    partition_world_release(&w->p);
}

static void on_pressure(void *owner, bool is_pressed)
{
    struct store_world *w = owner;

    assert_int_equal(store_is_pressed(w->store), is_pressed);
    w->pressures += is_pressed ? 1 : 0;
    w->is_pressed = is_pressed;
}

/* What was committed and not settled is there; what was settled and committed is not. */
static void expect_restored(struct store_world *w, uint64_t committed)
{
    for (int i = 0; i < STORE_WORLD_QUEUES; i++) {
        struct store_world_queue *q = &w->queues[i];

        for (uint64_t seq = 1; seq < q->capacity; seq++) {
            const struct store_world_entry *e = &q->entries[seq];
            bool is_live = ledger_is_live(&q->ledger, seq);

            if (e->published == 0 && e->body_size == 0 && e->number == 0)
                continue;
            if (e->published == UINT64_MAX)
                assert_false(is_live);
            else if (e->published < committed && e->settled == UINT64_MAX)
                assert_true(is_live);
            else if (e->settled < committed && !w->has_survivors)
                assert_false(is_live);
        }
    }
}

void store_world_open(struct store_world *w)
{
    uint64_t committed = w->committed;

    w->has_survivors = false;
    w->store = store_new(w->p.io, "/", &w->options);
    partition_world_open(&w->p);
    store_replayed(w->store, w->p.partition);
    store_set_pressure(w->store, on_pressure, w);
    w->watcher = (struct partition_watcher){.committed = on_committed};
    partition_watch(w->p.partition, &w->watcher);
    w->committed = partition_committed(w->p.partition);
    expect_restored(w, committed);
    store_world_check(w);
}

/* Forgets what is not live any more in the model, for after a crash it may be otherwise. */
static void remember_live(struct store_world *w)
{
    for (int i = 0; i < STORE_WORLD_QUEUES; i++) {
        struct store_world_queue *q = &w->queues[i];

        for (uint64_t seq = 1; seq < q->capacity; seq++) {
            if (ledger_is_live(&q->ledger, seq))
                q->entries[seq].settled = UINT64_MAX;
            else if (!w->has_survivors)
                q->entries[seq] = (struct store_world_entry){0};
        }
    }
}

static void let_go(void *owner)
{
    struct store_world *w = owner;

    for (int i = 0; i < STORE_WORLD_QUEUES; i++) {
        store_reader_close(w->queues[i].reader);
        w->queues[i].reader = NULL;
    }
    partition_unwatch(&w->watcher);
}

static void forget(struct store_world *w)
{
    store_free(w->store);
    w->store = NULL;
    for (int i = 0; i < STORE_WORLD_QUEUES; i++)
        ledger_release(&w->queues[i].ledger);
}

void store_world_close(struct store_world *w)
{
    let_go(w);
    partition_world_close(&w->p);
    forget(w);
    partition_world_settle(&w->p);
}

void store_world_crash(struct store_world *w, const struct sim_crash *crash)
{
    partition_world_crash(&w->p, crash, let_go, w);
    forget(w);
    store_world_open(w);
    remember_live(w);
}

static void hurt_checkpoint(void *owner, const char *path, bool is_dir, uint64_t size)
{
    struct store_world *w = owner;

    if (!is_dir && strstr(path, "checkpoint-") != NULL)
        sim_disk_flip_bit(w->p.disk, path, size - 1, 1);
}

void store_world_crash_badly(struct store_world *w)
{
    partition_world_crash(&w->p, &(struct sim_crash){.kind = SIM_CRASH_NOTHING}, let_go, w);
    forget(w);
    sim_disk_walk(w->p.disk, hurt_checkpoint, w);
    store_world_open(w);
    remember_live(w);
}

/* ---- Messages in queues ---- */

static struct store_world_entry *entry_at(struct store_world_queue *q, uint64_t seq)
{
    size_t capacity = q->capacity > 0 ? q->capacity : 64;

    while (capacity <= seq)
        capacity *= 2;
    if (capacity > q->capacity) {
        q->entries = mem_grow(q->entries, capacity, sizeof(*q->entries));
        memset(q->entries + q->capacity, 0, (capacity - q->capacity) * sizeof(*q->entries));
        q->capacity = capacity;
    }
    return &q->entries[seq];
}

/* Fills in who gets the message. */
static size_t aim(struct store_world *w, const struct store_world_message *m,
                  struct store_target targets[STORE_WORLD_QUEUES], struct store_put *put)
{
    put->references = 0;
    for (int i = 0; i < STORE_WORLD_QUEUES; i++) {
        if ((m->queues >> i & 1) == 0)
            continue;
        put->references++;
        if (!w->queues[i].is_durable || m->is_transient)
            continue;
        targets[put->target_count++] =
            (struct store_target){w->queues[i].id, w->queues[i].ledger.next};
    }
    put->targets = targets;
    put->is_persistent = put->target_count > 0;
    return put->target_count;
}

int store_world_try_publish(struct store_world *w, const struct store_world_message *m)
{
    struct store_target targets[STORE_WORLD_QUEUES];
    struct store_put put = {.shares_parts = m->shares_parts, .upload = m->upload};
    uint64_t place = 12345;
    struct made made;
    int rv;

    make(&made, m);
    put.message = &made.message;
    (void)aim(w, m, targets, &put);
    rv = store_put(w->store, &put, &place);
    mem_free(made.body);
    if (rv != 0) {
        assert_int_equal(place, 12345);
        return rv;
    }
    for (int i = 0; i < STORE_WORLD_QUEUES; i++) {
        struct store_world_queue *q = &w->queues[i];
        uint64_t seq;

        if ((m->queues >> i & 1) == 0)
            continue;
        seq = ledger_add(&q->ledger,
                         &(struct ledger_entry){.place = place, .size = (uint32_t)m->body_size});
        *entry_at(q, seq) = (struct store_world_entry){
            .number = m->number,
            .body_size = m->body_size,
            .published = put.is_persistent && q->is_durable ? place : UINT64_MAX,
            .settled = UINT64_MAX,
        };
    }
    return 0;
}

uint64_t store_world_publish(struct store_world *w, const struct store_world_message *m)
{
    int queue = __builtin_ctz(m->queues);
    int rv = store_world_try_publish(w, m);

    for (int i = 0; i < 1000 && rv == ERR_FULL; i++) {
        partition_world_run_ms(&w->p, 1);
        rv = store_world_try_publish(w, m);
    }
    assert_int_equal(rv, 0);
    return store_world_place(w, queue, w->queues[queue].ledger.next - 1);
}

uint64_t store_world_place(struct store_world *w, int queue, uint64_t seq)
{
    struct ledger_entry e;

    assert_true(ledger_find(&w->queues[queue].ledger, seq, &e));
    return e.place;
}

static uint64_t append_settle(struct store_world *w, uint64_t queue, uint64_t seq)
{
    uint8_t body[2 * VARINT_MAX];
    struct log_entry e = {.kind = RECORD_SETTLE, .may_use_reserve = true, .is_transitory = true};
    uint64_t position;
    uint8_t *at;
    int rv;

    e.body_size = (size_t)(varint_put(varint_put(body, queue), seq) - body);
    while ((rv = partition_append(w->p.partition, &e, &position, &at)) == ERR_FULL)
        partition_world_run_ms(&w->p, 1);
    assert_int_equal(rv, 0);
    memcpy(at, body, e.body_size);
    return position;
}

void store_world_settle(struct store_world *w, int queue, uint64_t seq)
{
    struct store_world_queue *q = &w->queues[queue];
    uint64_t place = store_world_place(w, queue, seq);

    q->entries[seq].settled = 0;
    if (q->is_durable && (place & STORE_TRANSIENT) == 0)
        q->entries[seq].settled = append_settle(w, q->id, seq);
    assert_true(ledger_settle(&q->ledger, seq));
    if (q->is_durable)
        store_settle(w->store, place, q->id, seq);
    else
        store_unref(w->store, place);
}

/* ---- Reading ---- */

static void on_ready(void *owner)
{
    *(bool *)owner = true;
}

static bool is_ready(void *owner)
{
    return *(bool *)owner;
}

static int read_body(struct store_world *w, const struct stored *m,
                     const struct store_world_entry *e)
{
    bool ready = false;
    struct store_body *b = store_body_open(w->store, m, on_ready, &ready);
    uint64_t done = 0;
    int rv;

    for (;;) {
        struct store_pin pin;
        struct bytes piece;
        uint8_t *expected;

        rv = store_body_next(b, &piece, &pin);
        if (rv == ERR_AGAIN) {
            assert_true(sim_run_until(w->p.sim, is_ready, &ready, minute_ns));
            ready = false;
            continue;
        }
        if (rv != 0)
            break;
        assert_true(piece.size > 0 && piece.size <= STORE_PART_BYTES);
        expected = mem_alloc(piece.size);
        store_world_fill(e->number, done, expected, piece.size);
        assert_memory_equal(piece.data, expected, piece.size);
        mem_free(expected);
        done += piece.size;
        store_pin_release(pin);
    }
    if (rv == ERR_NOT_FOUND)
        assert_int_equal(done, e->body_size);
    store_body_close(b);
    return rv == ERR_NOT_FOUND ? 0 : rv;
}

int store_world_read(struct store_world *w, int queue, uint64_t seq)
{
    struct store_world_queue *q = &w->queues[queue];
    uint64_t place = store_world_place(w, queue, seq);
    static bool ready;
    struct store_pin pin;
    struct stored m;
    int rv;

    if (q->reader == NULL)
        q->reader = store_reader_open(w->store, q->id, on_ready, &ready);
    for (;;) {
        ready = false;
        rv = store_read(q->reader, seq, place, &m, &pin);
        if (rv != ERR_AGAIN)
            break;
        assert_true(sim_run_until(w->p.sim, is_ready, &ready, minute_ns));
    }
    if (rv != 0)
        return rv;
    assert_int_equal(m.place, place);
    expect_message(&m, &q->entries[seq]);
    if (m.parts > 0)
        rv = read_body(w, &m, &q->entries[seq]);
    store_pin_release(pin);
    return rv;
}

void store_world_expect_all(struct store_world *w)
{
    for (int i = 0; i < STORE_WORLD_QUEUES; i++) {
        struct ledger_entry e;
        uint64_t seq;

        for (uint64_t at = 0; ledger_next_live(&w->queues[i].ledger, at, &seq, &e); at = seq + 1) {
            int rv = store_world_read(w, i, seq);

            if (rv != 0)
                fail_msg("queue %d seq %llu place %llx: %s", i, (unsigned long long)seq,
                         (unsigned long long)e.place, err_name(rv));
        }
    }
    store_world_check(w);
}

void store_world_sort(struct store_world *w)
{
    for (int i = 0; i < 2; i++) {
        (void)append_settle(w, w->queues[0].id, UINT32_MAX);
        partition_checkpoint(w->p.partition);
        partition_world_settle(&w->p);
    }
    store_world_check(w);
}

void store_world_check(struct store_world *w)
{
    store_check(w->store);
    partition_check(w->p.partition);
    for (int i = 0; i < STORE_WORLD_QUEUES; i++)
        ledger_check(&w->queues[i].ledger);
}
