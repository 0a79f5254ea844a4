/* The real loop: the order of a turn, the clock, timers, jobs on workers, wakes and signals. */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "io/io.h"
#include "io/real.h"
#include "tests/lib/death.h"
#include "tests/lib/test.h"

enum { MS = 1000 * 1000 };

/* A world with one loop, and a trace of what happened in it. */
struct stage {
    struct real *real;
    struct io *io;
    char trace[256];
};

static struct stage stage;

static void open_stage(int workers)
{
    struct real_options options = {.worker_count = workers};

    memset(&stage, 0, sizeof(stage));
    assert_int_equal(real_open(&options, &stage.real, NULL), 0);
    assert_int_equal(real_io_open(stage.real, &stage.io, NULL), 0);
}

static void close_stage(void)
{
    real_io_close(stage.io);
    real_close(stage.real);
}

static void say(const char *word)
{
    size_t used = strlen(stage.trace);

    snprintf(stage.trace + used, sizeof(stage.trace) - used, "%s ", word);
}

/* ---- clock and chance ---- */

struct clock_probe {
    struct io_timer timer;
    struct io_task task;
    uint64_t now_ns;
    int64_t wall_ms;
    int turns;
};

static void spin_at_least_ms(int ms)
{
    struct timespec ts;
    long end = 0;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    end = ts.tv_sec * 1000 + ts.tv_nsec / MS + ms;
    do {
        clock_gettime(CLOCK_MONOTONIC, &ts);
    } while (ts.tv_sec * 1000 + ts.tv_nsec / MS <= end);
}

static void on_clock_task(struct io_task *t)
{
    struct clock_probe *p = CONTAINER_OF(t, struct clock_probe, task);

    assert_int_equal(io_now_ns(stage.io), p->now_ns);
    assert_int_equal(io_wall_ms(stage.io), p->wall_ms);
    if (++p->turns == 2)
        real_io_stop(stage.io);
    else
        io_timer_start(stage.io, &p->timer, 0);
}

static void on_clock_timer(struct io_timer *t)
{
    struct clock_probe *p = CONTAINER_OF(t, struct clock_probe, timer);

    assert_true(p->turns == 0 || io_now_ns(stage.io) >= p->now_ns + 2 * MS);
    p->now_ns = io_now_ns(stage.io);
    p->wall_ms = io_wall_ms(stage.io);
    spin_at_least_ms(2);
    assert_int_equal(io_now_ns(stage.io), p->now_ns);
    assert_int_equal(io_wall_ms(stage.io), p->wall_ms);
    io_later(stage.io, &p->task);
}

static void test_the_clock_stands_still_within_a_turn(void **state)
{
    struct clock_probe p = {0};

    (void)state;
    open_stage(1);
    io_timer_init(&p.timer, on_clock_timer);
    io_task_init(&p.task, on_clock_task);
    io_timer_start(stage.io, &p.timer, 0);
    real_io_run(stage.io);
    assert_int_equal(p.turns, 2);
    close_stage();
}

static void test_outside_of_a_run_the_clock_goes_on(void **state)
{
    (void)state;
    open_stage(1);
    uint64_t before = io_now_ns(stage.io);
    int64_t wall = io_wall_ms(stage.io);
    spin_at_least_ms(2);
    assert_true(io_now_ns(stage.io) >= before + 2 * MS);
    assert_true(io_wall_ms(stage.io) > wall);
    assert_true(llabs(io_wall_ms(stage.io) / 1000 - (int64_t)time(NULL)) <= 1);
    close_stage();
}

static void test_random_numbers_do_not_repeat(void **state)
{
    enum { COUNT = 200 };
    uint64_t seen[COUNT];

    (void)state;
    open_stage(1);
    for (int i = 0; i < COUNT; i++) {
        seen[i] = io_random(stage.io);
        for (int j = 0; j < i; j++)
            assert_true(seen[i] != seen[j]);
    }
    close_stage();
}

/* ---- timers ---- */

struct named_timer {
    struct io_timer timer;
    const char *name;
    uint64_t due_ns;
    bool is_last;
};

