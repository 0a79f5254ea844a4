/* Streams that let go of what is old, or too much, with power cuts at every operation: nothing goes
 * before it may, what may go goes in the end, a queue that is not worked off keeps its own messages
 * and not those of the streams, and what a reader has in his hands stays as it is. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "broker/consume.h"
#include "store/store.h"
#include "tests/lib/test.h"
#include "tests/sim/cuts.h"

enum {
    MESSAGES = 300,
    BODY_SIZE = 400,
    AGE_MS = 20000,
    KEPT_BYTES = 32 << 10,
    FILE_BYTES = 16 << 10,
    PREFETCH = 4,
    PINS = 8,
    PATIENCE_MS = 60000, /* in so long all that may go has gone */
};

static struct cuts cuts; /* large */

/* Who reads slowly from the first message on, and keeps some of what he got. */
struct reader_of_it {
    struct consumer *consumer;
    struct delivery *held[PREFETCH];
    size_t count;
    uint64_t next; /* the lowest number that may come */
    struct {
        struct store_pin pin;
        struct bytes body;
        uint64_t number;
    } pins[PINS];
    size_t pin_count;
};

static struct life {
    uint64_t published;
    int64_t at_ms[MESSAGES]; /* when */
    struct reader_of_it reader;
    struct cuts_taking taking;
    unsigned shortened; /* cuts at which the old ones were gone */
    unsigned skipped;   /* messages that the reader missed, for they were too old */
} life;

static uint64_t confirmed(void)
{
    return cuts.world.publisher.told.confirmed / 2;
}

/* ---- judged ---- */

/* The numbers are the offsets; returns the first. */
static uint64_t expect_end(const struct cuts_taking *t)
{
    for (size_t i = 0; i < t->count; i++)
        assert_int_equal(t->items[i].number, t->items[i].offset);
    if (t->count > 0)
        cuts_expect_row(t, t->items[0].number);
    else
        assert_int_equal(confirmed(), 0);
    uint64_t first = t->count > 0 ? t->items[0].number : 0;
    assert_in_range(first + t->count, confirmed(), life.published);
    return first;
}

static void judge_age(struct broker_world *after)
{
    cuts_take(after, "old", "x-stream-offset=first", &life.taking);
    uint64_t first = expect_end(&life.taking);
    int64_t now_ms = io_wall_ms(after->io);

    for (uint64_t i = 0; i < first; i++)
        assert_true(now_ms - life.at_ms[i] >= AGE_MS);
    life.shortened += first > 0;
}

static void judge_bytes(struct broker_world *after)
{
    cuts_take(after, "much", "x-stream-offset=first", &life.taking);
    if (expect_end(&life.taking) > 0)
        assert_true(life.taking.count * BODY_SIZE > KEPT_BYTES - 2 * FILE_BYTES);
}

static void judge(void *owner, struct broker_world *after)
{
    (void)owner;
    judge_age(after);
    judge_bytes(after);
    cuts_take(after, "work", "", &life.taking);
    cuts_expect_row(&life.taking, 0);
    assert_in_range(life.taking.count, confirmed(), life.published);
}

/* ---- the reader ---- */

static void pin(struct reader_of_it *r, const struct stored *m, struct store_pin p, uint64_t number)
{
    if (r->pin_count == PINS)
        return;
    r->pins[r->pin_count].pin = store_pin_ref(p);
    r->pins[r->pin_count].body = m->body;
    r->pins[r->pin_count++].number = number;
}

static uint64_t number_of(struct bytes body)
{
    uint64_t number = 0;

    assert_int_equal(body.size, BODY_SIZE);
    for (size_t i = 0; i < body.size && body.data[i] != '.'; i++)
        number = number * 10 + (uint64_t)(body.data[i] - '0');
    return number;
}

/* What he did not get was too old. */
static bool take(void *owner, struct consumer *c, struct delivery *d, const struct stored *m,
                 struct store_pin p)
{
    struct reader_of_it *r = owner;
    uint64_t number = number_of(m->body);

    (void)c;
    assert_true(r->count < PREFETCH && number >= r->next);
    for (uint64_t i = r->next; i < number; i++) {
        assert_true(io_wall_ms(cuts.world.io) - life.at_ms[i] >= AGE_MS);
        life.skipped++;
    }
    r->next = number + 1;
    r->held[r->count++] = d;
    if (number % 32 == 0)
        pin(r, m, p, number);
    return true;
}

static void on_cancelled(void *owner, struct consumer *c, enum cancel_reason reason)
{
    (void)owner;
    (void)c;
    fail_msg("the reader is cancelled: %d", (int)reason);
}

