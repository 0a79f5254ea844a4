/* Shape backlog: publish a number of messages, look at what they cost, then consume them. */
#include "tools/bench/amqp/run_backlog.h"
#include "tools/bench/amqp/run.h"

enum { NS_PER_MS = 1000 * 1000, POLL_NS = 5 * NS_PER_MS };

/* Without confirms only the broker knows when it has them all. */
static int await_depth(struct run *r)
{
    uint64_t due = (uint64_t)r->work->count * workload_fan(r->work), ready = 0, before = 0;
    uint64_t waited_ns = 0;
    int rv = 0;

    while (rv == 0 && waited_ns < r->work->patience_ms * NS_PER_MS) {
        rv = topology_count_ready(&r->crew.topology, &r->load, &r->director, &ready);
        if (rv != 0 || ready >= due)
            return rv;
        waited_ns = ready > before ? 0 : waited_ns + POLL_NS;
        before = ready;
        rv = load_pass(&r->load, POLL_NS);
    }
    if (rv != 0)
        return rv;
    return err_note(&r->note, ERR_CORRUPT, "%llu of %llu messages came into the queues",
                    (unsigned long long)ready, (unsigned long long)due);
}

static int publish_all(struct run *r)
{
    int rv;

    crew_start(&r->crew);
    rv = load_wait_while_busy(&r->load, crew_is_published, &r->crew,
                              r->work->patience_ms * NS_PER_MS);
    if (rv == ERR_AGAIN)
        load_fail(&r->load, ERR_AGAIN,
                  "the broker takes no more messages, or does not confirm them");
    if (rv == 0 && r->work->window == 0)
        rv = await_depth(r);
    return rv;
}

/* What is published after its date does not wait: it has no order among what did, and no cost. */
static int check_that_all_waited(struct run *r)
{
    int64_t due_ms = r->crew.topology.due_ms, now_ms = io_wall_ms(r->load.io);

    if (due_ms == 0 || now_ms < due_ms)
        return 0;
    return err_note(
        &r->note, ERR_RANGE,
        "the last message was published %lld ms after it was due; --delay must be longer",
        (long long)(now_ms - due_ms));
}

int run_backlog_publish(struct run *r)
{
    double count = (double)r->work->count;
    struct run_mark from, to;
    int rv = crew_open_producers(&r->crew);

    if (rv != 0)
        return rv;
    from = run_mark(r);
    rv = publish_all(r);
    if (rv == 0)
        rv = check_that_all_waited(r);
    to = run_mark(r);
    if (rv != 0)
        return rv;
    figures_add(r->out, "published", "/s", count / run_seconds(&from, &to));
    run_add_cpu(r, &from, &to, (uint64_t)r->work->count);
    if (to.broker.resident_bytes > from.broker.resident_bytes)
        figures_add(r->out, "memory for the backlog", "MB",
                    (double)(to.broker.resident_bytes - from.broker.resident_bytes) / 1e6);
    if (to.broker.disk_bytes > from.broker.disk_bytes)
        figures_add(r->out, "disk a message", "bytes",
                    (double)(to.broker.disk_bytes - from.broker.disk_bytes) / count);
    return 0;
}

int run_backlog_drain(struct run *r)
{
    struct run_mark from = run_mark(r), to;
    int rv;

    if (r->work->consumers == 0)
        return 0;
    rv = crew_open_consumers(&r->crew);
    if (rv == 0)
        rv = crew_drain(&r->crew);
    to = run_mark(r);
    if (rv != 0)
        return rv;
    if (r->crew.meter.last_delivery_ns > from.at_ns)
        to.at_ns = r->crew.meter.last_delivery_ns;
    figures_add(r->out, "drained", "/s",
                (double)(to.delivered - from.delivered) / run_seconds(&from, &to));
    if (r->target->pid != 0 && to.delivered > from.delivered)
        figures_add(r->out, "broker CPU a message drained", "us",
                    (double)(to.broker.cpu_ns - from.broker.cpu_ns) / 1e3 /
                        (double)(to.delivered - from.delivered));
    figures_add(r->out, "client CPU draining", "% of a core",
                (double)(to.own_cpu_ns - from.own_cpu_ns) * 100 / (double)(to.at_ns - from.at_ns));
    return 0;
}

int run_backlog(struct run *r)
{
    int rv = run_declare(r);

    if (rv == 0)
        rv = run_backlog_publish(r);
    if (rv == 0)
        rv = run_backlog_drain(r);
    return rv == 0 ? crew_judge(&r->crew, &r->note) : rv;
}
