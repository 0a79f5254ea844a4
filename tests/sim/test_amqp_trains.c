/* Many messages in one read: each queue gets what it would get if they came one by one. */
#include <stdio.h>
#include <string.h>

#include "base/rand.h"
#include "base/units.h"
#include "broker/counters.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/lib/table_text.h"
#include "tests/lib/test.h"
#include "tests/sim/client.h"

enum { MESSAGES = 900, QUEUES = 4, ALL = 15, LAST = 8, BODY_MAX = 5000 };

/* Message i goes to these queues with this size; its body is made of the number's low byte. */
struct plan {
    size_t count;
    uint16_t sizes[MESSAGES];
    uint8_t queues[MESSAGES]; /* bits */
    size_t at[QUEUES];        /* the next one that the queue owes, or behind */
    size_t got;
    uint64_t tag;
    uint64_t confirmed;
};

/* What is published to: a queue by its name, or all of them. */
static const struct {
    const char *exchange;
    const char *key;
    uint8_t queues;
} places[] = {{"", "q0", 1}, {"", "q1", 2}, {"", "q2", 4}, {"", "q3", 8}, {"all", "k", 15}};

static void bind_all(struct client *c)
{
    struct method x = {.id = METHOD_EXCHANGE_DECLARE};
    struct method b = {.id = METHOD_QUEUE_BIND};
    char name[8];

    memset(&x.exchange_declare, 0, sizeof(x.exchange_declare));
    memset(&b.queue_bind, 0, sizeof(b.queue_bind));
    x.exchange_declare.exchange = bytes_text("all");
    x.exchange_declare.type = bytes_text("fanout");
    client_method(c, 1, &x);
    client_expect(c, 1, METHOD_EXCHANGE_DECLARE_OK);
    for (int i = 0; i < QUEUES; i++) {
        snprintf(name, sizeof(name), "q%d", i);
        client_declare(c, name);
        b.queue_bind.queue = bytes_text(name);
        b.queue_bind.exchange = bytes_text("all");
        client_method(c, 1, &b);
        client_expect(c, 1, METHOD_QUEUE_BIND_OK);
    }
}

static size_t random_size(struct rand *r)
{
    static const size_t sizes[] = {0, 1, 16, 16, 16, 100, 1000, 4095, 4096, 4097, BODY_MAX};

    return sizes[rand_below(r, ARRAY_SIZE(sizes))];
}

/* Publishes one at that place, as the plan says from now on. */
static void send_one(struct client *c, struct plan *plan, size_t place, bool is_persistent,
                     size_t size)
{
    static uint8_t body[BODY_MAX];
    struct method m = {.id = METHOD_BASIC_PUBLISH};
    const uint8_t props[] = {0x10, 0x00, is_persistent ? 2 : 1};

    memset(&m.basic_publish, 0, sizeof(m.basic_publish));
    memset(body, (int)plan->count, size);
    m.basic_publish.exchange = bytes_text(places[place].exchange);
    m.basic_publish.routing_key = bytes_text(places[place].key);
    client_method(c, 1, &m);
    client_content_with(c, 1, bytes_of(props, sizeof(props)), bytes_of(body, size));
    plan->sizes[plan->count] = (uint16_t)size;
    plan->queues[plan->count++] = places[place].queues;
}

/* Some that look the same, then others. */
static void send_some(struct client *c, struct plan *plan, struct rand *r, size_t count)
{
    while (count > 0) {
        size_t place = rand_below(r, ARRAY_SIZE(places));
        size_t left = 1 + rand_below(r, 40);
        bool is_persistent = rand_below(r, 4) == 0;

        for (; left > 0 && count > 0; left--, count--)
            send_one(c, plan, place, is_persistent, random_size(r));
    }
}

/* The delivery is the one that its queue owes. */
static void take_delivery(struct client *c, struct plan *plan)
{
    const struct method *m = &c->method;
    size_t queue = (size_t)(m->basic_deliver.consumer_tag.data[0] - '0');
    size_t at;

    assert_true(queue < QUEUES);
    assert_false(m->basic_deliver.redelivered);
    at = plan->at[queue];
    while (at < plan->count && (plan->queues[at] >> queue & 1) == 0)
        at++;
    assert_true(at < plan->count);
    plan->at[queue] = at + 1;
    plan->got++;
    assert_int_equal(m->basic_deliver.delivery_tag, ++plan->tag);
    client_take_body(c, 1);
    assert_int_equal(c->body.size, plan->sizes[at]);
    for (size_t i = 0; i < c->body.size; i++)
        assert_int_equal(c->body.data[i], (uint8_t)at);
}

