/* What all shapes share: begin, end, marks. */
#include "tools/bench/amqp/run.h"

#include "base/rand.h"
#include "tools/bench/measure/machine.h"

static const struct client_ops director_ops = {0};

static run_shape_fn *const shapes[] = {
    [SHAPE_FLOW] = run_flow,
    [SHAPE_BACKLOG] = run_backlog,
    [SHAPE_CONNECTIONS] = run_connections,
    [SHAPE_QUEUES] = run_queues,
    [SHAPE_CHURN] = run_churn,
    [SHAPE_START] = run_start,
    [SHAPE_REPLAY] = run_replay,
};

int run_connect(struct run *r)
{
    int rv = load_open(&r->load, &r->target->uri, &r->load.note);

    if (rv != 0)
        return rv;
    rv = client_open(&r->director, &r->load, &director_ops, 1);
    if (rv == 0)
        rv = load_wait(&r->load, client_is_idle, &r->director, LOAD_PATIENCE_NS);
    if (rv == ERR_AGAIN)
        load_fail(&r->load, ERR_AGAIN, "the broker did not answer within a minute");
    return rv;
}

void run_disconnect(struct run *r)
{
    crew_release(&r->crew);
    client_release(&r->director);
    load_close(&r->load);
}

int run_declare(struct run *r)
{
    r->declared = (uint32_t)r->work->queues;
    return topology_declare(&r->crew.topology, &r->load, &r->director);
}

/* Takes away what was declared, on a connection that is new when the old one may be broken. */
static int take_away(struct run *r)
{
    struct topology t = {.work = r->work, .run = r->id};
    uint32_t count = r->declared;
    int rv = 0;

    r->declared = 0;
    if (count == 0)
        return 0;
    if (r->load.error != 0 || r->director.state != CLIENT_READY) {
        run_disconnect(r);
        rv = run_connect(r);
    }
    return rv == 0 ? topology_delete(&t, &r->load, &r->director, count) : rv;
}

static int say_goodbye(struct run *r)
{
    int rv = crew_close(&r->crew);

    if (rv == 0)
        client_close(&r->director);
    return rv == 0 ? load_wait(&r->load, client_is_gone, &r->director, LOAD_PATIENCE_NS) : rv;
}

int run_workload(struct target *t, const struct workload *w, struct figures *out,
                 struct err_note *note)
{
    struct run r = {.target = t, .work = w, .out = out};
    struct rand chance;
    int rv, taken;

    rand_init(&chance, machine_now_ns());
    r.id = (uint32_t)rand_next(&chance);
    rv = run_connect(&r);
    if (rv == 0) {
        crew_init(&r.crew, &r.load, w, r.id);
        rv = shapes[w->shape](&r);
    }
    if (rv != 0 && r.note.text[0] == '\0')
        r.note = r.load.note;
    if (rv == 0)
        rv = crew_close(&r.crew);
    taken = take_away(&r);
    if (rv == 0)
        rv = taken == 0 ? say_goodbye(&r) : taken;
    if (rv != 0 && r.note.text[0] == '\0')
        r.note = r.load.note;
    run_disconnect(&r);
    *note = r.note;
    return rv;
}

struct run_mark run_mark(const struct run *r)
{
    struct machine_usage own;

    machine_usage(&own);
    return (struct run_mark){
        .at_ns = machine_now_ns(),
        .own_cpu_ns = own.process_cpu_ns,
        .broker = target_usage(r->target),
        .published = r->crew.meter.published,
        .confirmed = r->crew.meter.confirmed,
        .delivered = r->crew.meter.delivered,
    };
}

void run_add_cpu(struct run *r, const struct run_mark *from, const struct run_mark *to,
                 uint64_t count)
{
    double elapsed_ns = (double)(to->at_ns - from->at_ns);
    double broker_ns = (double)(to->broker.cpu_ns - from->broker.cpu_ns);

    if (r->target->pid != 0 && count > 0)
        figures_add(r->out, "broker CPU a message", "us", broker_ns / 1e3 / (double)count);
    if (r->target->pid != 0)
        figures_add(r->out, "broker CPU", "% of a core", broker_ns * 100 / elapsed_ns);
    figures_add(r->out, "client CPU", "% of a core",
                (double)(to->own_cpu_ns - from->own_cpu_ns) * 100 / elapsed_ns);
}
