/* Tests of broker/tx: what is staged happens at the commit, all of it or nothing. */
#include "broker/tx.h"

#include <string.h>

#include "base/mem.h"
#include "tests/lib/broker_world.h"
#include "tests/lib/leaks.h"
#include "tests/unit/broker/refused.h"

struct bench {
    struct broker_world w;
    struct world_publisher p;
    struct world_consumer c;
    struct tx *tx;
    unsigned returned;
    unsigned settled;
    unsigned kept;
    unsigned dones;
    int done;
};

static void on_returned(void *owner, const struct message *m)
{
    message_check(m);
    ((struct bench *)owner)->returned++;
}

static void on_done(void *owner, int err)
{
    struct bench *b = owner;

    b->dones++;
    b->done = err;
}

static void on_settled(void *owner, struct delivery *d)
{
    (void)d;
    ((struct bench *)owner)->settled++;
}

static void on_kept(void *owner, struct delivery *d)
{
    (void)d;
    ((struct bench *)owner)->kept++;
}

static const struct tx_ops ops = {.returned = on_returned, .done = on_done};

static struct bench bench;

static struct bench *begin_with(unsigned partitions, uint64_t pending)
{
    struct bench *b = &bench;

    memset(b, 0, sizeof(*b));
    broker_world_init(&b->w);
    b->w.partition_count = partitions;
    b->w.log.pending_bytes_max = pending;
    broker_world_open(&b->w);
    assert_int_equal(world_queue(&b->w, "q", "durable", ""), 0);
    assert_int_equal(world_queue(&b->w, "p", "durable", ""), 0);
    assert_int_equal(world_wait(&b->w), 0);
    world_publisher_open(&b->w, b->w.visit, &b->p, false);
    b->tx = tx_new(b->p.publisher, &ops, b);
    return b;
}

static struct bench *begin(void)
{
    return begin_with(1, 4 << 20);
}

static void end(struct bench *b)
{
    tx_free(b->tx);
    world_publisher_close(&b->p);
    broker_world_close(&b->w);
    broker_world_release(&b->w);
}

static int stage(struct bench *b, const char *exchange, const char *key, const char *text,
                 size_t size)
{
    char *bytes = mem_zero(1, size + 1);
    struct bytes body = bytes_of(bytes, size);
    const struct publish m = {
        .message = {.exchange = bytes_text(exchange),
                    .routing_key = bytes_text(key),
                    .props = world_props(&b->w, "persistent"),
                    .body = &body,
                    .body_count = 1,
                    .body_size = size},
        .is_mandatory = true,
    };
    int rv = 0;

    memcpy(bytes, text, strlen(text) < size ? strlen(text) : size);
    rv = tx_publish(b->tx, &m, &b->w.refusal);
    mem_free(bytes);
    return rv;
}

/* Three messages of q are in flight. */
static void take_three(struct bench *b)
{
    for (int i = 0; i < 3; i++)
        world_publish(&b->w, "", "q", (const char *[]){"1", "2", "3"}[i]);
    assert_int_equal(world_consume_as(&b->w, b->w.visit, &b->c, "q", false), 0);
    world_settle(&b->w);
    assert_int_equal(b->c.count, 3);
}

static void settle(struct bench *b, size_t i, enum tx_settle_kind kind)
{
    assert_int_equal(tx_settle(b->tx, b->c.deliveries[i], kind, &b->w.refusal), 0);
}

