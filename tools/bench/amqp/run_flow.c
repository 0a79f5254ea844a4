/* Shape flow: publish and consume at once, by time or by count. */
#include <string.h>

#include "tools/bench/amqp/run.h"

enum { NS_PER_MS = 1000 * 1000 };

static void add_times(struct run *r)
{
    static const struct figure_names delivery = {"delivery p50", "delivery p99", "delivery p99.9",
                                                 "delivery max"};
    static const struct figure_names confirm = {"confirm p50", "confirm p99", "confirm p99.9",
                                                "confirm max"};
    static const struct figure_names late = {"client late p50", "client late p99",
                                             "client late p99.9", "client late max"};

    figures_add_times(r->out, &delivery, &r->crew.meter.delivery_ns);
    figures_add_times(r->out, &confirm, &r->crew.meter.confirm_ns);
    figures_add_times(r->out, &late, &r->crew.meter.late_ns);
}

static void add_rates(struct run *r, const struct run_mark *from, const struct run_mark *to)
{
    double seconds = run_seconds(from, to);
    uint64_t delivered = to->delivered - from->delivered;
    uint64_t confirmed = to->confirmed - from->confirmed;
    uint64_t published = to->published - from->published;

    if (r->crew.fan > 0)
        figures_add(r->out, "delivered", "/s", (double)delivered / seconds);
    if (r->work->window > 0)
        figures_add(r->out, "confirmed", "/s", (double)confirmed / seconds);
    figures_add(r->out, "published", "/s", (double)published / seconds);
    figures_add(r->out, "bodies", "MB/s",
                (double)(r->crew.fan > 0 ? delivered : published) * (double)r->work->size / 1e6 /
                    seconds);
    run_add_cpu(r, from, to, r->crew.fan > 0 ? delivered : published);
    add_times(r);
}

static void forget_times(struct meter *m)
{
    histogram_init(&m->delivery_ns);
    histogram_init(&m->confirm_ns);
    histogram_init(&m->late_ns);
}

/* Measures a stretch of time in the middle. */
static int flow_by_time(struct run *r)
{
    struct run_mark from, to;
    int rv = load_pass(&r->load, r->work->warmup_ms * NS_PER_MS);

    forget_times(&r->crew.meter);
    from = run_mark(r);
    if (rv == 0)
        rv = load_pass(&r->load, r->work->duration_ms * NS_PER_MS);
    to = run_mark(r);
    if (rv == 0)
        add_rates(r, &from, &to);
    crew_stop(&r->crew);
    return rv == 0 ? crew_drain(&r->crew) : rv;
}

static bool is_all_published(void *crew)
{
    const struct crew *c = crew;

    return c->meter.published >= (uint64_t)c->work->count;
}

/* Measures everything, from the first publish to the last delivery. */
static int flow_by_count(struct run *r)
{
    struct run_mark from = run_mark(r), to;
    int rv = load_wait_while_busy(&r->load, is_all_published, &r->crew,
                                  r->work->patience_ms * NS_PER_MS);

    if (rv == ERR_AGAIN)
        load_fail(&r->load, ERR_AGAIN, "the broker takes no more messages");
    if (rv == 0)
        rv = crew_drain(&r->crew);
    to = run_mark(r);
    if (rv == 0)
        add_rates(r, &from, &to);
    return rv;
}

/* Nobody consumes: what was confirmed must at least be counted. */
static int check_depth(struct run *r)
{
    uint64_t ready = 0, due = r->crew.meter.published * workload_fan(r->work);
    int rv;

    if (r->crew.fan > 0 || r->work->window == 0 || r->work->is_stream)
        return 0;
    rv = topology_count_ready(&r->crew.topology, &r->load, &r->director, &ready);
    if (rv != 0 || ready == due)
        return rv;
    return err_note(&r->note, ERR_CORRUPT, "the queues hold %llu messages, and %llu were confirmed",
                    (unsigned long long)ready, (unsigned long long)due);
}

int run_flow(struct run *r)
{
    int rv = run_declare(r);

    if (rv == 0)
        rv = crew_open_consumers(&r->crew);
    if (rv == 0)
        rv = crew_open_producers(&r->crew);
    if (rv != 0)
        return rv;
    crew_start(&r->crew);
    rv = r->work->count > 0 ? flow_by_count(r) : flow_by_time(r);
    if (rv == 0)
        rv = crew_judge(&r->crew, &r->note);
    return rv == 0 ? check_depth(r) : rv;
}
