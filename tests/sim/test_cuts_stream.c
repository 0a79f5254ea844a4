/* A stream, a stream with partitions and a queue that are all published to at once, with power cuts
 * at every operation: what was confirmed is there, under its offset, in order, whatever retention,
 * the sorter and checkpoints were doing. And a compacted stream: the newest value of every key. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "broker/broker.h"
#include "tests/lib/leaks.h"
#include "tests/lib/test.h"
#include "tests/sim/cuts.h"

enum {
    MESSAGES = 400,
    BODY_SIZE = 400,
    KEYS = 7,
    KEPT_BYTES = 64 << 10,
    FILE_BYTES = 16 << 10,
    MOMENT_MS = 3,
};

static struct cuts cuts; /* large */

/* ---- what is published to all of them ---- */

struct life {
    uint64_t published;
    uint64_t acked;            /* of the queue: below, all were */
    struct cuts_taking acking; /* and these, just now */
    struct cuts_taking taking;
    unsigned shortened; /* times that the stream had lost its beginning */
};

static uint64_t confirmed(void)
{
    return cuts.world.publisher.told.confirmed;
}

/* Offsets without a gap, and under each the message that was published so; the newest are there, as
 * much as is to be kept. */
static void judge_stream(struct life *l, struct broker_world *after)
{
    struct cuts_taking *t = &l->taking;
    uint64_t bytes = 0;

    cuts_take(after, "s", "x-stream-offset=first", t);
    if (t->count == 0) {
        assert_int_equal(confirmed(), 0);
        return;
    }
    uint64_t first = t->items[0].offset;
    for (size_t i = 0; i < t->count; i++) {
        assert_int_equal(t->items[i].offset, first + i);
        assert_int_equal(t->items[i].number, first + i);
        bytes += t->items[i].body_size;
    }
    assert_in_range(first + t->count, confirmed(), l->published);
    if (first > 0) {
        assert_true(bytes > KEPT_BYTES - 2 * FILE_BYTES);
        l->shortened++;
    }
}

/* Each key in order, and none of its messages left out. */
static void judge_partitions(struct life *l, struct broker_world *after)
{
    struct cuts_taking *t = &l->taking;
    uint64_t next[KEYS];

    for (uint64_t i = 0; i < KEYS; i++)
        next[i] = i;
    cuts_take(after, "p", "x-stream-offset=first", t);
    for (size_t i = 0; i < t->count; i++) {
        uint64_t key = t->items[i].number % KEYS;

        assert_int_equal(t->items[i].number, next[key]);
        next[key] += KEYS;
    }
    for (uint64_t i = 0; i < KEYS; i++)
        assert_true(next[i] >= confirmed());
}

/* What was acked may come again, what was not must come. */
static void judge_queue(struct life *l, struct broker_world *after)
{
    struct cuts_taking *t = &l->taking;
    uint64_t acked = l->acked + l->acking.count;

    cuts_take(after, "q", "", t);
    if (t->count > 0) {
        cuts_expect_row(t, t->items[0].number);
        assert_true(t->items[0].number <= acked);
        assert_in_range(t->items[0].number + t->count, confirmed(), l->published);
    } else {
        assert_true(acked >= confirmed());
    }
}

/* The broker works on: the next message has the next offset. */
static void judge_what_comes(struct life *l, struct broker_world *after)
{
    struct cuts_taking *t = &l->taking;
    uint64_t before = after->publisher.told.confirmed;
    uint64_t next;

    cuts_take(after, "s", "x-stream-offset=last", t);
    next = t->count == 0 ? 0 : t->items[0].offset + 1;
    cuts_publish(after,
                 &(struct cuts_message){
                     .exchange = "all", .key = "0", .props = "persistent", .number = 123456});
    world_settle(after);
    assert_int_equal(after->publisher.told.confirmed, before + 1);
    cuts_take(after, "s", "x-stream-offset=last", t);
    assert_int_equal(t->count, 1);
    assert_int_equal(t->items[0].number, 123456);
    assert_int_equal(t->items[0].offset, next);
}