static void on_named_timer(struct io_timer *t)
{
    struct named_timer *n = CONTAINER_OF(t, struct named_timer, timer);

    assert_false(io_timer_is_running(t));
    assert_true(io_now_ns(stage.io) >= n->due_ns);
    say(n->name);
    if (n->is_last)
        real_io_stop(stage.io);
}

static void start_named(struct named_timer *n, const char *name, uint64_t delay_ns)
{
    io_timer_init(&n->timer, on_named_timer);
    n->name = name;
    n->due_ns = io_now_ns(stage.io) + delay_ns;
    io_timer_start(stage.io, &n->timer, delay_ns);
    assert_true(io_timer_is_running(&n->timer));
}

static void test_timers_fire_in_order_of_time_and_not_early(void **state)
{
    struct named_timer t[6] = {{.is_last = false}};

    (void)state;
    open_stage(1);
    start_named(&t[0], "third", 6 * MS);
    start_named(&t[1], "first", 0);
    start_named(&t[2], "second", 500 * 1000);
    start_named(&t[3], "stopped", 3 * MS);
    start_named(&t[4], "never", UINT64_MAX);
    t[5].is_last = true;
    start_named(&t[5], "moved", 1 * MS);
    t[5].due_ns = io_now_ns(stage.io) + 8 * MS;
    io_timer_start(stage.io, &t[5].timer, 8 * MS);
    io_timer_stop(stage.io, &t[3].timer);
    io_timer_stop(stage.io, &t[3].timer);
    real_io_run(stage.io);
    assert_string_equal(stage.trace, "first second third moved ");
    assert_true(io_timer_is_running(&t[4].timer));
    io_timer_stop(stage.io, &t[4].timer);
    close_stage();
}

static void test_timers_of_one_moment_fire_in_the_order_started(void **state)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g"};
    struct named_timer t[ARRAY_SIZE(names)] = {{.is_last = false}};
    struct io_timer *last = &t[ARRAY_SIZE(names) - 1].timer;

    (void)state;
    open_stage(1);
    t[ARRAY_SIZE(names) - 1].is_last = true;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        start_named(&t[i], names[i], 0);
    /* Outside of a run the clock goes on, so give all of them the same moment by hand. */
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        t[i].timer.node.order = last->node.order;
    real_io_run(stage.io);
    assert_string_equal(stage.trace, "a b c d e f g ");
    close_stage();
}

struct eager_timer {
    struct io_timer timer;
    struct io_task task;
    int count;
};

static void on_eager_task(struct io_task *t)
{
    (void)t;
    say("task");
}

static void on_eager_timer(struct io_timer *t)
{
    struct eager_timer *e = CONTAINER_OF(t, struct eager_timer, timer);

    say("timer");
    io_later(stage.io, &e->task);
    if (++e->count < 3)
        io_timer_start(stage.io, t, 0);
    else
        real_io_stop(stage.io);
}

static void test_a_timer_without_delay_waits_for_the_next_turn(void **state)
{
    struct eager_timer e = {.count = 0};

    (void)state;
    open_stage(1);
    io_timer_init(&e.timer, on_eager_timer);
    io_task_init(&e.task, on_eager_task);
    io_timer_start(stage.io, &e.timer, 0);
    real_io_run(stage.io);
    assert_string_equal(stage.trace, "timer task timer task timer task ");
    close_stage();
}

static void test_an_earlier_timer_started_later_is_not_late(void **state)
{
    struct named_timer far = {.is_last = false}, near = {.is_last = true};
    struct eager_timer e = {.count = 2};

    (void)state;
    open_stage(1);
    start_named(&far, "far", 60 * (uint64_t)1000 * MS);
    io_timer_init(&e.timer, on_eager_timer);
    io_task_init(&e.task, on_eager_task);
    io_timer_start(stage.io, &e.timer, 0);
    real_io_run(stage.io); /* a turn in which the far one is what the loop waits for */
    start_named(&near, "near", 1 * MS);
    real_io_run(stage.io);
    assert_string_equal(stage.trace, "timer task near ");
    io_timer_stop(stage.io, &far.timer);
    close_stage();
}

/* ---- tasks ---- */

struct chain_task {
    struct io_task task;
    struct io_task *next;
    const char *name;
};

