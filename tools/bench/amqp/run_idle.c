/* Shapes connections and queues: many that do nothing, and what each of them costs. */
#include "base/mem.h"
#include "tools/bench/amqp/run.h"

enum {
    NS_PER_MS = 1000 * 1000,
    OPENING_MAX = 64,
    REST_NS = 300 * NS_PER_MS,
    REST_BYTES = 64 << 10,
    REST_TRIES = 30,
};

static const struct client_ops no_ops = {0};

/* What is there now costs this much: memory each, and CPU while nothing happens. */
static int look_at_idle(struct run *r, const struct run_mark *before)
{
    struct run_mark from = run_mark(r), to;
    double count = (double)r->work->objects;
    int rv;

    if (r->target->pid == 0)
        return 0;
    figures_add(r->out, "memory each", "bytes",
                ((double)from.broker.resident_bytes - (double)before->broker.resident_bytes) /
                    count);
    figures_add(r->out, "descriptors more", "",
                (double)from.broker.descriptors - (double)before->broker.descriptors);
    rv = load_pass(&r->load, r->work->duration_ms * NS_PER_MS);
    to = run_mark(r);
    figures_add(r->out, "broker CPU while idle", "% of a core",
                (double)(to.broker.cpu_ns - from.broker.cpu_ns) * 100 /
                    (double)(to.at_ns - from.at_ns));
    return rv;
}

/* Waits until the broker is at rest, but not for ever: after a start it may still tidy up, and the
 * memory for that is not what is asked about. */
static int await_rest(struct run *r)
{
    struct run_mark from = run_mark(r), to;
    bool is_at_rest = r->target->pid == 0;
    int rv = 0;

    for (int tries = 0; rv == 0 && !is_at_rest && tries < REST_TRIES; tries++) {
        rv = load_pass(&r->load, REST_NS);
        to = run_mark(r);
        is_at_rest = to.broker.cpu_ns - from.broker.cpu_ns < REST_NS / 20 &&
                     to.broker.resident_bytes <= from.broker.resident_bytes + REST_BYTES;
        from = to;
    }
    return rv;
}

static int await(struct run *r, load_done_fn *is_done, struct client *c)
{
    int rv = load_wait(&r->load, is_done, c, LOAD_PATIENCE_NS);

    if (rv == ERR_AGAIN)
        load_fail(&r->load, ERR_AGAIN, "the broker did not answer within a minute");
    return rv;
}

static int open_all(struct run *r, struct client *clients, uint32_t count)
{
    int rv = 0;

    for (uint32_t i = 0; rv == 0 && i < count; i++) {
        rv = client_open(&clients[i], &r->load, &no_ops, 1);
        if (rv == 0 && i >= OPENING_MAX)
            rv = await(r, client_is_idle, &clients[i - OPENING_MAX]);
    }
    for (uint32_t i = 0; rv == 0 && i < count; i++)
        rv = await(r, client_is_idle, &clients[i]);
    return rv;
}

static int close_all(struct run *r, struct client *clients, uint32_t count)
{
    int rv = 0;

    for (uint32_t i = 0; rv == 0 && i < count; i++) {
        client_close(&clients[i]);
        if (i >= OPENING_MAX)
            rv = await(r, client_is_gone, &clients[i - OPENING_MAX]);
    }
    for (uint32_t i = 0; rv == 0 && i < count; i++)
        rv = await(r, client_is_gone, &clients[i]);
    return rv;
}

int run_connections(struct run *r)
{
    uint32_t count = (uint32_t)r->work->objects;
    struct client *clients = MEM_NEW_ARRAY(struct client, count);
    struct run_mark before, opened;
    int rv = await_rest(r);

    before = run_mark(r);
    if (rv == 0)
        rv = open_all(r, clients, count);
    opened = run_mark(r);
    if (rv == 0) {
        figures_add(r->out, "opened", "/s", (double)count / run_seconds(&before, &opened));
        rv = look_at_idle(r, &before);
    }
    if (rv == 0)
        rv = close_all(r, clients, count);
    for (uint32_t i = 0; i < count; i++)
        client_release(&clients[i]);
    mem_free(clients);
    return rv;
}

int run_queues(struct run *r)
{
    uint32_t count = (uint32_t)r->work->objects;
    struct run_mark before, declared;
    int rv = await_rest(r);

    before = run_mark(r);
    for (uint32_t i = 0; rv == 0 && i < count; i++) {
        r->declared = i + 1;
        topology_declare_queue(&r->crew.topology, &r->director, i);
        client_flush(&r->director);
        rv = await(r, client_is_idle, &r->director);
    }
    declared = run_mark(r);
    if (rv != 0)
        return rv;
    figures_add(r->out, "declared one at a time", "/s",
                (double)count / run_seconds(&before, &declared));
    return look_at_idle(r, &before);
}
