/* Tests of io/sim/sim_net.c: cuts, lost connections, pauses and deaths of nodes. */
#include <stdio.h>
#include <string.h>

#include "base/rand.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/unit/io/sim/net_stage.h"

/* ---- partitions ---- */

static void test_a_cut_holds_bytes_until_it_is_healed(void **state)
{
    struct stage *g = stage_new(1, NULL);

    (void)state;
    stage_connect(g);
    side_say(&g->client, "before ");
    sim_run_for(g->sim, MS);
    sim_net_partition(g->a, g->b);
    assert_true(sim_net_is_cut(g->a, g->b) && sim_net_is_cut(g->b, g->a));
    side_say(&g->client, "during ");
    side_say(server(g), "answer");
    sim_run_for(g->sim, second_ns);
    assert_string_equal("before ", server(g)->text);
    assert_string_equal("", g->client.text);
    sim_net_heal(g->a, g->b);
    side_say(&g->client, "after");
    sim_run_for(g->sim, MS);
    assert_string_equal("before during after", server(g)->text);
    assert_string_equal("answer", g->client.text);
    stage_free(g);
}

static void test_a_cut_can_have_one_direction(void **state)
{
    struct stage *g = stage_new(1, NULL);

    (void)state;
    stage_connect(g);
    sim_net_cut(g->a, g->b);
    assert_false(sim_net_is_cut(g->b, g->a));
    side_say(&g->client, "held");
    side_say(server(g), "heard");
    sim_run_for(g->sim, second_ns);
    assert_string_equal("heard", g->client.text);
    assert_string_equal("", server(g)->text);
    sim_net_heal_all(g->sim);
    sim_run_for(g->sim, MS);
    assert_string_equal("held", server(g)->text);
    stage_free(g);
}

static void test_room_does_not_come_back_over_a_cut(void **state)
{
    struct sim_way way = {.buffer_bytes = 10};
    struct stage *g = stage_new(1, &way);
    size_t done = 0;

    (void)state;
    stage_connect(g);
    sim_net_cut(g->b, g->a);
    side_say(&g->client, "0123456789");
    sim_run_for(g->sim, second_ns);
    assert_string_equal("0123456789", server(g)->text);
    assert_int_equal(ERR_AGAIN, side_send(&g->client, "x", 1, &done));
    sim_net_heal(g->a, g->b);
    sim_run_for(g->sim, MS);
    side_say(&g->client, "x");
    stage_free(g);
}

static void test_a_writer_gives_up_on_a_cut_and_the_reader_does_not_know(void **state)
{
    struct sim_way way = {.give_up_ns = 20 * (uint64_t)1000 * MS};
    struct stage *g = stage_new(1, &way);

    (void)state;
    stage_connect(g);
    sim_net_partition(g->a, g->b);
    side_say(&g->client, "into the void");
    sim_run_for(g->sim, 19 * second_ns);
    assert_int_equal(0, g->client.error);
    sim_run_for(g->sim, 2 * second_ns);
    assert_int_equal(ERR_IO, g->client.error);
    sim_net_heal(g->a, g->b);
    side_close(&g->client); /* there is nothing left that could say so to the other side */
    sim_run_for(g->sim, 100 * second_ns);
    assert_int_equal(0, server(g)->error);
    assert_string_equal("", server(g)->text);
    stage_free(g);
}

static void test_a_writer_does_not_give_up_on_a_way_that_was_healed_in_time(void **state)
{
    struct sim_way way = {.give_up_ns = 20 * (uint64_t)1000 * MS, .buffer_bytes = 10};
    struct stage *g = stage_new(1, &way);

    (void)state;
    stage_connect(g);
    sim_net_partition(g->a, g->b);
    side_say(&g->client, "0123456789");
    sim_run_for(g->sim, 10 * second_ns);
    sim_net_heal(g->a, g->b);
    sim_run_for(g->sim, second_ns);
    sim_net_cut(g->b, g->a); /* now only room is held */
    side_say(&g->client, "abcdefghij");
    sim_run_for(g->sim, 15 * second_ns);
    sim_net_heal(g->a, g->b);
    sim_run_for(g->sim, 100 * second_ns);
    side_say(&g->client, "x");
    sim_run_for(g->sim, second_ns);
    assert_string_equal("0123456789abcdefghijx", server(g)->text);
    sim_net_cut(g->b, g->a);
    side_say(&g->client, "y");
    sim_run_for(g->sim, 30 * second_ns);
    assert_int_equal(ERR_IO, g->client.error); /* nobody ever said that "y" came */
    stage_free(g);
}

