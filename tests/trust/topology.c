/* Queues, exchanges, bindings: declared, looked for, chosen. */
#include "tests/trust/topology.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/table_text.h"

enum { TABLE_MAX = 4096, PATIENCE_S = 30 };

#define TO_THE_DEAD "x-dead-letter-exchange= x-dead-letter-routing-key=d "

static const struct queue_row queue_rows[] = {
    {.name = "q", .needs = -1, .is_fed = true},
    {.name = "d", .needs = -1},
    {.name = "m",
     .arguments = "x-queue-type=quorum x-delivery-limit=-1",
     .needs = FEATURE_QUORUM,
     .counts = true,
     .is_fed = true},
    {.name = "p",
     .arguments = "x-max-priority=5",
     .needs = FEATURE_PRIORITY,
     .priorities = 5,
     .is_fed = true},
    {.name = "t",
     .arguments = TO_THE_DEAD "x-message-ttl=700",
     .needs = FEATURE_TTL,
     .dead = "d",
     .ttl = 700,
     .is_fed = true},
    {.name = "b",
     .arguments = TO_THE_DEAD "x-max-length=15",
     .needs = FEATURE_BOUNDED,
     .dead = "d",
     .is_bounded = true,
     .is_fed = true},
    {.name = "a",
     .arguments = "x-single-active-consumer=true",
     .needs = FEATURE_SINGLE,
     .is_single = true,
     .is_fed = true},
    {.name = "x", .arguments = TO_THE_DEAD, .needs = FEATURE_REJECT, .dead = "d", .is_fed = true},
    {.name = "s",
     .arguments = "x-queue-type=stream",
     .needs = FEATURE_STREAM,
     .is_stream = true,
     .is_fed = true},
    {.name = "r", .needs = FEATURE_REPLAY},
};

enum { QUEUE_ROWS = sizeof(queue_rows) / sizeof(queue_rows[0]) };

static const struct queue_row log_row = {.name = "amq.log.h", .is_stream = true};

const struct queue_row *topology_log(const struct run *r)
{
    return plan_has(&r->plan, FEATURE_REPLAY) ? &log_row : NULL;
}

const struct queue_row *topology_queue(const struct run *r, unsigned index)
{
    for (unsigned i = 0; i < QUEUE_ROWS; i++) {
        const struct queue_row *row = &queue_rows[i];
        bool is_there = row->needs < 0 || plan_has(&r->plan, (enum feature)row->needs);

        if (is_there && index-- == 0)
            return row;
    }
    return NULL;
}

unsigned topology_count(const struct run *r)
{
    unsigned count = 0;

    while (topology_queue(r, count) != NULL)
        count++;
    return count;
}

/* ---- one question at a time ---- */

struct admin {
    struct run *run;
    struct client *client;
    struct buf table;
    bool is_good;
};

static bool has_answer(void *owner)
{
    struct admin *a = owner;

    return a->client->is_closed || client_poll(a->client);
}

/* Waits until this method comes; what else comes before it is passed over. */
static bool await(struct admin *a, uint32_t id)
{
    const uint64_t limit = PATIENCE_S * 1000 * WORLD_MS;
    struct client *c = a->client;

    while (sim_run_until(a->run->world.sim, has_answer, a, limit) && !c->is_closed) {
        if (c->frame.type == FRAME_METHOD && c->method.id == id)
            return true;
        if (c->frame.type == FRAME_METHOD &&
            (c->method.id == METHOD_CHANNEL_CLOSE || c->method.id == METHOD_CONNECTION_CLOSE))
            break;
    }
    a->is_good = false;
    return false;
}

static void enter(struct admin *a, struct run *r)
{
    a->run = r;
    a->is_good = true;
    a->client = client_new(&r->world);
    buf_init(&a->table, TABLE_MAX);
    client_rush_in(a->client);
    await(a, METHOD_CHANNEL_OPEN_OK);
}

static void leave(struct admin *a)
{
    client_free(a->client);
    buf_release(&a->table);
}

static void ask(struct admin *a, const struct method *m, uint32_t answer, const char *what)
{
    if (!a->is_good)
        return;
    client_method(a->client, 1, m);
    if (await(a, answer))
        return;
    run_trouble(a->run, "no answer to the %s of '%s' within %d s", method_kind_find(m->id)->name,
                what, PATIENCE_S);
}

