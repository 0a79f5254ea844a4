/* Tests of io/sim/sim_world.c, sim_node.c, sim_shard.c and sim_jobs.c: the clock, the order of a
 * turn, timers, tasks, jobs and wake calls (W1 to W3 of io.h), pauses, deaths, and equal runs. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "io/sim/sim.h"
#include "tests/lib/death.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/unit/io/sim/disk_words.h"

enum { MS = 1000 * 1000, TEXT_SIZE = 1000 };

/* A world with one node and one shard, and what was said in it. */
struct stage {
    struct sim *sim;
    struct sim_disk *disk;
    struct sim_node *node;
    struct io *io;
    char text[TEXT_SIZE];
};

static void stage_open_with(struct stage *g, const struct sim_options *o)
{
    *g = (struct stage){.sim = sim_new(o), .disk = sim_disk_new(NULL)};
    g->node = sim_node_new(g->sim, "a", g->disk);
    g->io = sim_io_new(g->node);
}

static void stage_open(struct stage *g)
{
    stage_open_with(g, NULL);
}

static void stage_close(struct stage *g)
{
    sim_io_free(g->io);
    sim_free(g->sim);
    sim_disk_free(g->disk);
}

static void say(struct stage *g, const char *what)
{
    size_t used = strlen(g->text);

    snprintf(g->text + used, sizeof(g->text) - used, "%s@%d ", what,
             (int)(sim_now_ns(g->sim) / MS));
}

/* A timer, a task and a job that say their names. */
struct actor {
    struct stage *stage;
    const char *name;
    struct io_timer timer;
    struct io_task task;
    struct io_job job;
    struct io_task *then; /* asked for when the timer, the task or the job is called */
    uint64_t again_ns;    /* the timer starts itself again ... */
    bool again_at_once;   /* ... or without any delay */
    int result;           /* of what the job tried */
};

static void act(struct actor *a)
{
    say(a->stage, a->name);
    if (a->then != NULL)
        io_later(a->stage->io, a->then);
}

static void on_timer(struct io_timer *t)
{
    struct actor *a = CONTAINER_OF(t, struct actor, timer);

    act(a);
    if (a->again_ns != 0 || a->again_at_once)
        io_timer_start(a->stage->io, t, a->again_ns);
}

static void on_task(struct io_task *t)
{
    act(CONTAINER_OF(t, struct actor, task));
}

/* Does some disk work; what it takes is the disk's latency. */
static void job_work(struct io_job *j)
{
    struct actor *a = CONTAINER_OF(j, struct actor, job);

    say(a->stage, "work");
    make_file(a->stage->disk, a->name, "x");
}

static void job_done(struct io_job *j)
{
    act(CONTAINER_OF(j, struct actor, job));
}

static void actor_init(struct actor *a, struct stage *g, const char *name)
{
    *a = (struct actor){.stage = g, .name = name};
    io_timer_init(&a->timer, on_timer);
    io_task_init(&a->task, on_task);
    a->job = (struct io_job){.work = job_work, .done = job_done};
}

/* ---- clock ---- */

static void test_time_passes_only_in_events_and_runs(void **state)
{
    struct stage g;

    (void)state;
    stage_open(&g);
    assert_int_equal(0, io_now_ns(g.io));
    assert_false(sim_step(g.sim));
    sim_run_for(g.sim, 5 * MS);
    assert_int_equal(5 * MS, io_now_ns(g.io));
    assert_int_equal(5 * MS, sim_now_ns(g.sim));
    stage_close(&g);
}

static void test_the_wall_clock_goes_on_and_jumps_on_demand(void **state)
{
    struct sim_options o = {.wall_ms = 1000};
    struct stage g;

    (void)state;
    stage_open_with(&g, &o);
    sim_run_for(g.sim, 7 * MS);
    assert_int_equal(1007, io_wall_ms(g.io));
    sim_node_jump_wall(g.node, -3600 * 1000);
    assert_int_equal(1007 - 3600 * 1000, io_wall_ms(g.io));
    assert_int_equal(7 * MS, io_now_ns(g.io));
    sim_node_jump_wall(g.node, 2 * 3600 * 1000);
    assert_int_equal(1007 + 3600 * 1000, io_wall_ms(g.io));
    stage_close(&g);
}

