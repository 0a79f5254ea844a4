/* The power fails at every operation of a broker's life; see cuts.h. */
#include "tests/sim/cuts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/units.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"

enum {
    TINY_STRIDE = 40,
    SHORT_STRIDE = 8,
    TWICE_ONE_IN = 4,
    BODY_MAX = 4096,
    PREFETCH = 64,
};

/* Where a test stands, for whoever reads that it failed. */
static char where[160];

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    uint64_t value = otherwise;

    if (text != NULL && parse_u64(bytes_text(text), 1, UINT64_MAX, &value) != 0)
        fail_msg("%s='%s' is no whole number above 0", name, text);
    return value;
}

/* How many operations there are to each that is cut, and how many images then. */
static void choose_density(struct cuts *c)
{
    const char *size = getenv("MILLRACE_SIZE");
    uint64_t scale = setting("MILLRACE_CRASH_SCALE", 1);
    uint64_t sparse = c->sparse > 0 ? c->sparse : 1;

    c->stride = scale < sparse ? sparse / scale : 1;
    c->images_each = scale < sparse ? 1 : scale / sparse;
    if (size != NULL && strcmp(size, "tiny") == 0)
        c->stride *= TINY_STRIDE;
    else if (size != NULL && strcmp(size, "short") == 0)
        c->stride *= SHORT_STRIDE;
    c->only = setting("MILLRACE_CRASH_OPERATION", 0);
    c->is_whole = size == NULL && c->only == 0;
}

/* Files so small that a short life rolls, sorts and merges them. */
static void shrink(struct broker_world *w)
{
    w->log.segment_bytes = 32 * KIB;
    w->log.block_bytes = 4 * KIB;
    w->log.cache_bytes = 16 * KIB;
    w->log.pending_bytes_max = 64 * KIB;
    w->log.spare_segments = 3;
    w->log.cold_segment_bytes = 16 * KIB;
    w->log.sorter_buffer_bytes = 16 * KIB;
    w->log.burst_bytes_max = 0; /* nor may they wait for the end of a life */
    w->partition.checkpoint_bytes = 40 * KIB;
}

/* A power cut is no error, and nothing that it leaves is one. */
static void on_diag(void *owner, const char *line)
{
    (void)owner;
    fail_msg("%s", line);
}

void cuts_open(struct cuts *c)
{
    diag_set_sink(on_diag, NULL);
    c->seed = test_seed();
    choose_density(c);
    rand_init(&c->rand, c->seed);
    broker_world_init(&c->world);
    shrink(&c->world);
    broker_world_open(&c->world);
}

void cuts_close(struct cuts *c)
{
    broker_world_close(&c->world);
    broker_world_release(&c->world);
    diag_set_sink(NULL, NULL);
}

/* ---- a cut ---- */

static struct sim_crash crash_of(struct rand *r)
{
    static const enum sim_crash_kind kinds[] = {
        SIM_CRASH_NOTHING, SIM_CRASH_RANDOM, SIM_CRASH_RANDOM,
        SIM_CRASH_TORN,    SIM_CRASH_RANDOM, SIM_CRASH_EVERYTHING,
    };

    return (struct sim_crash){
        .kind = kinds[rand_below(r, ARRAY_SIZE(kinds))],
        .names = rand_chance(r, 1, 3) ? SIM_NAMES_ORDERED : SIM_NAMES_INDEPENDENT,
        .fill = rand_chance(r, 1, 2) ? SIM_FILL_GARBAGE : SIM_FILL_ZERO,
        .torn_sectors = rand_below(r, 8),
        .keeps_tail = rand_chance(r, 1, 4),
        .seed = rand_next(r),
    };
}

static void open_again(struct cuts *c, struct broker_world *w, struct rand *r)
{
    struct sim_crash again = crash_of(r);

    if (!rand_chance(r, 1, TWICE_ONE_IN))
        return;
    sim_run_for(w->sim, rand_below(r, 4 * WORLD_MS));
    if (again.kind == SIM_CRASH_TORN)
        again.torn_sectors = 0;
    broker_world_crash_as(w, &again);
    broker_world_open(w);
    c->twice++;
}

static void cut(struct cuts *c, struct sim_disk *disk, uint64_t operation, uint64_t image)
{
    static struct broker_world after; /* large */
    struct broker_world *life = &c->world;
    struct sim_crash crash;
    struct rand r;

    rand_init(&r, c->seed + operation * 1000003 + image);
    crash = crash_of(&r);
    if (crash.kind == SIM_CRASH_TORN && sim_disk_torn_max(disk) <= crash.torn_sectors)
        crash.kind = SIM_CRASH_RANDOM;
    snprintf(where, sizeof(where), "MILLRACE_SEED=%" PRIu64 " MILLRACE_CRASH_OPERATION=%" PRIu64,
             c->seed, operation);
    broker_world_init_on(&after, sim_disk_image(disk, &crash), io_wall_ms(life->io));
    shrink(&after);
    after.queues = life->queues;
    broker_world_open(&after);
    open_again(c, &after, &r);
    c->judge(c->owner, &after);
    broker_world_close(&after);
    broker_world_release(&after);
    diag_set_level(DIAG_ERROR); /* the life's own */
    where[0] = '\0';
    c->images++;
}

