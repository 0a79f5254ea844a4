/* What streams keep: by age, by bytes, by key, in files of a size; and that they and queues do not
 * keep one another's disk. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "queue/queues_parts.h"
#include "queue/stream.h"
#include "tests/lib/leaks.h"
#include "tests/lib/queue_world.h"
#include "tests/lib/table_text.h"

enum { HEARD_MAX = 4096, SLOW_READ_NS = 500 * 1000 * 1000 };

static struct queue_world w;

static struct heard {
    uint64_t offsets[HEARD_MAX];
    char bodies[HEARD_MAX][16];
    size_t count;
} heard;

static void on_told(void *owner, const char *line)
{
    const char *gets = strstr(line, " gets "), *at = strstr(line, " @");

    (void)owner;
    if (gets == NULL || at == NULL)
        return;
    assert_true(heard.count < HEARD_MAX);
    int rv = parse_u64(bytes_text(at + 2), 0, UINT64_MAX, &heard.offsets[heard.count]);
    assert_int_equal(rv, 0);
    snprintf(heard.bodies[heard.count++], sizeof(heard.bodies[0]), "%.*s", (int)(at - gets - 6),
             gets + 6);
}

static int set_up(void **state)
{
    (void)state;
    memset(&heard, 0, sizeof(heard));
    queue_world_init(&w, on_told, NULL);
    queue_world_open(&w);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    queue_world_close(&w);
    queue_world_release(&w);
    return 0;
}

static void declare(const char *name, const char *arguments)
{
    int rv = queue_world_declare(&w, &(struct world_queue){.name = name, .arguments = arguments});

    assert_int_equal(rv, 0);
}

static void publish(const struct world_publish *p)
{
    struct queues_published out;
    int rv;

    while ((rv = queue_world_publish(&w, p, &out)) == ERR_FULL)
        queue_world_run_ms(&w, 1);
    assert_int_equal(rv, 0);
}

/* Bodies "0", "1", ... of that size each. */
static void fill(const char *queues, unsigned count, size_t size)
{
    for (unsigned i = 0; i < count; i++) {
        char body[16];

        snprintf(body, sizeof(body), "%u", i);
        publish(&(struct world_publish){.queues = queues, .body = body, .size = size});
    }
    queue_world_commit(&w);
}

/* Lets the sorter have all but the open segment. */
static void sort(void)
{
    for (int i = 0; i < 3; i++) {
        declare("sorting", "");
        publish(&(struct world_publish){.queues = "sorting", .body = "x"});
        queue_world_commit(&w);
        partition_checkpoint(w.p.partition);
        queue_world_run_ms(&w, 100);
    }
}

static void read_all(const char *stream)
{
    heard.count = 0;
    int rv = queue_world_consume(&w, &(struct world_consume){.queue = stream,
                                                             .tag = "r",
                                                             .prefetch = HEARD_MAX,
                                                             .arguments = "x-stream-offset=first"});
    assert_int_equal(rv, 0);
    queue_world_run_ms(&w, 500);
    queue_world_settle(&w, "r", "all", WORLD_ACK);
    queue_world_cancel(&w, "r");
}

static struct log *the_log(void)
{
    return partition_log(w.p.partition);
}

static void test_memory_does_not_grow_with_a_stream(void **state)
{
    uint64_t first, end;

    (void)state;
    declare("s", "x-queue-type=stream");
    fill("s", 2000, 300);
    sort();
    struct queue *q = queue_world_find(&w, "s");
    assert_true(log_lane(the_log(), queue_id(q), &first, &end));
    assert_int_equal(first, 1);
    queue_world_run_ms(&w, 10000);
    assert_true(q->ledger.live < 200);
    read_all("s");
    assert_int_equal(heard.count, 2000);
}

static void test_old_messages_go_on_an_idle_broker(void **state)
{
    (void)state;
    declare("s", "x-queue-type=stream x-max-age=60s");
    fill("s", 3, 10);
    queue_world_run_ms(&w, 40000);
    fill("s", 2, 10);
    queue_world_run_ms(&w, 30000);
    assert_int_equal(queue_first_offset(queue_world_find(&w, "s")), 3);
    read_all("s");
    assert_int_equal(heard.count, 2);
    assert_int_equal(heard.offsets[0], 3);
    queue_world_crash(&w);
    queue_world_run_ms(&w, 40000);
    read_all("s");
    assert_int_equal(heard.count, 0);
    /* Offsets go on where they were. */
    fill("s", 1, 10);
    read_all("s");
    assert_int_equal(heard.offsets[0], 5);
}

