/* The log of an exchange, and its replay into a queue while publishing goes on, with power cuts at
 * every operation: the replay goes on where it was, with no gap and nothing twice, and then what is
 * published comes by itself. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "broker/replay.h"
#include "tests/lib/test.h"
#include "tests/sim/cuts.h"

enum {
    AFTERWARDS = 5,
    ALL = 500, /* messages, at most */
    LONG_SPARSE = 8,
    BODY_SIZE = 600,
    KEYS = 5,
    PATIENCE = 500,
};

static struct cuts cuts; /* large */

struct life {
    uint64_t history;
    uint64_t live;
    bool has_partitions;
    bool is_worked_off;
    bool has_other; /* another binding: the queue is not held, the replay follows */
    bool is_bound;  /* and that is safe */
    uint64_t published;
    bool is_acked[ALL];
    struct cuts_taking acking; /* just now */
    struct cuts_taking taking;
    unsigned unfinished; /* times that a replay went on after the cut */
    unsigned over;       /* times that it was over */
};

static uint64_t confirmed(void)
{
    return cuts.world.publisher.told.confirmed;
}

static void publish(struct broker_world *w, uint64_t number)
{
    char key[16];

    snprintf(key, sizeof(key), "order.%" PRIu64, number % KEYS);
    cuts_publish(w, &(struct cuts_message){.exchange = "orders",
                                           .key = key,
                                           .props = "persistent",
                                           .number = number,
                                           .size = BODY_SIZE});
}

static void wait_for_replays(struct broker_world *w)
{
    for (unsigned i = 0; i < PATIENCE && replay_next(w->broker, NULL) != NULL; i++)
        sim_run_for(w->sim, 10 * WORLD_MS);
    assert_null(replay_next(w->broker, NULL));
}

/* In the order of the log: of all, or of each key when there are partitions. Those below `end` that
 * were not acked are all there; nothing is there twice. */
static void judge_order(struct life *l, uint64_t end)
{
    static bool is_there[ALL];
    const struct cuts_taking *t = &l->taking;
    uint64_t next[KEYS] = {0};
    bool is_live = false;

    memset(is_there, 0, sizeof(is_there));
    for (size_t i = 0; i < t->count; i++) {
        uint64_t number = t->items[i].number;
        uint64_t *at = &next[l->has_partitions ? number % KEYS : 0];

        assert_true(number < ALL && !is_there[number] && number >= *at);
        is_there[number] = true;
        *at = number + 1;
        assert_true(!is_live || !t->items[i].is_replayed); /* the seam is one moment */
        is_live = !t->items[i].is_replayed;
    }
    for (size_t i = 0; i < l->acking.count; i++)
        l->is_acked[l->acking.items[i].number] = true;
    for (uint64_t i = 0; i < end; i++)
        assert_true(is_there[i] || l->is_acked[i]);
}

/* What the log of the exchange has: everything, in order. Returns how much. */
static uint64_t judge_log(struct life *l, struct broker_world *after)
{
    struct cuts_taking *t = &l->taking;
    uint64_t next[KEYS];

    for (uint64_t i = 0; i < KEYS; i++)
        next[i] = i;
    cuts_take(after, "amq.log.orders", "x-stream-offset=first", t);
    for (size_t i = 0; i < t->count; i++) {
        uint64_t *at = &next[t->items[i].number % KEYS];

        assert_int_equal(t->items[i].number, *at);
        *at += KEYS;
    }
    assert_in_range(t->count, confirmed(), l->published);
    if (!l->has_partitions)
        cuts_expect_row(t, 0);
    return t->count;
}

