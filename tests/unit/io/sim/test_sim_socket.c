/* Tests of io/sim/sim_socket.c, sim_pipe.c and sim_connection.c: bytes, readiness, and the ends of
 * streams, as io/net.h promises them. */
#include <stdio.h>
#include <string.h>

#include "base/rand.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/unit/io/sim/net_stage.h"

/* ---- bytes ---- */

static void test_bytes_arrive_after_the_delay_and_in_order(void **state)
{
    struct sim_way way = {.delay_ns = 2 * MS, .jitter_ns = 5 * MS};
    struct stage *g = stage_new(test_seed(), &way);
    char expected[TEXT_SIZE] = {0};
    size_t size = 0;
    uint64_t start = 0;

    (void)state;
    side_open(&g->client, stage_dial(g, "10.0.0.2", PORT), SOCKET_WRITE);
    sim_run_for(g->sim, 100 * MS);
    start = sim_now_ns(g->sim);
    for (int i = 0; i < 300; i++) {
        char word[16];
        snprintf(word, sizeof(word), "%d ", i);
        snprintf(expected + size, sizeof(expected) - size, "%s", word);
        size += strlen(word);
        side_say(&g->client, word);
        sim_run_for(g->sim, 100 * US);
    }
    sim_run_for(g->sim, 1 * MS);
    assert_true(server(g)->size > 0);
    assert_true(server(g)->heard_ns >= start + 2 * MS);
    sim_run_for(g->sim, 100 * MS);
    assert_string_equal(expected, server(g)->text);
    stage_free(g);
}

static void test_nothing_is_heard_before_the_delay_has_passed(void **state)
{
    struct sim_way way = {.delay_ns = 2 * MS};
    struct stage *g = stage_new(1, &way);

    (void)state;
    stage_connect(g);
    side_say(&g->client, "x");
    sim_run_for(g->sim, 2 * MS - 1);
    assert_int_equal(0, server(g)->size);
    sim_run_for(g->sim, 10 * US);
    assert_int_equal(1, server(g)->size);
    stage_free(g);
}

static void test_a_full_buffer_says_again_until_the_peer_reads(void **state)
{
    struct sim_way way = {.buffer_bytes = 1000, .delay_ns = MS};
    struct stage *g = stage_new(1, &way);
    static const char bytes[3000];
    char sink[700];
    size_t done = 0;

    (void)state;
    stage_connect(g);
    socket_watch(server(g)->socket, 0);
    assert_int_equal(0, side_send(&g->client, bytes, sizeof(bytes), &done));
    assert_int_equal(1000, done);
    assert_int_equal(ERR_AGAIN, side_send(&g->client, bytes, 1, &done));
    sim_run_for(g->sim, 10 * MS);
    assert_int_equal(ERR_AGAIN, side_send(&g->client, bytes, 1, &done));
    g->client.events = 0;
    socket_watch(g->client.socket, SOCKET_WRITE);
    assert_int_equal(0, socket_read(server(g)->socket, sink, sizeof(sink), &done));
    assert_int_equal(700, done);
    assert_int_equal(ERR_AGAIN, side_send(&g->client, bytes, 1, &done)); /* it does not know yet */
    sim_run_for(g->sim, MS / 2);
    assert_int_equal(0, g->client.events);
    sim_run_for(g->sim, MS);
    assert_int_equal(SOCKET_WRITE, g->client.events);
    assert_int_equal(0, side_send(&g->client, bytes, sizeof(bytes), &done));
    assert_int_equal(700, done);
    stage_free(g);
}

static void test_watching_is_level_triggered(void **state)
{
    struct stage *g = stage_new(1, NULL);
    struct side *s = NULL;

    (void)state;
    stage_connect(g);
    s = server(g);
    socket_watch(s->socket, 0);
    side_say(&g->client, "text");
    sim_run_for(g->sim, MS);
    assert_int_equal(0, s->size); /* not watched: not told */
    socket_watch(s->socket, SOCKET_READ);
    assert_int_equal(0, s->size); /* W1 */
    sim_run_for(g->sim, MS);
    assert_string_equal("text", s->text); /* the bytes were there already */
    stage_free(g);
}

static void count_event(void *owner, struct socket *s, unsigned events)
{
    unsigned *counts = (unsigned *)owner;

    (void)s;
    counts[0] += (events & SOCKET_READ) != 0;
    counts[1] += (events & SOCKET_WRITE) != 0;
}

