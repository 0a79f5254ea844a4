/* Tests of io/sim/sim_listener.c: listening, connecting, accepting, and what refuses it. */
#include <stdio.h>
#include <string.h>

#include "base/rand.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/unit/io/sim/net_stage.h"

/* ---- listening and connecting ---- */

static void test_a_connect_takes_one_way_there_and_one_back(void **state)
{
    struct sim_way way = {.delay_ns = 3 * MS};
    struct stage *g = stage_new(1, &way);
    size_t done = 0;

    (void)state;
    side_open(&g->client, stage_dial(g, "10.0.0.2", PORT), SOCKET_WRITE);
    sim_run_for(g->sim, 3 * MS + 10 * US);
    assert_int_equal(1, g->server_count);
    assert_int_equal(0, g->client.events);
    assert_int_equal(ERR_AGAIN, side_send(&g->client, "x", 1, &done));
    sim_run_for(g->sim, 3 * MS);
    assert_int_equal(SOCKET_WRITE, g->client.events);
    stage_free(g);
}

static void test_addresses_of_both_sides_are_known(void **state)
{
    struct stage *g = stage_new(1, NULL);
    struct net_address told = {"192.0.2.7:4711"};
    struct net_address at;

    (void)state;
    assert_int_equal(PORT, listener_port(g->listener));
    stage_connect(g);
    socket_peer(g->client.socket, &at);
    assert_string_equal("10.0.0.2:5672", at.text);
    socket_peer(server(g)->socket, &at);
    assert_string_equal("10.0.0.1:32768", at.text);
    socket_set_peer(server(g)->socket, &told);
    socket_peer(server(g)->socket, &at);
    assert_string_equal("192.0.2.7:4711", at.text);
    socket_local(g->client.socket, &at);
    assert_string_equal("10.0.0.1:32768", at.text);
    socket_local(server(g)->socket, &at);
    assert_string_equal("10.0.0.2:5672", at.text);
    stage_free(g);
}

static int listen_error(struct io *io, const char *host, uint16_t port, const char *reason)
{
    struct err_note note = {{0}};
    struct listener *l = NULL;
    int rv = listener_open(io, host, port, on_accept, NULL, &l, &note);

    assert_null(l);
    assert_non_null(strstr(note.text, reason));
    return rv;
}

static void test_a_listener_needs_an_address_that_is_free_and_its_own(void **state)
{
    struct stage *g = stage_new(1, NULL);
    struct listener *l = NULL;
    struct listener *m = NULL;
    struct err_note note;

    (void)state;
    assert_int_equal(ERR_BUSY, listen_error(g->io_b, "", PORT, "5672"));
    assert_int_equal(ERR_BUSY, listen_error(g->io_b, "127.0.0.1", PORT, "127.0.0.1:5672"));
    assert_int_equal(ERR_INVALID, listen_error(g->io_b, "10.0.0.1", 1, "not our address"));
    assert_int_equal(ERR_INVALID, listen_error(g->io_b, "here", 1, "'here'"));
    assert_int_equal(0, listener_open(g->io_a, "127.0.0.1", PORT, on_accept, g, &l, &note));
    assert_int_equal(0, listener_open(g->io_a, "10.0.0.1", PORT, on_accept, g, &m, &note));
    listener_close(l);
    listener_close(m);
    assert_int_equal(0, listener_open(g->io_a, "::", 0, on_accept, g, &l, &note));
    assert_int_equal(0, listener_open(g->io_a, "::", 0, on_accept, g, &m, &note));
    assert_true(listener_port(l) >= 32768);
    assert_true(listener_port(l) != listener_port(m));
    listener_close(l);
    listener_close(m);
    stage_free(g);
}

static void test_a_connect_where_nobody_listens_is_refused(void **state)
{
    struct stage *g = stage_new(1, NULL);
    size_t done = 0;

    (void)state;
    side_open(&g->client, stage_dial(g, "10.0.0.2", PORT + 1), SOCKET_READ | SOCKET_WRITE);
    sim_run_for(g->sim, MS);
    assert_int_equal(0, g->server_count);
    assert_int_equal(ERR_IO, g->client.error);
    assert_int_equal(ERR_IO, side_send(&g->client, "x", 1, &done));
    assert_int_equal(ERR_CLOSED, side_send(&g->client, "x", 1, &done));
    stage_free(g);
}

static void test_a_connect_to_what_is_no_address_fails_at_once(void **state)
{
    struct stage *g = stage_new(1, NULL);
    struct err_note note = {{0}};
    struct socket *s = NULL;

    (void)state;
    assert_int_equal(ERR_INVALID, socket_connect(g->io_a, "b", PORT, &s, &note));
    assert_non_null(strstr(note.text, "'b'"));
    assert_int_equal(ERR_IO, socket_connect(g->io_a, "10.0.0.9", PORT, &s, &note));
    assert_non_null(strstr(note.text, "10.0.0.9:5672"));
    assert_null(s);
    stage_free(g);
}

static void test_a_node_reaches_itself_by_loopback(void **state)
{
    struct stage *g = stage_new(1, NULL);
    struct net_address at;
    struct listener *l = NULL;
    struct err_note note;

    (void)state;
    assert_int_equal(0, listener_open(g->io_a, "::1", 0, on_accept, g, &l, &note));
    side_open(&g->client, stage_dial(g, "::1", listener_port(l)), SOCKET_WRITE);
    sim_run_for(g->sim, 100 * US);
    assert_int_equal(1, g->server_count);
    side_say(&g->client, "self");
    socket_peer(g->client.socket, &at);
    assert_string_equal("[::1]:32768", at.text);
    sim_run_for(g->sim, 100 * US);
    assert_string_equal("self", server(g)->text);
    listener_close(l);
    stage_free(g);
}