/* A delivery, or a confirm. */
static void take_one(struct client *c, struct plan *plan)
{
    client_next(c);
    assert_int_equal(c->frame.type, FRAME_METHOD);
    assert_int_equal(method_decode(c->frame.payload, &c->method), WIRE_OK);
    if (c->method.id == METHOD_BASIC_DELIVER) {
        take_delivery(c, plan);
        return;
    }
    assert_int_equal(c->method.id, METHOD_BASIC_ACK);
    assert_true(c->method.basic_ack.delivery_tag > plan->confirmed);
    plan->confirmed = c->method.basic_ack.delivery_tag;
}

static size_t deliveries_of(const struct plan *plan, unsigned queues)
{
    size_t count = 0;

    for (size_t i = 0; i < plan->count; i++)
        for (size_t q = 0; q < QUEUES; q++)
            count += plan->queues[i] >> q & queues >> q & 1;
    return count;
}

static void check_counts(struct world *w, const struct plan *plan)
{
    struct broker_counters counters;
    uint64_t bytes = 0, sizes = 0;

    for (size_t i = 0; i < plan->count; i++)
        bytes += plan->sizes[i];
    broker_get_counters(w->broker, &counters);
    for (size_t i = 0; i < COUNTERS_SIZES; i++)
        sizes += counters.size_counts[i];
    assert_int_equal(counters.received, plan->count);
    assert_int_equal(counters.received_confirm, plan->count);
    assert_int_equal(counters.routed, plan->count);
    assert_int_equal(counters.confirmed, plan->count);
    assert_int_equal(sizes, plan->count);
    assert_int_equal(counters.size_sum, bytes);
    assert_int_equal(counters.queues.published, deliveries_of(plan, ALL));
    assert_int_equal(counters.queues.delivered_no_ack + counters.queues.delivered,
                     deliveries_of(plan, ALL));
}

struct round {
    uint32_t frame_max;
    bool is_slow; /* the consumer reads nothing until all is confirmed */
    bool is_one;  /* who publishes also consumes */
};

/* q0 has one consumer without acks, q1 one with acks, q2 two of the first kind, and q3 none until
 * the first half has come. */
static void play(uint64_t seed, const struct round *round)
{
    struct plan plan = {.count = 0};
    struct client *p, *c;
    struct world w;
    struct rand r;

    rand_init(&r, seed);
    world_init(&w);
    w.amqp_options.output_max_bytes = 64 * KIB;
    world_open(&w);
    p = client_open(&w, 1);
    bind_all(p);
    client_confirm(p);
    c = p;
    if (!round->is_one) {
        c = client_new(&w);
        c->frame_max = round->frame_max;
        client_enter(c, 1);
    }
    client_consume(c, "q0", "0", true);
    client_consume(c, "q1", "1", false);
    client_consume(c, "q2", "2", true);
    client_consume(c, "q2", "2 too", true);
    client_read(c, !round->is_slow || round->is_one);
    send_some(p, &plan, &r, MESSAGES / 2);
    while (plan.confirmed < plan.count)
        take_one(p, &plan);
    client_read(c, true);
    while (plan.got < deliveries_of(&plan, ALL & ~LAST))
        take_one(c, &plan);
    client_consume(c, "q3", "3", true);
    send_some(p, &plan, &r, MESSAGES / 2);
    while (plan.confirmed < plan.count)
        take_one(p, &plan);
    while (plan.got < deliveries_of(&plan, ALL))
        take_one(c, &plan);
    check_counts(&w, &plan);
    amqp_check(w.door);
    if (c != p)
        client_free(c);
    client_free(p);
    world_release(&w);
}

static void test_each_queue_gets_its_messages_in_order(void **state)
{
    static const struct round rounds[] = {
        {.frame_max = 131072},
        {.frame_max = 4096},
        {.frame_max = 131072, .is_slow = true},
        {.frame_max = 131072, .is_one = true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rounds); i++)
        for (uint64_t k = 0; k < 3; k++)
            play(test_seed() + k, &rounds[i]);
}

