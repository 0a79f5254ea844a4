/* All queues of a partition together: atomic moves, lost checkpoints, lanes, refusals, failures,
 * and how much an idle queue takes. */
#include "queue/queues_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "queue/look.h"
#include "tests/lib/leaks.h"
#include "tests/lib/queue_world.h"

enum { BODIES_MAX = 4000 };

/* What consumers got, in order. */
struct heard {
    char tags[BODIES_MAX][8];
    uint32_t numbers[BODIES_MAX];
    size_t count;
    size_t again; /* of them */
    char last[256];
};

static struct queue_world w;
static struct heard heard;

static uint32_t number_of(const char *text)
{
    uint32_t n = 0;

    for (; *text >= '0' && *text <= '9'; text++)
        n = n * 10 + (uint32_t)(*text - '0');
    return n;
}

static void on_told(void *owner, const char *line)
{
    const char *gets = strstr(line, " gets ");

    (void)owner;
    snprintf(heard.last, sizeof(heard.last), "%s", line);
    if (gets == NULL)
        return;
    assert_true(heard.count < BODIES_MAX);
    snprintf(heard.tags[heard.count], sizeof(heard.tags[0]), "%.*s", (int)(gets - line), line);
    heard.numbers[heard.count++] = number_of(gets + 6);
    heard.again += strstr(gets, " again") != NULL;
}

static int setup(void **state)
{
    (void)leaks_setup(state);
    memset(&heard, 0, sizeof(heard));
    queue_world_init(&w, on_told, NULL);
    queue_world_open(&w);
    return 0;
}