static void on_call(void *owner, struct sim_disk *d, const struct sim_disk_call *call)
{
    struct cuts *c = owner;

    if (!sim_op_changes_disk(call->op))
        return;
    c->changing++;
    if (c->only != 0 ? c->changing != c->only : c->changing % c->stride != c->seed % c->stride)
        return;
    for (uint64_t i = 0; i < c->images_each; i++)
        cut(c, d, c->changing, i);
}

void cuts_begin(struct cuts *c)
{
    sim_disk_observe(c->world.disk, on_call, c);
}

void cuts_end(struct cuts *c)
{
    sim_disk_observe(c->world.disk, NULL, NULL);
    print_message("%" PRIu64 " operations, %" PRIu64 " images, %" PRIu64 " cut twice\n",
                  c->changing, c->images, c->twice);
    assert_true(c->images > 0 || !c->is_whole);
}

int cuts_teardown(void **state)
{
    (void)state;
    if (where[0] != '\0')
        print_message("it failed with %s\n", where);
    where[0] = '\0';
    diag_set_sink(NULL, NULL);
    return 0;
}

/* ---- publishing ---- */

void cuts_publish(struct broker_world *w, const struct cuts_message *m)
{
    char body[BODY_MAX];
    int rv, used = snprintf(body, sizeof(body), "%" PRIu64, m->number);
    const struct world_message message = {m->exchange, m->key, m->props, body};

    assert_true(m->size < sizeof(body));
    if (m->is_empty) {
        body[0] = '\0';
    } else if ((size_t)used < m->size) {
        memset(body + used, '.', m->size - (size_t)used);
        body[m->size] = '\0';
    }
    while ((rv = world_publish_as(w, &w->publisher, &message, NULL)) == ERR_AGAIN)
        sim_run_for(w->sim, WORLD_MS);
    if (rv != 0)
        fail_msg("%s", w->refusal.text);
}

/* ---- taking ---- */

static bool says_replayed(const struct stored *m)
{
    struct table headers;
    struct props p;
    struct field f;
    bool is_replayed = false;

    return props_decode(m->props, &p) == 0 && props_find_headers(&p, &headers) &&
           table_find(headers, bytes_text("x-replayed"), &f) && field_as_bool(&f, &is_replayed) &&
           is_replayed;
}

static bool take(void *owner, struct consumer *c, struct delivery *d, const struct stored *m,
                 struct store_pin pin)
{
    struct cuts_taking *t = owner;
    size_t digits = 0;
    uint64_t number = 0;

    (void)c;
    (void)pin;
    while (digits < m->body.size && m->body.data[digits] != '.')
        digits++;
    if (m->body.size > 0)
        assert_int_equal(parse_u64(bytes_of(m->body.data, digits), 0, UINT64_MAX, &number), 0);
    for (size_t i = digits; i < m->body.size; i++)
        assert_int_equal(m->body.data[i], '.');
    if (t->count == t->capacity) {
        t->capacity = t->capacity == 0 ? 256 : 2 * t->capacity;
        t->items = (struct cuts_taken *)mem_grow(t->items, t->capacity, sizeof(*t->items));
    }
    t->items[t->count++] = (struct cuts_taken){.number = number,
                                               .offset = d->offset,
                                               .body_size = m->body_size,
                                               .is_replayed = says_replayed(m)};
    queue_ack(d);
    return true;
}

static void on_cancelled(void *owner, struct consumer *c, enum cancel_reason reason)
{
    (void)owner;
    (void)c;
    fail_msg("a consumer is cancelled: %d", (int)reason);
}

void cuts_take(struct broker_world *w, const char *queue, const char *arguments,
               struct cuts_taking *out)
{
    out->count = 0;
    cuts_take_more(w, queue, arguments, out);
}

void cuts_take_more(struct broker_world *w, const char *queue, const char *arguments,
                    struct cuts_taking *out)
{
    static const struct consumer_ops ops = {.deliver = take, .cancelled = on_cancelled};
    struct consumer *consumer = NULL;
    const struct consume consume = {
        .queue = bytes_text(queue),
        .arguments = world_table(w, arguments),
        .spec = {.ops = &ops, .owner = out, .prefetch = PREFETCH},
    };
    size_t before;

    if (broker_consume(w->visit, &consume, &consumer, &w->refusal) != 0)
        fail_msg("%s", w->refusal.text);
    do {
        before = out->count;
        sim_run_for(w->sim, 20 * WORLD_MS);
    } while (out->count > before);
    consumer_cancel(consumer);
}

void cuts_taking_release(struct cuts_taking *t)
{
    mem_free(t->items);
    *t = (struct cuts_taking){NULL, 0, 0};
}

void cuts_expect_row(const struct cuts_taking *t, uint64_t from)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->items[i].number != from + i)
            fail_msg("%" PRIu64 " came at place %zu instead of %" PRIu64, t->items[i].number, i,
                     from + i);
}
