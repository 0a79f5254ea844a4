/* Shape start: how long the broker's program takes until a client has a channel; empty, and with
 * messages after it was killed. What was confirmed must then all be there. */
#include "tools/bench/amqp/run.h"
#include "tools/bench/amqp/run_backlog.h"

#define MS_PER_NS 1e-6

static void hang_up(struct run *r)
{
    client_release(&r->director);
    crew_hang_up(&r->crew);
}

/* Starts the program; the director is then there again. */
static int start(struct run *r, uint64_t *took_ns)
{
    struct load *load = &r->load;
    static const struct client_ops no_ops = {0};
    int rv = target_start(r->target, took_ns, &r->note);

    if (rv == 0)
        rv = client_open(&r->director, load, &no_ops, 1);
    return rv == 0 ? load_wait(load, client_is_idle, &r->director, LOAD_PATIENCE_NS) : rv;
}

int run_start(struct run *r)
{
    uint64_t empty_ns = 0, full_ns = 0;
    int rv;

    if (r->target->command == NULL)
        return err_note(&r->note, ERR_INVALID,
                        "only a broker that the bench starts can be started: --broker-command");
    hang_up(r);
    target_stop(r->target);
    rv = start(r, &empty_ns);
    if (rv == 0)
        rv = run_declare(r);
    if (rv == 0)
        rv = run_backlog_publish(r);
    if (rv != 0)
        return rv;
    hang_up(r);
    target_kill(r->target);
    rv = start(r, &full_ns);
    if (rv != 0)
        return rv;
    figures_add(r->out, "start, empty", "ms", (double)empty_ns * MS_PER_NS);
    figures_add(r->out, "start with the messages, after kill -9", "ms",
                (double)full_ns * MS_PER_NS);
    rv = run_backlog_drain(r);
    return rv == 0 ? crew_judge(&r->crew, &r->note) : rv;
}