static void test_a_paused_listener_lets_connects_wait(void **state)
{
    struct stage *g = stage_new(1, NULL);

    (void)state;
    listener_pause(g->listener, true);
    side_open(&g->client, stage_dial(g, "10.0.0.2", PORT), SOCKET_WRITE);
    sim_run_for(g->sim, MS);
    assert_int_equal(SOCKET_WRITE, g->client.events); /* the system took it */
    side_say(&g->client, "early");
    sim_run_for(g->sim, MS);
    assert_int_equal(0, g->server_count);
    listener_pause(g->listener, false);
    sim_run_for(g->sim, MS);
    assert_int_equal(1, g->server_count);
    assert_string_equal("early", server(g)->text);
    stage_free(g);
}

static void accept_and_pause(void *owner, struct socket *s)
{
    struct stage *g = (struct stage *)owner;

    on_accept(owner, s);
    listener_pause(g->listener, true);
}

static void test_a_listener_can_pause_itself_after_each_connection(void **state)
{
    struct stage *g = stage_new(1, NULL);
    struct side second = {0};
    struct err_note note;

    (void)state;
    listener_close(g->listener);
    assert_int_equal(0, listener_open(g->io_b, "", PORT, accept_and_pause, g, &g->listener, &note));
    listener_pause(g->listener, true);
    side_open(&g->client, stage_dial(g, "10.0.0.2", PORT), 0);
    side_open(&second, stage_dial(g, "10.0.0.2", PORT), 0);
    sim_run_for(g->sim, MS);
    listener_pause(g->listener, false);
    sim_run_for(g->sim, MS);
    assert_int_equal(1, g->server_count);
    listener_pause(g->listener, false);
    sim_run_for(g->sim, MS);
    assert_int_equal(2, g->server_count);
    side_close(&second);
    stage_free(g);
}

static void test_a_closed_listener_resets_those_who_wait(void **state)
{
    struct stage *g = stage_new(1, NULL);

    (void)state;
    listener_pause(g->listener, true);
    side_open(&g->client, stage_dial(g, "10.0.0.2", PORT), SOCKET_READ);
    sim_run_for(g->sim, MS);
    listener_close(g->listener);
    g->listener = NULL;
    sim_run_for(g->sim, MS);
    assert_int_equal(ERR_IO, g->client.error);
    stage_free(g);
}

static void test_accepting_rests_while_no_descriptor_is_left(void **state)
{
    struct stage *g = stage_new(1, NULL);
    struct side second = {0};
    struct socket *none = NULL;
    struct err_note note;

    (void)state;
    sim_node_set_socket_limit(g->b, 2);
    stage_connect(g);
    side_open(&second, stage_dial(g, "10.0.0.2", PORT), SOCKET_READ);
    sim_run_for(g->sim, second_ns);
    assert_int_equal(1, g->server_count);
    assert_int_equal(ERR_NO_FILES, socket_connect(g->io_b, "10.0.0.1", 1, &none, &note));
    side_close(server(g));
    sim_run_for(g->sim, 200 * MS);
    assert_int_equal(2, g->server_count);
    side_close(&second);
    stage_free(g);
}

static void test_a_listener_can_be_closed_while_it_rests(void **state)
{
    struct stage *g = stage_new(1, NULL);

    (void)state;
    sim_node_set_socket_limit(g->b, 1);
    side_open(&g->client, stage_dial(g, "10.0.0.2", PORT), SOCKET_READ);
    sim_run_for(g->sim, MS);
    assert_int_equal(0, g->server_count);
    listener_close(g->listener);
    g->listener = NULL;
    sim_run_for(g->sim, second_ns);
    assert_int_equal(ERR_IO, g->client.error);
    stage_free(g);
}

static void test_a_full_backlog_makes_connects_come_again(void **state)
{
    struct stage *g = stage_new(1, NULL);
    struct side *sides = MEM_NEW_ARRAY(struct side, 150);

    (void)state;
    listener_pause(g->listener, true);
    for (size_t i = 0; i < 150; i++)
        side_open(&sides[i], stage_dial(g, "10.0.0.2", PORT), SOCKET_WRITE);
    sim_run_for(g->sim, 500 * MS);
    assert_int_equal(SOCKET_WRITE, sides[127].events);
    assert_int_equal(0, sides[128].events);
    listener_pause(g->listener, false);
    sim_run_for(g->sim, 3 * second_ns);
    assert_int_equal(150, g->server_count);
    assert_int_equal(SOCKET_WRITE, sides[149].events);
    for (size_t i = 0; i < 150; i++)
        side_close(&sides[i]);
    mem_free(sides);
    stage_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_a_connect_takes_one_way_there_and_one_back),
        LEAK_CHECKED(test_addresses_of_both_sides_are_known),
        LEAK_CHECKED(test_a_listener_needs_an_address_that_is_free_and_its_own),
        LEAK_CHECKED(test_a_connect_where_nobody_listens_is_refused),
        LEAK_CHECKED(test_a_connect_to_what_is_no_address_fails_at_once),
        LEAK_CHECKED(test_a_node_reaches_itself_by_loopback),
        LEAK_CHECKED(test_a_paused_listener_lets_connects_wait),
        LEAK_CHECKED(test_a_listener_can_pause_itself_after_each_connection),
        LEAK_CHECKED(test_a_closed_listener_resets_those_who_wait),
        LEAK_CHECKED(test_accepting_rests_while_no_descriptor_is_left),
        LEAK_CHECKED(test_a_listener_can_be_closed_while_it_rests),
        LEAK_CHECKED(test_a_full_backlog_makes_connects_come_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
