/* Tests of broker/publish: what is checked, what is told, and what happens when the disk fails. */
#include "broker/publish.h"

#include <string.h>

#include "base/mem.h"
#include "tests/lib/broker_world.h"
#include "tests/lib/leaks.h"
#include "tests/unit/broker/refused.h"

static void begin(struct broker_world *w)
{
    broker_world_init(w);
    broker_world_open(w);
    assert_int_equal(world_queue(w, "q", "durable", ""), 0);
    assert_int_equal(world_wait(w), 0);
}

static void end(struct broker_world *w)
{
    broker_world_close(w);
    broker_world_release(w);
}

static void test_messages_that_are_refused(void **state)
{
    static const struct {
        struct world_message message;
        enum refusal_code code;
        const char *text;
    } rows[] = {
        {{"none", "q", "", "m"}, REFUSE_NOT_FOUND, "no exchange 'none' in vhost '/'"},
        {{"amq.rabbitmq.trace", "q", "", "m"},
         REFUSE_ACCESS,
         "cannot publish to internal exchange 'amq.rabbitmq.trace' in vhost '/'"},
        {{"", "q", "user=bob", "m"},
         REFUSE_PRECONDITION,
         "user_id property set to 'bob' but authenticated user was 'guest'"},
        {{"", "q", "expiration=abc", "m"},
         REFUSE_PRECONDITION,
         "invalid expiration 'abc': no_integer"},
        {{"", "q", "expiration=5x", "m"},
         REFUSE_PRECONDITION,
         "invalid expiration '5x': {leftover_string,\"x\"}"},
        {{"", "q", "expiration=-5", "m"},
         REFUSE_PRECONDITION,
         "invalid expiration '-5': {value_negative,-5}"},
        {{"", "q", "expiration=1099511627776", "m"},
         REFUSE_PRECONDITION,
         "invalid expiration '1099511627776': {value_too_large,1099511627776}"},
        {{"", "q", "headers:CC=other", "m"},
         REFUSE_PRECONDITION,
         "invalid message: {unacceptable_type_in_header,\"CC\",longstr}"},
        {{"", "q", "headers:BCC=i:5", "m"},
         REFUSE_PRECONDITION,
         "invalid message: {unacceptable_type_in_header,\"BCC\",signedint}"},
        {{"", "q", "reply=amq.rabbitmq.reply-to", "m"},
         REFUSE_PRECONDITION,
         "fast reply consumer does not exist"},
    };
    struct broker_world w;

    (void)state;
    begin(&w);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        expect_refusal(&w.refusal, world_publish_as(&w, &w.publisher, &rows[i].message, NULL),
                       rows[i].code, rows[i].text);
    assert_int_equal(world_ready(&w, "q"), 0);
    assert_int_equal(publisher_unconfirmed(w.publisher.publisher), 0);
    end(&w);
}

static void test_an_impersonator_may_name_anybody(void **state)
{
    const struct permission all = {bytes_text(".*"), bytes_text(".*"), bytes_text(".*")};
    const struct world_message m = {"", "q", "user=bob", "m"};
    struct bytes tag = bytes_text("impersonator");
    struct user_spec spec = {.name = bytes_text("ann"), .tags = &tag, .tag_count = 1};
    struct broker_world w;
    struct world_publisher p;
    struct visit *v = NULL;

    (void)state;
    begin(&w);
    v = world_visit(&w, world_user(&w, "ann", &all));
    world_publisher_open(&w, v, &p, false);
    assert_int_equal(world_publish_as(&w, &p, &m, NULL), ERR_DENIED);
    assert_int_equal(auth_put_user(broker_auth(w.broker), &spec, NULL), 0);
    assert_int_equal(world_publish_as(&w, &p, &m, NULL), 0);
    world_publisher_close(&p);
    visit_end(v);
    end(&w);
}

