/* One shard of a simulated node: the turns of its loop, timers, tasks. */
#include "base/mem.h"
#include "io/sim/sim_world.h"

enum { NS_PER_MS = 1000 * 1000 };

struct sim_shard *sim_shard_of(struct io *io)
{
    return CONTAINER_OF(io, struct sim_shard, base);
}

static struct sim *sim_of(const struct sim_shard *sh)
{
    return sh->node->sim;
}

/* ---- turns ---- */

static void on_turn(struct sim_event *e);

static bool has_work(struct sim_shard *sh)
{
    return sh->is_woken || !list_empty(&sh->finished) || !list_empty(&sh->tasks) ||
           sim_net_has_work(sh);
}

/* The turn is planned for `at_ns`, or for when the shard is free, unless one is planned before. */
static void plan_at(struct sim_shard *sh, uint64_t at_ns)
{
    struct sim *s = sim_of(sh);

    if (sh->is_turning)
        return; /* at its end it looks for everything (V3) */
    if (at_ns < sh->free_ns)
        at_ns = sh->free_ns;
    if (at_ns < s->now_ns)
        at_ns = s->now_ns;
    if (sim_event_is_planned(&sh->turn) && sh->turn.node.order <= at_ns)
        return;
    sim_event_plan(s, &sh->turn, at_ns - s->now_ns + sim_chance_up_to(s, s->options.turn_late_ns),
                   on_turn);
}

void sim_shard_plan_turn(struct sim_shard *sh)
{
    plan_at(sh, sim_of(sh)->now_ns);
}

/* V3, at the end of a turn or of a pause. */
void sim_shard_resume(struct sim_shard *sh)
{
    const struct heap_node *first = heap_first(&sh->timers);

    if (has_work(sh))
        sim_shard_plan_turn(sh);
    if (first != NULL && first->order < UINT64_MAX)
        plan_at(sh, first->order);
}

/* Those that are due now; one that is started by them waits for the next turn, whatever its
 * delay. */
static void run_timers(struct sim_shard *sh)
{
    uint64_t last = sh->timers_started;
    struct heap_node *first = NULL;

    while ((first = heap_first(&sh->timers)) != NULL && first->order <= sim_of(sh)->now_ns &&
           first->tie <= last) {
        struct io_timer *t = CONTAINER_OF(first, struct io_timer, node);
        heap_remove(&sh->timers, first);
        sim_world_trace(sim_of(sh), sh->node->name, "timer", first->tie);
        t->fn(t);
    }
}

static void run_finished(struct sim_shard *sh)
{
    struct list_link *last = list_last(&sh->finished);
    struct list_link *link = NULL;

    if (last == NULL)
        return;
    do {
        struct io_job *j = NULL;
        link = list_take(&sh->finished);
        j = CONTAINER_OF(link, struct io_job, link);
        ASSERT(sh->jobs > 0);
        sh->jobs--;
        j->done(j);
    } while (link != last);
}

static void run_wake(struct sim_shard *sh)
{
    if (!sh->is_woken)
        return;
    sh->is_woken = false;
    if (sh->base.on_wake != NULL)
        sh->base.on_wake(sh->base.on_wake_owner);
}

static void run_tasks(struct sim_shard *sh)
{
    struct list_link *link = NULL;

    while ((link = list_take(&sh->tasks)) != NULL) {
        struct io_task *t = CONTAINER_OF(link, struct io_task, link);
        t->fn(t);
    }
}

static void on_turn(struct sim_event *e)
{
    struct sim_shard *sh = CONTAINER_OF(e, struct sim_shard, turn);
    struct sim *s = sim_of(sh);

    if (sh->node->is_paused)
        return; /* sim_shard_resume() plans another */
    sim_world_trace(s, sh->node->name, "turn of shard", sh->number);
    sh->is_turning = true;
    sim_net_turn(sh);
    run_timers(sh);
    run_finished(sh);
    run_wake(sh);
    run_tasks(sh);
    sh->is_turning = false;
    sh->free_ns = s->now_ns + s->options.turn_ns;
    sim_shard_resume(sh);
}

