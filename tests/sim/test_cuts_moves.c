/* Messages that move or come again, with power cuts at every operation: delays fire once, in their
 * order and not early; numbered publishers and values of x-deduplication-header are remembered, so
 * what is sent again is there once, and forgotten when they may be; what was taken and what came of
 * it change together. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "broker/tx.h"
#include "tests/lib/test.h"
#include "tests/sim/cuts.h"

enum {
    MESSAGES = 120,
    TASKS = 120,
    BODY_SIZE = 400,
    DELAY_MAX_MS = 2000,
    FUTURE = 4, /* messages that are new after a cut */
    BURST_MAX = 12,
    LEAST_DELAYS = 20,
    DATES_EACH_MS = 250,
    ON_THE_WAY_MS = 20, /* at most, from the publisher into a batch that is closed */
};

static struct cuts cuts; /* large */

static uint64_t confirmed(void)
{
    return cuts.world.publisher.told.confirmed;
}

/* ---- delays ---- */

struct delays {
    uint64_t published;
    int64_t due_ms[MESSAGES];
    bool has_date[MESSAGES]; /* many have the same */
    struct cuts_taking taking;
    unsigned early; /* cuts with messages that were not due */
};

static void publish_delayed(struct delays *l)
{
    int64_t delay_ms = (int64_t)rand_below(&cuts.rand, DELAY_MAX_MS);
    int64_t due_ms = io_wall_ms(cuts.world.io) + delay_ms;
    char props[64];

    l->has_date[l->published] = rand_chance(&cuts.rand, 1, 3);
    if (l->has_date[l->published]) {
        due_ms += ON_THE_WAY_MS + DATES_EACH_MS - (due_ms + ON_THE_WAY_MS) % DATES_EACH_MS;
        snprintf(props, sizeof(props), "persistent headers:x-deliver-at=%" PRId64, due_ms);
    } else {
        snprintf(props, sizeof(props), "persistent headers:x-delay=%" PRId64, delay_ms);
    }
    cuts_publish(&cuts.world, &(struct cuts_message){.exchange = "later",
                                                     .key = "work",
                                                     .props = props,
                                                     .number = l->published,
                                                     .size = BODY_SIZE});
    l->due_ms[l->published++] = due_ms;
}

/* A delay begins when the broker has the message, and what is found again has the time at which
 * its batch was closed: those that are due at nearly one time may have changed places. A date is a
 * date. */
static void judge_order_of_dates(const struct delays *l)
{
    const struct cuts_taking *t = &l->taking;
    bool is_there[MESSAGES] = {false};
    int64_t latest_ms = 0; /* of those with a date */
    uint64_t latest = 0;

    for (size_t i = 0; i < t->count; i++) {
        uint64_t number = t->items[i].number;

        assert_true(number < l->published && !is_there[number]);
        is_there[number] = true;
        if (l->has_date[number]) {
            int64_t due_ms = l->due_ms[number];
            assert_true(latest_ms < due_ms || (latest_ms == due_ms && latest < number));
            latest_ms = due_ms;
            latest = number;
        }
        if (i == 0)
            continue;
        uint64_t before = t->items[i - 1].number;
        assert_true(l->due_ms[before] < l->due_ms[number] + ON_THE_WAY_MS);
    }
    for (uint64_t i = 0; i < confirmed(); i++)
        assert_true(is_there[i]);
}

static void judge_delays(void *owner, struct broker_world *after)
{
    struct delays *l = owner;
    struct cuts_taking *t = &l->taking;

    cuts_take(after, "work", "", t);
    for (size_t i = 0; i < t->count; i++)
        assert_true(l->due_ms[t->items[i].number] <= io_wall_ms(after->io));
    l->early += t->count < confirmed();
    sim_run_for(after->sim, 2 * DELAY_MAX_MS * WORLD_MS);
    cuts_take_more(after, "work", "", t);
    judge_order_of_dates(l);
}

