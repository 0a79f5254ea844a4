/* Shape replay: how much slower publishing is while a queue gets its history, and whether the queue
 * then has everything, once and in order.
 *
 *     count published | alone | a queue bound | a queue bound with its history | stop, let it end
 *                       D       D               D, and no longer                 consume, judge
 *
 * Each of the three is measured for the work's duration: a replay may take far longer than that, as
 * it leaves the log to those who publish. The second shows what one more queue costs, so that what
 * the replay costs stands apart from it. Before each of them nobody publishes until the broker is
 * calm: what it put off in one must not slow the next. */
#include "tools/bench/amqp/run.h"

enum {
    NS_PER_MS = 1000 * 1000,
    POLL_NS = 20 * NS_PER_MS,
    CALM_NS = 250 * NS_PER_MS, /* for so long a broker does next to nothing: */
    CALM_SHARE = 10,           /* this part of it */
};

/* One of the three. */
struct stretch {
    struct run_mark from;
    struct run_mark to;
};

static double confirmed_each_s(const struct stretch *s)
{
    return (double)(s->to.confirmed - s->from.confirmed) / run_seconds(&s->from, &s->to);
}

static void add_stretch(struct run *r, const struct stretch *s, const char *rate, const char *cpu)
{
    uint64_t count = s->to.confirmed - s->from.confirmed;
    double broker_ns = (double)(s->to.broker.cpu_ns - s->from.broker.cpu_ns);

    figures_add(r->out, rate, "/s", confirmed_each_s(s));
    if (r->target->pid != 0 && count > 0)
        figures_add(r->out, cpu, "us", broker_ns / 1e3 / (double)count);
}

static bool has_history(void *crew)
{
    const struct crew *c = crew;

    return c->meter.published >= (uint64_t)c->work->count;
}

static int publish_history(struct run *r)
{
    int rv = crew_open_producers(&r->crew);

    if (rv != 0)
        return rv;
    crew_start(&r->crew);
    rv = load_wait_while_busy(&r->load, has_history, &r->crew, r->work->patience_ms * NS_PER_MS);
    if (rv == ERR_AGAIN)
        load_fail(&r->load, ERR_AGAIN, "the broker takes no more messages");
    return rv;
}

/* Nobody publishes until the broker has done what it put off: no stretch pays for another. */
static int calm(struct run *r)
{
    uint64_t waited_ns = 0, busy_ns = CALM_NS;
    int rv;

    crew_stop(&r->crew);
    rv = crew_drain(&r->crew); /* what is to be confirmed; nobody consumes yet */
    if (r->target->pid == 0)
        return rv == 0 ? load_pass(&r->load, CALM_NS) : rv;
    for (;
         rv == 0 && busy_ns > CALM_NS / CALM_SHARE && waited_ns < r->work->patience_ms * NS_PER_MS;
         waited_ns += CALM_NS) {
        struct target_usage before = target_usage(r->target);

        rv = load_pass(&r->load, CALM_NS);
        busy_ns = target_usage(r->target).cpu_ns - before.cpu_ns;
    }
    return rv;
}

/* Publishes, and measures that. */
static int measure(struct run *r, struct stretch *out)
{
    int rv;

    crew_start(&r->crew);
    rv = load_pass(&r->load, r->work->warmup_ms * NS_PER_MS);
    out->from = run_mark(r);
    if (rv == 0)
        rv = load_pass(&r->load, r->work->duration_ms * NS_PER_MS);
    out->to = run_mark(r);
    return rv;
}

/* The queues as they came, bound without history; then they are new again. */
static int measure_bound(struct run *r, struct stretch *out)
{
    struct topology *t = &r->crew.topology;
    int rv = calm(r);

    if (rv == 0)
        rv = topology_bind(t, &r->load, &r->director, false);
    if (rv == 0)
        rv = measure(r, out);
    return rv == 0 ? topology_renew_queues(t, &r->load, &r->director) : rv;
}

/* What the replay has copied is what the queues hold without what was published since the bind. */
static int measure_replay(struct run *r, struct stretch *out)
{
    struct topology *t = &r->crew.topology;
    double queues = (double)r->work->queues, history = 0;
    struct run_mark bound = {0};
    uint64_t held = 0;
    int rv = calm(r);

    history = (double)r->crew.meter.confirmed;
    if (rv == 0)
        rv = topology_bind(t, &r->load, &r->director, true);
    bound = run_mark(r);
    if (rv == 0)
        rv = measure(r, out);
    if (rv == 0)
        rv = topology_count_ready(t, &r->load, &r->director, &held);
    if (rv != 0)
        return rv;
    double live = (double)r->crew.meter.confirmed - history;
    double copied = (double)held / queues > live ? (double)held / queues - live : 0;
    figures_add(r->out, "replayed beside them", "/s", copied / run_seconds(&bound, &out->to));
    figures_add(r->out, "of the history", "%", 100 * copied / history);
    return 0;
}

/* Nobody publishes: waits until the queues hold all that was confirmed. */
static int await_end(struct run *r)
{
    uint64_t due = 0, held = 0, before = 0, begun = 0, waited_ns = 0;
    struct run_mark from, to;
    int rv = crew_drain(&r->crew); /* what is to be confirmed; nobody consumes yet */

    due = r->crew.meter.confirmed * (uint64_t)r->work->queues;
    from = run_mark(r);
    if (rv == 0)
        rv = topology_count_ready(&r->crew.topology, &r->load, &r->director, &begun);
    for (held = begun; rv == 0 && held < due; before = held) {
        rv = load_pass(&r->load, POLL_NS);
        if (rv == 0)
            rv = topology_count_ready(&r->crew.topology, &r->load, &r->director, &held);
        waited_ns = held > before ? 0 : waited_ns + POLL_NS;
        if (waited_ns > r->work->patience_ms * NS_PER_MS)
            return err_note(&r->note, ERR_CORRUPT, "the replay ended with %llu of %llu messages",
                            (unsigned long long)held, (unsigned long long)due);
    }
    to = run_mark(r);
    if (rv == 0 && held > begun)
        figures_add(r->out, "replayed alone", "/s",
                    (double)(held - begun) / (double)r->work->queues / run_seconds(&from, &to));
    return rv;
}

static int measure_all(struct run *r)
{
    struct stretch alone, bound, beside;
    int rv = calm(r);

    if (rv == 0)
        rv = measure(r, &alone);
    if (rv == 0)
        rv = measure_bound(r, &bound);
    if (rv != 0)
        return rv;
    add_stretch(r, &alone, "published alone", "broker CPU of each");
    add_stretch(r, &bound, "published, a queue bound", "broker CPU of each, bound");
    rv = measure_replay(r, &beside);
    if (rv != 0)
        return rv;
    add_stretch(r, &beside, "published beside the replay", "broker CPU of each, beside");
    figures_add(r->out, "ratio to alone", "", confirmed_each_s(&beside) / confirmed_each_s(&alone));
    figures_add(r->out, "ratio to a queue bound", "",
                confirmed_each_s(&beside) / confirmed_each_s(&bound));
    return 0;
}

int run_replay(struct run *r)
{
    int rv = run_declare(r);

    if (rv == 0)
        rv = publish_history(r);
    if (rv == 0)
        rv = measure_all(r);
    crew_stop(&r->crew);
    if (rv == 0)
        rv = await_end(r);
    if (rv == 0)
        rv = crew_open_consumers(&r->crew);
    if (rv == 0)
        rv = crew_drain(&r->crew);
    return rv == 0 ? crew_judge(&r->crew, &r->note) : rv;
}