static void test_what_is_staged_happens_at_the_commit(void **state)
{
    struct bench *b = begin();

    (void)state;
    take_three(b);
    assert_int_equal(stage(b, "", "p", "a", 1), 0);
    assert_int_equal(stage(b, "", "p", "b", 1), 0);
    assert_int_equal(stage(b, "", "none", "c", 1), 0);
    settle(b, 0, TX_ACK);
    settle(b, 1, TX_REJECT);
    settle(b, 2, TX_REQUEUE);
    world_settle(&b->w);
    assert_int_equal(world_ready(&b->w, "p"), 0);
    tx_commit(b->tx, on_settled);
    assert_int_equal(b->dones, 0); /* not inside the call */
    world_settle(&b->w);
    assert_int_equal(b->dones, 1);
    assert_int_equal(b->done, 0);
    assert_int_equal(b->returned, 1);
    assert_int_equal(b->settled, 3);
    assert_int_equal(world_ready(&b->w, "p"), 2);
    assert_int_equal(b->c.count, 4); /* the third one again */
    assert_string_equal(b->c.bodies[3], "3");
    assert_true(b->c.are_redelivered[3]);
    queue_ack(b->c.deliveries[3]);
    world_consumer_close(&b->c);
    end(b);
}

static void test_a_rollback_forgets(void **state)
{
    struct bench *b = begin();

    (void)state;
    take_three(b);
    assert_int_equal(stage(b, "", "p", "a", 1), 0);
    settle(b, 0, TX_ACK);
    tx_rollback(b->tx, on_kept);
    assert_int_equal(b->kept, 1);
    tx_commit(b->tx, on_settled); /* of nothing */
    world_settle(&b->w);
    assert_int_equal(b->dones, 1);
    assert_int_equal(b->settled, 0);
    assert_int_equal(world_ready(&b->w, "p"), 0);
    for (int i = 0; i < 3; i++)
        queue_requeue(b->c.deliveries[i], true);
    world_consumer_close(&b->c);
    world_settle(&b->w);
    assert_int_equal(world_ready(&b->w, "q"), 3);
    end(b);
}

static void test_refusals_come_when_it_is_staged(void **state)
{
    struct bench *b = begin();

    (void)state;
    expect_refusal(&b->w.refusal, stage(b, "none", "p", "a", 1), REFUSE_NOT_FOUND,
                   "no exchange 'none' in vhost '/'");
    b->w.options.tx_max_bytes = 1000;
    assert_int_equal(stage(b, "", "p", "a", 900), 0);
    expect_refusal(&b->w.refusal, stage(b, "", "p", "a", 900), REFUSE_PRECONDITION,
                   "the transaction is larger than the configured 1000 bytes");
    end(b);
}

static void test_done_waits_for_the_disk(void **state)
{
    struct bench *b = begin();

    (void)state;
    assert_int_equal(stage(b, "", "p", "a", 1), 0);
    sim_disk_set_stalled(b->w.disk, true);
    tx_commit(b->tx, on_settled);
    world_settle(&b->w);
    assert_int_equal(b->dones, 0);
    sim_disk_set_stalled(b->w.disk, false);
    world_settle(&b->w);
    assert_int_equal(b->dones, 1);
    tx_free(b->tx);
    world_publisher_close(&b->p);
    broker_world_crash(&b->w);
    broker_world_open(&b->w);
    assert_int_equal(world_ready(&b->w, "p"), 1);
    world_publisher_open(&b->w, b->w.visit, &b->p, false);
    b->tx = tx_new(b->p.publisher, &ops, b);
    end(b);
}

/* The power fails after each event of the commit, and the last write may be torn: all of it is
 * there, or nothing. */