static void test_cc_and_bcc_are_more_keys_and_bcc_does_not_arrive(void **state)
{
    const struct world_message m = {"", "q", "persistent headers:CC=[p] BCC=[r,none] x=1", "m"};
    struct broker_world w;
    struct queue_get g = {.is_no_ack = true};
    bool is_routed = false;

    (void)state;
    (void)g;
    begin(&w);
    assert_int_equal(world_queue(&w, "p", "", ""), 0);
    assert_int_equal(world_queue(&w, "r", "", ""), 0);
    assert_int_equal(world_publish_as(&w, &w.publisher, &m, &is_routed), 0);
    assert_true(is_routed);
    assert_int_equal(world_ready(&w, "q"), 1);
    assert_int_equal(world_ready(&w, "p"), 1);
    assert_int_equal(world_ready(&w, "r"), 1);
    end(&w);
}

static struct bytes got_props;
static uint8_t got_area[256];

static void on_got(struct queue_get *g, struct delivery *d, const struct stored *m,
                   struct store_pin pin, uint64_t ready)
{
    (void)g;
    (void)d;
    (void)pin;
    (void)ready;
    assert_non_null(m);
    assert_true(m->props.size <= sizeof(got_area));
    memcpy(got_area, m->props.data, m->props.size);
    got_props = bytes_of(got_area, m->props.size);
}

static void test_bcc_leaves_the_headers_and_the_rest_stays(void **state)
{
    const struct world_message m = {"", "q", "persistent headers:a=1 BCC=[p] b=2", "m"};
    struct queue_get g = {.is_no_ack = true, .got = on_got};
    struct broker_world w;
    struct props props;
    struct table headers;
    struct field f;

    (void)state;
    begin(&w);
    assert_int_equal(world_publish_as(&w, &w.publisher, &m, NULL), 0);
    assert_int_equal(broker_get(w.visit, bytes_text("q"), &g, &w.refusal), 0);
    world_settle(&w);
    assert_int_equal(props_decode(got_props, &props), 0);
    assert_true(props_find_headers(&props, &headers));
    assert_int_equal(table_count(headers), 2);
    assert_true(table_find(headers, bytes_text("a"), &f));
    assert_true(table_find(headers, bytes_text("b"), &f));
    end(&w);
}

static void test_a_mandatory_message_knows_whether_it_went_anywhere(void **state)
{
    const struct world_message rows[] = {{"", "q", "", "m"},
                                         {"", "none", "", "m"},
                                         {"x", "k", "", "m"},
                                         {"amq.fanout", "", "", "m"}};
    const bool routed[] = {true, false, true, false};
    struct broker_world w;

    (void)state;
    begin(&w);
    assert_int_equal(world_exchange(&w, "x", "direct", "alternate-exchange=ae"), 0);
    assert_int_equal(world_exchange(&w, "ae", "fanout", ""), 0);
    assert_int_equal(world_bind(&w, "ae q", "", ""), 0);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        bool is_routed = false;

        assert_int_equal(world_publish_as(&w, &w.publisher, &rows[i], &is_routed), 0);
        assert_int_equal(is_routed, routed[i]);
    }
    world_settle(&w);
    assert_int_equal(w.publisher.told.confirmed, ARRAY_SIZE(rows)); /* the others, too */
    assert_int_equal(publisher_unconfirmed(w.publisher.publisher), 0);
    end(&w);
}

static void test_persistent_messages_are_confirmed_when_they_are_on_the_disk(void **state)
{
    struct broker_world w;

    (void)state;
    begin(&w);
    sim_disk_set_stalled(w.disk, true);
    for (int i = 0; i < 10; i++)
        world_publish(&w, "", "q", "m");
    world_settle(&w);
    assert_int_equal(w.publisher.told.confirms, 0);
    assert_int_equal(publisher_unconfirmed(w.publisher.publisher), 10);
    sim_disk_set_stalled(w.disk, false);
    world_settle(&w);
    assert_int_equal(w.publisher.told.confirmed, 10);
    assert_int_equal(w.publisher.told.confirms, 1); /* all at once */
    assert_int_equal(publisher_unconfirmed(w.publisher.publisher), 0);
    end(&w);
}