/* ---- struct io ---- */

static uint64_t shard_now_ns(struct io *io)
{
    return sim_of(sim_shard_of(io))->now_ns;
}

static int64_t shard_wall_ms(struct io *io)
{
    const struct sim_node *n = sim_shard_of(io)->node;

    return n->sim->options.wall_ms + n->wall_offset_ms + (int64_t)(n->sim->now_ns / NS_PER_MS);
}

static uint64_t shard_random(struct io *io)
{
    return rand_next(&sim_shard_of(io)->rand);
}

static void shard_timer_stop(struct io *io, struct io_timer *t)
{
    if (heap_holds(&t->node))
        heap_remove(&sim_shard_of(io)->timers, &t->node);
}

static void shard_timer_start(struct io *io, struct io_timer *t, uint64_t delay_ns)
{
    struct sim_shard *sh = sim_shard_of(io);
    uint64_t now = sim_of(sh)->now_ns;

    shard_timer_stop(io, t);
    t->node.order = delay_ns < UINT64_MAX - now ? now + delay_ns : UINT64_MAX;
    t->node.tie = ++sh->timers_started;
    heap_push(&sh->timers, &t->node);
    if (t->node.order < UINT64_MAX)
        plan_at(sh, t->node.order);
}

static void shard_later(struct io *io, struct io_task *t)
{
    struct sim_shard *sh = sim_shard_of(io);

    if (list_linked(&t->link))
        return;
    list_push(&sh->tasks, &t->link);
    sim_shard_plan_turn(sh);
}

static void shard_submit(struct io *io, struct io_job *j)
{
    struct sim_shard *sh = sim_shard_of(io);

    sh->jobs++;
    sim_jobs_submit(sh, j);
}

static void shard_follow(struct io *io, struct io_job *j, struct io_job *first)
{
    struct sim_shard *sh = sim_shard_of(io);

    sh->jobs++;
    sim_jobs_follow(sh, j, first);
}

static bool shard_recall(struct io *io, struct io_job *j, struct io_job *first)
{
    bool is_back = sim_jobs_recall(j, first);

    sim_shard_of(io)->jobs -= is_back ? 1 : 0;
    return is_back;
}

static void shard_wake(struct io *io)
{
    struct sim_shard *sh = sim_shard_of(io);

    if (sh->is_woken)
        return;
    sh->is_woken = true;
    sim_shard_plan_turn(sh);
}

static const struct io_ops shard_ops = {
    .now_ns = shard_now_ns,
    .wall_ms = shard_wall_ms,
    .random = shard_random,
    .timer_start = shard_timer_start,
    .timer_stop = shard_timer_stop,
    .later = shard_later,
    .submit = shard_submit,
    .follow = shard_follow,
    .recall = shard_recall,
    .wake = shard_wake,
};

struct io *sim_io_new(struct sim_node *n)
{
    struct sim_shard *sh = MEM_NEW(struct sim_shard);

    ASSERT(!n->is_halted);
    sh->base.ops = &shard_ops;
    sh->base.net = &sim_net_ops;
    sh->base.disk = n->disk == NULL ? NULL : sim_disk_as_disk(n->disk);
    sh->node = n;
    sh->number = n->sim->shard_count++;
    rand_init(&sh->rand, rand_next(&n->sim->rand));
    heap_init(&sh->timers);
    list_init(&sh->tasks);
    list_init(&sh->finished);
    list_init(&sh->active);
    list_init(&sh->acceptable);
    list_push(&n->shards, &sh->link);
    return &sh->base;
}

void sim_io_free(struct io *io)
{
    struct sim_shard *sh = sim_shard_of(io);

    ASSERT(sh->jobs == 0 && sh->sockets == 0);
    ASSERT(heap_first(&sh->timers) == NULL && list_empty(&sh->tasks));
    ASSERT(list_empty(&sh->active) && list_empty(&sh->acceptable));
    sim_event_cancel(sim_of(sh), &sh->turn);
    heap_release(&sh->timers);
    list_remove(&sh->link);
    mem_free(sh);
}
