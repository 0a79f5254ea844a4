/* Worker threads of a simulated node.
 *
 *     submitted --a worker is free--> taken --job_late_ns--> work() --latency of its disk--> done()
 *
 * While the node is paused or its disk stalled, work that would start or end is held instead. */
#include "base/mem.h"
#include "io/sim/sim_world.h"

/* A job that a worker has. */
struct work {
    struct list_link link; /* in node->held */
    struct sim_event event;
    struct io_job *job;
    struct sim_node *node;
    uint64_t number;
    void (*next)(struct sim_event *e); /* what was held */
};

static void begin(struct sim_event *e);
static void end(struct sim_event *e);

static struct work *work_of(struct sim_event *e)
{
    return CONTAINER_OF(e, struct work, event);
}

/* A free worker takes the job. */
static void take_job(struct sim_node *n, struct io_job *j)
{
    struct sim *s = n->sim;
    struct work *w = MEM_NEW(struct work);

    w->job = j;
    list_push(&n->taken, &j->link); /* so that a second io_submit() is noticed */
    w->node = n;
    w->number = ++s->job_count;
    n->busy_workers++;
    sim_event_plan(s, &w->event, sim_chance_up_to(s, s->options.job_late_ns), begin);
}

static void take_jobs(struct sim_node *n)
{
    struct io_job *j = NULL;

    while (n->busy_workers < n->sim->options.worker_count && (j = job_queue_take(&n->jobs)) != NULL)
        take_job(n, j);
}

/* Holds the work when it cannot go on with `next` now. */
static bool is_held(struct work *w, void (*next)(struct sim_event *e))
{
    const struct sim_node *n = w->node;

    if (!n->is_paused && (n->disk == NULL || !sim_disk_is_stalled(n->disk)))
        return false;
    w->next = next;
    list_push(&w->node->held, &w->link);
    return true;
}

static void begin(struct sim_event *e)
{
    struct work *w = work_of(e);
    struct sim_disk *disk = w->node->disk;
    uint64_t latency = 0;

    if (is_held(w, begin))
        return;
    sim_world_trace(w->node->sim, w->node->name, "begins job", w->number);
    if (disk != NULL)
        sim_disk_take_elapsed_ns(disk); /* what calls outside of jobs took is nothing to us */
    w->job->work(w->job);
    if (disk != NULL)
        latency = sim_disk_take_elapsed_ns(disk);
    sim_event_plan(w->node->sim, &w->event, latency, end);
}

static void end(struct sim_event *e)
{
    struct work *w = work_of(e);
    struct sim_node *n = w->node;
    struct sim_shard *sh = sim_shard_of(w->job->io);

    if (is_held(w, end))
        return;
    sim_world_trace(n->sim, n->name, "ends job", w->number);
    ASSERT(n->busy_workers > 0);
    n->busy_workers--;
    job_queue_end(&n->jobs, w->job->urgency);
    list_remove(&w->job->link);
    list_push(&sh->finished, &w->job->link);
    w->job->is_over = true;
    if (w->job->then != NULL)
        take_job(n, w->job->then);
    w->job->then = NULL;
    sim_shard_plan_turn(sh);
    mem_free(w);
    take_jobs(n);
}

void sim_jobs_submit(struct sim_shard *sh, struct io_job *j)
{
    job_queue_push(&sh->node->jobs, j);
    take_jobs(sh->node);
}

void sim_jobs_follow(struct sim_shard *sh, struct io_job *j, struct io_job *first)
{
    ASSERT(first->then == NULL);
    if (first->is_over)
        sim_jobs_submit(sh, j);
    else
        first->then = j;
}

bool sim_jobs_recall(struct io_job *j, struct io_job *first)
{
    if (first->then != j)
        return false;
    first->then = NULL;
    return true;
}

bool sim_jobs_idle(const struct sim_node *n)
{
    ASSERT(n->jobs.others <= n->busy_workers);
    return job_queue_is_empty(&n->jobs) && list_empty(&n->held) && n->busy_workers == 0;
}

void sim_jobs_resume(struct sim_node *n)
{
    struct list_link *link = NULL;

    while ((link = list_take(&n->held)) != NULL) {
        struct work *w = CONTAINER_OF(link, struct work, link);
        sim_event_plan(n->sim, &w->event, 0, w->next);
    }
}
