/* Tests of broker/consume: who may read from a queue, and how. */
#include "broker/consume.h"

#include <string.h>

#include "tests/lib/broker_world.h"
#include "tests/lib/leaks.h"
#include "tests/unit/broker/refused.h"

static void begin(struct broker_world *w)
{
    broker_world_init(w);
    broker_world_open(w);
    assert_int_equal(world_queue(w, "q", "durable", ""), 0);
}

static void end(struct broker_world *w)
{
    broker_world_close(w);
    broker_world_release(w);
}

static bool take(void *owner, struct consumer *consumer, struct delivery *d, const struct stored *m,
                 struct store_pin pin)
{
    (void)consumer;
    (void)d;
    (void)m;
    (void)pin;
    ++*(unsigned *)owner;
    return true;
}

static void on_cancelled(void *owner, struct consumer *c, enum cancel_reason reason)
{
    (void)owner;
    (void)c;
    (void)reason;
}

static const struct consumer_ops ops = {.deliver = take, .cancelled = on_cancelled};

static int consume(struct broker_world *w, const char *queue, const char *arguments,
                   struct consume *c, struct consumer **out)
{
    c->queue = bytes_text(queue);
    c->arguments = world_table(w, arguments);
    c->spec.ops = &ops;
    c->spec.is_no_ack = true;
    return broker_consume(w->visit, c, out, &w->refusal);
}

static void test_bad_consumers_are_refused(void **state)
{
    static const struct {
        const char *queue;
        const char *arguments;
        enum refusal_code code;
        const char *text;
    } rows[] = {
        {"none", "", REFUSE_NOT_FOUND, "no queue 'none' in vhost '/'"},
        {"q", "x-priority=high", REFUSE_PRECONDITION,
         "invalid arg 'x-priority' for queue 'q' in vhost '/': {unacceptable_type,longstr}"},
        {"q", "x-consumer-timeout=true", REFUSE_PRECONDITION,
         "invalid arg 'x-consumer-timeout' for queue 'q' in vhost '/': {unacceptable_type,bool}"},
        {"q", "x-consumer-timeout=-1", REFUSE_PRECONDITION,
         "invalid arg 'x-consumer-timeout' for queue 'q' in vhost '/': {value_negative,-1}"},
        {"q", "x-group=g", REFUSE_PRECONDITION,
         "invalid arg 'x-group' for queue 'q' in vhost '/': {not_a_stream}"},
    };
    struct broker_world w;

    (void)state;
    begin(&w);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct consume c = {0};
        struct consumer *out = NULL;

        expect_refusal(&w.refusal, consume(&w, rows[i].queue, rows[i].arguments, &c, &out),
                       rows[i].code, rows[i].text);
    }
    end(&w);
}

static void test_exclusive_use_is_for_one(void **state)
{
    const char *text = "queue 'q' in vhost '/' in exclusive use";
    unsigned counts[2] = {0, 0};
    struct broker_world w;
    struct consumer *one = NULL;
    struct consumer *two = NULL;
    struct consume exclusive = {.spec = {.is_exclusive = true, .owner = &counts[0]}};
    struct consume plain = {.spec = {.owner = &counts[1]}};

    (void)state;
    begin(&w);
    assert_int_equal(consume(&w, "q", "", &exclusive, &one), 0);
    expect_refusal(&w.refusal, consume(&w, "q", "", &plain, &two), REFUSE_ACCESS, text);
    consumer_cancel(one);
    assert_int_equal(consume(&w, "q", "", &plain, &two), 0);
    expect_refusal(&w.refusal, consume(&w, "q", "", &exclusive, &one), REFUSE_ACCESS, text);
    consumer_cancel(two);
    end(&w);
}

static void test_a_higher_priority_is_served_first(void **state)
{
    unsigned counts[2] = {0, 0};
    struct broker_world w;
    struct consumer *low = NULL;
    struct consumer *high = NULL;
    struct consume c[2] = {{.spec = {.owner = &counts[0]}}, {.spec = {.owner = &counts[1]}}};

    (void)state;
    begin(&w);
    assert_int_equal(consume(&w, "q", "x-priority=-3", &c[0], &low), 0);
    assert_int_equal(consume(&w, "q", "x-priority=i:5 x-consumer-timeout=60000", &c[1], &high), 0);
    for (int i = 0; i < 10; i++)
        world_publish(&w, "", "q", "m");
    world_settle(&w);
    assert_int_equal(counts[0], 0);
    assert_int_equal(counts[1], 10);
    consumer_cancel(low);
    consumer_cancel(high);
    end(&w);
}