static void on_chain_task(struct io_task *t)
{
    struct chain_task *c = CONTAINER_OF(t, struct chain_task, task);

    say(c->name);
    if (c->next != NULL)
        io_later(stage.io, c->next);
    else
        real_io_stop(stage.io);
}

static void test_tasks_run_in_order_until_none_is_left(void **state)
{
    struct chain_task c[4] = {{.name = "a"}, {.name = "b"}, {.name = "c"}, {.name = "d"}};

    (void)state;
    open_stage(1);
    for (size_t i = 0; i < ARRAY_SIZE(c); i++)
        io_task_init(&c[i].task, on_chain_task);
    c[0].next = &c[2].task;
    c[1].next = &c[2].task; /* asked for twice, run once */
    io_later(stage.io, &c[0].task);
    io_later(stage.io, &c[1].task);
    io_later(stage.io, &c[0].task);
    io_later(stage.io, &c[3].task);
    assert_string_equal(stage.trace, ""); /* W1 */
    io_task_cancel(&c[3].task);
    io_task_cancel(&c[3].task);
    real_io_run(stage.io);
    assert_string_equal(stage.trace, "a b c ");
    close_stage();
}

/* ---- jobs ---- */

struct probe_job {
    struct io_job job;
    pthread_t shard;
    pthread_t worker;
    int order; /* of starting */
    int *left;
};

static atomic_int starts;

static void probe_work(struct io_job *j)
{
    struct probe_job *p = CONTAINER_OF(j, struct probe_job, job);
    sigset_t blocked;

    p->worker = pthread_self();
    p->order = atomic_fetch_add(&starts, 1);
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    assert_true(sigismember(&blocked, SIGTERM));
}

static void probe_done(struct io_job *j)
{
    struct probe_job *p = CONTAINER_OF(j, struct probe_job, job);

    assert_true(pthread_equal(p->shard, pthread_self()));   /* W2 */
    assert_false(pthread_equal(p->worker, pthread_self())); /* never on a shard */
    if (--*p->left == 0)
        real_io_stop(j->io);
}

static void submit_probes(struct io *io, struct probe_job *jobs, int count, int *left)
{
    *left = count;
    for (int i = 0; i < count; i++) {
        jobs[i] = (struct probe_job){.left = left, .shard = pthread_self()};
        jobs[i].job.work = probe_work;
        jobs[i].job.done = probe_done;
        io_submit(io, &jobs[i].job);
        assert_ptr_equal(jobs[i].job.io, io);
    }
}

static void test_one_worker_runs_jobs_in_the_order_submitted(void **state)
{
    enum { COUNT = 1000 };
    static struct probe_job jobs[COUNT];
    int left = 0;

    (void)state;
    atomic_store(&starts, 0);
    open_stage(1);
    submit_probes(stage.io, jobs, COUNT, &left);
    assert_int_equal(left, COUNT); /* W1: nothing is done before the loop turns */
    real_io_run(stage.io);
    assert_int_equal(left, 0);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(jobs[i].order, i);
    close_stage();
}

struct pair_job {
    struct io_job job;
    pthread_barrier_t *both;
    int *left;
};

static void pair_work(struct io_job *j)
{
    pthread_barrier_wait(CONTAINER_OF(j, struct pair_job, job)->both);
}

static void pair_done(struct io_job *j)
{
    if (--*CONTAINER_OF(j, struct pair_job, job)->left == 0)
        real_io_stop(j->io);
}

static void test_jobs_of_one_shard_run_side_by_side(void **state)
{
    pthread_barrier_t both;
    int left = 2;
    struct pair_job jobs[2];

    (void)state;
    open_stage(2);
    pthread_barrier_init(&both, NULL, 2);
    for (int i = 0; i < 2; i++) {
        jobs[i] = (struct pair_job){.both = &both, .left = &left};
        jobs[i].job.work = pair_work;
        jobs[i].job.done = pair_done;
        io_submit(stage.io, &jobs[i].job);
    }
    real_io_run(stage.io);
    assert_int_equal(left, 0);
    pthread_barrier_destroy(&both);
    close_stage();
}

