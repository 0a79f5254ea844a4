/* Tests of queue/stream_rest.h, and that a turn has an end: who reads on and on leaves the loop to
 * others. */
#include "queue/stream_rest.h"

#include <stdio.h>
#include <string.h>

#include "queue/queues_parts.h"
#include "tests/lib/leaks.h"
#include "tests/lib/queue_world.h"

enum { HISTORY = 4000, LARGE = 3000, FEW = 1, CROWD = 200 };

static struct queue_world w;

static struct {
    struct io_timer timer; /* rings in each turn */
    uint64_t count;        /* deliveries, */
    uint64_t before;       /* when it rang last, */
    uint64_t most;         /* and in a turn */
} heard;

static void on_told(void *owner, const char *line)
{
    (void)owner;
    heard.count += strstr(line, " gets ") != NULL;
}

static void on_turn(struct io_timer *t)
{
    uint64_t more = heard.count - heard.before;

    heard.most = more > heard.most ? more : heard.most;
    heard.before = heard.count;
    if (heard.count < 3 * (uint64_t)PASS_MAX)
        io_timer_start(w.p.io, t, 0);
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
    if (io_timer_is_running(&heard.timer))
        io_timer_stop(w.p.io, &heard.timer);
    queue_world_close(&w);
    queue_world_release(&w);
    return 0;
}

static void declare(const char *name, const char *arguments)
{
    int rv = queue_world_declare(&w, &(struct world_queue){.name = name, .arguments = arguments});

    assert_int_equal(rv, 0);
}

static void publish(const char *queue, unsigned count, size_t size)
{
    struct queues_published out;

    for (unsigned i = 0; i < count; i++) {
        int rv = queue_world_publish(
            &w, &(struct world_publish){.queues = queue, .body = "m", .size = size}, &out);

        for (; rv == ERR_FULL;
             rv = queue_world_publish(&w, &(struct world_publish){queue, "m", .size = size}, &out))
            queue_world_run_ms(&w, 1);
        assert_int_equal(rv, 0);
    }
}

static void read_from_first(const char *queue)
{
    int rv = queue_world_consume(&w, &(struct world_consume){.queue = queue,
                                                             .tag = "r",
                                                             .prefetch = 1 << 20,
                                                             .arguments = "x-stream-offset=first"});

    assert_int_equal(rv, 0);
}

static void test_a_turn_has_an_end(void **state)
{
    struct queues_published out;

    (void)state;
    assert_int_equal(queue_world_declare(&w, &(struct world_queue){.name = "q"}), 0);
    for (unsigned i = 0; i < 3 * PASS_MAX; i++) {
        const struct world_publish p = {.queues = "q", .body = "m", .is_transient = true};
        assert_int_equal(queue_world_publish(&w, &p, &out), 0);
    }
    queue_world_run_ms(&w, 1);
    assert_int_equal(queue_world_consume(
                         &w, &(struct world_consume){.queue = "q", .tag = "r", .is_no_ack = true}),
                     0);
    io_timer_init(&heard.timer, on_turn);
    io_timer_start(w.p.io, &heard.timer, 0);
    queue_world_run_ms(&w, 1000);
    assert_int_equal(heard.count, 3 * PASS_MAX);
    assert_in_range(heard.most, 1, PASS_MAX);
}

/* So many milliseconds it takes to read what is in files while somebody publishes so much in each
 * of them. */
static unsigned time_to_read(unsigned publishes)
{
    unsigned ms = 0;

    declare("s", "x-queue-type=stream");
    declare("live", "");
    publish("s", HISTORY, LARGE);
    queue_world_commit(&w);
    partition_checkpoint(w.p.partition);
    queue_world_run_ms(&w, 10000);
    read_from_first("s");
    for (; heard.count < HISTORY && ms < 10000; ms++) {
        publish("live", publishes, 0);
        queue_world_run_ms(&w, 1);
    }
    assert_int_equal(heard.count, HISTORY);
    return ms;
}

static void test_nobody_rests_alone(void **state)
{
    (void)state;
    assert_in_range(time_to_read(0), 1, 15);
}

/* Some 95 of work for each message, half a millisecond for each PASS_MAX of it. */
static void test_history_waits_beside_a_publisher(void **state)
{
    (void)state;
    assert_in_range(time_to_read(FEW), 32, 80);
}

static void test_readers_keep_up_with_a_crowd(void **state)
{
    (void)state;
    assert_in_range(time_to_read(CROWD), 1, 28);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_turn_has_an_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nobody_rests_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_history_waits_beside_a_publisher, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_readers_keep_up_with_a_crowd, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