static void test_an_owner_that_does_not_read_is_told_again_each_turn(void **state)
{
    struct stage *g = stage_new(1, NULL);
    unsigned counts[2] = {0};

    (void)state;
    stage_connect(g);
    socket_set_owner(server(g)->socket, count_event, counts);
    socket_watch(server(g)->socket, SOCKET_READ | SOCKET_WRITE);
    side_say(&g->client, "x");
    sim_run_for(g->sim, MS);
    assert_true(counts[0] > 100 && counts[1] > 100);
    socket_watch(server(g)->socket, 0);
    counts[0] = 0;
    counts[1] = 0;
    sim_run_for(g->sim, MS);
    assert_int_equal(0, counts[0] + counts[1]);
    stage_free(g);
}

/* Sends many bytes both ways with everything that may vary, and compares. */
static uint64_t exchange(uint64_t seed, const struct sim_way *way)
{
    struct stage *g = stage_new(seed, way);
    char bytes[2][3000];
    size_t sent[2] = {0};
    struct side *sides[2];
    uint64_t trace = 0;

    stage_connect(g);
    sides[0] = &g->client;
    sides[1] = server(g);
    for (int i = 0; i < 2; i++)
        for (size_t k = 0; k < sizeof(bytes[i]); k++)
            bytes[i][k] = (char)('A' + rand_below(sim_rand(g->sim), 26));
    while (sent[0] < sizeof(bytes[0]) || sent[1] < sizeof(bytes[1])) {
        for (int i = 0; i < 2; i++) {
            size_t done = 0;
            size_t part = 1 + (size_t)rand_below(sim_rand(g->sim), 500);
            if (part > sizeof(bytes[i]) - sent[i])
                part = sizeof(bytes[i]) - sent[i];
            if (part > 0 && side_send(sides[i], bytes[i] + sent[i], part, &done) == 0)
                sent[i] += done;
        }
        sim_run_for(g->sim, 20 * US);
    }
    sim_run_for(g->sim, second_ns);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(sizeof(bytes[i]), sides[1 - i]->size);
        assert_memory_equal(bytes[i], sides[1 - i]->text, sizeof(bytes[i]));
    }
    trace = sim_trace(g->sim);
    stage_free(g);
    return trace;
}

static void test_streams_keep_their_bytes_and_their_traces_under_all_variation(void **state)
{
    struct sim_way way = {.delay_ns = 50 * US,
                          .jitter_ns = 200 * US,
                          .piece_max = 100,
                          .buffer_bytes = 1500,
                          .short_one_in = 3};

    (void)state;
    for (uint64_t i = 0; i < 50; i++) {
        uint64_t seed = test_seed() + i;
        assert_true(exchange(seed, &way) == exchange(seed, &way));
        assert_false(exchange(seed, &way) == exchange(seed + 1, &way));
    }
}

/* The trace of a world in which somebody said this. */
static uint64_t word_trace(const char *word)
{
    struct stage *g = stage_new(1, NULL);
    uint64_t trace = 0;

    stage_connect(g);
    side_say(&g->client, word);
    sim_run_for(g->sim, MS);
    trace = sim_trace(g->sim);
    stage_free(g);
    return trace;
}

static void test_a_trace_knows_what_was_said(void **state)
{
    (void)state;
    assert_true(word_trace("yes") == word_trace("yes"));
    assert_false(word_trace("yes") == word_trace("no!"));
}

static void test_reads_and_writes_can_do_less_than_they_could(void **state)
{
    struct sim_way way = {.short_one_in = 1};
    struct stage *g = stage_new(1, &way);
    static const char bytes[1000];
    char sink[1000];
    size_t less_written = 0;
    size_t less_read = 0;

    (void)state;
    stage_connect(g);
    socket_watch(server(g)->socket, 0);
    for (int i = 0; i < 10; i++) {
        size_t done = 0;
        assert_int_equal(0, side_send(&g->client, bytes, sizeof(bytes), &done));
        less_written += done < sizeof(bytes);
        sim_run_for(g->sim, MS);
        assert_int_equal(0, socket_read(server(g)->socket, sink, sizeof(sink), &done));
        less_read += done < sizeof(sink);
    }
    assert_true(less_written > 5 && less_read > 5);
    stage_free(g);
}

static void note_sizes(void *owner, struct socket *s, unsigned events)
{
    size_t *largest = (size_t *)owner;
    char buf[5000];
    size_t done = 0;

    (void)events;
    while (socket_read(s, buf, sizeof(buf), &done) == 0)
        *largest = done > *largest ? done : *largest;
}