static void judge(void *owner, struct broker_world *after)
{
    struct life *l = owner;
    uint64_t kept = judge_log(l, after);
    bool was_unfinished = replay_next(cuts.world.broker, NULL) != NULL;

    wait_for_replays(after);
    cuts_take(after, "audit", "", &l->taking);
    if (l->taking.count == 0 && !l->is_bound)
        return; /* it may be that it was never bound */
    l->unfinished += was_unfinished;
    l->over += !was_unfinished;
    judge_order(l, kept);
    for (uint64_t i = 0; i < AFTERWARDS; i++)
        publish(after, kept + i);
    world_settle(after);
    cuts_take(after, "audit", "", &l->taking);
    assert_int_equal(l->taking.count, AFTERWARDS);
    cuts_expect_row(&l->taking, kept);
    assert_false(l->taking.items[0].is_replayed);
}

static void work_off(struct life *l)
{
    cuts_take(&cuts.world, "audit", "", &l->acking);
    for (size_t i = 0; i < l->acking.count; i++)
        l->is_acked[l->acking.items[i].number] = true;
    l->acking.count = 0;
}

static void live(struct life *l, uint64_t sparse)
{
    struct broker_world *w = &cuts.world;
    const char *arguments = l->has_partitions ? "x-log=true x-partitions=3" : "x-log=true";

    cuts = (struct cuts){.owner = l, .judge = judge, .sparse = sparse};
    cuts_open(&cuts);
    assert_int_equal(world_exchange(w, "orders", "topic durable", arguments), 0);
    assert_int_equal(world_queue(w, "audit", "durable", ""), 0);
    if (l->has_other)
        assert_int_equal(world_bind(w, "amq.topic audit", "none", ""), 0);
    assert_int_equal(world_wait(w), 0);
    while (l->published < l->history) {
        publish(w, l->published);
        l->published++;
    }
    world_settle(w);
    cuts_begin(&cuts);
    assert_int_equal(world_bind(w, "orders audit", "order.*", "x-replay-from=first"), 0);
    publish(w, l->published);
    l->published++;
    assert_int_equal(world_wait(w), 0);
    l->is_bound = true;
    while (l->published < l->history + l->live) {
        for (uint64_t n = rand_below(&cuts.rand, 8); n > 0 && l->published < l->history + l->live;
             n--) {
            publish(w, l->published);
            l->published++;
        }
        sim_run_for(w->sim, rand_below(&cuts.rand, 2000) * 1000);
        if (l->is_worked_off && rand_chance(&cuts.rand, 1, 16))
            work_off(l);
    }
    wait_for_replays(w);
    world_settle(w);
    cuts_end(&cuts);
    assert_true(!cuts.is_whole || (l->unfinished > 0 && l->over > 0));
    cuts_take(w, "audit", "", &l->taking);
    judge_order(l, l->published);
    cuts_taking_release(&l->taking);
    cuts_taking_release(&l->acking);
    cuts_close(&cuts);
}

static void test_a_replay(void **state)
{
    static struct life l; /* large */

    (void)state;
    l = (struct life){.history = 120, .live = 60};
    live(&l, 1);
}

static void test_a_replay_that_is_worked_off_meanwhile(void **state)
{
    static struct life l; /* large */

    (void)state;
    l = (struct life){.history = 300, .live = 150, .is_worked_off = true};
    live(&l, LONG_SPARSE);
}

static void test_a_replay_that_follows(void **state)
{
    static struct life l; /* large */

    (void)state;
    l = (struct life){.history = 120, .live = 60, .is_worked_off = true, .has_other = true};
    live(&l, 1);
}

static void test_a_replay_of_partitions(void **state)
{
    static struct life l; /* large */

    (void)state;
    l = (struct life){.history = 120, .live = 60, .is_worked_off = true, .has_partitions = true};
    live(&l, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_a_replay, cuts_teardown),
        cmocka_unit_test_teardown(test_a_replay_that_is_worked_off_meanwhile, cuts_teardown),
        cmocka_unit_test_teardown(test_a_replay_that_follows, cuts_teardown),
        cmocka_unit_test_teardown(test_a_replay_of_partitions, cuts_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