/* ---- timers ---- */

static void test_timers_fire_in_order_of_time_then_of_start(void **state)
{
    struct stage g;
    struct actor a;
    struct actor b;
    struct actor c;

    (void)state;
    stage_open(&g);
    actor_init(&a, &g, "a");
    actor_init(&b, &g, "b");
    actor_init(&c, &g, "c");
    io_timer_start(g.io, &a.timer, 2 * MS);
    io_timer_start(g.io, &b.timer, 1 * MS);
    io_timer_start(g.io, &c.timer, 1 * MS);
    assert_true(sim_run_idle(g.sim, 1000 * MS));
    assert_string_equal("b@1 c@1 a@2 ", g.text);
    stage_close(&g);
}

static void test_a_timer_can_be_stopped_and_set_anew(void **state)
{
    struct stage g;
    struct actor a;
    struct actor b;

    (void)state;
    stage_open(&g);
    actor_init(&a, &g, "a");
    actor_init(&b, &g, "b");
    io_timer_stop(g.io, &a.timer); /* not running: allowed */
    io_timer_start(g.io, &a.timer, 1 * MS);
    io_timer_start(g.io, &a.timer, 5 * MS);
    io_timer_start(g.io, &b.timer, 2 * MS);
    assert_true(io_timer_is_running(&b.timer));
    io_timer_stop(g.io, &b.timer);
    assert_false(io_timer_is_running(&b.timer));
    sim_run_for(g.sim, 10 * MS);
    assert_string_equal("a@5 ", g.text);
    assert_false(io_timer_is_running(&a.timer));
    stage_close(&g);
}

static void test_a_timer_without_delay_waits_for_the_next_turn(void **state)
{
    struct stage g;
    struct actor a;

    (void)state;
    stage_open(&g);
    actor_init(&a, &g, "a");
    io_timer_start(g.io, &a.timer, 0);
    assert_string_equal("", g.text); /* W1 */
    a.again_at_once = true;
    assert_true(sim_step(g.sim));
    assert_string_equal("a@0 ", g.text);
    assert_true(sim_step(g.sim));
    assert_string_equal("a@0 a@0 ", g.text);
    assert_true(sim_now_ns(g.sim) > 0); /* a turn takes its time */
    io_timer_stop(g.io, &a.timer);
    stage_close(&g);
}

static void test_a_timer_at_the_end_of_time_never_fires(void **state)
{
    struct stage g;
    struct actor a;

    (void)state;
    stage_open(&g);
    actor_init(&a, &g, "a");
    sim_run_for(g.sim, 10);
    io_timer_start(g.io, &a.timer, UINT64_MAX);
    assert_true(sim_run_idle(g.sim, 10 * MS));
    assert_true(io_timer_is_running(&a.timer));
    io_timer_stop(g.io, &a.timer);
    stage_close(&g);
}

/* ---- tasks and wake ---- */

static void test_tasks_run_at_the_end_of_the_turn_in_the_order_asked(void **state)
{
    struct stage g;
    struct actor timer;
    struct actor other;
    struct actor first;
    struct actor second;

    (void)state;
    stage_open(&g);
    actor_init(&timer, &g, "timer");
    actor_init(&other, &g, "other");
    actor_init(&first, &g, "first");
    actor_init(&second, &g, "second");
    timer.then = &first.task;
    other.then = &first.task; /* asked again: nothing changes */
    first.then = &second.task;
    io_timer_start(g.io, &timer.timer, 1 * MS);
    io_timer_start(g.io, &other.timer, 1 * MS);
    sim_run_for(g.sim, 2 * MS);
    assert_string_equal("timer@1 other@1 first@1 second@1 ", g.text);
    stage_close(&g);
}

