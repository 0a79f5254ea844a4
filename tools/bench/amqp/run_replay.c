/* Shape replay: an exchange with a log is published to; once it has the work's count, a queue is
 * bound to it with its history, while publishing goes on. */
#include "tools/bench/amqp/run.h"

enum { NS_PER_MS = 1000 * 1000, POLL_NS = 20 * NS_PER_MS };

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

/* Waits until the queue holds all that was confirmed before it was asked. */
static int await_seam(struct run *r, uint64_t *held)
{
    uint64_t confirmed = 1, before = 0, waited_ns = 0;
    int rv = 0;

    for (*held = 0; rv == 0 && *held < confirmed; before = *held) {
        rv = load_pass(&r->load, POLL_NS);
        confirmed = r->crew.meter.confirmed;
        if (rv == 0)
            rv = topology_count_ready(&r->crew.topology, &r->load, &r->director, held);
        waited_ns = *held > before ? 0 : waited_ns + POLL_NS;
        if (waited_ns > r->work->patience_ms * NS_PER_MS)
            return err_note(&r->note, ERR_CORRUPT, "the replay ended with %llu of %llu messages",
                            (unsigned long long)*held, (unsigned long long)confirmed);
    }
    return rv;
}

static double confirmed_each_s(const struct run_mark *from, const struct run_mark *to)
{
    return (double)(to->confirmed - from->confirmed) / run_seconds(from, to);
}

/* Publishing alone, then with the replay beside it. */
static int measure(struct run *r)
{
    struct run_mark from, bound, to;
    uint64_t held = 0;
    int rv = load_pass(&r->load, r->work->warmup_ms * NS_PER_MS);

    from = run_mark(r);
    if (rv == 0)
        rv = load_pass(&r->load, r->work->duration_ms * NS_PER_MS);
    bound = run_mark(r);
    if (rv == 0)
        rv = topology_replay(&r->crew.topology, &r->load, &r->director);
    if (rv == 0)
        rv = await_seam(r, &held);
    to = run_mark(r);
    if (rv != 0)
        return rv;
    double alone = confirmed_each_s(&from, &bound), beside = confirmed_each_s(&bound, &to);
    figures_add(r->out, "published alone", "/s", alone);
    figures_add(r->out, "published beside the replay", "/s", beside);
    figures_add(r->out, "publishing slowed by", "%", 100 * (1 - beside / alone));
    figures_add(r->out, "came into the queue", "/s", (double)held / run_seconds(&bound, &to));
    run_add_cpu(r, &bound, &to, held);
    return 0;
}

int run_replay(struct run *r)
{
    int rv = run_declare(r);

    if (rv == 0)
        rv = publish_history(r);
    if (rv == 0)
        rv = measure(r);
    crew_stop(&r->crew);
    if (rv == 0)
        rv = crew_drain(&r->crew); /* what is confirmed; nobody consumes yet */
    if (rv == 0)
        rv = crew_open_consumers(&r->crew);
    if (rv == 0)
        rv = crew_drain(&r->crew);
    return rv == 0 ? crew_judge(&r->crew, &r->note) : rv;
}
