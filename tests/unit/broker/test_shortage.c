/* Tests of broker/shortage: who is told when memory or disk is short. */
#include "broker/shortage.h"

#include "base/mem.h"
#include "base/units.h"
#include "tests/lib/broker_world.h"
#include "tests/lib/leaks.h"

static void begin(struct broker_world *w)
{
    broker_world_init(w);
    w->options.disk_min_bytes = 50 * MIB;
    broker_world_open(w);
    world_run_ms(w, 2000);
}

static void end(struct broker_world *w)
{
    broker_world_close(w);
    broker_world_release(w);
}

static void expect(struct broker_world *w, unsigned blocked, const char *reason)
{
    const char *now = NULL;

    world_run_ms(w, 2000);
    now = visit_blocked(w->visit);
    assert_int_equal(w->heard.blocked, blocked);
    assert_string_equal(w->heard.reason, reason);
    assert_string_equal(now == NULL ? "" : now, reason);
}

static void test_publishers_are_told_the_reason_and_its_end(void **state)
{
    struct broker_world w;
    struct broker_stats s;

    (void)state;
    begin(&w);
    expect(&w, 0, "");
    w.options.memory_max_bytes = 1;
    expect(&w, 1, "low on memory");
    sim_disk_set_capacity(w.disk, sim_disk_used_bytes(w.disk) + 20 * MIB);
    expect(&w, 2, "low on memory & disk");
    broker_get_stats(w.broker, &s);
    assert_true(s.is_memory_short && s.is_disk_short);
    assert_in_range(s.disk_free_bytes, 1, 20 * MIB);
    w.options.memory_max_bytes = 0;
    expect(&w, 3, "low on disk");
    world_publish(&w, "", "q", "m"); /* what came is taken */
    sim_disk_set_capacity(w.disk, sim_disk_used_bytes(w.disk) + 50 * MIB + 1024);
    expect(&w, 3, "low on disk"); /* hardly more than the limit is not enough */
    sim_disk_set_capacity(w.disk, sim_disk_used_bytes(w.disk) + 100 * MIB);
    expect(&w, 4, "");
    broker_get_stats(w.broker, &s);
    assert_false(s.is_memory_short || s.is_disk_short);
    end(&w);
}

static void test_memory_must_be_some_less_before_it_is_over(void **state)
{
    struct broker_world w;
    void *much = mem_alloc(64 << 20);

    (void)state;
    begin(&w);
    w.options.memory_max_bytes = mem_used_bytes() - (8 << 20);
    expect(&w, 1, "low on memory");
    w.options.memory_max_bytes = mem_used_bytes() + 1024;
    expect(&w, 1, "low on memory");
    mem_free(much);
    expect(&w, 2, "");
    end(&w);
}

static void test_a_disk_that_says_nothing_changes_nothing(void **state)
{
    const struct sim_fault fault = {.ops = SIM_OP_BIT(SIM_OP_SPACE), .err = ERR_IO};
    struct broker_world w;

    (void)state;
    begin(&w);
    sim_disk_set_capacity(w.disk, sim_disk_used_bytes(w.disk) + 20 * MIB);
    expect(&w, 1, "low on disk");
    sim_disk_add_fault(w.disk, &fault);
    sim_disk_set_capacity(w.disk, 0);
    expect(&w, 1, "low on disk");
    sim_disk_clear_faults(w.disk);
    expect(&w, 2, "");
    end(&w);
}

static void test_nobody_looks_when_nobody_is_there(void **state)
{
    struct broker_world w;
    struct visit *again = NULL;

    (void)state;
    begin(&w);
    world_publisher_close(&w.publisher);
    visit_end(w.visit);
    assert_true(sim_run_idle(w.sim, UINT64_C(600000000000))); /* no timer runs for ever */
    again = world_visit(&w, auth_find_user(broker_auth(w.broker), bytes_text("guest")));
    w.visit = again;
    world_publisher_open(&w, again, &w.publisher, true);
    w.options.memory_max_bytes = 1;
    expect(&w, 1, "low on memory");
    end(&w);
}

static void test_closing_waits_for_the_look_at_the_disk(void **state)
{
    struct broker_world w;

    (void)state;
    begin(&w);
    sim_disk_set_latency(w.disk, SIM_OP_SPACE, 100 * WORLD_MS, 0);
    for (int i = 0; i < 500; i++)
        (void)sim_step(w.sim);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_publishers_are_told_the_reason_and_its_end),
        LEAK_CHECKED(test_memory_must_be_some_less_before_it_is_over),
        LEAK_CHECKED(test_a_disk_that_says_nothing_changes_nothing),
        LEAK_CHECKED(test_nobody_looks_when_nobody_is_there),
        LEAK_CHECKED(test_closing_waits_for_the_look_at_the_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