static void judge_all(void *owner, struct broker_world *after)
{
    struct life *l = owner;

    judge_stream(l, after);
    judge_partitions(l, after);
    judge_queue(l, after);
    judge_what_comes(l, after);
}

/* Acks some of what the queue has. */
static void work_off(struct life *l)
{
    cuts_take(&cuts.world, "q", "", &l->acking);
    cuts_expect_row(&l->acking, l->acked);
    l->acked += l->acking.count;
    l->acking.count = 0;
}

static void test_streams_and_a_queue(void **state)
{
    struct life l = {0};
    struct broker_world *w = &cuts.world;

    (void)state;
    cuts = (struct cuts){.owner = &l, .judge = judge_all};
    cuts_open(&cuts);
    assert_int_equal(world_exchange(w, "all", "fanout durable", ""), 0);
    assert_int_equal(world_queue(w, "s", "durable",
                                 "x-queue-type=stream x-max-length-bytes=65536 "
                                 "x-stream-max-segment-size-bytes=16384"),
                     0);
    assert_int_equal(world_queue(w, "p", "durable", "x-queue-type=stream x-partitions=3"), 0);
    assert_int_equal(world_queue(w, "q", "durable", ""), 0);
    assert_int_equal(world_bind(w, "all s", "", ""), 0);
    assert_int_equal(world_bind(w, "all p", "", ""), 0);
    assert_int_equal(world_bind(w, "all q", "", ""), 0);
    assert_int_equal(world_wait(w), 0);
    cuts_begin(&cuts);
    while (l.published < MESSAGES) {
        for (uint64_t n = 1 + rand_below(&cuts.rand, 16); n > 0; n--) {
            char key[8];

            snprintf(key, sizeof(key), "k%" PRIu64, l.published % KEYS);
            cuts_publish(w, &(struct cuts_message){.exchange = "all",
                                                   .key = key,
                                                   .props = "persistent",
                                                   .number = l.published,
                                                   .size = BODY_SIZE});
            l.published++;
        }
        sim_run_for(w->sim, rand_below(&cuts.rand, MOMENT_MS) * WORLD_MS);
        if (rand_chance(&cuts.rand, 1, 8))
            work_off(&l);
        if (rand_chance(&cuts.rand, 1, 8))
            sim_run_for(w->sim, 5000 * WORLD_MS); /* retention is looked at */
    }
    sim_run_for(w->sim, 12000 * WORLD_MS);
    cuts_end(&cuts);
    judge_all(&l, w);
    assert_true(!cuts.is_whole || l.shortened > 0);
    cuts_taking_release(&l.acking);
    cuts_taking_release(&l.taking);
    cuts_close(&cuts);
}

/* ---- the newest of each key ---- */

struct prices {
    uint64_t count;
    uint8_t key_of[MESSAGES];
    bool is_empty[MESSAGES];
    struct cuts_taking taking;
    unsigned gaps; /* times that something was compacted away */
};

static void judge_prices(void *owner, struct broker_world *after)
{
    struct prices *l = owner;
    struct cuts_taking *t = &l->taking;
    uint64_t seen[KEYS] = {0}, newest[KEYS] = {0}; /* offset + 1 */

    cuts_take(after, "c", "x-stream-offset=first", t);
    for (size_t i = 0; i < t->count; i++) {
        uint64_t offset = t->items[i].offset;

        assert_true(offset < l->count);
        assert_true(i == 0 || offset > t->items[i - 1].offset);
        if (l->is_empty[offset])
            assert_int_equal(t->items[i].body_size, 0);
        else
            assert_int_equal(t->items[i].number, offset);
        seen[l->key_of[offset]] = offset + 1;
    }
    for (uint64_t i = 0; i < confirmed(); i++)
        newest[l->key_of[i]] = i + 1;
    for (unsigned i = 0; i < KEYS; i++)
        assert_true(seen[i] >= newest[i]);
    l->gaps += t->count > 0 && t->items[t->count - 1].offset + 1 > t->count;
}

