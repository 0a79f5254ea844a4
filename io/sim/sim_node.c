/* Nodes of a simulated world: their clocks, pauses and deaths. */
#include <stdio.h>

#include "base/mem.h"
#include "io/sim/sim_disk_parts.h"
#include "io/sim/sim_world.h"

enum {
    NODES_MAX = 200,        /* one byte of the address */
    FIRST_FREE_PORT = 32768 /* where ports are chosen from */
};

/* The stalled disk of a node goes on. */
static void on_disk_resume(void *owner)
{
    sim_jobs_resume((struct sim_node *)owner);
}

struct sim_node *sim_node_new(struct sim *s, const char *name, struct sim_disk *disk)
{
    struct sim_node *n = MEM_NEW(struct sim_node);

    ASSERT(s->node_count < NODES_MAX);
    n->sim = s;
    n->name = mem_text(name);
    n->disk = disk;
    n->number = ++s->node_count;
    (void)snprintf(n->host, sizeof(n->host), "10.0.0.%u", n->number);
    n->next_port = FIRST_FREE_PORT;
    list_init(&n->shards);
    job_queue_init(&n->jobs, s->options.worker_count);
    list_init(&n->taken);
    list_init(&n->held);
    list_init(&n->listeners);
    list_push(&s->nodes, &n->link);
    if (disk != NULL)
        sim_disk_on_resume(disk, on_disk_resume, n);
    return n;
}

const char *sim_node_name(const struct sim_node *n)
{
    return n->name;
}

struct sim_disk *sim_node_disk(const struct sim_node *n)
{
    return n->disk;
}

const char *sim_node_host(const struct sim_node *n)
{
    return n->host;
}

void sim_node_jump_wall(struct sim_node *n, int64_t ms)
{
    n->wall_offset_ms += ms;
    sim_world_trace(n->sim, n->name, "wall clock jumps", (uint64_t)ms);
}

static void resume(struct sim_node *n)
{
    sim_jobs_resume(n);
    LIST_FOREACH (link, &n->shards)
        sim_shard_resume(CONTAINER_OF(link, struct sim_shard, link));
}

void sim_node_set_paused(struct sim_node *n, bool is_paused)
{
    if (n->is_paused == is_paused)
        return;
    n->is_paused = is_paused;
    sim_world_trace(n->sim, n->name, is_paused ? "pauses" : "goes on", 0);
    if (!is_paused)
        resume(n);
}

void sim_node_set_socket_limit(struct sim_node *n, uint32_t limit)
{
    n->socket_limit = limit;
}

void sim_node_halt(struct sim_node *n, enum sim_death how)
{
    ASSERT(!n->is_halted);
    n->is_halted = true;
    n->death = how;
    sim_world_trace(n->sim, n->name, "halts", how);
    if (n->disk != NULL)
        sim_disk_stop_at(n->disk, sim_disk_operations(n->disk) + 1, 0);
    sim_net_node_halted(n);
    sim_node_set_paused(n, false); /* so that what is left there can be closed */
    if (n->disk != NULL)
        sim_disk_set_stalled(n->disk, false);
}

bool sim_node_is_halted(const struct sim_node *n)
{
    return n->is_halted;
}

void sim_node_restart(struct sim_node *n)
{
    ASSERT(n->is_halted && list_empty(&n->shards));
    ASSERT(sim_jobs_idle(n));
    if (n->disk != NULL && n->death == SIM_DEATH_PROCESS)
        sim_disk_stop_at(n->disk, 0, 0);
    ASSERT(n->disk == NULL || !sim_disk_is_stopped(n->disk)); /* the crash was forgotten */
    n->is_halted = false;
    sim_world_trace(n->sim, n->name, "restarts", 0);
    sim_net_node_restarted(n);
}