static void test_a_connect_over_a_cut_waits_or_gives_up(void **state)
{
    struct stage *g = stage_new(1, NULL);

    (void)state;
    sim_net_isolate(g->b);
    side_open(&g->client, stage_dial(g, "10.0.0.2", PORT), SOCKET_READ | SOCKET_WRITE);
    sim_run_for(g->sim, 60 * second_ns);
    assert_int_equal(0, g->client.events);
    sim_net_heal_all(g->sim);
    sim_run_for(g->sim, MS);
    assert_int_equal(1, g->server_count);
    side_close(&g->client);
    sim_net_isolate(g->b);
    side_open(&g->client, stage_dial(g, "10.0.0.2", PORT), SOCKET_READ | SOCKET_WRITE);
    sim_run_for(g->sim, 126 * second_ns);
    assert_int_equal(0, g->client.events);
    sim_run_for(g->sim, 2 * second_ns);
    assert_int_equal(ERR_IO, g->client.error);
    stage_free(g);
}

/* ---- lost connections ---- */

static void test_a_reset_breaks_both_sides(void **state)
{
    struct stage *g = stage_new(1, NULL);

    (void)state;
    stage_connect(g);
    side_say(&g->client, "lost");
    assert_int_equal(1, sim_net_reset(g->a, g->b));
    sim_run_for(g->sim, MS);
    assert_int_equal(ERR_IO, g->client.error);
    assert_int_equal(ERR_IO, server(g)->error);
    assert_string_equal("", server(g)->text);
    stage_free(g);
}

static void test_a_reset_finds_those_who_wait_to_be_accepted(void **state)
{
    struct stage *g = stage_new(1, NULL);

    (void)state;
    listener_pause(g->listener, true);
    side_open(&g->client, stage_dial(g, "10.0.0.2", PORT), SOCKET_READ);
    sim_run_for(g->sim, MS);
    assert_int_equal(1, sim_net_reset(g->b, g->a));
    listener_pause(g->listener, false);
    sim_run_for(g->sim, MS);
    assert_int_equal(0, g->server_count);
    assert_int_equal(ERR_IO, g->client.error);
    stage_free(g);
}

static void test_resets_by_chance_hit_some(void **state)
{
    struct stage *g = stage_new(test_seed(), NULL);
    struct side *sides = MEM_NEW_ARRAY(struct side, 100);
    size_t broken = 0;

    (void)state;
    for (size_t i = 0; i < 100; i++)
        side_open(&sides[i], stage_dial(g, "10.0.0.2", PORT), SOCKET_READ);
    sim_run_for(g->sim, 10 * MS);
    broken = sim_net_reset_some(g->sim, 1, 2);
    assert_in_range(broken, 15, 85);
    sim_run_for(g->sim, MS);
    for (size_t i = 0; i < 100; i++) {
        broken -= sides[i].error == ERR_IO;
        side_close(&sides[i]);
    }
    assert_int_equal(0, broken);
    mem_free(sides);
    stage_free(g);
}

static void test_a_way_can_break_connections_by_itself(void **state)
{
    struct sim_way way = {.reset_one_in = 10};
    struct stage *g = stage_new(test_seed(), &way);
    size_t done = 0;
    int count = 0;

    (void)state;
    stage_connect(g);
    while (side_send(&g->client, "x", 1, &done) == 0) {
        sim_run_for(g->sim, MS);
        assert_true(++count < 1000);
    }
    assert_int_equal(ERR_IO, server(g)->error);
    stage_free(g);
}

static void test_a_half_open_connection_is_silent_for_ever(void **state)
{
    struct stage *g = stage_new(1, NULL);
    struct side second = {0};

    (void)state;
    stage_connect(g);
    assert_int_equal(0, sim_net_forget(g->a, sim_node_new(g->sim, "c", NULL)));
    assert_int_equal(1, sim_net_forget(g->a, g->b));
    side_say(&g->client, "anybody there");
    sim_run_for(g->sim, 100 * second_ns);
    assert_int_equal(0, server(g)->size);
    assert_int_equal(0, server(g)->error);
    assert_int_equal(0, g->client.error);
    side_open(&second, stage_dial(g, "10.0.0.2", PORT), SOCKET_WRITE);
    sim_run_for(g->sim, MS);
    assert_int_equal(2, g->server_count);
    side_say(&second, "new ones are well");
    sim_run_for(g->sim, MS);
    assert_string_equal("new ones are well", server(g)->text);
    side_close(&second);
    stage_free(g);
}