static int teardown(void **state)
{
    queue_world_close(&w);
    queue_world_release(&w);
    return leaks_teardown(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static void declare(const char *name, const char *arguments)
{
    int rv = queue_world_declare(&w, &(struct world_queue){.name = name, .arguments = arguments});
    assert_int_equal(rv, 0);
}

static int try_publish(const char *queues, uint32_t number, size_t size)
{
    struct queues_published out;
    char body[16];

    snprintf(body, sizeof(body), "%" PRIu32, number);
    return queue_world_publish(
        &w, &(struct world_publish){.queues = queues, .body = body, .size = size}, &out);
}

/* Publishes `count` messages from number `first` on, letting the disk keep up. */
static void fill(const char *queues, uint32_t first, uint32_t count, size_t size)
{
    for (uint32_t i = 0; i < count; i++) {
        int rv = try_publish(queues, first + i, size);

        assert_int_equal(rv, 0);
        if (i % (i < 1024 ? 16 : 1024) == 15) /* each run looks at every message there is */
            queue_world_run_ms(&w, 1);
    }
    queue_world_run_ms(&w, 1);
}

static void consume(const char *queue, const char *tag, uint32_t prefetch)
{
    int rv = queue_world_consume(
        &w, &(struct world_consume){.queue = queue, .tag = tag, .prefetch = prefetch});
    assert_int_equal(rv, 0);
}

/* Runs and acks until the queue is empty. */
static void drain(const char *queue, const char *tag)
{
    struct queue *q = queue_world_find(&w, queue);

    for (unsigned i = 0; q->ledger.live > 0; i++) {
        assert_true(i < 20000);
        queue_world_run_ms(&w, 1);
        (void)queue_world_settle(&w, tag, "all", WORLD_ACK);
    }
    queue_world_run_ms(&w, 5);
}

static void expect_numbers(uint32_t first, size_t count)
{
    assert_int_equal(heard.count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(heard.numbers[i], first + i);
}

/* ---- lanes ---- */

static bool has_lane(const char *queue)
{
    uint64_t first, end;

    return log_lane(partition_log(w.p.partition), queue_world_find(&w, queue)->identity->id, &first,
                    &end);
}

static void test_a_deep_queue_has_a_lane_and_is_read_in_order(void **state)
{
    (void)state;
    declare("deep", "");
    declare("small", "");
    for (uint32_t i = 0; i < 30; i++) {
        fill("deep", 100 * i, 100, 40);
        fill("small,deep", 100000 + i, 1, 10);
    }
    queue_world_run_ms(&w, 2000);
    assert_true(has_lane("deep"));
    assert_false(has_lane("small"));
    queue_world_restart(&w);
    consume("deep", "c", 50);
    drain("deep", "c");
    assert_int_equal(heard.count, 3030);
    for (uint32_t i = 0, at = 0; i < 30; i++) {
        for (uint32_t k = 0; k < 100; k++)
            assert_int_equal(heard.numbers[at++], 100 * i + k);
        assert_int_equal(heard.numbers[at++], 100000 + i);
    }
    queue_world_run_ms(&w, 2000);
    assert_false(has_lane("deep")); /* its files are gone with the last message */
    heard.count = 0;
    consume("small", "s", 0);
    drain("small", "s");
    expect_numbers(100000, 30);
}

static void test_settled_messages_do_not_come_back_out_of_a_lane(void **state)
{
    (void)state;
    declare("deep", "");
    fill("deep", 0, 1500, 40);
    queue_world_run_ms(&w, 2000);
    assert_true(has_lane("deep"));
    consume("deep", "c", 700);
    queue_world_run_ms(&w, 500);
    assert_int_equal(heard.count, 700);
    for (uint32_t i = 0; i < 700; i += 2) {
        char body[16];

        snprintf(body, sizeof(body), "%" PRIu32, i);
        assert_int_equal(queue_world_settle(&w, "c", body, WORLD_ACK), 1);
    }
    queue_world_cancel(&w, "c");
    queue_world_run_ms(&w, 100);
    queue_world_commit(&w);
    queue_world_crash(&w);
    heard.count = 0;
    consume("deep", "c", 100);
    drain("deep", "c");
    for (size_t i = 0; i < heard.count; i++) /* those of even numbers below 700 were acked */
        assert_int_equal(heard.numbers[i], i < 350 ? 2 * i + 1 : i + 350);
    assert_int_equal(heard.count, 1150);
}

static void test_a_purged_queue_is_let_go_of_across_restarts(void **state)
{
    enum { COUNT = 40000 };
    struct store_stats stats;

    (void)state;
    declare("a", "");
    declare("b", "");
    fill("a,b", 0, COUNT, 1);
    queue_world_run_ms(&w, 10);
    assert_int_equal(queue_purge(queue_world_find(&w, "a")), COUNT);
    queue_world_restart(&w); /* what is left of it is in the checkpoint */
    store_get_stats(queues_store(w.queues), &stats);
    assert_true(stats.shared_messages > 0);
    assert_int_equal(queue_ready_count(queue_world_find(&w, "a")), 0);
    assert_int_equal(queue_ready_count(queue_world_find(&w, "b")), COUNT);
    queue_world_delete(&w, "b");
    queue_world_crash(&w); /* the checkpoint has both; b may be deleted or not */
    queue_world_run_ms(&w, 1000);
    assert_int_equal(queue_ready_count(queue_world_find(&w, "a")), 0);
    if (queue_world_find(&w, "b") != NULL)
        queue_world_delete(&w, "b");
    queue_world_run_ms(&w, 1000);
    store_get_stats(queues_store(w.queues), &stats);
    assert_int_equal(stats.shared_messages, 0);
}

static void test_a_purge_is_as_safe_as_acks_are(void **state)
{
    (void)state;
    declare("a", "");
    fill("a", 0, 100, 1);
    queue_world_run_ms(&w, 10);
    assert_int_equal(queue_purge(queue_world_find(&w, "a")), 100);
    queue_world_run_ms(&w, 10);
    queue_world_crash(&w); /* no checkpoint has seen it */
    assert_int_equal(queue_ready_count(queue_world_find(&w, "a")), 0);
}

static void test_the_dying_are_marked_after_an_ordered_stop(void **state)
{
    (void)state;
    declare("to", "");
    declare("q", "x-dead-letter-exchange= x-dead-letter-routing-key=to");
    fill("q", 1, 3, 10);
    consume("q", "c", 2);
    queue_world_run_ms(&w, 5);
    expect_numbers(1, 2);
    (void)queue_world_settle(&w, "c", "all", WORLD_REJECT);
    queue_world_restart(&w); /* before their turn has come */
    assert_int_equal(queue_ready_count(queue_world_find(&w, "q")), 3);
    consume("q", "d", 0);
    queue_world_run_ms(&w, 5);
    assert_int_equal(heard.count, 5);
    assert_int_equal(heard.again, 2);
}

static void forget_checkpoint(void *owner, const char *name, bool is_dir)
{
    char path[256];

    (void)owner;
    (void)is_dir;
    if (strncmp(name, "checkpoint-", 11) != 0)
        return;
    snprintf(path, sizeof(path), "log/%s", name);
    int rv = disk_remove(sim_disk_as_disk(w.p.disk), path);
    assert_int_equal(rv, 0);
}

static void test_without_any_checkpoint_nothing_that_was_not_settled_is_missing(void **state)
{
    size_t kept = 0;

    (void)state;
    declare("deep", "");
    declare("small", "");
    fill("deep", 0, 1500, 40);
    fill("small,deep", 1500, 20, 10);
    consume("deep", "c", 100);
    queue_world_run_ms(&w, 100);
    assert_int_equal(queue_world_settle(&w, "c", "all", WORLD_ACK), 100);
    queue_world_cancel(&w, "c");
    queue_world_run_ms(&w, 2000);
    fill("deep", 1520, 100, 40);
    queue_world_commit(&w);
    heard.count = 0;
    queue_world_close(&w);
    int rv = disk_list(sim_disk_as_disk(w.p.disk), "log", forget_checkpoint, NULL);
    assert_int_equal(rv, 0);
    queue_world_open(&w);
    consume("deep", "d", 100);
    drain("deep", "d");
    for (size_t i = 0; i < heard.count; i++) {
        assert_true(i == 0 || heard.numbers[i] > heard.numbers[i - 1]);
        kept += heard.numbers[i] >= 100;
    }
    assert_int_equal(kept, 1520);
    heard.count = 0;
    consume("small", "s", 0);
    drain("small", "s");
    expect_numbers(1500, 20);
}

static void test_a_consumer_that_stands_still_holds_no_file(void **state)
{
    size_t idle;

    (void)state;
    declare("deep", "");
    fill("deep", 0, 1500, 40);
    queue_world_run_ms(&w, 12000);
    idle = sim_disk_open_files(w.p.disk);
    queue_world_restart(&w);
    consume("deep", "c", 10);
    queue_world_run_ms(&w, 100);
    assert_int_equal(heard.count, 10);
    assert_false(list_empty(&w.queues->reading.open));
    queue_world_run_ms(&w, 12000);
    assert_true(list_empty(&w.queues->reading.open));
    assert_true(sim_disk_open_files(w.p.disk) <= idle);
    drain("deep", "c"); /* and goes on where it stood */
    expect_numbers(0, 1500);
}

/* ---- damage ---- */

/* Spoils a sector in the middle of a cold file. */
static void spoil(void *owner, const char *path, bool is_dir, uint64_t size)
{
    bool *is_done = owner;

    if (is_dir || *is_done || strstr(path, "cold-") == NULL || size < 8192)
        return;
    sim_disk_zero_sector(w.p.disk, path, size / 2 / 512);
    *is_done = true;
}

static void test_what_cannot_be_read_is_passed_over_and_kept(void **state)
{
    struct queue_stats stats;
    bool is_spoilt = false;
    uint64_t unreadable;

    (void)state;
    declare("deep", "");
    fill("deep", 0, 1500, 40);
    queue_world_run_ms(&w, 2000);
    queue_world_restart(&w);
    sim_disk_walk(w.p.disk, spoil, &is_spoilt);
    assert_true(is_spoilt);
    consume("deep", "c", 100);
    for (unsigned i = 0; i < 200; i++) {
        queue_world_run_ms(&w, 1);
        (void)queue_world_settle(&w, "c", "all", WORLD_ACK);
    }
    queue_get_stats(queue_world_find(&w, "deep"), &stats);
    unreadable = stats.unreadable;
    assert_true(unreadable > 0 && unreadable < 200);
    assert_int_equal(stats.ready + stats.unacked, 0);
    assert_int_equal(heard.count + unreadable, 1500);
    for (size_t i = 1; i < heard.count; i++)
        assert_true(heard.numbers[i] > heard.numbers[i - 1]);
    fill("deep", 5000, 1, 10);
    assert_int_equal(heard.numbers[heard.count - 1], 5000);
    (void)queue_world_settle(&w, "c", "all", WORLD_ACK);
    queue_world_cancel(&w, "c");
    queue_world_run_ms(&w, 10);
    queue_world_restart(&w);
    queue_get_stats(queue_world_find(&w, "deep"), &stats);
    assert_int_equal(stats.ready, unreadable); /* they are there, should they become readable */
}

/* ---- atomic moves ---- */

static uint64_t ready(const char *queue)
{
    return queue_ready_count(queue_world_find(&w, queue));
}

/* Cuts the power at every operation of the disk during a dead letter's move. */
static void test_a_dead_letter_is_in_one_queue_whenever_the_power_fails(void **state)
{
    bool is_over = false;

    (void)state;
    declare("from", "x-dead-letter-exchange= x-dead-letter-routing-key=to");
    declare("to", "");
    for (uint64_t k = 1; !is_over; k++) {
        assert_true(k < 200);
        fill("from", 1, 3, 20);
        queue_world_commit(&w);
        consume("from", "c", 0);
        queue_world_run_ms(&w, 2);
        assert_int_equal(queue_world_settle(&w, "c", "2", WORLD_REJECT), 1);
        sim_disk_stop_at(w.p.disk, sim_disk_operations(w.p.disk) + k, 0);
        queue_world_run_ms(&w, 5);
        is_over = !sim_disk_is_stopped(w.p.disk);
        queue_world_crash(&w);
        queue_world_run_ms(&w, 5);
        assert_int_equal(ready("from") + ready("to"), 3);
        assert_true(ready("to") == 1 || !is_over);
        (void)queue_purge(queue_world_find(&w, "from"));
        (void)queue_purge(queue_world_find(&w, "to"));
        queue_world_run_ms(&w, 5);
    }
}

/* A publish and an ack in one group. */
static void move_in_a_group(const char *to, const char *tag, const char *body)
{
    struct queues_published out;
    uint64_t position;
    int rv = queues_begin_group(w.queues, 4000);

    assert_int_equal(rv, 0);
    rv = queue_world_publish(&w, &(struct world_publish){.queues = to, .body = body}, &out);
    assert_int_equal(rv, 0);
    assert_int_equal(queue_world_settle(&w, tag, body, WORLD_ACK), 1);
    queues_end_group(w.queues, &position);
    assert_true(position >= out.position);
    assert_true(partition_committed(w.p.partition) <= position);
}

static void test_a_group_is_all_or_nothing(void **state)
{
    bool is_over = false;

    (void)state;
    declare("from", "");
    declare("to", "");
    for (uint64_t k = 1; !is_over; k++) {
        assert_true(k < 200);
        fill("from", 1, 2, 20);
        queue_world_commit(&w);
        consume("from", "c", 0);
        queue_world_run_ms(&w, 2);
        sim_disk_stop_at(w.p.disk, sim_disk_operations(w.p.disk) + k, 0);
        move_in_a_group("to", "c", "1");
        queue_world_run_ms(&w, 5);
        is_over = !sim_disk_is_stopped(w.p.disk);
        queue_world_crash(&w);
        queue_world_run_ms(&w, 5);
        assert_int_equal(ready("from") + ready("to"), 2);
        (void)queue_purge(queue_world_find(&w, "from"));
        (void)queue_purge(queue_world_find(&w, "to"));
        queue_world_run_ms(&w, 5);
    }
}

/* ---- refusals and failures ---- */

static void test_what_the_log_cannot_take_now_changes_nothing(void **state)
{
    uint32_t taken = 0;

    (void)state;
    declare("q", "");
    while (try_publish("q", taken + 1, 500) == 0) {
        taken++;
        assert_true(taken < 1000);
    }
    assert_int_equal(ready("q"), taken);
    assert_int_equal(try_publish("q", taken + 1, 500), ERR_FULL);
    queue_world_run_ms(&w, 50);
    assert_false(queues_are_pressed(w.queues));
    fill("q", taken + 1, 10, 500);
    consume("q", "c", 0);
    queue_world_run_ms(&w, 10);
    expect_numbers(1, taken + 10);
    (void)queue_world_settle(&w, "c", "all", WORLD_ACK);
}

static void test_a_failed_log_ends_the_consumers(void **state)
{
    (void)state;
    declare("q", "");
    consume("q", "c", 0);
    queue_world_run_ms(&w, 5);
    sim_disk_add_fault(w.p.disk, &(struct sim_fault){.err = ERR_IO,
                                                     .ops = SIM_OP_BIT(SIM_OP_WRITE),
                                                     .path_part = "hot-",
                                                     .times = 1});
    assert_int_equal(try_publish("q", 1, 10), 0);
    queue_world_run_ms(&w, 20);
    assert_string_equal(heard.last, "c is cancelled: failed");
    assert_int_equal(try_publish("q", 2, 10), ERR_FAILED);
    (void)queue_world_settle(&w, "c", "all", WORLD_ACK);
    queue_world_run_ms(&w, 20);
    sim_disk_clear_faults(w.p.disk);
    queue_world_crash(&w);
    assert_int_equal(ready("q"), 0); /* it was never confirmed */
    fill("q", 3, 1, 10);
    consume("q", "d", 0);
    queue_world_run_ms(&w, 5);
    assert_string_equal(heard.last, "d gets 3");
}

/* ---- many ---- */

static void test_a_mass_of_dead_letters_moves_in_order(void **state)
{
    (void)state;
    declare("from", "x-message-ttl=100 x-dead-letter-exchange= x-dead-letter-routing-key=to");
    declare("to", "");
    fill("from", 1, 3000, 30);
    consume("to", "c", 0);
    for (unsigned i = 0; queue_world_find(&w, "from")->ledger.live > 0; i++) {
        assert_true(i < 2000);
        queue_world_run_ms(&w, 1);
        (void)queue_world_settle(&w, "c", "all", WORLD_ACK);
    }
    drain("to", "c");
    expect_numbers(1, 3000);
}

static void test_a_consumer_without_prefetch_holds_no_more_than_the_broker_allows(void **state)
{
    (void)state;
    declare("q", "");
    consume("q", "c", 0);
    fill("q", 1, 1100, 5);
    queue_world_run_ms(&w, 50);
    assert_int_equal(heard.count, 1000);
    assert_int_equal(queue_world_settle(&w, "c", "all", WORLD_ACK), 1000);
    queue_world_run_ms(&w, 10);
    expect_numbers(1, 1100);
    assert_int_equal(queue_world_settle(&w, "c", "all", WORLD_REQUEUE), 100);
    queue_world_run_ms(&w, 10);
    assert_int_equal(heard.count, 1200);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(heard.numbers[1100 + i], 1001 + i);
}

/* Whatever was published before it, in the same turn too. */
static void test_a_get_finds_only_what_no_consumer_has_room_for(void **state)
{
    struct queues_published out;

    (void)state;
    queue_world_declare(&w, &(struct world_queue){.name = "q"});
    queue_world_consume(&w, &(struct world_consume){.queue = "q", .tag = "c", .prefetch = 1});
    queue_world_run_ms(&w, 1);
    queue_world_publish(&w, &(struct world_publish){.queues = "q", .body = "1"}, &out);
    queue_world_get(&w, "q", "g", true);
    queue_world_run_ms(&w, 1);
    assert_string_equal(heard.last, "get: empty");
    assert_string_equal(heard.tags[0], "c");

    queue_world_publish(&w, &(struct world_publish){.queues = "q", .body = "2"}, &out);
    queue_world_get(&w, "q", "g", true);
    queue_world_run_ms(&w, 1);
    assert_string_equal(heard.last, "get: 0 left");
    assert_string_equal(heard.tags[1], "g");
    queue_world_check(&w);
}

static void test_a_get_finds_nothing_that_is_too_much_or_too_old(void **state)
{
    struct queues_published out;

    (void)state;
    queue_world_declare(&w, &(struct world_queue){.name = "q", .arguments = "x-max-length=1"});
    for (unsigned i = 1; i <= 3; i++) {
        char body[2] = {(char)('0' + i), 0};

        queue_world_publish(&w, &(struct world_publish){.queues = "q", .body = body}, &out);
    }
    queue_world_get(&w, "q", "g", true);
    queue_world_run_ms(&w, 1);
    assert_string_equal(heard.last, "get: 0 left");
    assert_int_equal(heard.numbers[0], 3);

    queue_world_declare(&w, &(struct world_queue){.name = "t", .arguments = "x-message-ttl=0"});
    queue_world_publish(&w, &(struct world_publish){.queues = "t", .body = "4"}, &out);
    queue_world_get(&w, "t", "g", true);
    queue_world_run_ms(&w, 1);
    assert_string_equal(heard.last, "get: empty");
    queue_world_check(&w);
}

static void test_an_idle_queue_takes_little_memory(void **state)
{
    enum { COUNT = 50000 };
    uint64_t before = mem_used_bytes();
    struct queue_spec spec = {.vhost = bytes_text("/"), .is_durable = true};
    struct queue **all = MEM_NEW_ARRAY(struct queue *, COUNT);
    char name[32];

    (void)state;
    for (uint32_t i = 0; i < COUNT; i++) {
        snprintf(name, sizeof(name), "queue-%" PRIu32, i);
        spec.name = bytes_text(name);
        spec.id = 1000 + i;
        all[i] = queue_new(w.queues, &spec);
    }
    queue_world_run_ms(&w, 10);
    assert_true((mem_used_bytes() - before) / COUNT < 1024);
    for (uint32_t i = 0; i < COUNT; i++)
        queue_delete(all[i]);
    mem_free(all);
}

static uint64_t count_ready(const char *queue)
{
    return queue_ready_count(queue_world_find(&w, queue));
}

static void test_a_jump_of_the_clock_expires_nothing_and_keeps_nothing(void **state)
{
    (void)state;
    declare("q", "x-message-ttl=5000");
    for (int is_forward = 0; is_forward < 2; is_forward++) {
        assert_int_equal(try_publish("q", 1, 8), 0);
        queue_world_run_ms(&w, 10);
        sim_node_jump_wall(w.p.node, is_forward != 0 ? 86400000 : -86400000);
        assert_int_equal(try_publish("q", 2, 8), 0);
        queue_world_run_ms(&w, 4900);
        assert_int_equal(count_ready("q"), 2);
        queue_world_run_ms(&w, 200);
        assert_int_equal(count_ready("q"), 0);
    }
}

/* When nothing goes by a clock, nobody looks at it. */
static void test_a_jump_that_nobody_saw_is_known_after_a_crash(void **state)
{
    (void)state;
    declare("q", "x-message-ttl=5000");
    queue_world_run_ms(&w, 5000);
    sim_node_jump_wall(w.p.node, 86400000);
    queue_world_run_ms(&w, 3000);
    assert_int_equal(try_publish("q", 1, 8), 0);
    queue_world_run_ms(&w, 10);
    queue_world_crash(&w);
    queue_world_run_ms(&w, 4000);
    assert_int_equal(count_ready("q"), 1);
    queue_world_run_ms(&w, 1500);
    assert_int_equal(count_ready("q"), 0);
}

/* A batch stays open while the one before it is being synced. */
static void test_what_came_last_into_a_batch_is_no_older_after_a_crash(void **state)
{
    (void)state;
    declare("q", "x-message-ttl=2000");
    sim_disk_set_latency(w.p.disk, SIM_OP_SYNC, 400 * PARTITION_WORLD_MS, 0);
    assert_int_equal(try_publish("q", 1, 8), 0);
    queue_world_run_ms(&w, 1);
    assert_int_equal(try_publish("q", 2, 8), 0);
    queue_world_run_ms(&w, 300);
    assert_int_equal(try_publish("q", 3, 8), 0);
    queue_world_run_ms(&w, 1000);
    sim_disk_set_latency(w.p.disk, SIM_OP_SYNC, 0, 0);
    queue_world_crash(&w);
    assert_int_equal(count_ready("q"), 3);
    queue_world_run_ms(&w, 990);
    assert_true(count_ready("q") >= 1); /* it is 1990 ms old */
    queue_world_run_ms(&w, 500);
    assert_int_equal(count_ready("q"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_deep_queue_has_a_lane_and_is_read_in_order),
        TEST(test_settled_messages_do_not_come_back_out_of_a_lane),
        TEST(test_a_purged_queue_is_let_go_of_across_restarts),
        TEST(test_a_purge_is_as_safe_as_acks_are),
        TEST(test_the_dying_are_marked_after_an_ordered_stop),
        TEST(test_without_any_checkpoint_nothing_that_was_not_settled_is_missing),
        TEST(test_a_consumer_that_stands_still_holds_no_file),
        TEST(test_what_cannot_be_read_is_passed_over_and_kept),
        TEST(test_a_dead_letter_is_in_one_queue_whenever_the_power_fails),
        TEST(test_a_group_is_all_or_nothing),
        TEST(test_what_the_log_cannot_take_now_changes_nothing),
        TEST(test_a_failed_log_ends_the_consumers),
        TEST(test_a_mass_of_dead_letters_moves_in_order),
        TEST(test_a_consumer_without_prefetch_holds_no_more_than_the_broker_allows),
        TEST(test_a_get_finds_only_what_no_consumer_has_room_for),
        TEST(test_a_get_finds_nothing_that_is_too_much_or_too_old),
        TEST(test_a_jump_of_the_clock_expires_nothing_and_keeps_nothing),
        TEST(test_a_jump_that_nobody_saw_is_known_after_a_crash),
        TEST(test_what_came_last_into_a_batch_is_no_older_after_a_crash),
        TEST(test_an_idle_queue_takes_little_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
