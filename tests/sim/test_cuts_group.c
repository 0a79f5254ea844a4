/* A group works through a stream with partitions while members come and go, ack in any order and
 * give back, with power cuts at every operation: its offsets are never beyond what was acked nor
 * below what was safe, and whoever joins afterwards gets all that was not done with, in order. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "broker/consume.h"
#include "broker/look.h"
#include "queue/group.h"
#include "tests/lib/test.h"
#include "tests/sim/cuts.h"

enum {
    MESSAGES = 300,
    BODY_SIZE = 300,
    KEYS = 7,
    PARTITIONS = 3,
    MEMBERS = 2,
    PREFETCH = 12,
    MOMENT_MS = 3,
};

static struct cuts cuts; /* large */

struct held {
    struct delivery *delivery;
    uint64_t number;
};

struct member {
    struct consumer *consumer; /* NULL: he is not there */
    struct held held[PREFETCH];
    size_t count;
};

static struct life {
    uint64_t published;
    bool is_done[MESSAGES]; /* acked */
    uint64_t safe[PARTITIONS];
    struct member members[MEMBERS];
    struct cuts_taking taking;
    unsigned behind; /* times that something came again */
} life;

static uint64_t confirmed(void)
{
    return cuts.world.publisher.told.confirmed;
}

/* False: there is no such group. */
static bool find_shares(struct broker_world *w, struct group_share out[PARTITIONS])
{
    struct look_queue q;
    bool is_there = look_find_queue(w->broker, bytes_text("/"), bytes_text("p"), &q);
    struct group *g = NULL;

    assert_true(is_there);
    g = queue_find_group(q.queue, bytes_text("g"));
    for (size_t i = 0; g != NULL && i < PARTITIONS; i++)
        group_get_share(g, i, &out[i]);
    return g != NULL;
}

/* ---- judged ---- */

static void judge_offsets(struct broker_world *after)
{
    struct group_share now[PARTITIONS], then[PARTITIONS];
    bool was_there = find_shares(&cuts.world, now), is_there = find_shares(after, then);

    assert_true(was_there || !is_there);
    for (size_t i = 0; i < PARTITIONS; i++) {
        uint64_t offset = is_there && then[i].has_offset ? then[i].offset : 0;

        assert_true(offset >= life.safe[i]);
        assert_true(offset == 0 || offset <= now[i].offset);
    }
}

/* What is not done with comes, each key in order and without a gap to its end. */
static void judge(void *owner, struct broker_world *after)
{
    struct cuts_taking *t = &life.taking;
    bool has_come[MESSAGES] = {false};
    uint64_t next[KEYS] = {0};

    (void)owner;
    judge_offsets(after);
    cuts_take(after, "p", "x-group=g x-group-start=first", t);
    for (size_t i = 0; i < t->count; i++) {
        uint64_t number = t->items[i].number, key = number % KEYS;

        /* While the broker lives, what was acked out of order does not come again. */
        assert_true(next[key] == 0 || number == next[key] ||
                    (after == &cuts.world && number > next[key]));
        next[key] = number + KEYS;
        has_come[number] = true;
        life.behind += life.is_done[number];
    }
    for (uint64_t i = 0; i < confirmed(); i++)
        assert_true(has_come[i] || life.is_done[i]);
    cuts_take(after, "p", "x-group=g", t);
    assert_int_equal(t->count, 0);
}

/* ---- lived ---- */

static bool take(void *owner, struct consumer *consumer, struct delivery *d, const struct stored *m,
                 struct store_pin pin)
{
    struct member *mine = owner;
    uint64_t number = 0;

    (void)consumer;
    (void)pin;
    for (size_t i = 0; i < m->body.size && m->body.data[i] != '.'; i++)
        number = number * 10 + (uint64_t)(m->body.data[i] - '0');
    assert_true(mine->count < PREFETCH && !life.is_done[number]);
    mine->held[mine->count++] = (struct held){d, number};
    return true;
}

static void on_cancelled(void *owner, struct consumer *c, enum cancel_reason reason)
{
    (void)owner;
    (void)c;
    fail_msg("a member is cancelled: %d", (int)reason);
}