static void test_a_crash_leaves_all_of_it_or_nothing(void **state)
{
    unsigned whole = 0;
    unsigned nothing = 0;

    (void)state;
    for (unsigned events = 0; events < 24; events++) {
        struct bench *b = begin();
        uint64_t p = 0;
        uint64_t q = 0;

        take_three(b);
        for (int i = 0; i < 20; i++)
            assert_int_equal(stage(b, "", i % 2 == 0 ? "p" : "q", "m", 100), 0);
        for (size_t i = 0; i < 3; i++)
            settle(b, i, TX_ACK);
        tx_commit(b->tx, on_settled);
        tx_free(b->tx);
        for (unsigned i = 0; i < events / 2; i++)
            (void)sim_step(b->w.sim);
        world_publisher_close(&b->p);
        world_consumer_close(&b->c);
        broker_world_crash_as(&b->w,
                              &(struct sim_crash){
                                  .kind = events % 2 == 0 ? SIM_CRASH_NOTHING : SIM_CRASH_TORN,
                                  .torn_sectors = 1,
                              });
        broker_world_open(&b->w);
        p = world_ready(&b->w, "p");
        q = world_ready(&b->w, "q");
        if (p == 10) {
            assert_int_equal(q, 10);
            whole++;
        } else {
            assert_int_equal(p, 0);
            assert_int_equal(q, 3);
            nothing++;
        }
        broker_world_close(&b->w);
        broker_world_release(&b->w);
    }
    assert_true(whole > 0 && nothing > 0);
}

static void test_a_full_queue_makes_it_partial(void **state)
{
    struct bench *b = begin();

    (void)state;
    assert_int_equal(
        world_queue(&b->w, "small", "durable", "x-max-length=i:1 x-overflow=reject-publish"), 0);
    assert_int_equal(stage(b, "", "small", "a", 1), 0);
    assert_int_equal(stage(b, "", "small", "b", 1), 0);
    tx_commit(b->tx, on_settled);
    world_settle(&b->w);
    assert_int_equal(b->done, ERR_FULL);
    end(b);
}

static void test_when_the_disk_fails_the_commit_fails(void **state)
{
    const struct sim_fault fault = {.ops = SIM_OP_BIT(SIM_OP_SYNC), .err = ERR_IO};
    struct bench *b = begin();

    (void)state;
    take_three(b);
    assert_int_equal(stage(b, "", "p", "a", 1), 0);
    sim_disk_add_fault(b->w.disk, &fault);
    tx_commit(b->tx, on_settled);
    world_settle(&b->w);
    assert_int_equal(b->dones, 1);
    assert_int_equal(b->done, ERR_FAILED);
    assert_int_equal(stage(b, "", "p", "a", 1), 0);
    settle(b, 0, TX_ACK);
    tx_commit(b->tx, on_settled);
    world_settle(&b->w);
    assert_int_equal(b->dones, 2);
    assert_int_equal(b->done, ERR_FAILED);
    assert_int_equal(b->settled, 0);
    tx_rollback(b->tx, on_kept); /* what was staged is in his hands again */
    assert_int_equal(b->kept, 1);
    for (int i = 0; i < 3; i++)
        queue_requeue(b->c.deliveries[i], true);
    world_consumer_close(&b->c);
    end(b);
}

static void test_a_commit_that_finds_no_room_waits(void **state)
{
    const struct world_message filler = {"", "q", "persistent", "some bytes that fill the log"};
    struct bench *b = begin_with(1, 256 << 10);

    (void)state;
    sim_disk_set_stalled(b->w.disk, true);
    for (int i = 0; i < 20; i++)
        assert_int_equal(stage(b, "", "p", "m", 8 << 10), 0);
    while (world_publish_as(&b->w, &b->w.publisher, &filler, NULL) == 0)
        ;
    tx_commit(b->tx, on_settled);
    world_settle(&b->w);
    assert_int_equal(b->dones, 0);
    sim_disk_set_stalled(b->w.disk, false);
    world_settle(&b->w);
    assert_int_equal(b->dones, 1);
    assert_int_equal(b->done, 0);
    assert_int_equal(world_ready(&b->w, "p"), 20);
    end(b);
}

