/* Shape churn: connections with a channel are opened and closed again, a few at a time. */
#include "base/mem.h"
#include "tools/bench/amqp/run.h"

enum { NS_PER_MS = 1000 * 1000 };

struct churn {
    struct client client;
    struct io_task again;
    uint64_t *cycles; /* shared by all of them */
    bool *is_over;
    struct load *load;
};

static void on_answered(struct client *c)
{
    client_close(c);
}

static void on_gone(struct client *c)
{
    struct churn *h = CONTAINER_OF(c, struct churn, client);

    ++*h->cycles;
    if (!*h->is_over)
        io_later(h->load->io, &h->again);
}

static const struct client_ops ops = {.on_answered = on_answered, .on_gone = on_gone};

static void on_again(struct io_task *t)
{
    struct churn *h = CONTAINER_OF(t, struct churn, again);

    (void)!client_open(&h->client, h->load, &ops, 1); /* a failure is the load's */
}

static bool are_all_gone(void *owner)
{
    struct churn *churns = owner;

    for (struct churn *h = churns; h->load != NULL; h++) {
        if (!client_is_gone(&h->client))
            return false;
    }
    return true;
}

static int measure(struct run *r, struct churn *churns, uint64_t *cycles, bool *is_over)
{
    struct run_mark from, to;
    uint64_t before;
    int rv = load_pass(&r->load, r->work->warmup_ms * NS_PER_MS);

    from = run_mark(r);
    before = *cycles;
    if (rv == 0)
        rv = load_pass(&r->load, r->work->duration_ms * NS_PER_MS);
    to = run_mark(r);
    if (rv != 0)
        return rv;
    figures_add(r->out, "opened and closed", "/s",
                (double)(*cycles - before) / run_seconds(&from, &to));
    run_add_cpu(r, &from, &to, 0);
    *is_over = true;
    return load_wait(&r->load, are_all_gone, churns, LOAD_PATIENCE_NS);
}

int run_churn(struct run *r)
{
    uint32_t count = (uint32_t)r->work->clients;
    struct churn *churns = MEM_NEW_ARRAY(struct churn, count + 1); /* the last one ends the row */
    uint64_t cycles = 0;
    bool is_over = false;
    int rv;

    for (uint32_t i = 0; i < count; i++) {
        churns[i].load = &r->load;
        churns[i].cycles = &cycles;
        churns[i].is_over = &is_over;
        io_task_init(&churns[i].again, on_again);
        io_later(r->load.io, &churns[i].again);
    }
    rv = measure(r, churns, &cycles, &is_over);
    for (uint32_t i = 0; i < count; i++) {
        io_task_cancel(&churns[i].again);
        client_release(&churns[i].client);
    }
    mem_free(churns);
    return rv;
}
