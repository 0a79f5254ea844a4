/* Events, the clock, and the trace of a simulated world. See sim.h for what it promises. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "io/sim/sim_disk_parts.h"
#include "io/sim/sim_trace.h"
#include "io/sim/sim_world.h"

enum {
    DEFAULT_WORKERS = 2,
    DEFAULT_TURN_NS = 1000,
    NS_PER_S = 1000 * 1000 * 1000,
    TELL_LINE_SIZE = 256,
};

static const int64_t default_wall_ms = 1767225600000; /* 2026-01-01 00:00 UTC */

struct sim *sim_new(const struct sim_options *options)
{
    struct sim *s = MEM_NEW(struct sim);
    struct sim_options *o = &s->options;

    if (options != NULL)
        *o = *options;
    o->wall_ms = o->wall_ms != 0 ? o->wall_ms : default_wall_ms;
    o->worker_count = o->worker_count != 0 ? o->worker_count : DEFAULT_WORKERS;
    o->turn_ns = o->turn_ns != 0 ? o->turn_ns : DEFAULT_TURN_NS;
    rand_init(&s->rand, o->seed);
    rand_init(&s->test_rand, rand_next(&s->rand));
    heap_init(&s->events);
    list_init(&s->nodes);
    list_init(&s->connections);
    list_init(&s->routes);
    return s;
}

static void node_free(struct sim_node *n)
{
    ASSERT(list_empty(&n->shards));
    ASSERT(sim_jobs_idle(n));
    if (n->disk != NULL)
        sim_disk_on_resume(n->disk, NULL, NULL);
    mem_free(n->name);
    mem_free(n);
}

void sim_free(struct sim *s)
{
    struct list_link *link = NULL;

    if (s == NULL)
        return;
    ASSERT(!s->is_inside);
    sim_net_release(s);
    while ((link = list_take(&s->nodes)) != NULL)
        node_free(CONTAINER_OF(link, struct sim_node, link));
    ASSERT(heap_first(&s->events) == NULL);
    heap_release(&s->events);
    mem_free(s);
}

/* ---- events ---- */

void sim_event_plan(struct sim *s, struct sim_event *e, uint64_t delay_ns,
                    void (*fn)(struct sim_event *e))
{
    sim_event_cancel(s, e);
    e->fn = fn;
    e->node.order = delay_ns < UINT64_MAX - s->now_ns ? s->now_ns + delay_ns : UINT64_MAX;
    e->node.tie = ++s->planned; /* V2 */
    heap_push(&s->events, &e->node);
}

void sim_event_cancel(struct sim *s, struct sim_event *e)
{
    if (sim_event_is_planned(e))
        heap_remove(&s->events, &e->node);
}

bool sim_event_is_planned(const struct sim_event *e)
{
    return heap_holds(&e->node);
}

/* Runs the first event if it is not later than `until_ns`. */
static bool step_until(struct sim *s, uint64_t until_ns)
{
    struct heap_node *first = heap_first(&s->events);
    struct sim_event *e = NULL;

    ASSERT(!s->is_inside);
    if (first == NULL || first->order > until_ns)
        return false;
    ASSERT(first->order >= s->now_ns); /* V1 */
    e = CONTAINER_OF(first, struct sim_event, node);
    s->now_ns = first->order;
    s->happened++;
    heap_remove(&s->events, first);
    s->is_inside = true;
    e->fn(e);
    s->is_inside = false;
    return true;
}

static uint64_t time_after(const struct sim *s, uint64_t ns)
{
    return ns < UINT64_MAX - s->now_ns ? s->now_ns + ns : UINT64_MAX;
}

bool sim_step(struct sim *s)
{
    return step_until(s, UINT64_MAX);
}

void sim_run_for(struct sim *s, uint64_t ns)
{
    uint64_t until = time_after(s, ns);

    while (step_until(s, until))
        continue;
    s->now_ns = until;
}

/* Nothing is planned any more; otherwise the time until then has passed. */
static bool is_idle_at(struct sim *s, uint64_t until_ns)
{
    if (heap_first(&s->events) == NULL)
        return true;
    s->now_ns = until_ns;
    return false;
}

bool sim_run_until(struct sim *s, sim_question_fn *question, void *owner, uint64_t limit_ns)
{
    uint64_t until = time_after(s, limit_ns);

    while (!question(owner))
        if (!step_until(s, until)) {
            (void)is_idle_at(s, until);
            return false;
        }
    return true;
}

bool sim_run_idle(struct sim *s, uint64_t limit_ns)
{
    uint64_t until = time_after(s, limit_ns);

    while (step_until(s, until))
        continue;
    return is_idle_at(s, until);
}

uint64_t sim_now_ns(const struct sim *s)
{
    return s->now_ns;
}

/* ---- chance and trace ---- */

uint64_t sim_chance_up_to(struct sim *s, uint64_t limit)
{
    return limit == 0 ? 0 : rand_below(&s->rand, limit + 1);
}

bool sim_chance_one_in(struct sim *s, uint32_t one_in)
{
    return one_in != 0 && rand_chance(&s->rand, 1, one_in);
}

struct rand *sim_rand(struct sim *s)
{
    return &s->test_rand;
}

void sim_world_trace(struct sim *s, const char *who, const char *what, uint64_t with)
{
    char line[TELL_LINE_SIZE];

    s->trace = sim_trace_mix(s->trace, s->now_ns);
    s->trace = sim_trace_mix(s->trace,
                             (uint64_t)crc32c(who, strlen(who)) << 32 | crc32c(what, strlen(what)));
    s->trace = sim_trace_mix(s->trace, with);
    if (s->tell == NULL)
        return;
    (void)snprintf(line, sizeof(line), "%" PRIu64 ".%09" PRIu64 " %s %s %" PRIu64,
                   s->now_ns / NS_PER_S, s->now_ns % NS_PER_S, who, what, with);
    s->tell(s->tell_owner, line);
}

uint64_t sim_trace(const struct sim *s)
{
    uint64_t trace = s->trace;

    LIST_FOREACH (link, &s->nodes) {
        const struct sim_node *n = CONTAINER_OF(link, struct sim_node, link);
        if (n->disk != NULL)
            trace = sim_trace_mix(trace, sim_disk_trace(n->disk));
    }
    return trace;
}

void sim_trace_add(struct sim *s, uint64_t value)
{
    sim_world_trace(s, "test", "says", value);
}

uint64_t sim_event_count(const struct sim *s)
{
    return s->happened;
}

void sim_tell(struct sim *s, sim_tell_fn *fn, void *owner)
{
    s->tell = fn;
    s->tell_owner = owner;
}
