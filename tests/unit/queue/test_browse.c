/* Tests of queue/browse.c: messages looked at wherever they lie, while queues come and go. */
#include "queue/browse.h"

#include <stdio.h>
#include <string.h>

#include "queue/queues_parts.h"
#include "tests/lib/leaks.h"
#include "tests/lib/queue_world.h"

static struct queue_world w;
static unsigned calls;

static void on_ready(void *owner)
{
    (void)owner;
    calls++;
}

static int set_up(void **state)
{
    (void)state;
    calls = 0;
    queue_world_init(&w, NULL, NULL);
    queue_world_open(&w);
    return 0;
}

static int tear_down(void **state)
{
    queue_world_close(&w);
    queue_world_release(&w);
    (void)state;
    return 0;
}

static void declare(const char *name, const char *arguments)
{
    int rv = queue_world_declare(&w, &(struct world_queue){.name = name, .arguments = arguments});

    assert_int_equal(rv, 0);
}

static void publish(const char *queue, const char *body, size_t size)
{
    const struct world_publish p = {.queues = queue, .body = body, .size = size};
    struct queues_published out;
    int rv;

    while ((rv = queue_world_publish(&w, &p, &out)) == ERR_FULL)
        queue_world_run_ms(&w, 1);
    assert_int_equal(rv, 0);
}

static void fill(const char *queue, unsigned count, size_t size)
{
    for (unsigned i = 0; i < count; i++) {
        char body[16];

        snprintf(body, sizeof(body), "%u", i);
        publish(queue, body, size);
    }
    queue_world_commit(&w);
}

/* Lets the sorter have all but the open segment. */
static void sort(void)
{
    for (int i = 0; i < 3; i++) {
        declare("sorting", "");
        publish("sorting", "x", 0);
        queue_world_commit(&w);
        partition_checkpoint(w.p.partition);
        queue_world_run_ms(&w, 100);
    }
}

/* Looks at the next one, waiting for it. */
static int next(struct browse *b, struct browsed *out)
{
    int rv;

    while ((rv = browse_next(b, out)) == ERR_AGAIN) {
        unsigned before = calls;

        for (int i = 0; i < 1000 && calls == before; i++)
            queue_world_run_ms(&w, 1);
        assert_true(calls > before);
    }
    return rv;
}

/* From there on there are messages `first` to `count` - 1, in order. */
static void expect(const char *queue, uint64_t from, unsigned first, unsigned count)
{
    struct browse *b = browse_open(queue_world_find(&w, queue), from, on_ready, NULL);
    struct browsed m;
    char body[16];

    for (unsigned i = first; i < count; i++) {
        snprintf(body, sizeof(body), "%u.", i);
        assert_int_equal(next(b, &m), 0);
        assert_true(m.position >= from);
        assert_memory_equal(m.stored.body.data, body, strlen(body));
        store_pin_release(m.pin);
    }
    assert_int_equal(next(b, &m), ERR_NOT_FOUND);
    browse_close(b);
}

static void test_a_deep_queue_is_looked_at(void **state)
{
    (void)state;
    declare("q", "");
    fill("q", 2000, 300);
    expect("q", 0, 0, 2000);
    sort();
    queue_world_run_ms(&w, 10000);
    expect("q", 0, 0, 2000);
    assert_int_equal(queue_ready_count(queue_world_find(&w, "q")), 2000);
    assert_int_equal(queue_get_tally(queue_world_find(&w, "q"))->delivered, 0);
    queue_world_crash(&w);
    expect("q", 0, 0, 2000);
}

static void test_a_stream_is_looked_at_where_it_was_sorted_to(void **state)
{
    (void)state;
    declare("s", "x-queue-type=stream");
    fill("s", 2000, 300);
    sort();
    queue_world_run_ms(&w, 10000);
    assert_true(queue_world_find(&w, "s")->ledger.live < 200);
    expect("s", 0, 0, 2000);
    expect("s", 1500, 1500, 2000);
    expect("s", 1999, 1999, 2000);
    expect("s", 2000, 2000, 2000);
    expect("s", UINT64_MAX, 2000, 2000);
}

static void test_states_are_told(void **state)
{
    const struct world_consume c = {.queue = "q", .tag = "c", .prefetch = 2};
    struct browse *b = NULL;
    struct browsed m;

    (void)state;
    declare("q", "");
    fill("q", 3, 10);
    assert_int_equal(queue_world_consume(&w, &c), 0);
    queue_world_run_ms(&w, 10);
    assert_int_equal(queue_world_settle(&w, "c", "1.........", WORLD_REQUEUE) +
                         queue_world_settle(&w, "c", "1", WORLD_REQUEUE),
                     1);
    queue_world_cancel(&w, "c");
    b = browse_open(queue_world_find(&w, "q"), 0, on_ready, NULL);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(next(b, &m), 0);
        assert_int_equal(m.state, i == 0 ? BROWSE_UNACKED : BROWSE_READY);
        assert_int_equal(m.is_redelivered, i < 2);
        store_pin_release(m.pin);
    }
    browse_close(b);
}

static void test_the_queue_goes_meanwhile(void **state)
{
    struct browse *b = NULL;
    struct browse *other = NULL;
    struct browsed m;

    (void)state;
    declare("q", "");
    declare("r", "");
    fill("q", 2, 10);
    fill("r", 2, 10);
    b = browse_open(queue_world_find(&w, "q"), 0, on_ready, NULL);
    other = browse_open(queue_world_find(&w, "r"), 0, on_ready, NULL);
    assert_int_equal(next(b, &m), 0);
    store_pin_release(m.pin);
    queue_world_delete(&w, "q");
    assert_int_equal(browse_next(b, &m), ERR_CLOSED);
    assert_int_equal(calls, 0);
    queue_world_run_ms(&w, 1);
    assert_int_equal(calls, 1);
    browse_close(b);
    assert_int_equal(next(other, &m), 0);
    store_pin_release(m.pin);
    queue_world_delete(&w, "r");
    browse_close(other); /* before it was told */
    queue_world_run_ms(&w, 1);
    assert_int_equal(calls, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_deep_queue_is_looked_at, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_stream_is_looked_at_where_it_was_sorted_to, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_states_are_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_queue_goes_meanwhile, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