static void test_a_task_asked_from_outside_runs_soon_and_can_be_taken_back(void **state)
{
    struct stage g;
    struct actor a;
    struct actor b;

    (void)state;
    stage_open(&g);
    actor_init(&a, &g, "a");
    actor_init(&b, &g, "b");
    io_later(g.io, &a.task);
    io_later(g.io, &b.task);
    io_task_cancel(&a.task);
    io_task_cancel(&a.task);
    assert_string_equal("", g.text); /* W1 */
    assert_true(sim_run_idle(g.sim, MS));
    assert_string_equal("b@0 ", g.text);
    stage_close(&g);
}

static void on_wake(void *owner)
{
    say((struct stage *)owner, "wake");
}

static void test_many_wake_calls_are_one(void **state)
{
    struct stage g;

    (void)state;
    stage_open(&g);
    io_set_wake(g.io, on_wake, &g);
    io_wake(g.io);
    io_wake(g.io);
    assert_string_equal("", g.text);
    assert_true(sim_run_idle(g.sim, MS));
    assert_string_equal("wake@0 ", g.text);
    io_wake(g.io);
    assert_true(sim_run_idle(g.sim, MS));
    assert_string_equal("wake@0 wake@0 ", g.text);
    stage_close(&g);
}

/* ---- jobs ---- */

static void test_a_job_works_at_once_and_is_done_after_its_latency(void **state)
{
    struct stage g;
    struct actor a;

    (void)state;
    stage_open(&g);
    actor_init(&a, &g, "a");
    sim_disk_set_latency(g.disk, SIM_OP_WRITE, 3 * MS, 0);
    sim_disk_set_latency(g.disk, SIM_OP_OPEN, 2 * MS, 0);
    make_file(g.disk, "outside", "x"); /* its latency is nobody's */
    io_submit(g.io, &a.job);
    assert_string_equal("", g.text); /* W1 */
    assert_ptr_equal(g.io, a.job.io);
    assert_true(sim_run_idle(g.sim, 1000 * MS));
    assert_string_equal("work@0 a@5 ", g.text);
    stage_close(&g);
}

static void test_no_more_jobs_run_than_there_are_workers(void **state)
{
    struct sim_options o = {.worker_count = 2};
    struct stage g;
    struct actor actors[5];
    static const char *const names[] = {"a", "b", "c", "d", "e"};

    (void)state;
    stage_open_with(&g, &o);
    sim_disk_set_latency(g.disk, SIM_OP_WRITE, 10 * MS, 0);
    for (size_t i = 0; i < 5; i++) {
        actor_init(&actors[i], &g, names[i]);
        io_submit(g.io, &actors[i].job);
    }
    assert_true(sim_run_idle(g.sim, 1000 * MS));
    assert_string_equal("work@0 work@0 a@10 b@10 work@10 work@10 c@20 d@20 work@20 e@30 ", g.text);
    stage_close(&g);
}

static void test_a_job_that_follows_begins_when_the_first_has_worked(void **state)
{
    struct stage g;
    struct actor a, b, c;

    (void)state;
    stage_open(&g);
    actor_init(&a, &g, "a");
    actor_init(&b, &g, "b");
    actor_init(&c, &g, "c");
    sim_disk_set_latency(g.disk, SIM_OP_WRITE, 10 * MS, 0);
    io_submit(g.io, &a.job);
    io_follow(g.io, &b.job, &a.job);
    assert_true(io_recall(g.io, &b.job, &a.job));
    io_follow(g.io, &b.job, &a.job);
    io_follow(g.io, &c.job, &b.job); /* as many as one likes, one behind the other */
    assert_true(sim_run_idle(g.sim, 1000 * MS));
    assert_string_equal("work@0 work@10 a@10 work@20 b@20 c@30 ", g.text);
    assert_false(io_recall(g.io, &b.job, &a.job));
    assert_true(sim_run_idle(g.sim, MS));
    stage_close(&g);
}

static void test_jobs_of_two_shards_share_the_workers_and_come_home(void **state)
{
    struct stage g;
    struct stage other; /* another shard of the same node */
    struct actor a;
    struct actor b;

    (void)state;
    stage_open(&g);
    other = g;
    other.io = sim_io_new(g.node);
    actor_init(&a, &g, "a");
    actor_init(&b, &other, "b");
    io_submit(g.io, &a.job);
    io_submit(other.io, &b.job);
    assert_true(sim_run_idle(g.sim, MS));
    assert_string_equal("work@0 a@0 ", g.text);
    assert_string_equal("work@0 b@0 ", other.text);
    sim_io_free(other.io);
    stage_close(&g);
}