static void declare_queue(struct admin *a, const char *name, const char *arguments, bool is_passive)
{
    struct method m;

    memset(&m, 0, sizeof(m));
    m.id = METHOD_QUEUE_DECLARE;
    m.queue_declare.queue = bytes_text(name);
    m.queue_declare.durable = true;
    m.queue_declare.passive = is_passive;
    m.queue_declare.arguments = table_text(&a->table, arguments == NULL ? "" : arguments);
    ask(a, &m, METHOD_QUEUE_DECLARE_OK, name);
}

static void declare_exchange(struct admin *a, const char *name, const char *type,
                             const char *arguments)
{
    struct method m;

    memset(&m, 0, sizeof(m));
    m.id = METHOD_EXCHANGE_DECLARE;
    m.exchange_declare.exchange = bytes_text(name);
    m.exchange_declare.type = bytes_text(type);
    m.exchange_declare.durable = true;
    m.exchange_declare.arguments = table_text(&a->table, arguments);
    ask(a, &m, METHOD_EXCHANGE_DECLARE_OK, name);
}

static void bind_queue(struct admin *a, const char *queue, const char *exchange,
                       const char *arguments)
{
    struct method m;

    memset(&m, 0, sizeof(m));
    m.id = METHOD_QUEUE_BIND;
    m.queue_bind.queue = bytes_text(queue);
    m.queue_bind.exchange = bytes_text(exchange);
    m.queue_bind.routing_key = bytes_text(queue);
    m.queue_bind.arguments = table_text(&a->table, arguments);
    ask(a, &m, METHOD_QUEUE_BIND_OK, queue);
}

/* ---- all of it ---- */

static void note_queue(struct run *r, const struct queue_row *row)
{
    struct event *e = run_event(r, VERB_QUEUE);

    event_set(e, FACT_NAME, run_word(r, row->name));
    if (row->dead != NULL)
        event_set(e, FACT_DEAD, run_word(r, row->dead));
    if (row->ttl > 0)
        event_set(e, FACT_TTL, row->ttl);
    if (row->priorities > 0)
        event_set(e, FACT_PRIORITIES, row->priorities);
    if (row->is_bounded)
        event_set(e, FACT_BOUNDED, 0);
    if (row->counts)
        event_set(e, FACT_COUNTS, 0);
    if (row->is_single)
        event_set(e, FACT_SINGLE, 0);
    if (row->is_stream)
        event_set(e, FACT_STREAM, 0);
}

static void declare_log(struct admin *a)
{
    struct event *e;

    declare_exchange(a, "h", "direct", "x-log=true");
    if (a->is_good)
        note_queue(a->run, &log_row);
    if (!a->run->is_replaying && a->run->last_message == 0)
        return; /* it begins when there is some history */
    if (!a->run->is_replaying) {
        e = run_event(a->run, VERB_REPLAY);
        event_set(e, FACT_QUEUE, run_word(a->run, "r"));
        event_set(e, FACT_SOURCE, run_word(a->run, log_row.name));
    }
    a->run->is_replaying = true;
    bind_queue(a, "r", "h", "x-replay-from=first");
}

bool topology_declare(struct run *r)
{
    const struct queue_row *row;
    struct admin a;

    enter(&a, r);
    for (unsigned i = 0; (row = topology_queue(r, i)) != NULL; i++) {
        declare_queue(&a, row->name, row->arguments, false);
        if (a.is_good)
            note_queue(r, row);
    }
    if (plan_has(&r->plan, FEATURE_FANOUT)) {
        declare_exchange(&a, "f", "fanout", "");
        for (unsigned i = 0; (row = topology_queue(r, i)) != NULL; i++)
            if (row->is_fed)
                bind_queue(&a, row->name, "f", "");
    }
    if (plan_has(&r->plan, FEATURE_DELAY)) {
        declare_exchange(&a, "w", "x-delayed-message", "x-delayed-type=direct");
        bind_queue(&a, "q", "w", "");
    }
    if (plan_has(&r->plan, FEATURE_REPLAY))
        declare_log(&a);
    leave(&a);
    return a.is_good;
}