static void join(struct member *m)
{
    static const struct consumer_ops ops = {.deliver = take, .cancelled = on_cancelled};
    struct broker_world *w = &cuts.world;
    const struct consume consume = {
        .queue = bytes_text("p"),
        .arguments = world_table(w, "x-group=g x-group-start=first"),
        .spec = {.ops = &ops, .owner = m, .prefetch = PREFETCH},
    };

    if (broker_consume(w->visit, &consume, &m->consumer, &w->refusal) != 0)
        fail_msg("%s", w->refusal.text);
}

static void settle(struct member *m, size_t i, bool is_done)
{
    struct held h = m->held[i];

    m->held[i] = m->held[--m->count];
    life.is_done[h.number] = is_done;
    if (is_done)
        queue_ack(h.delivery);
    else
        queue_requeue(h.delivery, true);
}

static void leave(struct member *m)
{
    consumer_cancel(m->consumer);
    m->consumer = NULL;
    while (m->count > 0)
        settle(m, m->count - 1, false);
}

static void act(struct member *m)
{
    if (m->consumer == NULL)
        join(m);
    else if (rand_chance(&cuts.rand, 1, 12))
        leave(m);
    for (size_t i = m->count; i > 0; i--)
        if (rand_chance(&cuts.rand, 1, 2))
            settle(m, i - 1, !rand_chance(&cuts.rand, 1, 10));
}

/* All that was acked is written and committed now. */
static void calm(void)
{
    struct group_share shares[PARTITIONS];

    sim_run_for(cuts.world.sim, 150 * WORLD_MS);
    world_settle(&cuts.world);
    if (find_shares(&cuts.world, shares))
        for (size_t i = 0; i < PARTITIONS; i++)
            life.safe[i] = shares[i].offset;
}

static void publish_some(void)
{
    for (uint64_t n = 1 + rand_below(&cuts.rand, 12); n > 0 && life.published < MESSAGES; n--) {
        char props[64];

        snprintf(props, sizeof(props), "persistent headers:x-partition-key=k%" PRIu64,
                 life.published % KEYS);
        cuts_publish(&cuts.world, &(struct cuts_message){.exchange = "",
                                                         .key = "p",
                                                         .props = props,
                                                         .number = life.published,
                                                         .size = BODY_SIZE});
        life.published++;
    }
}

static void test_a_group_goes_on(void **state)
{
    struct broker_world *w = &cuts.world;

    (void)state;
    life = (struct life){.published = 0};
    cuts = (struct cuts){.judge = judge};
    cuts_open(&cuts);
    assert_int_equal(world_queue(w, "p", "durable", "x-queue-type=stream x-partitions=3"), 0);
    assert_int_equal(world_wait(w), 0);
    cuts_begin(&cuts);
    while (life.published < MESSAGES) {
        publish_some();
        sim_run_for(w->sim, rand_below(&cuts.rand, MOMENT_MS) * WORLD_MS);
        for (size_t i = 0; i < MEMBERS; i++)
            act(&life.members[i]);
        if (rand_chance(&cuts.rand, 1, 8))
            calm();
    }
    world_settle(w);
    cuts_end(&cuts);
    for (size_t i = 0; i < MEMBERS; i++)
        if (life.members[i].consumer != NULL)
            leave(&life.members[i]);
    judge(NULL, w);
    assert_true(!cuts.is_whole || life.behind > 0);
    cuts_taking_release(&life.taking);
    cuts_close(&cuts);
}

/* ---- forgotten ---- */

enum { GROUPS = 24, OFFSET = 3 };

static struct forgotten {
    bool is_safe[GROUPS]; /* it has an offset, and that is on the disk */
    bool is_asked[GROUPS];
    bool is_told[GROUPS]; /* that it is forgotten */
} forgotten;

static struct group *find_group(struct broker_world *w, unsigned number)
{
    struct look_queue q;
    bool is_there = look_find_queue(w->broker, bytes_text("/"), bytes_text("p"), &q);
    char name[16];

    assert_true(is_there);
    snprintf(name, sizeof(name), "g%u", number);
    return queue_find_group(q.queue, bytes_text(name));
}