static void test_background_jobs_leave_a_worker_to_urgent_ones(void **state)
{
    struct stage g;
    struct actor actors[4];
    static const char *const names[] = {"a", "b", "c", "d"};

    (void)state;
    stage_open(&g); /* two workers */
    sim_disk_set_latency(g.disk, SIM_OP_WRITE, 10 * MS, 0);
    for (size_t i = 0; i < 4; i++) {
        actor_init(&actors[i], &g, names[i]);
        actors[i].job.urgency = i < 3 ? IO_BACKGROUND : IO_URGENT;
        io_submit(g.io, &actors[i].job);
    }
    assert_true(sim_run_idle(g.sim, 1000 * MS));
    assert_string_equal("work@0 work@0 a@10 d@10 work@10 b@20 work@20 c@30 ", g.text);
    stage_close(&g);
}

static void test_a_stalled_disk_holds_jobs_until_it_goes_on(void **state)
{
    struct stage g;
    struct actor a;
    struct actor b;

    (void)state;
    stage_open(&g);
    actor_init(&a, &g, "a");
    actor_init(&b, &g, "b");
    sim_disk_set_latency(g.disk, SIM_OP_WRITE, 5 * MS, 0);
    io_submit(g.io, &a.job);
    sim_run_for(g.sim, 1 * MS); /* it has begun */
    sim_disk_set_stalled(g.disk, true);
    io_submit(g.io, &b.job);
    sim_run_for(g.sim, 100 * MS);
    assert_string_equal("work@0 ", g.text);
    sim_disk_set_stalled(g.disk, false);
    assert_true(sim_run_idle(g.sim, 1000 * MS));
    assert_string_equal("work@0 work@101 a@101 b@106 ", g.text);
    stage_close(&g);
}

static void test_jobs_may_start_late_and_end_in_any_order(void **state)
{
    bool in_order = false;
    bool out_of_order = false;

    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct sim_options o = {.seed = seed, .job_late_ns = 10 * MS};
        struct stage g;
        struct actor a;
        struct actor b;
        stage_open_with(&g, &o);
        actor_init(&a, &g, "a");
        actor_init(&b, &g, "b");
        io_submit(g.io, &a.job);
        io_submit(g.io, &b.job);
        assert_true(sim_run_idle(g.sim, 1000 * MS));
        in_order = in_order || strstr(g.text, "a@") < strstr(g.text, "b@");
        out_of_order = out_of_order || strstr(g.text, "a@") > strstr(g.text, "b@");
        stage_close(&g);
    }
    assert_true(in_order && out_of_order);
}

/* ---- order of a turn ---- */

static void test_a_turn_runs_timers_then_jobs_then_wake_then_tasks(void **state)
{
    struct stage g;
    struct actor timer;
    struct actor job;
    struct actor task;

    (void)state;
    stage_open(&g);
    actor_init(&timer, &g, "timer");
    actor_init(&job, &g, "job");
    actor_init(&task, &g, "task");
    io_set_wake(g.io, on_wake, &g);
    sim_node_set_paused(g.node, true); /* all comes due while nothing runs */
    io_later(g.io, &task.task);
    io_wake(g.io);
    io_timer_start(g.io, &timer.timer, 1 * MS);
    sim_run_for(g.sim, 2 * MS);
    assert_string_equal("", g.text);
    sim_node_set_paused(g.node, false);
    assert_true(sim_run_idle(g.sim, MS));
    assert_string_equal("timer@2 wake@2 task@2 ", g.text);
    io_submit(g.io, &job.job);
    io_wake(g.io);
    timer.then = &task.task;
    io_timer_start(g.io, &timer.timer, 0);
    g.text[0] = '\0';
    assert_true(sim_run_idle(g.sim, MS));
    assert_string_equal("work@2 timer@2 job@2 wake@2 task@2 ", g.text);
    stage_close(&g);
}