/* As when a client goes while its commit waits. */
static void test_a_commit_that_finds_no_room_can_be_rolled_back(void **state)
{
    const struct world_message filler = {"", "p", "persistent", "some bytes that fill the log"};
    struct bench *b = begin_with(1, 256 << 10);
    uint64_t fillers = 0;

    (void)state;
    take_three(b);
    sim_disk_set_stalled(b->w.disk, true);
    assert_int_equal(stage(b, "", "p", "m", 8 << 10), 0);
    settle(b, 0, TX_ACK);
    while (world_publish_as(&b->w, &b->w.publisher, &filler, NULL) == 0)
        fillers++;
    tx_commit(b->tx, on_settled);
    tx_rollback(b->tx, on_kept);
    assert_int_equal(b->kept, 1);
    sim_disk_set_stalled(b->w.disk, false);
    world_settle(&b->w);
    assert_int_equal(b->dones, 0);
    assert_int_equal(b->settled, 0);
    assert_int_equal(world_ready(&b->w, "p"), fillers);
    tx_commit(b->tx, on_settled); /* it can be used again */
    world_settle(&b->w);
    assert_int_equal(b->dones, 1);
    for (int i = 0; i < 3; i++)
        queue_ack(b->c.deliveries[i]);
    world_consumer_close(&b->c);
    end(b);
}

static void test_a_commit_that_waits_for_the_disk_has_happened(void **state)
{
    struct bench *b = begin();

    (void)state;
    take_three(b);
    assert_int_equal(stage(b, "", "p", "a", 1), 0);
    settle(b, 0, TX_ACK);
    sim_disk_set_stalled(b->w.disk, true);
    tx_commit(b->tx, on_settled);
    assert_int_equal(b->settled, 1);
    tx_rollback(b->tx, on_kept);
    assert_int_equal(b->kept, 0);
    sim_disk_set_stalled(b->w.disk, false);
    world_settle(&b->w);
    assert_int_equal(b->dones, 0);
    assert_int_equal(world_ready(&b->w, "p"), 1);
    for (int i = 1; i < 3; i++)
        queue_requeue(b->c.deliveries[i], true);
    world_consumer_close(&b->c);
    world_settle(&b->w);
    assert_int_equal(world_ready(&b->w, "q"), 2);
    end(b);
}

static void test_large_bodies_are_sent_ahead(void **state)
{
    struct bench *b = begin_with(1, 1 << 20);

    (void)state;
    assert_int_equal(stage(b, "", "p", "a", 3 << 20), 0);
    assert_int_equal(stage(b, "", "p", "b", 10), 0);
    assert_int_equal(stage(b, "amq.fanout", "", "c", 2 << 20), 0);
    assert_int_equal(stage(b, "", "q", "d", 2 << 20), 0);
    tx_commit(b->tx, on_settled);
    world_run_ms(&b->w, 2000);
    assert_int_equal(b->dones, 1);
    assert_int_equal(b->done, 0);
    assert_int_equal(b->returned, 1);
    assert_int_equal(world_ready(&b->w, "p"), 2);
    assert_int_equal(world_ready(&b->w, "q"), 1);
    assert_int_equal(stage(b, "", "p", "a", 3 << 20), 0);
    tx_commit(b->tx, on_settled);
    end(b); /* in the middle of it */
}

static void test_over_several_partitions_each_is_by_itself(void **state)
{
    struct bench *b = begin_with(2, 4 << 20);

    (void)state;
    take_three(b);
    for (int i = 0; i < 10; i++)
        assert_int_equal(stage(b, "", i % 2 == 0 ? "p" : "q", "m", 10), 0);
    for (size_t i = 0; i < 3; i++)
        settle(b, i, TX_ACK);
    tx_commit(b->tx, on_settled);
    world_settle(&b->w);
    assert_int_equal(b->dones, 1);
    assert_int_equal(b->done, 0);
    assert_int_equal(world_ready(&b->w, "p"), 5);
    assert_int_equal(b->c.count, 3 + 5);
    for (size_t i = 3; i < 8; i++)
        queue_ack(b->c.deliveries[i]);
    world_consumer_close(&b->c);
    end(b);
}

/* Across partitions a crash may show a message twice, in the queue it was taken from and in the one
 * it was published to; it never shows it nowhere. */