static void test_delays(void **state)
{
    static struct delays l; /* large */
    struct broker_world *w = &cuts.world;

    (void)state;
    l = (struct delays){.published = 0};
    cuts = (struct cuts){.owner = &l, .judge = judge_delays};
    cuts_open(&cuts);
    assert_int_equal(
        world_exchange(w, "later", "x-delayed-message durable", "x-delayed-type=direct"), 0);
    assert_int_equal(world_queue(w, "work", "durable", ""), 0);
    assert_int_equal(world_bind(w, "later work", "work", ""), 0);
    assert_int_equal(world_wait(w), 0);
    cuts_begin(&cuts);
    while (l.published < MESSAGES) {
        for (uint64_t n = 1 + rand_below(&cuts.rand, BURST_MAX); n > 0 && l.published < MESSAGES;
             n--)
            publish_delayed(&l);
        sim_run_for(w->sim, rand_below(&cuts.rand, 200) * WORLD_MS);
    }
    sim_run_for(w->sim, 2 * DELAY_MAX_MS * WORLD_MS);
    cuts_end(&cuts);
    judge_delays(&l, w);
    assert_true(!cuts.is_whole || l.early > LEAST_DELAYS);
    cuts_taking_release(&l.taking);
    cuts_close(&cuts);
}

/* ---- sent again ---- */

/* What is published to three queues, which know what they had in three ways. */
struct again {
    uint64_t published;
    uint64_t acked;            /* of the numbered one: below, all were */
    struct cuts_taking acking; /* and these, just now */
    struct cuts_taking taking;
};

static void publish_known(struct broker_world *w, uint64_t number)
{
    static const char *const exchanges[] = {"", "seen", ""};
    static const char *const keys[] = {"numbered", "", "held"};
    char props[3][96];

    snprintf(props[0], sizeof(props[0]),
             "persistent headers:x-publisher-id=p x-publish-seq=%" PRIu64, number);
    for (int i = 1; i < 3; i++)
        snprintf(props[i], sizeof(props[i]), "persistent headers:x-deduplication-header=m%" PRIu64,
                 number);
    for (int i = 0; i < 3; i++)
        cuts_publish(w, &(struct cuts_message){.exchange = exchanges[i],
                                               .key = keys[i],
                                               .props = props[i],
                                               .number = number,
                                               .size = BODY_SIZE});
}

/* Numbers from at most `first` on, each once, up to `end`. */
static void judge_once(struct again *l, struct broker_world *after, const char *queue,
                       uint64_t first)
{
    struct cuts_taking *t = &l->taking;

    cuts_take(after, queue, "", t);
    assert_true(t->count > 0 && t->items[0].number <= first);
    cuts_expect_row(t, t->items[0].number);
    assert_int_equal(t->items[0].number + t->count, l->published + FUTURE);
}

/* The publisher knows nothing any more, and sends all of it again, and then what is new. */
static void judge_again(void *owner, struct broker_world *after)
{
    struct again *l = owner;
    uint64_t before = after->publisher.told.confirmed;

    for (uint64_t i = 0; i < l->published + FUTURE; i++)
        publish_known(after, i);
    world_settle(after);
    assert_int_equal(after->publisher.told.confirmed, before + 3 * (l->published + FUTURE));
    judge_once(l, after, "numbered", l->acked + l->acking.count);
    judge_once(l, after, "taken", 0);
    judge_once(l, after, "held", 0);
}

static void take_numbered(struct again *l)
{
    cuts_take(&cuts.world, "numbered", "", &l->acking);
    cuts_expect_row(&l->acking, l->acked);
    l->acked += l->acking.count;
    l->acking.count = 0;
}

static void test_what_is_sent_again_is_there_once(void **state)
{
    struct again l = {0};
    struct broker_world *w = &cuts.world;

    (void)state;
    cuts = (struct cuts){.owner = &l, .judge = judge_again};
    cuts_open(&cuts);
    assert_int_equal(
        world_exchange(w, "seen", "x-message-deduplication durable", "x-cache-size=1000"), 0);
    assert_int_equal(world_queue(w, "numbered", "durable", ""), 0);
    assert_int_equal(world_queue(w, "taken", "durable", ""), 0);
    assert_int_equal(world_queue(w, "held", "durable", "x-message-deduplication=true"), 0);
    assert_int_equal(world_bind(w, "seen taken", "", ""), 0);
    assert_int_equal(world_wait(w), 0);
    cuts_begin(&cuts);
    while (l.published < MESSAGES) {
        for (uint64_t n = 1 + rand_below(&cuts.rand, BURST_MAX); n > 0; n--)
            publish_known(w, l.published++);
        sim_run_for(w->sim, rand_below(&cuts.rand, 3) * WORLD_MS);
        if (rand_chance(&cuts.rand, 1, 8))
            take_numbered(&l);
    }
    world_settle(w);
    cuts_end(&cuts);
    cuts_taking_release(&l.acking);
    cuts_taking_release(&l.taking);
    cuts_close(&cuts);
}

/* ---- known for so long, and so many ---- */

