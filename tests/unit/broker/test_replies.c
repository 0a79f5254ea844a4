/* Tests of broker/replies: direct reply-to. */
#include "broker/replies.h"

#include <stdio.h>
#include <string.h>

#include "broker/publish.h"
#include "broker/publisher.h"
#include "tests/lib/broker_world.h"
#include "tests/lib/leaks.h"
#include "tests/unit/broker/refused.h"

static char reply_to[256];

/* Keeps the reply-to of a message. */
static void on_got(struct queue_get *g, struct delivery *d, const struct stored *m,
                   struct store_pin pin, uint64_t ready)
{
    struct props props;
    struct bytes to;

    (void)g;
    (void)d;
    (void)pin;
    (void)ready;
    assert_non_null(m);
    assert_int_equal(props_decode(m->props, &props), 0);
    assert_true(props_find_text(&props, PROP_REPLY_TO, &to));
    snprintf(reply_to, sizeof(reply_to), "%.*s", (int)to.size, (const char *)to.data);
}

static void ask(struct broker_world *w, struct world_publisher *p)
{
    const struct world_message question = {"", "q", "reply=amq.rabbitmq.reply-to", "what?"};
    static struct queue_get g;

    g = (struct queue_get){.is_no_ack = true, .got = on_got};
    assert_int_equal(world_publish_as(w, p, &question, NULL), 0);
    assert_int_equal(broker_get(w->visit, bytes_text("q"), &g, &w->refusal), 0);
    world_settle(w);
}

static bool answer(struct broker_world *w, const char *to)
{
    const struct world_message m = {"", to, "", "42"};
    bool is_routed = false;

    assert_int_equal(world_publish_as(w, &w->publisher, &m, &is_routed), 0);
    return is_routed;
}

static void begin(struct broker_world *w, struct world_publisher *p)
{
    broker_world_init(w);
    broker_world_open(w);
    assert_int_equal(world_queue(w, "q", "", ""), 0);
    world_publisher_open(w, w->visit, p, false);
}

static void end(struct broker_world *w, struct world_publisher *p)
{
    world_publisher_close(p);
    broker_world_close(w);
    broker_world_release(w);
}

static void test_an_answer_goes_straight_to_who_asked(void **state)
{
    struct broker_world w;
    struct world_publisher p;

    (void)state;
    begin(&w, &p);
    assert_true(publisher_take_replies(p.publisher));
    assert_false(publisher_take_replies(p.publisher)); /* once */
    assert_true(publisher_takes_replies(p.publisher));
    ask(&w, &p);
    assert_int_equal(strncmp(reply_to, "amq.rabbitmq.reply-to.", 22), 0);
    assert_int_equal(world_queue(&w, reply_to, "passive", ""), 0);
    assert_int_equal(w.defined.consumers, 1);
    assert_true(answer(&w, reply_to));
    assert_int_equal(p.told.replies, 0); /* not inside the call */
    world_settle(&w);
    assert_int_equal(p.told.replies, 1);
    assert_string_equal(p.told.reply_body, "42");
    assert_string_equal(p.told.reply_key, reply_to);
    assert_int_equal(w.publisher.told.confirmed, 1);
    end(&w, &p);
}

static void test_who_has_gone_gets_nothing(void **state)
{
    struct broker_world w;
    struct world_publisher p;
    char old[256];

    (void)state;
    begin(&w, &p);
    assert_true(publisher_take_replies(p.publisher));
    ask(&w, &p);
    memcpy(old, reply_to, sizeof(old));
    assert_true(answer(&w, old));
    publisher_drop_replies(p.publisher); /* before the turn ends */
    world_settle(&w);
    assert_int_equal(p.told.replies, 0);
    assert_false(answer(&w, old));
    assert_true(publisher_take_replies(p.publisher)); /* the same slot, another name */
    ask(&w, &p);
    assert_string_not_equal(old, reply_to);
    assert_false(answer(&w, old));
    assert_true(answer(&w, reply_to));
    world_settle(&w);
    assert_int_equal(p.told.replies, 1);
    expect_refusal(&w.refusal, world_queue(&w, "amq.rabbitmq.reply-to.x", "passive", ""),
                   REFUSE_NOT_FOUND, "no queue 'amq.rabbitmq.reply-to.x' in vhost '/'");
    end(&w, &p);
}

static void test_forged_names_are_nobodys(void **state)
{
    struct broker_world w;
    struct world_publisher p;
    char forged[256];

    (void)state;
    begin(&w, &p);
    assert_true(publisher_take_replies(p.publisher));
    ask(&w, &p);
    for (size_t i = 22; reply_to[i] != '\0'; i++) {
        memcpy(forged, reply_to, sizeof(forged));
        forged[i] = forged[i] == 'A' ? 'B' : 'A';
        assert_false(answer(&w, forged));
        forged[i] = '*';
        assert_false(answer(&w, forged));
        forged[i] = '\0';
        assert_false(answer(&w, forged));
    }
    memcpy(forged, reply_to, sizeof(forged));
    forged[strlen(forged) + 1] = '\0';
    forged[strlen(forged)] = 'A';
    assert_false(answer(&w, forged));
    world_settle(&w);
    assert_int_equal(p.told.replies, 0);
    end(&w, &p);
}

static void test_many_take_replies(void **state)
{
    enum { MANY = 100 };
    static struct world_publisher many[MANY];
    static char names[MANY][256];
    struct broker_world w;
    struct world_publisher p;

    (void)state;
    begin(&w, &p);
    for (int i = 0; i < MANY; i++) {
        world_publisher_open(&w, w.visit, &many[i], false);
        assert_true(publisher_take_replies(many[i].publisher));
        ask(&w, &many[i]);
        memcpy(names[i], reply_to, sizeof(reply_to));
    }
    for (int i = 0; i < MANY; i += 2)
        assert_true(answer(&w, names[i]));
    world_settle(&w);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(many[i].told.replies, i % 2 == 0 ? 1 : 0);
        world_publisher_close(&many[i]);
    }
    end(&w, &p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_an_answer_goes_straight_to_who_asked),
        LEAK_CHECKED(test_who_has_gone_gets_nothing),
        LEAK_CHECKED(test_forged_names_are_nobodys),
        LEAK_CHECKED(test_many_take_replies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