struct got {
    struct queue_get get;
    unsigned calls;
    bool is_message;
    uint64_t ready;
};

static void on_got(struct queue_get *g, struct delivery *d, const struct stored *m,
                   struct store_pin pin, uint64_t ready)
{
    struct got *got = CONTAINER_OF(g, struct got, get);

    (void)d;
    (void)pin;
    got->calls++;
    got->is_message = m != NULL;
    got->ready = ready;
}

static int get(struct broker_world *w, const char *queue, struct got *got)
{
    *got = (struct got){.get = {.is_no_ack = true, .got = on_got}};
    return broker_get(w->visit, bytes_text(queue), &got->get, &w->refusal);
}

static void test_getting(void **state)
{
    struct broker_world w;
    struct got got;

    (void)state;
    begin(&w);
    expect_refusal(&w.refusal, get(&w, "none", &got), REFUSE_NOT_FOUND,
                   "no queue 'none' in vhost '/'");
    assert_int_equal(get(&w, "q", &got), 0);
    world_settle(&w);
    assert_int_equal(got.calls, 1);
    assert_false(got.is_message);
    world_publish(&w, "", "q", "a");
    world_publish(&w, "", "q", "b");
    assert_int_equal(get(&w, "q", &got), 0);
    world_settle(&w);
    assert_true(got.is_message);
    assert_int_equal(got.ready, 1);
    assert_int_equal(world_queue(&w, "single", "durable", "x-single-active-consumer=true"), 0);
    expect_refusal(&w.refusal, get(&w, "single", &got), REFUSE_LOCKED,
                   "cannot obtain access to locked queue 'single' in vhost '/'. basic.get "
                   "operations are not supported by classic queues with single active consumer");
    assert_int_equal(
        world_queue(&w, "quorum", "durable", "x-single-active-consumer=true x-queue-type=quorum"),
        0);
    assert_int_equal(get(&w, "quorum", &got), ERR_DENIED);
    assert_non_null(strstr(w.refusal.text, "supported by quorum queues with single"));
    end(&w);
}

static void test_purging(void **state)
{
    struct broker_world w;
    uint64_t count = 0;

    (void)state;
    begin(&w);
    for (int i = 0; i < 5; i++)
        world_publish(&w, "", "q", "m");
    assert_int_equal(broker_purge(w.visit, bytes_text("q"), &count, &w.refusal), 0);
    assert_int_equal(count, 5);
    assert_int_equal(world_ready(&w, "q"), 0);
    expect_refusal(&w.refusal, broker_purge(w.visit, bytes_text("none"), &count, &w.refusal),
                   REFUSE_NOT_FOUND, "no queue 'none' in vhost '/'");
    end(&w);
}

static void test_dead_letters_are_routed_by_their_exchange(void **state)
{
    const struct world_message m = {"", "q2", "persistent expiration=10 headers:CC=[also]", "m"};
    struct broker_world w;

    (void)state;
    begin(&w);
    assert_int_equal(world_exchange(&w, "dlx", "direct", ""), 0);
    assert_int_equal(world_queue(&w, "dead", "durable", ""), 0);
    assert_int_equal(world_queue(&w, "also-dead", "", ""), 0);
    assert_int_equal(world_bind(&w, "dlx dead", "q2", ""), 0);
    assert_int_equal(world_bind(&w, "dlx also-dead", "also", ""), 0);
    assert_int_equal(world_queue(&w, "q2", "durable", "x-dead-letter-exchange=dlx"), 0);
    assert_int_equal(world_queue(&w, "q3", "durable", "x-dead-letter-exchange=none"), 0);
    assert_int_equal(world_publish_as(&w, &w.publisher, &m, NULL), 0);
    world_publish(&w, "", "q3", "m");
    world_run_ms(&w, 500);
    assert_int_equal(world_ready(&w, "q2"), 0);
    assert_int_equal(world_ready(&w, "dead"), 1);
    assert_int_equal(world_ready(&w, "also-dead"), 1);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_bad_consumers_are_refused),
        LEAK_CHECKED(test_exclusive_use_is_for_one),
        LEAK_CHECKED(test_a_higher_priority_is_served_first),
        LEAK_CHECKED(test_getting),
        LEAK_CHECKED(test_purging),
        LEAK_CHECKED(test_dead_letters_are_routed_by_their_exchange),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