static void test_pieces_are_no_larger_than_asked(void **state)
{
    struct sim_way way = {.piece_max = 7, .jitter_ns = MS};
    struct stage *g = stage_new(1, &way);
    static const char bytes[5000];
    size_t largest = 0;
    size_t done = 0;

    (void)state;
    stage_connect(g);
    socket_set_owner(server(g)->socket, note_sizes, &largest);
    assert_int_equal(0, side_send(&g->client, bytes, 200, &done));
    sim_run_for(g->sim, second_ns);
    assert_true(largest > 0 && largest < 200); /* some meet, never all */
    stage_free(g);
}

/* ---- the end of a stream ---- */

static void test_the_end_of_a_stream_comes_after_its_bytes(void **state)
{
    struct stage *g = stage_new(1, NULL);

    (void)state;
    stage_connect(g);
    side_say(&g->client, "last words");
    side_close(&g->client);
    sim_run_for(g->sim, MS);
    assert_string_equal("last words", server(g)->text);
    assert_int_equal(ERR_CLOSED, server(g)->error);
    stage_free(g);
}

static void test_closing_with_unread_bytes_is_a_reset(void **state)
{
    struct stage *g = stage_new(1, NULL);
    size_t done = 0;

    (void)state;
    stage_connect(g);
    socket_watch(server(g)->socket, 0);
    side_say(&g->client, "never read");
    sim_run_for(g->sim, MS);
    side_close(server(g));
    sim_run_for(g->sim, MS);
    assert_int_equal(ERR_IO, g->client.error);
    assert_int_equal(ERR_CLOSED, side_send(&g->client, "x", 1, &done));
    stage_free(g);
}

static void test_bytes_to_a_side_that_is_gone_bring_a_reset(void **state)
{
    struct stage *g = stage_new(1, NULL);
    size_t done = 0;

    (void)state;
    stage_connect(g);
    side_close(server(g));
    sim_run_for(g->sim, MS);
    assert_int_equal(ERR_CLOSED, g->client.error);
    assert_int_equal(0, side_send(&g->client, "x", 1, &done)); /* half closed */
    sim_run_for(g->sim, MS);
    assert_int_equal(ERR_CLOSED, side_send(&g->client, "x", 1, &done));
    stage_free(g);
}

static void test_more_bytes_do_not_overtake_the_reset(void **state)
{
    struct stage *g = stage_new(1, NULL);

    (void)state;
    stage_connect(g);
    side_say(&g->client, "x");
    sim_run_for(g->sim, 30 * US);
    side_say(&g->client, "y");
    side_close(server(g)); /* neither has arrived yet */
    sim_run_for(g->sim, MS);
    assert_int_equal(ERR_IO, g->client.error);
    stage_free(g);
}

static void close_side(void *owner, struct socket *s, unsigned events)
{
    (void)s;
    (void)events;
    side_close((struct side *)owner);
}

static void test_a_socket_may_be_closed_in_its_own_callback(void **state)
{
    struct stage *g = stage_new(1, NULL);

    (void)state;
    stage_connect(g);
    socket_set_owner(server(g)->socket, close_side, server(g));
    side_say(&g->client, "x");
    sim_run_for(g->sim, MS);
    assert_null(server(g)->socket);
    stage_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_bytes_arrive_after_the_delay_and_in_order),
        LEAK_CHECKED(test_nothing_is_heard_before_the_delay_has_passed),
        LEAK_CHECKED(test_a_full_buffer_says_again_until_the_peer_reads),
        LEAK_CHECKED(test_watching_is_level_triggered),
        LEAK_CHECKED(test_an_owner_that_does_not_read_is_told_again_each_turn),
        LEAK_CHECKED(test_streams_keep_their_bytes_and_their_traces_under_all_variation),
        LEAK_CHECKED(test_a_trace_knows_what_was_said),
        LEAK_CHECKED(test_reads_and_writes_can_do_less_than_they_could),
        LEAK_CHECKED(test_pieces_are_no_larger_than_asked),
        LEAK_CHECKED(test_the_end_of_a_stream_comes_after_its_bytes),
        LEAK_CHECKED(test_closing_with_unread_bytes_is_a_reset),
        LEAK_CHECKED(test_bytes_to_a_side_that_is_gone_bring_a_reset),
        LEAK_CHECKED(test_more_bytes_do_not_overtake_the_reset),
        LEAK_CHECKED(test_a_socket_may_be_closed_in_its_own_callback),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