/* ---- those that wait for a consumer ---- */

enum { SENT = 300, HELD = 100, ACKED = 50 };

/* Declares "q"; that is answered when all before it is done. */
static void declare_with(struct client *c, const char *arguments)
{
    struct method m = {.id = METHOD_QUEUE_DECLARE};
    struct buf area;

    buf_init(&area, KIB);
    memset(&m.queue_declare, 0, sizeof(m.queue_declare));
    m.queue_declare.queue = bytes_text("q");
    m.queue_declare.durable = true;
    m.queue_declare.arguments = table_text(&area, arguments);
    client_method(c, 1, &m);
    client_expect(c, 1, METHOD_QUEUE_DECLARE_OK);
    buf_release(&area);
}

/* Its number is its body. */
static void send_numbers(struct client *c, bool is_persistent)
{
    struct method m = {.id = METHOD_BASIC_PUBLISH};
    const uint8_t props[] = {0x10, 0x00, is_persistent ? 2 : 1};
    uint8_t body[2];

    memset(&m.basic_publish, 0, sizeof(m.basic_publish));
    m.basic_publish.routing_key = bytes_text("q");
    for (int i = 0; i < SENT; i++) {
        put_be16(body, (uint16_t)i);
        client_method(c, 1, &m);
        client_content_with(c, 1, bytes_of(props, sizeof(props)), bytes_of(body, sizeof(body)));
    }
}

static void expect_number(struct client *c, int number, bool is_redelivered)
{
    const struct method *m = client_expect(c, 1, METHOD_BASIC_DELIVER);

    assert_int_equal(m->basic_deliver.redelivered, is_redelivered);
    client_take_body(c, 1);
    assert_int_equal(c->body.size, 2);
    assert_int_equal(get_be16(c->body.data), number);
}

static void test_each_kind_of_queue_keeps_what_it_would_one_by_one(void **state)
{
    static const struct {
        const char *arguments;
        int first, end; /* of those that are left */
    } kinds[] = {
        {"", 0, SENT},
        {"x-max-length=50", SENT - 50, SENT},
        {"x-max-length=50 x-overflow=reject-publish", 0, 50},
        {"x-max-length-bytes=20", SENT - 10, SENT},
        {"x-max-priority=5", 0, SENT},
        {"x-message-ttl=100000", 0, SENT},
        {"x-delivery-limit=3", 0, SENT},
        {"x-single-active-consumer=true", 0, SENT},
    };

    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_SIZE(kinds); i++) {
        bool is_persistent = i >= ARRAY_SIZE(kinds);
        struct world w;

        world_init(&w);
        world_open(&w);
        struct client *c = client_open(&w, 1);
        declare_with(c, kinds[i % ARRAY_SIZE(kinds)].arguments);
        send_numbers(c, is_persistent);
        declare_with(c, kinds[i % ARRAY_SIZE(kinds)].arguments);
        client_consume(c, "q", "c", true);
        for (int number = kinds[i % ARRAY_SIZE(kinds)].first;
             number < kinds[i % ARRAY_SIZE(kinds)].end; number++)
            expect_number(c, number, false);
        client_expect_nothing(c, 100);
        amqp_check(w.door);
        client_free(c);
        world_release(&w);
    }
}

static void limit_prefetch(struct client *c, uint16_t count)
{
    struct method m = {.id = METHOD_BASIC_QOS};

    memset(&m.basic_qos, 0, sizeof(m.basic_qos));
    m.basic_qos.prefetch_count = count;
    client_method(c, 1, &m);
    client_expect(c, 1, METHOD_BASIC_QOS_OK);
}

/* What came back is before the others, and marked; they are not. */
static void test_what_came_back_is_first_and_marked(void **state)
{
    struct client *c, *other;
    struct world w;

    (void)state;
    world_init(&w);
    world_open(&w);
    c = client_open(&w, 1);
    declare_with(c, "");
    send_numbers(c, false);
    other = client_open(&w, 1);
    limit_prefetch(other, HELD);
    client_consume(other, "q", "other", false);
    for (int i = 0; i < HELD; i++)
        expect_number(other, i, false);
    client_ack(other, ACKED, true);
    for (int i = HELD; i < HELD + ACKED; i++)
        expect_number(other, i, false);
    client_free(other);
    client_consume(c, "q", "c", true);
    for (int i = ACKED; i < SENT; i++)
        expect_number(c, i, i < HELD + ACKED);
    client_expect_nothing(c, 100);
    amqp_check(w.door);
    client_free(c);
    world_release(&w);
}