/* All of a group is there or nothing, and nothing once that was told. */
static void judge_forgotten(void *owner, struct broker_world *after)
{
    (void)owner;
    for (unsigned i = 0; i < GROUPS; i++) {
        struct group *g = find_group(after, i);
        unsigned begun = 0;

        for (size_t k = 0; g != NULL && k < PARTITIONS; k++) {
            struct group_share share;

            group_get_share(g, k, &share);
            begun += share.has_offset && share.offset >= (forgotten.is_safe[i] ? OFFSET : 0);
        }
        assert_true(!forgotten.is_told[i] || g == NULL);
        assert_true(!forgotten.is_safe[i] || forgotten.is_asked[i] || begun == PARTITIONS);
        assert_true(!forgotten.is_safe[i] || begun == 0 || begun == PARTITIONS);
    }
}

static void on_set(void *owner, int err, const struct group_step *steps, size_t count)
{
    (void)steps;
    assert_int_equal(err, 0);
    assert_int_equal(count, PARTITIONS);
    *(bool *)owner = true;
}

static void on_forgotten(void *owner, int err)
{
    assert_int_equal(err, 0);
    *(bool *)owner = true;
}

static bool is_true(void *owner)
{
    return *(bool *)owner;
}

static void await(bool *is_told)
{
    assert_true(sim_run_until(cuts.world.sim, is_true, is_told, 1000 * WORLD_MS));
}

/* Somebody comes for a moment, and its offsets are set. */
static void make_group(unsigned number)
{
    const struct group_reset reset = {.goal = GROUP_OFFSET, .value = OFFSET};
    const struct group_calls calls = {.owner = &forgotten.is_safe[number], .done = on_set};
    static const struct consumer_ops ops = {.deliver = take, .cancelled = on_cancelled};
    struct broker_world *w = &cuts.world;
    struct member m = {.count = 0};
    char arguments[64];

    snprintf(arguments, sizeof(arguments), "x-group=g%u x-group-start=next", number);
    const struct consume consume = {.queue = bytes_text("p"),
                                    .arguments = world_table(w, arguments),
                                    .spec = {.ops = &ops, .owner = &m, .prefetch = PREFETCH}};
    assert_int_equal(broker_consume(w->visit, &consume, &m.consumer, &w->refusal), 0);
    sim_run_for(w->sim, rand_below(&cuts.rand, MOMENT_MS) * WORLD_MS);
    consumer_cancel(m.consumer);
    (void)group_reset(find_group(w, number), &reset, &calls);
    await(&forgotten.is_safe[number]);
}

static void forget_group(unsigned number)
{
    const struct group_wait_calls calls = {.owner = &forgotten.is_told[number],
                                           .done = on_forgotten};
    struct group *g = find_group(&cuts.world, number);
    struct queue *q = group_queue(g);

    forgotten.is_asked[number] = true;
    int rv = group_delete(g);
    assert_int_equal(rv, 0);
    (void)group_wait_start(q, &calls);
    if (rand_chance(&cuts.rand, 1, 2))
        await(&forgotten.is_told[number]);
}

static void test_what_is_forgotten_stays_so(void **state)
{
    struct broker_world *w = &cuts.world;

    (void)state;
    life = (struct life){.published = 0};
    forgotten = (struct forgotten){.is_safe = {false}};
    cuts = (struct cuts){.judge = judge_forgotten};
    cuts_open(&cuts);
    assert_int_equal(world_queue(w, "p", "durable", "x-queue-type=stream x-partitions=3"), 0);
    assert_int_equal(world_wait(w), 0);
    while (life.published < MESSAGES / 5)
        publish_some();
    world_settle(w);
    cuts_begin(&cuts);
    for (unsigned i = 0; i < GROUPS; i++) {
        make_group(i);
        if (i % 4 > 0)
            forget_group(i - 1);
        publish_some();
    }
    world_settle(w);
    cuts_end(&cuts);
    judge_forgotten(NULL, w);
    cuts_close(&cuts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_a_group_goes_on, cuts_teardown),
        cmocka_unit_test_teardown(test_what_is_forgotten_stays_so, cuts_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