/* The broker's own limits are for those that say nothing, from the moment they are set. */
static void test_streams_that_say_nothing_keep_what_the_broker_says(void **state)
{
    (void)state;
    declare("s", "x-queue-type=stream");
    declare("t", "x-queue-type=stream x-max-age=1h");
    fill("s,t", 3, 10);
    queue_world_run_ms(&w, 70000);
    assert_int_equal(queue_first_offset(queue_world_find(&w, "s")), 0);
    w.options.stream_age_max_ms = 60000;
    queue_world_run_ms(&w, 10000);
    assert_int_equal(queue_first_offset(queue_world_find(&w, "s")), 3);
    assert_int_equal(queue_first_offset(queue_world_find(&w, "t")), 0);
    w.options.stream_age_max_ms = 0;
    w.options.stream_bytes_max = 5000;
    declare("u", "x-queue-type=stream x-max-length-bytes=1000000");
    fill("s,u", 100, 100);
    queue_world_run_ms(&w, 10000);
    read_all("s");
    assert_in_range(heard.count, 30, 60);
    read_all("u");
    assert_int_equal(heard.count, 100);
}

static void test_files_go_by_age(void **state)
{
    uint64_t first, end;

    (void)state;
    declare("s", "x-queue-type=stream x-max-age=60s x-stream-max-segment-size-bytes=20000");
    fill("s", 500, 300);
    sort();
    assert_true(log_lane(the_log(), queue_id(queue_world_find(&w, "s")), &first, &end));
    assert_int_equal(first, 1);
    queue_world_run_ms(&w, 70000);
    assert_true(log_lane(the_log(), queue_id(queue_world_find(&w, "s")), &first, &end));
    assert_true(first > 1);
    fill("s", 1, 10);
    read_all("s");
    assert_int_equal(heard.count, 1);
    assert_int_equal(heard.offsets[0], 500);
}

/* While the sorter is at it, slowly, the first half becomes too old, and then the power fails: what
 * the lane has goes on from where it begins to its end. */
static void test_a_crash_leaves_no_hole(void **state)
{
    struct queue *q;
    uint64_t first, end;

    (void)state;
    queue_world_close(&w);
    w.p.options.checkpoint_bytes = 100 << 20;
    queue_world_open(&w);
    declare("s", "x-queue-type=stream x-max-age=60s");
    fill("s", 600, 300);
    queue_world_run_ms(&w, 40000);
    fill("s", 300, 300);
    sim_disk_set_latency(w.p.disk, SIM_OP_READ, SLOW_READ_NS, 0);
    sort();
    q = queue_world_find(&w, "s");
    assert_int_equal(queue_first_offset(q), 0);
    for (int i = 0; i < 1000 && queue_first_offset(q) < 600; i++)
        queue_world_run_ms(&w, 100);
    assert_int_equal(queue_first_offset(q), 600); /* it went by age */
    assert_true(stream_sure(q) < 600);
    sim_disk_set_latency(w.p.disk, SIM_OP_READ, 0, 0);
    queue_world_run_ms(&w, 1000); /* the sorter comes to an end */
    assert_true(log_lane(the_log(), queue_id(q), &first, &end));
    assert_true(first < 600 && end > 601);
    queue_world_crash(&w);
    read_all("s");
    assert_true(heard.count > 200);
    for (size_t i = 1; i < heard.count; i++)
        assert_int_equal(heard.offsets[i], heard.offsets[i - 1] + 1);
}

static void test_a_stream_keeps_so_many_bytes(void **state)
{
    (void)state;
    declare("s", "x-queue-type=stream x-max-length-bytes=100000 "
                 "x-stream-max-segment-size-bytes=20000");
    fill("s", 2000, 300);
    sort();
    queue_world_run_ms(&w, 10000);
    uint64_t bytes = log_lane_bytes(the_log(), queue_id(queue_world_find(&w, "s")));
    assert_true(bytes < 140000);
    read_all("s");
    assert_true(heard.count >= 150 && heard.count < 400);
    assert_int_equal(heard.offsets[heard.count - 1], 1999);
    assert_int_equal(heard.offsets[0], 2000 - heard.count);
}

static void test_a_reader_goes_on_at_the_first_that_is_there(void **state)
{
    (void)state;
    declare("s", "x-queue-type=stream x-max-length-bytes=50000 "
                 "x-stream-max-segment-size-bytes=10000");
    fill("s", 100, 300);
    int rv = queue_world_consume(
        &w, &(struct world_consume){
                .queue = "s", .tag = "slow", .prefetch = 1, .arguments = "x-stream-offset=first"});
    assert_int_equal(rv, 0);
    queue_world_run_ms(&w, 10);
    assert_int_equal(heard.count, 1);
    fill("s", 1000, 300);
    sort();
    queue_world_run_ms(&w, 10000);
    queue_world_settle(&w, "slow", "all", WORLD_ACK);
    queue_world_run_ms(&w, 100);
    assert_int_equal(heard.count, 2);
    assert_int_equal(heard.offsets[1], queue_first_offset(queue_world_find(&w, "s")));
    assert_true(heard.offsets[1] > 500);
}