static void publish_price(struct prices *l)
{
    uint64_t number = l->count, key = rand_below(&cuts.rand, KEYS);
    char headers[64];

    l->key_of[number] = (uint8_t)key;
    l->is_empty[number] = rand_chance(&cuts.rand, 1, 10);
    snprintf(headers, sizeof(headers), "persistent headers:x-partition-key=k%" PRIu64, key);
    cuts_publish(&cuts.world, &(struct cuts_message){.exchange = "",
                                                     .key = "c",
                                                     .props = headers,
                                                     .number = number,
                                                     .size = BODY_SIZE,
                                                     .is_empty = l->is_empty[number]});
    l->count++;
}

static void test_a_compacted_stream(void **state)
{
    static struct prices l; /* large */
    struct broker_world *w = &cuts.world;

    (void)state;
    l = (struct prices){.count = 0};
    cuts = (struct cuts){.owner = &l, .judge = judge_prices};
    cuts_open(&cuts);
    assert_int_equal(world_queue(w, "c", "durable",
                                 "x-queue-type=stream x-compact=true "
                                 "x-stream-max-segment-size-bytes=16384"),
                     0);
    assert_int_equal(world_wait(w), 0);
    cuts_begin(&cuts);
    while (l.count < MESSAGES) {
        for (uint64_t n = 1 + rand_below(&cuts.rand, 16); n > 0 && l.count < MESSAGES; n--)
            publish_price(&l);
        sim_run_for(w->sim, rand_below(&cuts.rand, MOMENT_MS) * WORLD_MS);
        if (rand_chance(&cuts.rand, 1, 6))
            sim_run_for(w->sim, 6000 * WORLD_MS); /* compactions are asked for */
    }
    sim_run_for(w->sim, 12000 * WORLD_MS);
    cuts_end(&cuts);
    judge_prices(&l, w);
    assert_true(!cuts.is_whole || l.gaps > 0);
    cuts_taking_release(&l.taking);
    cuts_close(&cuts);
}

/* ---- a queue alone ---- */

static void judge_work(void *owner, struct broker_world *after)
{
    judge_queue(owner, after);
}

/* What is worked off is sorted away; whatever of that a crash forgets, nothing is missed. */
static void test_a_queue_that_is_worked_off(void **state)
{
    struct life l = {0};
    struct broker_world *w = &cuts.world;

    (void)state;
    cuts = (struct cuts){.owner = &l, .judge = judge_work};
    cuts_open(&cuts);
    assert_int_equal(world_queue(w, "q", "durable", ""), 0);
    assert_int_equal(world_wait(w), 0);
    cuts_begin(&cuts);
    while (l.published < MESSAGES) {
        for (uint64_t n = 1 + rand_below(&cuts.rand, 64); n > 0; n--) {
            cuts_publish(w, &(struct cuts_message){.exchange = "",
                                                   .key = "q",
                                                   .props = "persistent",
                                                   .number = l.published,
                                                   .size = BODY_SIZE});
            l.published++;
        }
        if (rand_chance(&cuts.rand, 1, 2))
            sim_run_for(w->sim, rand_below(&cuts.rand, MOMENT_MS) * WORLD_MS);
        if (rand_chance(&cuts.rand, 1, 2))
            work_off(&l);
    }
    world_settle(w);
    cuts_end(&cuts);
    judge_work(&l, w);
    cuts_taking_release(&l.acking);
    cuts_taking_release(&l.taking);
    cuts_close(&cuts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_a_queue_that_is_worked_off, cuts_teardown),
        cmocka_unit_test_teardown(test_streams_and_a_queue, cuts_teardown),
        cmocka_unit_test_teardown(test_a_compacted_stream, cuts_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