static void consume_from_first(struct client *c)
{
    struct method m = {.id = METHOD_BASIC_CONSUME};
    struct buf area;

    buf_init(&area, KIB);
    limit_prefetch(c, SENT);
    memset(&m.basic_consume, 0, sizeof(m.basic_consume));
    m.basic_consume.queue = bytes_text("q");
    m.basic_consume.consumer_tag = bytes_text("c");
    m.basic_consume.arguments = table_text(&area, "x-stream-offset=first");
    client_method(c, 1, &m);
    client_expect(c, 1, METHOD_BASIC_CONSUME_OK);
    buf_release(&area);
}

/* What was confirmed is there when the power has failed, once and in order; here all at once. */
static void test_what_is_confirmed_survives(void **state)
{
    static const struct sim_crash power_cut = {.kind = SIM_CRASH_NOTHING};
    static const char *const kinds[] = {"", "x-queue-type=stream"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        struct world w;

        world_init(&w);
        world_open(&w);
        struct client *c = client_open(&w, 1);
        declare_with(c, kinds[i]);
        client_confirm(c);
        send_numbers(c, true);
        client_expect_confirmed(c, SENT);
        world_crash(&w, SIM_DEATH_POWER, &power_cut);
        client_free(c);
        world_open(&w);
        c = client_open(&w, 1);
        consume_from_first(c);
        for (int number = 0; number < SENT; number++)
            expect_number(c, number, i == 0); /* who knows who has seen it */
        client_expect_nothing(c, 100);
        amqp_check(w.door);
        client_free(c);
        world_release(&w);
    }
}

/* An exchange keeps them, no queue gets them: each is given back, or counted as dropped. */
static void test_what_goes_to_a_log_alone_is_unroutable_each_time(void **state)
{
    struct method x = {.id = METHOD_EXCHANGE_DECLARE};
    struct method m = {.id = METHOD_BASIC_PUBLISH};
    struct broker_counters counters;
    struct buf area;
    struct world w;

    (void)state;
    world_init(&w);
    world_open(&w);
    struct client *c = client_open(&w, 1);
    buf_init(&area, KIB);
    memset(&x.exchange_declare, 0, sizeof(x.exchange_declare));
    x.exchange_declare.exchange = bytes_text("kept");
    x.exchange_declare.type = bytes_text("topic");
    x.exchange_declare.durable = true;
    x.exchange_declare.arguments = table_text(&area, "x-log=true");
    client_method(c, 1, &x);
    client_expect(c, 1, METHOD_EXCHANGE_DECLARE_OK);
    for (int i = 0; i < 8; i++) {
        memset(&m.basic_publish, 0, sizeof(m.basic_publish));
        m.basic_publish.exchange = bytes_text("kept");
        m.basic_publish.routing_key = bytes_text("k");
        m.basic_publish.mandatory = i < 4;
        client_method(c, 1, &m);
        client_content(c, 1, bytes_text("nobody's"));
    }
    for (int i = 0; i < 4; i++) {
        client_expect(c, 1, METHOD_BASIC_RETURN);
        client_expect_body(c, 1, "nobody's");
    }
    client_expect_nothing(c, 100);
    broker_get_counters(w.broker, &counters);
    assert_int_equal(counters.unroutable_returned, 4);
    assert_int_equal(counters.unroutable_dropped, 4);
    buf_release(&area);
    client_free(c);
    world_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_each_queue_gets_its_messages_in_order),
        LEAK_CHECKED(test_each_kind_of_queue_keeps_what_it_would_one_by_one),
        LEAK_CHECKED(test_what_came_back_is_first_and_marked),
        LEAK_CHECKED(test_what_is_confirmed_survives),
        LEAK_CHECKED(test_what_goes_to_a_log_alone_is_unroutable_each_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