static void test_over_several_partitions_settles_come_last(void **state)
{
    unsigned twice = 0;
    unsigned moved = 0;

    (void)state;
    for (unsigned events = 0; events < 40; events++) {
        struct bench *b = begin_with(2, 4 << 20);
        uint64_t p = 0;
        uint64_t q = 0;

        take_three(b);
        for (int i = 0; i < 3; i++)
            assert_int_equal(stage(b, "", "p", "m", 10), 0);
        for (size_t i = 0; i < 3; i++)
            settle(b, i, TX_ACK);
        tx_commit(b->tx, on_settled);
        for (unsigned i = 0; i < events; i++)
            (void)sim_step(b->w.sim);
        assert_true(b->settled == 0 || b->dones == 1);
        tx_free(b->tx);
        world_publisher_close(&b->p);
        world_consumer_close(&b->c);
        broker_world_crash_as(&b->w,
                              &(struct sim_crash){.kind = SIM_CRASH_RANDOM, .seed = 1000 + events});
        broker_world_open(&b->w);
        p = world_ready(&b->w, "p");
        q = world_ready(&b->w, "q");
        assert_true(p + q >= 3);
        twice += p == 3 && q == 3;
        moved += p == 3 && q == 0;
        broker_world_close(&b->w);
        broker_world_release(&b->w);
    }
    assert_true(twice > 0 && moved > 0);
}

/* With x-colocate it is one batch, however many partitions there are. */
static void test_neighbours_are_one_batch(void **state)
{
    (void)state;
    for (unsigned events = 0; events < 24; events++) {
        struct bench *b = begin_with(3, 4 << 20);
        uint64_t p = 0;
        uint64_t q = 0;

        assert_int_equal(world_queue(&b->w, "beside", "durable", "x-colocate=q"), 0);
        assert_int_equal(world_wait(&b->w), 0);
        take_three(b);
        for (int i = 0; i < 3; i++)
            assert_int_equal(stage(b, "", "beside", "m", 10), 0);
        for (size_t i = 0; i < 3; i++)
            settle(b, i, TX_ACK);
        tx_commit(b->tx, on_settled);
        tx_free(b->tx);
        for (unsigned i = 0; i < events; i++)
            (void)sim_step(b->w.sim);
        world_publisher_close(&b->p);
        world_consumer_close(&b->c);
        broker_world_crash_as(&b->w,
                              &(struct sim_crash){.kind = SIM_CRASH_RANDOM, .seed = 1000 + events});
        broker_world_open(&b->w);
        p = world_ready(&b->w, "beside");
        q = world_ready(&b->w, "q");
        assert_true((p == 3 && q == 0) || (p == 0 && q == 3));
        broker_world_close(&b->w);
        broker_world_release(&b->w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_what_is_staged_happens_at_the_commit),
        LEAK_CHECKED(test_a_rollback_forgets),
        LEAK_CHECKED(test_refusals_come_when_it_is_staged),
        LEAK_CHECKED(test_done_waits_for_the_disk),
        LEAK_CHECKED(test_a_crash_leaves_all_of_it_or_nothing),
        LEAK_CHECKED(test_a_full_queue_makes_it_partial),
        LEAK_CHECKED(test_when_the_disk_fails_the_commit_fails),
        LEAK_CHECKED(test_a_commit_that_finds_no_room_waits),
        LEAK_CHECKED(test_a_commit_that_finds_no_room_can_be_rolled_back),
        LEAK_CHECKED(test_a_commit_that_waits_for_the_disk_has_happened),
        LEAK_CHECKED(test_large_bodies_are_sent_ahead),
        LEAK_CHECKED(test_over_several_partitions_each_is_by_itself),
        LEAK_CHECKED(test_over_several_partitions_settles_come_last),
        LEAK_CHECKED(test_neighbours_are_one_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