enum { CACHE_SIZE = 8, CACHE_TTL_MS = 2000, CACHE_SLACK_MS = 100 };

struct bounded {
    uint64_t published;
    int64_t at_ms[MESSAGES]; /* when */
    struct cuts_taking taking;
    unsigned forgotten; /* that were too old, in all cuts */
};

static void publish_bounded(struct broker_world *w, const char *exchange, uint64_t number)
{
    char props[96];

    snprintf(props, sizeof(props), "persistent headers:x-deduplication-header=m%" PRIu64, number);
    cuts_publish(
        w,
        &(struct cuts_message){
            .exchange = exchange, .key = "", .props = props, .number = number, .size = BODY_SIZE});
}

/* How many of those that were published survived: the first so many. */
static uint64_t survivors(struct bounded *l, struct broker_world *after, const char *queue,
                          uint64_t safe)
{
    cuts_take(after, queue, "", &l->taking);
    cuts_expect_row(&l->taking, 0);
    assert_in_range(l->taking.count, safe, l->published);
    return l->taking.count;
}

/* Of the newest so many each is known, and of the others none. */
static void judge_few(struct bounded *l, struct broker_world *after, uint64_t safe)
{
    uint64_t count = survivors(l, after, "few", safe);
    uint64_t known = count < CACHE_SIZE ? count : CACHE_SIZE;

    for (uint64_t i = count - known; i < count; i++)
        publish_bounded(after, "few", i);
    cuts_take(after, "few", "", &l->taking);
    assert_int_equal(l->taking.count, 0);
    for (uint64_t i = 0; i < count - known; i++)
        publish_bounded(after, "few", i);
    cuts_take(after, "few", "", &l->taking);
    assert_int_equal(l->taking.count, count - known);
    cuts_expect_row(&l->taking, 0);
}

/* Each is known until its time is over, and no longer. */
static void judge_brief(struct bounded *l, struct broker_world *after, uint64_t safe)
{
    uint64_t count = survivors(l, after, "brief", safe);
    bool came[MESSAGES] = {false};
    int64_t now_ms = io_wall_ms(after->io);

    for (uint64_t i = 0; i < count; i++)
        publish_bounded(after, "brief", i);
    cuts_take(after, "brief", "", &l->taking);
    for (size_t i = 0; i < l->taking.count; i++)
        came[l->taking.items[i].number] = true;
    for (uint64_t i = 0; i < count; i++) {
        int64_t age_ms = now_ms - l->at_ms[i];

        assert_true(age_ms > CACHE_TTL_MS - CACHE_SLACK_MS || !came[i]);
        assert_true(age_ms < CACHE_TTL_MS + CACHE_SLACK_MS || came[i]);
        l->forgotten += came[i];
    }
}

static void judge_bounded(void *owner, struct broker_world *after)
{
    struct bounded *l = owner;

    uint64_t safe = confirmed() / 2;

    judge_few(l, after, safe);
    judge_brief(l, after, safe);
}

static void test_what_is_known_has_bounds(void **state)
{
    static struct bounded l; /* large */
    struct broker_world *w = &cuts.world;

    (void)state;
    l = (struct bounded){.published = 0};
    cuts = (struct cuts){.owner = &l, .judge = judge_bounded};
    cuts_open(&cuts);
    assert_int_equal(world_exchange(w, "few", "x-message-deduplication durable", "x-cache-size=8"),
                     0);
    assert_int_equal(world_exchange(w, "brief", "x-message-deduplication durable",
                                    "x-cache-size=1000 x-cache-ttl=2000"),
                     0);
    assert_int_equal(world_queue(w, "few", "durable", ""), 0);
    assert_int_equal(world_queue(w, "brief", "durable", ""), 0);
    assert_int_equal(world_bind(w, "few few", "", ""), 0);
    assert_int_equal(world_bind(w, "brief brief", "", ""), 0);
    assert_int_equal(world_wait(w), 0);
    cuts_begin(&cuts);
    while (l.published < MESSAGES) {
        for (uint64_t n = 1 + rand_below(&cuts.rand, BURST_MAX); n > 0 && l.published < MESSAGES;
             n--) {
            l.at_ms[l.published] = io_wall_ms(w->io);
            l.published++;
            publish_bounded(w, "few", l.published - 1);
            publish_bounded(w, "brief", l.published - 1);
        }
        sim_run_for(w->sim, rand_below(&cuts.rand, 400) * WORLD_MS);
    }
    world_settle(w);
    cuts_end(&cuts);
    judge_bounded(&l, w);
    assert_true(!cuts.is_whole || l.forgotten > MESSAGES);
    cuts_taking_release(&l.taking);
    cuts_close(&cuts);
}