/* ---- pauses and deaths of nodes ---- */

static void test_the_kernel_of_a_paused_node_still_takes_bytes(void **state)
{
    struct sim_way way = {.buffer_bytes = 10};
    struct stage *g = stage_new(1, &way);
    size_t done = 0;

    (void)state;
    stage_connect(g);
    sim_node_set_paused(g->b, true);
    side_say(&g->client, "0123456789");
    sim_run_for(g->sim, second_ns);
    assert_int_equal(0, server(g)->size);
    assert_int_equal(ERR_AGAIN, side_send(&g->client, "x", 1, &done));
    sim_node_set_paused(g->b, false);
    sim_run_for(g->sim, MS);
    assert_string_equal("0123456789", server(g)->text);
    stage_free(g);
}

/* What is left on the dead node b is closed, and it starts again. */
static void restart_b(struct stage *g)
{
    side_close(server(g));
    listener_close(g->listener);
    sim_io_free(g->io_b);
    sim_node_restart(g->b);
    g->io_b = sim_io_new(g->b);
    stage_listen(g);
}

static void test_a_dead_process_closes_its_connections(void **state)
{
    struct stage *g = stage_new(1, NULL);
    size_t done = 0;

    (void)state;
    stage_connect(g);
    sim_node_halt(g->b, SIM_DEATH_PROCESS);
    assert_int_equal(ERR_CLOSED, side_send(server(g), "ghost", 5, &done));
    sim_run_for(g->sim, MS);
    assert_int_equal(ERR_CLOSED, g->client.error);
    side_close(&g->client);
    side_open(&g->client, stage_dial(g, "10.0.0.2", PORT), SOCKET_READ);
    sim_run_for(g->sim, MS);
    assert_int_equal(ERR_IO, g->client.error); /* refused: the machine is there */
    restart_b(g);
    stage_free(g);
}

static void test_a_dead_machine_is_silent_until_it_is_back(void **state)
{
    struct stage *g = stage_new(1, NULL);
    struct side second = {0};

    (void)state;
    stage_connect(g);
    side_say(server(g), "never sent");
    sim_node_halt(g->b, SIM_DEATH_POWER);
    side_say(&g->client, "hello");
    side_open(&second, stage_dial(g, "10.0.0.2", PORT), SOCKET_READ | SOCKET_WRITE);
    sim_run_for(g->sim, 10 * second_ns);
    assert_int_equal(0, g->client.error);
    assert_string_equal("", g->client.text);
    assert_int_equal(0, second.events);
    restart_b(g);
    sim_run_for(g->sim, MS);
    assert_int_equal(ERR_IO, g->client.error); /* the new system knows nothing of it */
    assert_int_equal(SOCKET_WRITE, second.events);
    assert_int_equal(2, g->server_count);
    side_close(&second);
    stage_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_a_cut_holds_bytes_until_it_is_healed),
        LEAK_CHECKED(test_a_cut_can_have_one_direction),
        LEAK_CHECKED(test_room_does_not_come_back_over_a_cut),
        LEAK_CHECKED(test_a_writer_gives_up_on_a_cut_and_the_reader_does_not_know),
        LEAK_CHECKED(test_a_writer_does_not_give_up_on_a_way_that_was_healed_in_time),
        LEAK_CHECKED(test_a_connect_over_a_cut_waits_or_gives_up),
        LEAK_CHECKED(test_a_reset_breaks_both_sides),
        LEAK_CHECKED(test_a_reset_finds_those_who_wait_to_be_accepted),
        LEAK_CHECKED(test_resets_by_chance_hit_some),
        LEAK_CHECKED(test_a_way_can_break_connections_by_itself),
        LEAK_CHECKED(test_a_half_open_connection_is_silent_for_ever),
        LEAK_CHECKED(test_the_kernel_of_a_paused_node_still_takes_bytes),
        LEAK_CHECKED(test_a_dead_process_closes_its_connections),
        LEAK_CHECKED(test_a_dead_machine_is_silent_until_it_is_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