static void test_files_are_no_larger_than_said(void **state)
{
    (void)state;
    declare("s", "x-queue-type=stream x-stream-max-segment-size-bytes=10000");
    fill("s", 1000, 300);
    sort();
    /* 300 kB at most 10 kB a file, of which the header takes 4. */
    assert_true(partition_world_count_files(&w.p, "c") >= 20 ||
                partition_world_count_files(&w.p, "") >= 30);
    read_all("s");
    assert_int_equal(heard.count, 1000);
}

static void test_only_the_newest_of_each_key_stays(void **state)
{
    uint64_t last[7] = {0};

    (void)state;
    declare("s", "x-queue-type=stream x-compact=true");
    for (unsigned i = 0; i < 1400; i++) {
        char body[16], key[16];

        snprintf(body, sizeof(body), "%u", i);
        snprintf(key, sizeof(key), "k%u", i % 7);
        publish(&(struct world_publish){.queues = "s", .body = body, .size = 300, .key = key});
    }
    queue_world_commit(&w);
    sort();
    queue_world_run_ms(&w, 20000);
    read_all("s");
    assert_true(heard.count < 400);
    for (size_t i = 0; i < heard.count; i++) {
        char body[16];

        snprintf(body, sizeof(body), "%" PRIu64, heard.offsets[i]);
        assert_string_equal(heard.bodies[i], body); /* offsets are what they were */
        last[heard.offsets[i] % 7] = heard.offsets[i];
    }
    for (unsigned i = 0; i < 7; i++)
        assert_int_equal(last[i], 1393 + i);
    queue_world_crash(&w);
    read_all("s");
    assert_true(heard.count < 400);
}

static bool has_heard(uint64_t offset)
{
    for (size_t i = 0; i < heard.count; i++)
        if (heard.offsets[i] == offset)
            return true;
    return false;
}

static void test_tombstones_go_when_their_time_is_over(void **state)
{
    (void)state;
    declare("s", "x-queue-type=stream x-compact=true x-tombstone-age=30000");
    publish(&(struct world_publish){.queues = "s", .body = "v", .key = "k"});
    publish(&(struct world_publish){.queues = "s", .body = "", .key = "k"});
    publish(&(struct world_publish){.queues = "s", .body = "w", .key = "other"});
    fill("s", 200, 300); /* one key: only the last stays */
    sort();
    queue_world_run_ms(&w, 12000);
    read_all("s");
    assert_false(has_heard(0));
    assert_true(has_heard(1)); /* the tombstone says so for a while */
    assert_true(has_heard(2));
    queue_world_run_ms(&w, 70000);
    read_all("s");
    assert_false(has_heard(1));
    assert_true(has_heard(2));
}

static void test_a_stream_does_not_keep_what_a_queue_is_done_with(void **state)
{
    struct log_stats stats;

    (void)state;
    declare("s", "x-queue-type=stream x-max-length-bytes=20000 "
                 "x-stream-max-segment-size-bytes=10000");
    declare("q", "");
    fill("q,s", 1000, 300);
    sort();
    int rv = queue_world_consume(
        &w, &(struct world_consume){.queue = "q", .tag = "c", .prefetch = HEARD_MAX});
    assert_int_equal(rv, 0);
    queue_world_run_ms(&w, 500);
    queue_world_settle(&w, "c", "all", WORLD_ACK);
    queue_world_cancel(&w, "c");
    sort();
    queue_world_run_ms(&w, 10000);
    log_get_stats(the_log(), &stats);
    assert_true(stats.cold_bytes < 80000);
}

static void test_a_slow_queue_does_not_keep_what_a_stream_drops(void **state)
{
    struct log_stats stats;

    (void)state;
    declare("s", "x-queue-type=stream x-max-length-bytes=20000 "
                 "x-stream-max-segment-size-bytes=10000");
    declare("q", "");
    for (unsigned i = 0; i < 20; i++) {
        publish(&(struct world_publish){.queues = "q,s", .body = "kept", .size = 100});
        fill("s", 100, 300);
    }
    sort();
    queue_world_run_ms(&w, 10000);
    log_get_stats(the_log(), &stats);
    assert_true(stats.cold_bytes < 80000);
    read_all("s");
    assert_true(heard.count < 150);
}

