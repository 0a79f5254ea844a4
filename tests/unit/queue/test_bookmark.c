/* Tests of queue/bookmark.h: the low mark, pauses, and seeking, with bookmarks in one's own
 * hand. */
#include "queue/bookmark.h"

#include <stdio.h>
#include <string.h>

#include "queue/stream.h"
#include "tests/lib/leaks.h"
#include "tests/lib/queue_world.h"

static struct queue_world w;

static struct {
    char seen[512]; /* the numbers of what came */
    uint64_t low;   /* as the bookmark's watch saw it last */
} told;

static void on_told(void *owner, const char *line)
{
    const char *at = strstr(line, " gets ");
    size_t used = strlen(told.seen);

    (void)owner;
    if (at != NULL)
        snprintf(told.seen + used, sizeof(told.seen) - used, "%.*s ", (int)strcspn(at + 6, " "),
                 at + 6);
}

static void on_changed(struct bookmark_watch *at, struct bookmark *p)
{
    (void)at;
    assert_true(bookmark_low(p) >= told.low);
    told.low = bookmark_low(p);
}

static struct bookmark_watch watch = {.changed = on_changed};

static struct queue *stream(void)
{
    return queue_world_find(&w, "s");
}

static void fill(unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        struct queues_published out;
        char body[16];

        snprintf(body, sizeof(body), "%u", i);
        assert_int_equal(
            queue_world_publish(&w, &(struct world_publish){.queues = "s", .body = body}, &out), 0);
    }
    queue_world_run_ms(&w, 2);
}

/* A consumer at the end of the stream, and a bookmark of ours at its beginning. */
static struct bookmark *begin(uint32_t prefetch)
{
    const struct stream_start first = {.kind = STREAM_FIRST};

    memset(&told, 0, sizeof(told));
    queue_world_init(&w, on_told, NULL);
    queue_world_open(&w);
    assert_int_equal(
        queue_world_declare(&w,
                            &(struct world_queue){.name = "s", .arguments = "x-queue-type=stream"}),
        0);
    fill(0, 5);
    assert_int_equal(
        queue_world_consume(
            &w, &(struct world_consume){.queue = "s", .tag = "c", .prefetch = prefetch}),
        0);
    struct consumer *c = queue_world_consumer(&w, "c")->consumer;
    bookmark_free(CONTAINER_OF(list_first(&c->stream->bookmarks), struct bookmark, of_consumer));
    struct bookmark *p = bookmark_new(stream(), &first, &watch);
    bookmark_attach(p, c);
    bookmark_resume(p);
    return p;
}

static void end(void)
{
    queue_world_check(&w);
    queue_world_close(&w);
    queue_world_release(&w);
}

static void ack(const char *body)
{
    assert_int_equal(queue_world_settle(&w, "c", body, WORLD_ACK), 1);
    queue_world_run_ms(&w, 2);
}

static void test_the_low_mark_waits_for_the_oldest(void **state)
{
    struct bookmark *p = begin(10);

    (void)state;
    queue_world_run_ms(&w, 2);
    assert_string_equal(told.seen, "0 1 2 3 4 ");
    assert_int_equal(bookmark_held_count(p), 5);
    assert_int_equal(bookmark_low(p), 1);
    ack("2");
    ack("1");
    assert_int_equal(bookmark_low(p), 1);
    ack("0");
    assert_int_equal(bookmark_low(p), 4);
    ack("4");
    ack("3");
    assert_int_equal(bookmark_low(p), 6);
    assert_int_equal(bookmark_held_count(p), 0);
    assert_int_equal(told.low, 6);
    end();
}

static void test_what_is_given_back_comes_again_first(void **state)
{
    struct bookmark *p = begin(10);

    (void)state;
    queue_world_run_ms(&w, 2);
    assert_int_equal(queue_world_settle(&w, "c", "1", WORLD_REQUEUE), 1);
    assert_int_equal(queue_world_settle(&w, "c", "2", WORLD_REJECT), 1); /* that is done with */
    fill(5, 6);
    assert_string_equal(told.seen, "0 1 2 3 4 1 5 ");
    ack("0");
    assert_int_equal(bookmark_low(p), 2);
    ack("1");
    assert_int_equal(bookmark_low(p), 4);
    end();
}

static void test_a_pause_stops_deliveries_and_nothing_else(void **state)
{
    struct bookmark *p = begin(2);

    (void)state;
    queue_world_run_ms(&w, 2);
    assert_string_equal(told.seen, "0 1 ");
    bookmark_pause(p);
    bookmark_pause(p);
    ack("0");
    ack("1");
    fill(5, 7);
    assert_string_equal(told.seen, "0 1 ");
    assert_int_equal(bookmark_low(p), 3);
    bookmark_resume(p);
    bookmark_resume(p);
    queue_world_run_ms(&w, 2);
    assert_string_equal(told.seen, "0 1 2 3 ");
    end();
}

static void test_seeking_goes_anywhere(void **state)
{
    struct bookmark *p = begin(20);

    (void)state;
    queue_world_run_ms(&w, 2);
    bookmark_seek(p, 4);
    queue_world_run_ms(&w, 2);
    assert_string_equal(told.seen, "0 1 2 3 4 3 4 ");
    assert_int_equal(bookmark_low(p), 4); /* what was delivered before does not count any more */
    told.low = 0;
    bookmark_seek(p, 1);
    queue_world_run_ms(&w, 2);
    assert_string_equal(told.seen, "0 1 2 3 4 3 4 0 1 2 3 4 ");
    end();
}

static void test_deliveries_outlive_their_bookmark(void **state)
{
    struct bookmark *p = begin(10);

    (void)state;
    queue_world_run_ms(&w, 2);
    bookmark_free(p);
    fill(5, 6);
    assert_string_equal(told.seen, "0 1 2 3 4 ");
    ack("3");
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_the_low_mark_waits_for_the_oldest),
        LEAK_CHECKED(test_what_is_given_back_comes_again_first),
        LEAK_CHECKED(test_a_pause_stops_deliveries_and_nothing_else),
        LEAK_CHECKED(test_seeking_goes_anywhere),
        LEAK_CHECKED(test_deliveries_outlive_their_bookmark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