static void test_a_paused_node_starts_no_job_and_ends_none(void **state)
{
    struct stage g;
    struct actor a;
    struct actor b;

    (void)state;
    stage_open(&g);
    actor_init(&a, &g, "a");
    actor_init(&b, &g, "b");
    sim_disk_set_latency(g.disk, SIM_OP_WRITE, 5 * MS, 0);
    io_submit(g.io, &a.job);
    sim_run_for(g.sim, 1 * MS);
    sim_node_set_paused(g.node, true);
    io_submit(g.io, &b.job);
    sim_run_for(g.sim, 49 * MS);
    assert_string_equal("work@0 ", g.text);
    sim_node_set_paused(g.node, false);
    assert_true(sim_run_idle(g.sim, 1000 * MS));
    assert_string_equal("work@0 work@50 a@50 b@55 ", g.text);
    stage_close(&g);
}

static void test_a_late_turn_gathers_what_came_due(void **state)
{
    struct sim_options o = {.seed = test_seed(), .turn_late_ns = 5 * MS};
    struct stage g;
    struct actor a;
    uint64_t late = 0;

    (void)state;
    stage_open_with(&g, &o);
    actor_init(&a, &g, "a");
    for (int i = 0; i < 100; i++) {
        uint64_t due = sim_now_ns(g.sim) + MS;
        io_timer_start(g.io, &a.timer, MS);
        while (io_timer_is_running(&a.timer))
            assert_true(sim_step(g.sim));
        assert_in_range(sim_now_ns(g.sim), due, due + 5 * MS);
        late += sim_now_ns(g.sim) - due;
        g.text[0] = '\0';
    }
    assert_true(late > 0);
    stage_close(&g);
}

/* ---- running until ---- */

static bool has_said_something(void *owner)
{
    return ((struct stage *)owner)->text[0] != '\0';
}

static void test_running_until_stops_at_the_event_or_the_limit(void **state)
{
    struct stage g;
    struct actor a;

    (void)state;
    stage_open(&g);
    actor_init(&a, &g, "a");
    assert_false(sim_run_until(g.sim, has_said_something, &g, MS)); /* nothing is planned */
    io_timer_start(g.io, &a.timer, 10 * MS);
    assert_false(sim_run_until(g.sim, has_said_something, &g, 4 * MS));
    assert_int_equal(4 * MS, sim_now_ns(g.sim));
    assert_true(sim_run_until(g.sim, has_said_something, &g, 100 * MS));
    assert_int_equal(10 * MS, sim_now_ns(g.sim));
    stage_close(&g);
}

/* ---- deaths ---- */

static void job_try(struct io_job *j)
{
    struct actor *a = CONTAINER_OF(j, struct actor, job);

    a->result = disk_make_dir(sim_disk_as_disk(a->stage->disk), "made");
}

static void test_what_a_dead_node_still_does_has_no_effect(void **state)
{
    struct sim_crash crash = {.kind = SIM_CRASH_NOTHING};
    struct stage g;
    struct actor a;

    (void)state;
    stage_open(&g);
    actor_init(&a, &g, "a");
    a.job.work = job_try;
    make_durable(g.disk, "/", "kept", "x");
    make_file(g.disk, "lost", "x");
    io_submit(g.io, &a.job);
    sim_node_halt(g.node, SIM_DEATH_POWER);
    assert_true(sim_node_is_halted(g.node));
    assert_true(sim_run_idle(g.sim, MS)); /* the job comes home, so that all can be closed */
    assert_int_equal(ERR_IO, a.result);
    sim_io_free(g.io);
    sim_disk_crash(g.disk, &crash);
    sim_node_restart(g.node);
    g.io = sim_io_new(g.node);
    assert_true(sim_disk_has(g.disk, "kept"));
    assert_false(sim_disk_has(g.disk, "lost") || sim_disk_has(g.disk, "made"));
    stage_close(&g);
}

