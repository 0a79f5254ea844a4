/* Many alarms on one timer, and a wall clock that jumps. */
#include "queue/alarms.h"

#include "io/sim/sim.h"
#include "tests/lib/leaks.h"

#define MS UINT64_C(1000000)

struct bell {
    struct alarm alarm;
    struct alarms *all;
    unsigned rung;
    uint64_t again_ns; /* set anew when it rings; 0: not */
};

static struct sim *sim;
static struct sim_node *node;
static struct io *io;
static struct alarms alarms;

static int setup(void **state)
{
    (void)leaks_setup(state);
    sim = sim_new(NULL);
    node = sim_node_new(sim, "a", NULL);
    io = sim_io_new(node);
    alarms_init(&alarms, io);
    return 0;
}

static int teardown(void **state)
{
    alarms_release(&alarms);
    sim_io_free(io);
    sim_free(sim);
    return leaks_teardown(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static void ring(struct alarm *a)
{
    struct bell *b = CONTAINER_OF(a, struct bell, alarm);

    b->rung++;
    if (b->again_ns != 0)
        alarm_set_after(b->all, a, b->again_ns);
}

static struct bell bell_new(void)
{
    struct bell b = {.all = &alarms};

    alarm_init(&b.alarm, ring);
    return b;
}

static void test_each_rings_once_at_its_time(void **state)
{
    struct bell a = bell_new(), b = bell_new(), c = bell_new();

    (void)state;
    alarm_set_after(&alarms, &a.alarm, 10 * MS);
    alarm_set_after(&alarms, &b.alarm, 5 * MS);
    alarm_set_date(&alarms, &c.alarm, io_wall_ms(io) + 7);
    sim_run_for(sim, 6 * MS);
    assert_int_equal(a.rung, 0);
    assert_int_equal(b.rung, 1);
    assert_int_equal(c.rung, 0);
    sim_run_for(sim, 6 * MS);
    assert_int_equal(a.rung, 1);
    assert_int_equal(c.rung, 1);
    assert_false(alarm_waits(&a.alarm));
    sim_run_for(sim, 100 * MS);
    assert_int_equal(a.rung + b.rung + c.rung, 3);
}

static void test_it_can_be_set_anew_and_stopped(void **state)
{
    struct bell a = bell_new(), b = bell_new();

    (void)state;
    alarm_set_after(&alarms, &a.alarm, 10 * MS);
    alarm_set_after(&alarms, &a.alarm, 20 * MS);
    alarm_set_date(&alarms, &b.alarm, io_wall_ms(io) + 10);
    alarm_stop_date(&alarms, &b.alarm);
    alarm_stop_date(&alarms, &b.alarm);
    sim_run_for(sim, 15 * MS);
    assert_int_equal(a.rung, 0);
    sim_run_for(sim, 15 * MS);
    assert_int_equal(a.rung, 1);
    assert_int_equal(b.rung, 0);
    alarm_stop_span(&alarms, &a.alarm);
}

static void test_one_that_sets_itself_goes_on(void **state)
{
    struct bell a = bell_new();

    (void)state;
    a.again_ns = 10 * MS;
    alarm_set_after(&alarms, &a.alarm, 10 * MS);
    sim_run_for(sim, 105 * MS);
    assert_int_equal(a.rung, 10);
    alarm_stop_span(&alarms, &a.alarm);
}

static void test_a_date_is_met_soon_after_the_clock_jumped(void **state)
{
    struct bell a = bell_new(), b = bell_new();

    (void)state;
    alarm_set_date(&alarms, &a.alarm, io_wall_ms(io) + 3600 * 1000);
    sim_run_for(sim, 1000 * MS);
    sim_node_jump_wall(node, 3600 * 1000);
    sim_run_for(sim, 11000 * MS);
    assert_int_equal(a.rung, 1);
    /* Backwards: it waits for its date. */
    alarm_set_date(&alarms, &b.alarm, io_wall_ms(io) + 1000);
    sim_node_jump_wall(node, -60 * 1000);
    sim_run_for(sim, 30000 * MS);
    assert_int_equal(b.rung, 0);
    sim_run_for(sim, 40000 * MS);
    assert_int_equal(b.rung, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_rings_once_at_its_time),
        TEST(test_it_can_be_set_anew_and_stopped),
        TEST(test_one_that_sets_itself_goes_on),
        TEST(test_a_date_is_met_soon_after_the_clock_jumped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