static void test_a_deleted_stream_leaves_nothing(void **state)
{
    struct log_stats stats;

    (void)state;
    declare("s", "x-queue-type=stream");
    declare("q", "");
    fill("q,s", 300, 300);
    fill("s", 300, 300);
    sort();
    queue_world_delete(&w, "s");
    fill("q", 10, 10);
    sort();
    queue_world_run_ms(&w, 1000);
    log_get_stats(the_log(), &stats);
    assert_true(stats.cold_bytes < 200000);
    int rv = queue_world_consume(
        &w, &(struct world_consume){.queue = "q", .tag = "c", .prefetch = HEARD_MAX});
    assert_int_equal(rv, 0);
    queue_world_run_ms(&w, 500);
    assert_int_equal(queue_world_settle(&w, "c", "all", WORLD_ACK), 310);
}

/* basic.get reads from the disk too, at any place; what was asked for is found again and again. */
static void test_a_get_reads_what_lies_in_files(void **state)
{
    static const unsigned places[] = {1500, 0, 1999, 700, 1998, 3};

    (void)state;
    declare("s", "x-queue-type=stream");
    fill("s", 2000, 300);
    sort();
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        char place[16];

        snprintf(place, sizeof(place), "%u", places[i]);
        heard.count = 0;
        queue_world_get_at(&w, "s", place, i % 2 == 0);
        queue_world_run_ms(&w, 50);
        assert_int_equal(heard.count, 1);
        assert_int_equal(heard.offsets[0], places[i]);
    }
    queue_world_settle(&w, "get", "all", WORLD_ACK);
    queue_world_check(&w);
    queue_world_run_ms(&w, 60000);
    assert_null(queue_world_find(&w, "s")->reading.reader);
    assert_true(list_empty(&w.queues->reading.open)); /* nothing is open for those who asked */
}

/* What a get waits for is never committed: he is told that there is nothing. */
static void test_a_get_does_not_wait_for_a_partition_that_failed(void **state)
{
    const struct sim_fault fault = {.err = ERR_IO, .ops = SIM_OP_BIT(SIM_OP_SYNC)};

    (void)state;
    declare("s", "x-queue-type=stream");
    fill("s", 3, 10);
    sim_disk_add_fault(w.p.disk, &fault);
    publish(&(struct world_publish){.queues = "s", .body = "lost"});
    queue_world_get_at(&w, "s", "3", true);
    queue_world_run_ms(&w, 100);
    assert_true(partition_failed(w.p.partition) != 0);
    assert_true(list_empty(&queue_world_find(&w, "s")->gets));
    queue_world_get_at(&w, "s", "3", true);
    queue_world_run_ms(&w, 100);
    assert_true(list_empty(&queue_world_find(&w, "s")->gets));
    assert_int_equal(heard.count, 0);
    sim_disk_clear_faults(w.p.disk);
}

static void test_an_idle_stream_takes_little_memory(void **state)
{
    enum { COUNT = 1000 };
    uint64_t before = mem_used_bytes();
    struct queue_spec spec = {.vhost = bytes_text("/"), .is_durable = true};
    struct queue *all[COUNT];
    char name[32];

    (void)state;
    spec.arguments = table_text(&w.area, "x-queue-type=stream");
    for (uint32_t i = 0; i < COUNT; i++) {
        snprintf(name, sizeof(name), "stream-%" PRIu32, i);
        spec.name = bytes_text(name);
        spec.id = 1000 + i;
        all[i] = queue_new(w.queues, &spec);
    }
    queue_world_run_ms(&w, 10);
    assert_true(mem_used_bytes() - before < 2 << 20);
    for (uint32_t i = 0; i < COUNT; i++)
        queue_delete(all[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_memory_does_not_grow_with_a_stream),
        TEST(test_old_messages_go_on_an_idle_broker),
        TEST(test_streams_that_say_nothing_keep_what_the_broker_says),
        TEST(test_files_go_by_age),
        TEST(test_a_crash_leaves_no_hole),
        TEST(test_a_stream_keeps_so_many_bytes),
        TEST(test_a_reader_goes_on_at_the_first_that_is_there),
        TEST(test_files_are_no_larger_than_said),
        TEST(test_only_the_newest_of_each_key_stays),
        TEST(test_tombstones_go_when_their_time_is_over),
        TEST(test_a_stream_does_not_keep_what_a_queue_is_done_with),
        TEST(test_a_slow_queue_does_not_keep_what_a_stream_drops),
        TEST(test_a_deleted_stream_leaves_nothing),
        TEST(test_a_get_reads_what_lies_in_files),
        TEST(test_a_get_does_not_wait_for_a_partition_that_failed),
        TEST(test_an_idle_stream_takes_little_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