static void test_a_dead_process_leaves_the_cache(void **state)
{
    struct stage g;

    (void)state;
    stage_open(&g);
    make_file(g.disk, "unsynced", "x");
    sim_node_halt(g.node, SIM_DEATH_PROCESS);
    assert_int_equal(ERR_IO, disk_make_dir(sim_disk_as_disk(g.disk), "p"));
    sim_io_free(g.io);
    sim_node_restart(g.node);
    g.io = sim_io_new(g.node);
    expect_text(g.disk, "unsynced", "x");
    make_dir(g.disk, "p");
    stage_close(&g);
}

static void test_a_paused_node_that_dies_can_be_closed(void **state)
{
    struct stage g;
    struct actor a;

    (void)state;
    stage_open(&g);
    actor_init(&a, &g, "a");
    a.job.work = job_try;
    io_submit(g.io, &a.job);
    sim_node_set_paused(g.node, true);
    sim_disk_set_stalled(g.disk, true);
    sim_run_for(g.sim, MS);
    assert_string_equal("", g.text);
    sim_node_halt(g.node, SIM_DEATH_PROCESS);
    assert_true(sim_run_idle(g.sim, MS));
    assert_string_equal("a@1 ", g.text);
    assert_int_equal(ERR_IO, a.result);
    stage_close(&g);
}

static void submit_twice(void *owner)
{
    struct stage *g = (struct stage *)owner;
    struct actor a;

    actor_init(&a, g, "a");
    io_submit(g->io, &a.job);
    io_submit(g->io, &a.job);
}

static void restart_without_a_crash(void *owner)
{
    struct stage *g = (struct stage *)owner;

    sim_node_halt(g->node, SIM_DEATH_POWER);
    (void)!disk_make_dir(sim_disk_as_disk(g->disk), "p");
    sim_io_free(g->io);
    sim_node_restart(g->node);
}

static void free_with_a_timer(void *owner)
{
    struct stage *g = (struct stage *)owner;
    struct actor a;

    actor_init(&a, g, "a");
    io_timer_start(g->io, &a.timer, 1);
    sim_io_free(g->io);
}

static void test_misuse_is_an_assertion(void **state)
{
    struct stage g;

    (void)state;
    stage_open(&g);
    expect_death(restart_without_a_crash, &g, "sim_disk_is_stopped");
    expect_death(submit_twice, &g, "list_linked");
    expect_death(free_with_a_timer, &g, "timers");
    stage_close(&g);
}

/* ---- equal runs ---- */

/* A busy world; returns its trace. */
static uint64_t run_story(uint64_t seed, uint64_t *events)
{
    struct sim_options o = {.seed = seed, .turn_late_ns = 50000, .job_late_ns = 100000};
    struct stage g;
    struct actor actors[8];
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    uint64_t trace = 0;

    stage_open_with(&g, &o);
    sim_disk_set_latency(g.disk, SIM_OP_WRITE, 1000, 100000);
    for (size_t i = 0; i < 8; i++) {
        actor_init(&actors[i], &g, names[i]);
        actors[i].again_ns = 100000 + rand_below(sim_rand(g.sim), 1000000);
        io_timer_start(g.io, &actors[i].timer, io_random(g.io) % 1000000);
        io_submit(g.io, &actors[i].job);
    }
    sim_run_for(g.sim, 50 * MS);
    for (size_t i = 0; i < 8; i++)
        io_timer_stop(g.io, &actors[i].timer);
    assert_true(sim_run_idle(g.sim, 1000 * MS));
    trace = sim_trace(g.sim);
    *events = sim_event_count(g.sim);
    stage_close(&g);
    return trace;
}

static void test_the_same_seed_gives_the_same_trace_and_another_seed_another(void **state)
{
    uint64_t first = 0;
    uint64_t second = 0;

    (void)state;
    for (uint64_t i = 0; i < 20; i++) {
        uint64_t seed = test_seed() + i;
        assert_true(run_story(seed, &first) == run_story(seed, &second));
        assert_int_equal(first, second);
        assert_true(first > 100);
        assert_false(run_story(seed, &first) == run_story(seed + 1, &second));
    }
}