static void come(struct reader_of_it *r)
{
    static const struct consumer_ops ops = {.deliver = take, .cancelled = on_cancelled};
    struct broker_world *w = &cuts.world;
    const struct consume consume = {.queue = bytes_text("old"),
                                    .arguments = world_table(w, "x-stream-offset=first"),
                                    .spec = {.ops = &ops, .owner = r, .prefetch = PREFETCH}};

    if (broker_consume(w->visit, &consume, &r->consumer, &w->refusal) != 0)
        fail_msg("%s", w->refusal.text);
}

static void ack_some(struct reader_of_it *r)
{
    while (r->count > 0 && rand_chance(&cuts.rand, 1, 2)) {
        queue_ack(r->held[0]);
        memmove(&r->held[0], &r->held[1], --r->count * sizeof(r->held[0]));
    }
}

static void go(struct reader_of_it *r)
{
    while (r->count > 0)
        queue_ack(r->held[--r->count]);
    consumer_cancel(r->consumer);
    assert_true(r->pin_count > 0);
    for (size_t i = 0; i < r->pin_count; i++) {
        assert_int_equal(number_of(r->pins[i].body), r->pins[i].number);
        store_pin_release(r->pins[i].pin);
    }
}

/* ---- lived ---- */

static void publish_one(void)
{
    struct broker_world *w = &cuts.world;
    struct cuts_message m = {.exchange = "all",
                             .key = "",
                             .props = "persistent",
                             .number = life.published,
                             .size = BODY_SIZE};

    life.at_ms[life.published++] = io_wall_ms(w->io);
    cuts_publish(w, &m);
    m.exchange = ""; /* no queue has it too */
    m.key = "much";
    cuts_publish(w, &m);
}

static void judge_what_is_left(struct broker_world *w)
{
    sim_run_for(w->sim, PATIENCE_MS * WORLD_MS);
    cuts_take(w, "old", "x-stream-offset=first", &life.taking);
    assert_in_range(life.taking.count, 0, MESSAGES / 2); /* the newest file may stay */
    cuts_take(w, "much", "x-stream-offset=first", &life.taking);
    assert_in_range(life.taking.count * BODY_SIZE, 1, KEPT_BYTES + 2 * FILE_BYTES);
    cuts_publish(w, &(struct cuts_message){
                        .exchange = "all", .key = "", .props = "persistent", .number = MESSAGES});
    world_settle(w);
    cuts_take(w, "old", "x-stream-offset=last", &life.taking);
    assert_int_equal(life.taking.items[life.taking.count - 1].offset, MESSAGES);
}

static void declare(struct broker_world *w)
{
    assert_int_equal(world_exchange(w, "all", "fanout durable", ""), 0);
    assert_int_equal(world_queue(w, "old", "durable",
                                 "x-queue-type=stream x-max-age=20s "
                                 "x-stream-max-segment-size-bytes=16384"),
                     0);
    assert_int_equal(world_queue(w, "much", "durable",
                                 "x-queue-type=stream x-max-length-bytes=32768 "
                                 "x-stream-max-segment-size-bytes=16384"),
                     0);
    assert_int_equal(world_queue(w, "work", "durable", ""), 0);
    assert_int_equal(world_bind(w, "all old", "", ""), 0);
    assert_int_equal(world_bind(w, "all work", "", ""), 0);
    assert_int_equal(world_wait(w), 0);
}

static void test_what_may_go_goes(void **state)
{
    struct broker_world *w = &cuts.world;

    (void)state;
    life = (struct life){.published = 0};
    cuts = (struct cuts){.judge = judge};
    cuts_open(&cuts);
    declare(w);
    cuts_begin(&cuts);
    come(&life.reader);
    while (life.published < MESSAGES) {
        for (uint64_t n = 1 + rand_below(&cuts.rand, 16); n > 0 && life.published < MESSAGES; n--)
            publish_one();
        sim_run_for(w->sim, rand_below(&cuts.rand, 4) * WORLD_MS);
        ack_some(&life.reader);
        if (rand_chance(&cuts.rand, 1, 3))
            sim_run_for(w->sim, 6000 * WORLD_MS); /* retention is looked at */
    }
    world_settle(w);
    cuts_end(&cuts);
    judge(NULL, w);
    sim_run_for(w->sim, PATIENCE_MS * WORLD_MS);
    go(&life.reader);
    judge_what_is_left(w);
    assert_true(!cuts.is_whole || (life.shortened > 0 && life.skipped > 0));
    cuts_taking_release(&life.taking);
    cuts_close(&cuts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_what_may_go_goes, cuts_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