struct gate_job {
    struct io_job job;
    sem_t *gate;
    int posts; /* opens the gate so many times, or waits for it when 0 */
    int *left;
};

static void gate_work(struct io_job *j)
{
    struct gate_job *g = CONTAINER_OF(j, struct gate_job, job);

    if (g->posts == 0)
        sem_wait(g->gate);
    for (int i = 0; i < g->posts; i++)
        sem_post(g->gate);
}

static void gate_done(struct io_job *j)
{
    if (--*CONTAINER_OF(j, struct gate_job, job)->left == 0)
        real_io_stop(j->io);
}

/* Two background jobs wait for the urgent one; if they could take both threads, nothing would
 * move. */
static void test_background_jobs_leave_a_thread_to_urgent_ones(void **state)
{
    enum { COUNT = 3 };
    struct gate_job jobs[COUNT];
    int left = COUNT;
    sem_t gate;

    (void)state;
    open_stage(2);
    sem_init(&gate, 0, 0);
    for (int i = 0; i < COUNT; i++) {
        bool is_last = i == COUNT - 1;
        jobs[i] = (struct gate_job){.gate = &gate, .posts = is_last ? 2 : 0, .left = &left};
        jobs[i].job.work = gate_work;
        jobs[i].job.done = gate_done;
        jobs[i].job.urgency = is_last ? IO_URGENT : IO_BACKGROUND;
        io_submit(stage.io, &jobs[i].job);
    }
    real_io_run(stage.io);
    assert_int_equal(left, 0);
    sem_destroy(&gate);
    close_stage();
}

enum { FOLLOWERS = 2000 };

/* Two jobs that follow each other in turn, and numbers that only they touch, without a lock. */
struct row_job {
    struct io_job job;
    struct row *row;
    int number; /* what its work found */
    bool is_up;
};

struct row {
    struct row_job jobs[2];
    int front;
    int worked; /* the jobs' */
    int done;
    int recalled;
    int submitted;
};

static void row_work(struct io_job *j)
{
    struct row_job *r = CONTAINER_OF(j, struct row_job, job);

    r->number = ++r->row->worked;
}

/* Puts the other one in line, sometimes after calling it back. */
static void row_go_on(struct row *r, struct io *io)
{
    struct row_job *first = &r->jobs[r->front], *second = &r->jobs[1 - r->front];

    if (r->submitted == FOLLOWERS || second->is_up)
        return;
    second->is_up = true;
    r->submitted++;
    if (!first->is_up) {
        r->front = 1 - r->front;
        io_submit(io, &second->job);
        return;
    }
    io_follow(io, &second->job, &first->job);
    if (r->submitted % 3 != 0 || !io_recall(io, &second->job, &first->job))
        return;
    r->recalled++;
    io_follow(io, &second->job, &first->job);
}

static void row_done(struct io_job *j)
{
    struct row_job *f = CONTAINER_OF(j, struct row_job, job);
    struct row *r = f->row;

    assert_ptr_equal(f, &r->jobs[r->front]); /* in the order of the row */
    assert_int_equal(f->number, ++r->done);
    f->is_up = false;
    if (r->jobs[1 - r->front].is_up)
        r->front = 1 - r->front;
    row_go_on(r, j->io);
    row_go_on(r, j->io);
    if (r->done == FOLLOWERS)
        real_io_stop(j->io);
}

static void test_jobs_that_follow_each_other_stay_in_order(void **state)
{
    struct row r = {0};

    (void)state;
    open_stage(3);
    for (int i = 0; i < 2; i++)
        r.jobs[i] = (struct row_job){.row = &r, .job = {.work = row_work, .done = row_done}};
    row_go_on(&r, stage.io);
    row_go_on(&r, stage.io);
    real_io_run(stage.io);
    assert_int_equal(r.done, FOLLOWERS);
    assert_int_equal(r.worked, FOLLOWERS);
    assert_true(r.recalled > 0);
    close_stage();
}

struct relay_job {
    struct io_job job;
    int rounds;
};

static void relay_work(struct io_job *j)
{
    CONTAINER_OF(j, struct relay_job, job)->rounds--;
}

