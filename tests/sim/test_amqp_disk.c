/* The door and the disk: what waits for it, what does not, and what is said when it fails. */
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "io/sim/sim_disk.h"
#include "tests/lib/leaks.h"
#include "tests/lib/test.h"
#include "tests/sim/client.h"

enum { SYNC_MS = 200 };

static void make_sync_slow(struct world *w)
{
    sim_disk_set_latency(w->disk, SIM_OP_SYNC, SYNC_MS * WORLD_MS, 0);
}

static void make_sync_fail(struct world *w)
{
    const struct sim_fault fault = {.err = ERR_IO, .ops = SIM_OP_BIT(SIM_OP_SYNC)};

    sim_disk_add_fault(w->disk, &fault);
}

static void send_declare(struct client *c, const char *name)
{
    struct method m = {.id = METHOD_QUEUE_DECLARE};

    memset(&m.queue_declare, 0, sizeof(m.queue_declare));
    m.queue_declare.queue = bytes_text(name);
    m.queue_declare.durable = true;
    client_method(c, 1, &m);
}

/* What comes behind a declare waits with it; deliveries do not. */
static void test_an_answer_waits_for_the_disk_and_deliveries_do_not(void **state)
{
    struct method qos = {.id = METHOD_BASIC_QOS};
    struct client *waits;
    struct client *publishes;
    struct world w;

    (void)state;
    world_init(&w);
    world_open(&w);
    waits = client_open(&w, 1);
    publishes = client_open(&w, 1);
    client_declare(waits, "q");
    client_consume(waits, "q", "t", true);
    make_sync_slow(&w);
    send_declare(waits, "slow");
    memset(&qos.basic_qos, 0, sizeof(qos.basic_qos));
    client_method(waits, 1, &qos);
    client_expect_nothing(waits, 10);
    client_publish(publishes, "", "q", "meanwhile");
    client_expect_delivery(waits, 1, "meanwhile");
    client_expect_nothing(waits, SYNC_MS / 2);
    client_expect(waits, 1, METHOD_QUEUE_DECLARE_OK);
    client_expect(waits, 1, METHOD_BASIC_QOS_OK);
    client_free(waits);
    client_free(publishes);
    world_release(&w);
}

static void test_a_confirm_waits_for_the_disk(void **state)
{
    struct client *c;
    struct world w;

    (void)state;
    world_init(&w);
    world_open(&w);
    c = client_open(&w, 1);
    client_declare(c, "q");
    client_confirm(c);
    make_sync_slow(&w);
    for (unsigned i = 0; i < 10; i++)
        client_publish(c, "", "q", "safe");
    client_expect_nothing(c, SYNC_MS - 50);
    client_expect_confirmed(c, 10);
    client_free(c);
    world_release(&w);
}

/* A client that leaves while its answer waits, and one whose channel ends meanwhile. */
static void test_who_waits_may_leave(void **state)
{
    struct method close = {.id = METHOD_CHANNEL_CLOSE};
    struct client *leaves;
    struct client *closes;
    struct world w;

    (void)state;
    world_init(&w);
    world_open(&w);
    leaves = client_open(&w, 1);
    closes = client_open(&w, 1);
    make_sync_slow(&w);
    send_declare(leaves, "a");
    send_declare(closes, "b");
    memset(&close.channel_close, 0, sizeof(close.channel_close));
    client_method(closes, 1, &close);
    world_run_ms(&w, 10);
    client_free(leaves);
    client_expect(closes, 1, METHOD_QUEUE_DECLARE_OK);
    client_expect(closes, 1, METHOD_CHANNEL_CLOSE_OK);
    client_free(closes);
    world_run_ms(&w, 1000);
    amqp_check(w.door);
    world_release(&w);
}

static void test_what_is_not_safe_is_not_confirmed(void **state)
{
    struct client *c;
    struct world w;

    (void)state;
    world_init(&w);
    world_open(&w);
    c = client_open(&w, 1);
    client_declare(c, "q");
    client_confirm(c);
    make_sync_fail(&w);
    client_publish(c, "", "q", "lost");
    client_expect(c, 1, METHOD_BASIC_NACK);
    assert_int_equal(c->method.basic_nack.delivery_tag, 1);
    client_free(c);
    world_run_ms(&w, 1000);
    amqp_check(w.door);
    sim_disk_clear_faults(w.disk);
    world_release(&w);
}

static void test_what_is_not_safe_is_not_declared(void **state)
{
    struct client *c;
    struct world w;

    (void)state;
    world_init(&w);
    world_open(&w);
    c = client_open(&w, 1);
    make_sync_fail(&w);
    send_declare(c, "q");
    client_expect(c, 0, METHOD_CONNECTION_CLOSE);
    assert_int_equal(c->method.connection_close.reply_code, 541);
    client_free(c);
    world_run_ms(&w, 1000);
    sim_disk_clear_faults(w.disk);
    world_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_an_answer_waits_for_the_disk_and_deliveries_do_not),
        LEAK_CHECKED(test_a_confirm_waits_for_the_disk),
        LEAK_CHECKED(test_who_waits_may_leave),
        LEAK_CHECKED(test_what_is_not_safe_is_not_confirmed),
        LEAK_CHECKED(test_what_is_not_safe_is_not_declared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