/* ---- consume and publish in one ---- */

struct work {
    struct world_publisher publisher;
    struct world_consumer consumer;
    struct tx *tx;
    bool is_done;
    uint64_t staged;    /* tasks whose result and ack are staged, or more than that */
    uint64_t committed; /* of these, as the broker says */
    struct cuts_taking taking;
};

static void on_done(void *owner, int err)
{
    struct work *l = owner;

    assert_int_equal(err, 0);
    l->is_done = true;
    l->committed = l->staged;
}

static void on_returned(void *owner, const struct message *m)
{
    (void)owner;
    message_check(m);
    fail_msg("a result is returned");
}

static void on_settled(void *owner, struct delivery *d)
{
    (void)owner;
    (void)d;
}

static bool is_done(void *owner)
{
    return ((struct work *)owner)->is_done;
}

/* Each task is there, or its result, never both and never neither. */
static void judge_work(void *owner, struct broker_world *after)
{
    struct work *l = owner;
    struct cuts_taking *t = &l->taking;

    cuts_take(after, "results", "", t);
    cuts_expect_row(t, 0);
    uint64_t results = t->count;
    assert_in_range(results, l->committed, l->staged);
    cuts_take(after, "tasks", "", t);
    cuts_expect_row(t, results);
    assert_int_equal(results + t->count, TASKS);
}

static void work_on(struct work *l, uint64_t count)
{
    static const struct world_message shape = {"", "results", "persistent", ""};

    for (uint64_t i = 0; i < count && l->staged < TASKS; i++, l->staged++) {
        const struct bytes body = bytes_text(l->consumer.bodies[l->staged]);
        const struct publish m = {
            .message = {.exchange = bytes_text(shape.exchange),
                        .routing_key = bytes_text(shape.key),
                        .props = world_props(&cuts.world, shape.props),
                        .body = &body,
                        .body_count = 1,
                        .body_size = body.size},
            .is_mandatory = true,
        };

        assert_int_equal(tx_publish(l->tx, &m, &cuts.world.refusal), 0);
        assert_int_equal(
            tx_settle(l->tx, l->consumer.deliveries[l->staged], TX_ACK, &cuts.world.refusal), 0);
    }
    l->is_done = false;
    tx_commit(l->tx, on_settled);
    assert_true(sim_run_until(cuts.world.sim, is_done, l, 10000 * WORLD_MS));
}

static void test_work_and_its_result_change_together(void **state)
{
    static const struct tx_ops ops = {.returned = on_returned, .done = on_done};
    static struct work l; /* large */
    struct broker_world *w = &cuts.world;

    (void)state;
    memset(&l, 0, sizeof(l));
    cuts = (struct cuts){.owner = &l, .judge = judge_work};
    cuts_open(&cuts);
    assert_int_equal(world_queue(w, "tasks", "durable", ""), 0);
    assert_int_equal(world_queue(w, "results", "durable", "x-colocate=tasks"), 0);
    assert_int_equal(world_wait(w), 0);
    for (uint64_t i = 0; i < TASKS; i++)
        cuts_publish(w, &(struct cuts_message){
                            .exchange = "", .key = "tasks", .props = "persistent", .number = i});
    world_settle(w);
    assert_int_equal(world_consume_as(w, w->visit, &l.consumer, "tasks", false), 0);
    world_settle(w);
    assert_int_equal(l.consumer.count, TASKS);
    world_publisher_open(w, w->visit, &l.publisher, false);
    l.tx = tx_new(l.publisher.publisher, &ops, &l);
    cuts_begin(&cuts);
    while (l.staged < TASKS)
        work_on(&l, 1 + rand_below(&cuts.rand, 4));
    cuts_end(&cuts);
    tx_free(l.tx);
    world_publisher_close(&l.publisher);
    world_consumer_close(&l.consumer);
    world_settle(w);
    judge_work(&l, w);
    cuts_taking_release(&l.taking);
    cuts_close(&cuts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_delays, cuts_teardown),
        cmocka_unit_test_teardown(test_what_is_sent_again_is_there_once, cuts_teardown),
        cmocka_unit_test_teardown(test_what_is_known_has_bounds, cuts_teardown),
        cmocka_unit_test_teardown(test_work_and_its_result_change_together, cuts_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