static void relay_done(struct io_job *j)
{
    if (CONTAINER_OF(j, struct relay_job, job)->rounds == 0)
        real_io_stop(j->io);
    else
        io_submit(j->io, j);
}

static void test_a_job_may_be_submitted_again_from_its_done(void **state)
{
    struct relay_job r = {.rounds = 2000};

    (void)state;
    open_stage(3);
    r.job.work = relay_work;
    r.job.done = relay_done;
    io_submit(stage.io, &r.job);
    real_io_run(stage.io);
    assert_int_equal(r.rounds, 0);
    close_stage();
}

/* ---- several loops, wakes, stops ---- */

struct shard {
    struct real *real;
    struct io *io;
    pthread_t thread;
    struct probe_job jobs[500];
    int jobs_left;
    struct shard *others;
    struct io_timer timer;
    atomic_int mail; /* left by the others */
    int mail_read;
};

enum { SHARD_COUNT = 3, MAIL_COUNT = 3000 };

static void on_shard_wake(void *owner)
{
    struct shard *s = owner;

    s->mail_read += atomic_exchange(&s->mail, 0);
    if (s->mail_read == MAIL_COUNT * (SHARD_COUNT - 1) && s->jobs_left == 0)
        real_io_stop(s->io);
}

static void send_to_others(struct io_timer *t)
{
    struct shard *me = CONTAINER_OF(t, struct shard, timer);

    for (int n = 0; n < MAIL_COUNT; n++) {
        for (int i = 0; i < SHARD_COUNT; i++) {
            if (&me->others[i] == me)
                continue;
            atomic_fetch_add(&me->others[i].mail, 1);
            io_wake(me->others[i].io);
        }
    }
}

static void shard_job_done(struct io_job *j)
{
    struct probe_job *p = CONTAINER_OF(j, struct probe_job, job);
    struct shard *s = CONTAINER_OF(p->left, struct shard, jobs_left);

    assert_true(pthread_equal(s->thread, pthread_self()));
    s->jobs_left--;
    on_shard_wake(s);
}

static void *run_shard(void *arg)
{
    struct shard *s = arg;

    s->thread = pthread_self();
    s->jobs_left = (int)ARRAY_SIZE(s->jobs);
    for (size_t i = 0; i < ARRAY_SIZE(s->jobs); i++) {
        s->jobs[i].left = &s->jobs_left;
        s->jobs[i].job.work = probe_work;
        s->jobs[i].job.done = shard_job_done;
        io_submit(s->io, &s->jobs[i].job);
    }
    io_timer_init(&s->timer, send_to_others);
    io_timer_start(s->io, &s->timer, 0);
    real_io_run(s->io);
    return NULL;
}

static void test_shards_share_workers_and_wake_each_other(void **state)
{
    static struct shard shards[SHARD_COUNT];
    struct real_options options = {.worker_count = 2};
    struct real *real = NULL;
    pthread_t threads[SHARD_COUNT];

    (void)state;
    assert_int_equal(real_open(&options, &real, NULL), 0);
    for (int i = 0; i < SHARD_COUNT; i++) {
        shards[i].others = shards;
        assert_int_equal(real_io_open(real, &shards[i].io, NULL), 0);
        io_set_wake(shards[i].io, on_shard_wake, &shards[i]);
    }
    for (int i = 0; i < SHARD_COUNT; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_shard, &shards[i]), 0);
    for (int i = 0; i < SHARD_COUNT; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < SHARD_COUNT; i++) {
        assert_int_equal(shards[i].mail_read, MAIL_COUNT * (SHARD_COUNT - 1));
        assert_int_equal(shards[i].jobs_left, 0);
        real_io_close(shards[i].io);
    }
    real_close(real);
}

static void on_counted_wake(void *owner)
{
    ++*(int *)owner;
}

static void test_many_wakes_before_a_turn_are_one(void **state)
{
    int wakes = 0;

    (void)state;
    open_stage(1);
    io_set_wake(stage.io, on_counted_wake, &wakes);
    for (int i = 0; i < 1000; i++)
        io_wake(stage.io);
    assert_int_equal(wakes, 0); /* W1 */
    real_io_stop(stage.io);
    real_io_run(stage.io);
    assert_int_equal(wakes, 1);
    real_io_stop(stage.io);
    real_io_run(stage.io);
    assert_int_equal(wakes, 1);
    close_stage();
}