static void test_transient_messages_do_not_wait_but_for_those_before_them(void **state)
{
    const struct world_message transient = {"", "q", "", "m"};
    struct broker_world w;

    (void)state;
    begin(&w);
    sim_disk_set_stalled(w.disk, true);
    assert_int_equal(world_publish_as(&w, &w.publisher, &transient, NULL), 0);
    assert_int_equal(w.publisher.told.confirms, 0); /* not inside the call */
    world_settle(&w);
    assert_int_equal(w.publisher.told.confirmed, 1);
    world_publish(&w, "", "q", "m");
    assert_int_equal(world_publish_as(&w, &w.publisher, &transient, NULL), 0);
    world_settle(&w);
    assert_int_equal(w.publisher.told.confirmed, 1);
    sim_disk_set_stalled(w.disk, false);
    world_settle(&w);
    assert_int_equal(w.publisher.told.confirmed, 3);
    end(&w);
}

static void test_a_full_queue_that_rejects_is_told_by_itself(void **state)
{
    const struct world_message m = {"", "small", "persistent", "m"};
    struct broker_world w;

    (void)state;
    begin(&w);
    assert_int_equal(
        world_queue(&w, "small", "durable", "x-max-length=i:2 x-overflow=reject-publish"), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(world_publish_as(&w, &w.publisher, &m, NULL), 0);
    world_publish(&w, "", "q", "m");
    world_settle(&w);
    assert_int_equal(w.publisher.told.rejected_count, 2);
    assert_int_equal(w.publisher.told.rejected[0], 3);
    assert_int_equal(w.publisher.told.rejected[1], 4);
    assert_int_equal(w.publisher.told.confirmed, 5);
    assert_int_equal(publisher_unconfirmed(w.publisher.publisher), 0);
    assert_int_equal(world_publish_as(&w, &w.publisher, &m, NULL), 0); /* and alone */
    world_settle(&w);
    assert_int_equal(w.publisher.told.rejected_count, 3);
    assert_int_equal(w.publisher.told.confirmed, 5); /* a rejected one is not confirmed */
    end(&w);
}

static void test_when_the_disk_fails_what_waits_is_rejected(void **state)
{
    const struct sim_fault fault = {.ops = SIM_OP_BIT(SIM_OP_SYNC), .err = ERR_IO};
    const struct world_message m = {"", "q", "persistent", "m"};
    struct broker_world w;

    (void)state;
    begin(&w);
    sim_disk_add_fault(w.disk, &fault);
    for (int i = 0; i < 5; i++)
        world_publish(&w, "", "q", "m");
    world_settle(&w);
    assert_int_equal(w.publisher.told.confirms, 0);
    assert_int_equal(w.publisher.told.rejected_count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(w.publisher.told.rejected[i], i + 1);
    assert_int_equal(world_publish_as(&w, &w.publisher, &m, NULL), 0);
    world_settle(&w);
    assert_int_equal(w.publisher.told.rejected_count, 6);
    assert_int_equal(world_queue(&w, "late", "durable", ""), 0);
    assert_int_equal(world_wait(&w), ERR_FAILED);
    end(&w);
}

/* Nothing was defined since the start, so there is no record whose commit could fail. */
static void test_after_the_disk_failed_no_definition_is_kept(void **state)
{
    const struct sim_fault fault = {.ops = SIM_OP_BIT(SIM_OP_SYNC), .err = ERR_IO};
    struct broker_world w;

    (void)state;
    begin(&w);
    broker_world_close(&w);
    broker_world_open(&w);
    sim_disk_add_fault(w.disk, &fault);
    world_publish(&w, "", "q", "m");
    world_settle(&w);
    assert_int_equal(world_queue(&w, "late", "durable", ""), 0);
    assert_int_equal(world_wait(&w), ERR_FAILED);
    end(&w);
}

static void test_when_the_log_takes_no_more_publishing_is_tried_again(void **state)
{
    static char body[16 << 10];
    const struct world_message m = {"", "q", "persistent", body};
    struct broker_world w;
    int rv = 0;
    int taken = 0;

    (void)state;
    memset(body, 'b', sizeof(body) - 1);
    broker_world_init(&w);
    w.log.pending_bytes_max = 256 << 10;
    broker_world_open(&w);
    assert_int_equal(world_queue(&w, "q", "durable", ""), 0);
    assert_int_equal(world_wait(&w), 0);
    sim_disk_set_stalled(w.disk, true);
    while ((rv = world_publish_as(&w, &w.publisher, &m, NULL)) == 0 && taken < 1000)
        taken++;
    assert_int_equal(rv, ERR_AGAIN);
    assert_in_range(taken, 1, 100);
    assert_int_equal(world_ready(&w, "q"), taken);
    world_settle(&w);
    assert_int_equal(world_publish_as(&w, &w.publisher, &m, NULL), ERR_AGAIN);
    sim_disk_set_stalled(w.disk, false);
    world_settle(&w);
    assert_true(w.heard.resumed > 0);
    assert_int_equal(w.heard.blocked, 0); /* that is another matter */
    assert_int_equal(world_publish_as(&w, &w.publisher, &m, NULL), 0);
    world_settle(&w);
    assert_int_equal(w.publisher.told.confirmed, taken + 1);
    end(&w);
}

static void test_closing_while_publishers_are_held_back(void **state)
{
    static char body[16 << 10];
    const struct world_message m = {"", "q", "persistent", body};
    struct broker_world w;
    int taken = 0;

    (void)state;
    memset(body, 'b', sizeof(body) - 1);
    broker_world_init(&w);
    w.log.pending_bytes_max = 256 << 10;
    broker_world_open(&w);
    assert_int_equal(world_queue(&w, "q", "durable", ""), 0);
    assert_int_equal(world_wait(&w), 0);
    sim_disk_set_latency(w.disk, SIM_OP_SYNC, 100 * WORLD_MS, 0);
    while (world_publish_as(&w, &w.publisher, &m, NULL) == 0)
        taken++;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(world_queue(&w, "p", "durable", ""), 0);
    broker_world_close(&w); /* the pressure ends meanwhile */
    broker_world_open(&w);
    assert_int_equal(world_ready(&w, "q"), taken);
    assert_int_equal(world_queue(&w, "p", "passive", ""), 0);
    end(&w);
}

/* A body larger than the log takes at once goes there bit by bit. */
static void test_a_large_message_is_taken_in_pieces(void **state)
{
    enum { SIZE = 5 << 20 };
    struct broker_world w;
    struct publish m = {.message = {.exchange = bytes_text(""), .routing_key = bytes_text("q")}};
    struct published published;
    char *body = mem_alloc(SIZE);
    struct bytes pieces[3] = {bytes_of(body, 1), bytes_of(body, SIZE / 2),
                              bytes_of(body, SIZE - SIZE / 2 - 1)};
    struct world_message persistent = {"", "q", "persistent", ""};
    int tries = 0;

    (void)state;
    memset(body, 'b', SIZE);
    broker_world_init(&w);
    w.log.pending_bytes_max = 2 << 20;
    broker_world_open(&w);
    assert_int_equal(world_queue(&w, "q", "durable", ""), 0);
    assert_int_equal(world_queue(&w, "p", "durable", ""), 0);
    assert_int_equal(world_publish_as(&w, &w.publisher, &persistent, NULL), 0);
    m.message.props = world_props(&w, "persistent headers:CC=[p]");
    m.message.body = pieces;
    m.message.body_count = 3;
    m.message.body_size = SIZE;
    while (broker_publish(w.publisher.publisher, &m, &published, &w.refusal) == ERR_AGAIN) {
        assert_true(tries++ < 100);
        world_settle(&w);
        m.message.props = world_props(&w, "persistent headers:CC=[p]");
    }
    assert_true(tries > 1);
    assert_int_equal(world_ready(&w, "q"), 2);
    assert_int_equal(world_ready(&w, "p"), 1);
    world_settle(&w);
    assert_int_equal(w.publisher.told.confirmed, 2);
    broker_world_crash(&w);
    broker_world_open(&w);
    assert_int_equal(world_ready(&w, "q"), 2);
    assert_int_equal(world_ready(&w, "p"), 1);
    m.message.props = world_props(&w, "persistent");
    sim_disk_set_stalled(w.disk, true);
    assert_int_equal(broker_publish(w.publisher.publisher, &m, &published, &w.refusal), ERR_AGAIN);
    sim_disk_set_stalled(w.disk, false);
    world_settle(&w);
    mem_free(body);
    end(&w); /* in the middle of it */
}

static struct world_publisher *freed_in_call;

static void free_publisher(void *owner, uint64_t seq)
{
    (void)owner;
    (void)seq;
    publisher_free(freed_in_call->publisher);
    freed_in_call->publisher = NULL;
}

/* Hands over a body of `size` bytes, by `step`; time passes when it is held back. */
static int upload_all(struct broker_world *w, const struct message *head, uint64_t size)
{
    enum { STEP = 300000 };
    uint8_t *part = mem_alloc(STEP);
    int waits = 0;

    memset(part, 'u', STEP);
    for (uint64_t done = 0; done < size;) {
        size_t left = size - done < STEP ? (size_t)(size - done) : STEP, taken = 0;

        if (publisher_upload(w->publisher.publisher, head, bytes_of(part, left), &taken) ==
            ERR_AGAIN) {
            assert_true(waits++ < 100);
            world_settle(w);
        }
        done += taken;
    }
    mem_free(part);
    return waits;
}

static void test_a_body_may_come_before_its_message(void **state)
{
    enum { SIZE = 5 << 20 };
    struct broker_world w;
    struct publish m = {.message = {.exchange = bytes_text(""), .routing_key = bytes_text("q")}};
    struct published published;

    (void)state;
    broker_world_init(&w);
    w.log.pending_bytes_max = 2 << 20;
    broker_world_open(&w);
    assert_int_equal(world_queue(&w, "q", "durable", ""), 0);
    m.message.props = world_props(&w, "persistent");
    m.message.body_size = 1000;
    assert_false(publisher_can_upload(w.publisher.publisher, &m.message));
    m.message.body_size = SIZE;
    m.message.routing_key = bytes_text("nobody");
    assert_false(publisher_can_upload(w.publisher.publisher, &m.message));
    m.message.routing_key = bytes_text("q");
    assert_true(publisher_can_upload(w.publisher.publisher, &m.message));

    upload_all(&w, &m.message, SIZE / 2); /* the client thinks better of it */
    publisher_drop_upload(w.publisher.publisher);
    assert_true(upload_all(&w, &m.message, SIZE) > 0);
    assert_int_equal(broker_publish(w.publisher.publisher, &m, &published, &w.refusal), 0);
    assert_int_equal(published.places, 1);
    world_settle(&w);
    assert_int_equal(w.publisher.told.confirmed, 1);
    broker_world_crash(&w);
    broker_world_open(&w);
    assert_int_equal(world_ready(&w, "q"), 1);

    upload_all(&w, &m.message, SIZE); /* its queue goes meanwhile */
    assert_int_equal(world_delete_as(&w, w.visit, "q", ""), 0);
    m.is_mandatory = true;
    expect_refusal(&w.refusal, broker_publish(w.publisher.publisher, &m, &published, &w.refusal),
                   REFUSE_CONTENT_TOO_LARGE,
                   "the queues of a mandatory message were gone before all of its body had come; "
                   "publish it again");
    end(&w);
}

/* A stream keeps the parts of a body for as long as it may be read, and no longer. */
static void test_a_deleted_stream_keeps_no_parts(void **state)
{
    enum { SIZE = 5 << 20 };
    struct broker_world w;
    struct publish m = {.message = {.exchange = bytes_text(""), .routing_key = bytes_text("s")}};
    struct published published;

    (void)state;
    broker_world_init(&w);
    w.log.pending_bytes_max = 2 << 20;
    broker_world_open(&w);
    assert_int_equal(world_queue(&w, "s", "durable", "x-queue-type=stream"), 0);
    m.message.props = world_props(&w, "persistent");
    m.message.body_size = SIZE;
    assert_true(upload_all(&w, &m.message, SIZE) > 0);
    assert_int_equal(broker_publish(w.publisher.publisher, &m, &published, &w.refusal), 0);
    world_settle(&w);
    assert_int_equal(w.publisher.told.confirmed, 1);
    assert_int_equal(world_delete_as(&w, w.visit, "s", ""), 0);
    end(&w);
}

static void test_a_publisher_may_go_while_he_is_told(void **state)
{
    static const struct publisher_ops ops = {.confirmed = free_publisher,
                                             .rejected = free_publisher};
    struct broker_world w;
    struct world_publisher p = {0};
    const struct world_message m = {"", "q", "persistent", "m"};
    const struct world_message full = {"", "small", "persistent", "m"};

    (void)state;
    begin(&w);
    assert_int_equal(
        world_queue(&w, "small", "durable", "x-max-length=i:0 x-overflow=reject-publish"), 0);
    freed_in_call = &p;
    for (int i = 0; i < 2; i++) {
        p.publisher = publisher_new(w.visit, &ops, &p);
        publisher_confirm(p.publisher);
        assert_int_equal(world_publish_as(&w, &p, &m, NULL), 0);
        if (i == 1)
            assert_int_equal(world_publish_as(&w, &p, &full, NULL), 0);
        world_settle(&w);
        assert_null(p.publisher);
    }
    p.publisher = publisher_new(w.visit, &ops, &p);
    publisher_confirm(p.publisher);
    assert_int_equal(world_publish_as(&w, &p, &m, NULL), 0);
    publisher_free(p.publisher); /* nothing is told any more */
    world_settle(&w);
    end(&w);
}

/* Whenever in a millisecond it came, and whoever else comes shortly before. */
static void test_no_time_to_live_is_shorter_than_it_was_said(void **state)
{
    (void)state;
    for (uint64_t tenth = 0; tenth < 10; tenth++) {
        struct broker_world w;
        uint64_t due_ns;

        begin(&w);
        assert_int_equal(world_queue(&w, "t", "durable",
                                     "x-message-ttl=i:100 x-dead-letter-exchange= "
                                     "x-dead-letter-routing-key=q"),
                         0);
        assert_int_equal(world_wait(&w), 0);
        sim_run_for(w.sim, tenth * WORLD_MS / 10);
        due_ns = sim_now_ns(w.sim) + 100 * WORLD_MS;
        world_publish(&w, "", "t", "mortal");
        while (sim_now_ns(w.sim) + WORLD_MS / 10 < due_ns) {
            sim_run_for(w.sim, WORLD_MS / 10);
            world_publish(&w, "", "t", "another"); /* so the queue is looked at */
            assert_int_equal(world_ready(&w, "q"), 0);
        }
        world_run_ms(&w, 5);
        assert_true(world_ready(&w, "q") >= 1);
        end(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_messages_that_are_refused),
        LEAK_CHECKED(test_an_impersonator_may_name_anybody),
        LEAK_CHECKED(test_cc_and_bcc_are_more_keys_and_bcc_does_not_arrive),
        LEAK_CHECKED(test_bcc_leaves_the_headers_and_the_rest_stays),
        LEAK_CHECKED(test_a_mandatory_message_knows_whether_it_went_anywhere),
        LEAK_CHECKED(test_persistent_messages_are_confirmed_when_they_are_on_the_disk),
        LEAK_CHECKED(test_transient_messages_do_not_wait_but_for_those_before_them),
        LEAK_CHECKED(test_a_full_queue_that_rejects_is_told_by_itself),
        LEAK_CHECKED(test_when_the_disk_fails_what_waits_is_rejected),
        LEAK_CHECKED(test_after_the_disk_failed_no_definition_is_kept),
        LEAK_CHECKED(test_when_the_log_takes_no_more_publishing_is_tried_again),
        LEAK_CHECKED(test_no_time_to_live_is_shorter_than_it_was_said),
        LEAK_CHECKED(test_closing_while_publishers_are_held_back),
        LEAK_CHECKED(test_a_large_message_is_taken_in_pieces),
        LEAK_CHECKED(test_a_body_may_come_before_its_message),
        LEAK_CHECKED(test_a_deleted_stream_keeps_no_parts),
        LEAK_CHECKED(test_a_publisher_may_go_while_he_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