/* The trace of a world in which one timer fires. */
static uint64_t timer_trace(uint64_t delay_ns)
{
    struct stage g;
    struct actor a;
    uint64_t trace = 0;

    stage_open(&g);
    actor_init(&a, &g, "a");
    io_timer_start(g.io, &a.timer, delay_ns);
    assert_true(sim_run_idle(g.sim, 1000 * MS));
    trace = sim_trace(g.sim);
    stage_close(&g);
    return trace;
}

static void test_a_trace_knows_when_something_happened(void **state)
{
    (void)state;
    assert_true(timer_trace(MS) == timer_trace(MS));
    assert_false(timer_trace(MS) == timer_trace(MS + 1));
}

static void test_a_test_can_add_to_the_trace(void **state)
{
    struct stage g;
    uint64_t before = 0;

    (void)state;
    stage_open(&g);
    before = sim_trace(g.sim);
    sim_trace_add(g.sim, 1);
    assert_false(before == sim_trace(g.sim));
    before = sim_trace(g.sim);
    make_file(g.disk, "a", "x"); /* disks are part of it */
    assert_false(before == sim_trace(g.sim));
    stage_close(&g);
}

static void keep_line(void *owner, const char *line)
{
    snprintf((char *)owner, TEXT_SIZE, "%s", line);
}

static void test_events_can_be_told_as_text(void **state)
{
    struct stage g;
    struct actor a;
    char line[TEXT_SIZE] = {0};

    (void)state;
    stage_open(&g);
    actor_init(&a, &g, "a");
    sim_tell(g.sim, keep_line, line);
    io_timer_start(g.io, &a.timer, 1500 * (uint64_t)MS);
    assert_true(sim_run_idle(g.sim, 2000 * (uint64_t)MS));
    assert_string_equal("1.500000000 a timer 1", line);
    stage_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_time_passes_only_in_events_and_runs),
        LEAK_CHECKED(test_the_wall_clock_goes_on_and_jumps_on_demand),
        LEAK_CHECKED(test_timers_fire_in_order_of_time_then_of_start),
        LEAK_CHECKED(test_a_timer_can_be_stopped_and_set_anew),
        LEAK_CHECKED(test_a_timer_without_delay_waits_for_the_next_turn),
        LEAK_CHECKED(test_a_timer_at_the_end_of_time_never_fires),
        LEAK_CHECKED(test_tasks_run_at_the_end_of_the_turn_in_the_order_asked),
        LEAK_CHECKED(test_a_task_asked_from_outside_runs_soon_and_can_be_taken_back),
        LEAK_CHECKED(test_many_wake_calls_are_one),
        LEAK_CHECKED(test_a_job_works_at_once_and_is_done_after_its_latency),
        LEAK_CHECKED(test_no_more_jobs_run_than_there_are_workers),
        LEAK_CHECKED(test_a_job_that_follows_begins_when_the_first_has_worked),
        LEAK_CHECKED(test_jobs_of_two_shards_share_the_workers_and_come_home),
        LEAK_CHECKED(test_background_jobs_leave_a_worker_to_urgent_ones),
        LEAK_CHECKED(test_a_stalled_disk_holds_jobs_until_it_goes_on),
        LEAK_CHECKED(test_jobs_may_start_late_and_end_in_any_order),
        LEAK_CHECKED(test_a_turn_runs_timers_then_jobs_then_wake_then_tasks),
        LEAK_CHECKED(test_a_paused_node_starts_no_job_and_ends_none),
        LEAK_CHECKED(test_a_late_turn_gathers_what_came_due),
        LEAK_CHECKED(test_running_until_stops_at_the_event_or_the_limit),
        LEAK_CHECKED(test_what_a_dead_node_still_does_has_no_effect),
        LEAK_CHECKED(test_a_dead_process_leaves_the_cache),
        LEAK_CHECKED(test_a_paused_node_that_dies_can_be_closed),
        LEAK_CHECKED(test_misuse_is_an_assertion),
        LEAK_CHECKED(test_the_same_seed_gives_the_same_trace_and_another_seed_another),
        LEAK_CHECKED(test_a_trace_knows_when_something_happened),
        LEAK_CHECKED(test_a_test_can_add_to_the_trace),
        LEAK_CHECKED(test_events_can_be_told_as_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