static void test_a_wake_that_nobody_listens_for_is_harmless(void **state)
{
    (void)state;
    open_stage(1);
    io_wake(stage.io);
    real_io_stop(stage.io);
    real_io_run(stage.io);
    close_stage();
}

/* ---- signals ---- */

static void on_signal_1(void *owner)
{
    (void)owner;
    say("usr1");
    if (strstr(stage.trace, "usr2") != NULL)
        real_io_stop(stage.io);
}

static void on_signal_2(void *owner)
{
    (void)owner;
    say("usr2");
    kill(getpid(), SIGUSR1);
}

static void test_signals_are_events_of_the_loop(void **state)
{
    (void)state;
    open_stage(2);
    assert_int_equal(real_on_signal(stage.io, SIGUSR1, on_signal_1, NULL), 0);
    assert_int_equal(real_on_signal(stage.io, SIGUSR2, on_signal_2, NULL), 0);
    assert_int_equal(kill(getpid(), SIGUSR2), 0);
    assert_string_equal(stage.trace, "");
    real_io_run(stage.io);
    assert_string_equal(stage.trace, "usr2 usr1 ");
    close_stage();
}

/* ---- opening and closing ---- */

static void test_a_loop_without_descriptors_is_refused_in_words(void **state)
{
    struct rlimit old, none;
    struct io *io = NULL;
    struct err_note note = {{0}};

    (void)state;
    open_stage(1);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = old;
    for (none.rlim_cur = 0;; none.rlim_cur++) { /* how many there are already, nobody knows */
        assert_true(none.rlim_cur < old.rlim_cur);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
        int rv = real_io_open(stage.real, &io, &note);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
        if (rv == 0) {
            real_io_close(io);
            break;
        }
        assert_null(io);
        assert_int_equal(rv, ERR_NO_FILES);
        assert_string_equal(note.text, "cannot make an event loop: Too many open files");
    }
    real_io_close(NULL);
    real_close(NULL);
    close_stage();
}

static void close_with_a_running_timer(void *unused)
{
    static struct named_timer n;

    (void)unused;
    open_stage(1);
    start_named(&n, "left over", 1000 * (uint64_t)MS);
    close_stage();
}

static void test_closing_a_loop_with_a_timer_left_is_a_bug(void **state)
{
    (void)state;
    expect_death(close_with_a_running_timer, NULL, "heap_first");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_clock_stands_still_within_a_turn),
        cmocka_unit_test(test_outside_of_a_run_the_clock_goes_on),
        cmocka_unit_test(test_random_numbers_do_not_repeat),
        cmocka_unit_test(test_timers_fire_in_order_of_time_and_not_early),
        cmocka_unit_test(test_timers_of_one_moment_fire_in_the_order_started),
        cmocka_unit_test(test_a_timer_without_delay_waits_for_the_next_turn),
        cmocka_unit_test(test_an_earlier_timer_started_later_is_not_late),
        cmocka_unit_test(test_tasks_run_in_order_until_none_is_left),
        cmocka_unit_test(test_one_worker_runs_jobs_in_the_order_submitted),
        cmocka_unit_test(test_jobs_of_one_shard_run_side_by_side),
        cmocka_unit_test(test_background_jobs_leave_a_thread_to_urgent_ones),
        cmocka_unit_test(test_jobs_that_follow_each_other_stay_in_order),
        cmocka_unit_test(test_a_job_may_be_submitted_again_from_its_done),
        cmocka_unit_test(test_shards_share_workers_and_wake_each_other),
        cmocka_unit_test(test_many_wakes_before_a_turn_are_one),
        cmocka_unit_test(test_a_wake_that_nobody_listens_for_is_harmless),
        cmocka_unit_test(test_signals_are_events_of_the_loop),
        cmocka_unit_test(test_a_loop_without_descriptors_is_refused_in_words),
        cmocka_unit_test(test_closing_a_loop_with_a_timer_left_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