/* A passive declare: found, missing, or trouble. Returns the count of messages, or -1. */
static int64_t look_for(struct run *r, const char *name, bool writes)
{
    int64_t count = -1;
    struct method m;
    struct admin a;
    bool is_missing;

    enter(&a, r);
    memset(&m, 0, sizeof(m));
    m.id = METHOD_QUEUE_DECLARE;
    m.queue_declare.queue = bytes_text(name);
    m.queue_declare.passive = true;
    client_method(a.client, 1, &m);
    if (await(&a, METHOD_QUEUE_DECLARE_OK))
        count = a.client->method.queue_declare_ok.message_count;
    is_missing = !a.is_good && !a.client->is_closed &&
                 a.client->method.id == METHOD_CHANNEL_CLOSE &&
                 a.client->method.channel_close.reply_code == 404;
    if (!a.is_good && !is_missing)
        run_trouble(r, "no answer when somebody looked for '%s'", name);
    else if (writes)
        event_set(run_event(r, is_missing ? VERB_MISSING : VERB_FOUND), FACT_NAME,
                  run_word(r, name));
    leave(&a);
    return count;
}

void topology_look(struct run *r)
{
    const struct queue_row *row;
    char name[32];

    for (unsigned i = 0; (row = topology_queue(r, i)) != NULL; i++)
        look_for(r, row->name, true);
    for (uint64_t i = 1; i <= r->last_churn; i++) {
        snprintf(name, sizeof(name), "churn%" PRIu64, i);
        look_for(r, name, true);
    }
}

int64_t topology_ready(struct run *r, const char *queue)
{
    return look_for(r, queue, false);
}

void topology_churn(struct run *r)
{
    bool is_new = r->last_churn == 0 || run_chance(r, 1, 2);
    uint64_t number = is_new ? r->last_churn + 1 : 1 + run_below(r, r->last_churn);
    char name[32];
    struct method m;
    struct admin a;

    snprintf(name, sizeof(name), "churn%" PRIu64, number);
    if (is_new)
        r->last_churn++;
    event_set(run_event(r, VERB_UNSURE), FACT_NAME, run_word(r, name));
    enter(&a, r);
    memset(&m, 0, sizeof(m));
    m.id = is_new ? METHOD_QUEUE_DECLARE : METHOD_QUEUE_DELETE;
    if (is_new) {
        m.queue_declare.queue = bytes_text(name);
        m.queue_declare.durable = true;
    } else {
        m.queue_delete.queue = bytes_text(name);
    }
    ask(&a, &m, is_new ? METHOD_QUEUE_DECLARE_OK : METHOD_QUEUE_DELETE_OK, name);
    if (a.is_good)
        event_set(run_event(r, is_new ? VERB_DEFINE : VERB_DELETE), FACT_NAME, run_word(r, name));
    leave(&a);
}

/* ---- where messages go ---- */

struct target topology_target(struct run *r)
{
    const struct queue_row *row = topology_queue(r, (unsigned)run_below(r, topology_count(r)));

    if (plan_has(&r->plan, FEATURE_FANOUT) && run_chance(r, 1, 3))
        return (struct target){.exchange = "f", .key = "any"};
    if (plan_has(&r->plan, FEATURE_REPLAY) && run_chance(r, 1, 3))
        return (struct target){.exchange = "h", .key = "r"};
    if (plan_has(&r->plan, FEATURE_DELAY) && run_chance(r, 1, 4))
        return (struct target){.exchange = "w", .key = "q", .queue = "q", .is_delayed = true};
    if (strcmp(row->name, "d") == 0)
        row = topology_queue(r, 0);
    return (struct target){.exchange = "", .key = row->name, .queue = row->name};
}

void topology_route(struct run *r, const struct target *t, struct event *e)
{
    const struct queue_row *row;

    if (t->queue != NULL) {
        event_add_route(e, run_word(r, t->queue));
        return;
    }
    if (strcmp(t->exchange, "h") == 0) {
        event_add_route(e, run_word(r, log_row.name));
        if (r->is_replaying)
            event_add_route(e, run_word(r, "r"));
        return;
    }
    for (unsigned i = 0; (row = topology_queue(r, i)) != NULL; i++)
        if (row->is_fed)
            event_add_route(e, run_word(r, row->name));
}
