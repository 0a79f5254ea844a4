/* Queues, exchanges, bindings: declared, looked for, chosen. */
#include "tests/trust/topology.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "broker/policies.h"
#include "tests/lib/table_text.h"
#include "tests/trust/party.h"
#include "tests/trust/rows.h"

enum {
    TABLE_MAX = 4096,
    PATIENCE_S = 30,
    GONE_MS = 200, /* by then the broker has heard that somebody left */
};

static const struct queue_row queue_rows[] = {
    {.name = "q", .needs = -1, .is_fed = true},
    {.name = "d", .needs = -1},
    {ROW_QUORUM},
    {ROW_PRIORITY},
    {ROW_TTL},
    {.name = "b",
     .arguments = ROW_TO_THE_DEAD "x-max-length=15",
     .needs = FEATURE_BOUNDED,
     .dead = "d",
     .is_bounded = true,
     .is_fed = true},
    {ROW_SINGLE},
    {ROW_REJECT},
    {ROW_STREAM, .is_shared = true},
    {.name = "el",
     .arguments = "x-queue-type=stream x-max-length-bytes=40000",
     .needs = FEATURE_RETENTION,
     .keep = 40000,
     .is_stream = true,
     .is_fed = true},
    {.name = "ea",
     .arguments = "x-queue-type=stream x-max-age=4s",
     .needs = FEATURE_RETENTION,
     .age_ms = 4000,
     .is_stream = true,
     .is_fed = true},
    {.name = "g",
     .arguments = "x-queue-type=stream x-partitions=3",
     .needs = FEATURE_PARTITIONS,
     .partitions = 3,
     .is_stream = true,
     .is_shared = true},
    {.name = "g-0", .needs = FEATURE_PARTITIONS, .front = "g", .is_stream = true, .is_made = true},
    {.name = "g-1", .needs = FEATURE_PARTITIONS, .front = "g", .is_stream = true, .is_made = true},
    {.name = "g-2", .needs = FEATURE_PARTITIONS, .front = "g", .is_stream = true, .is_made = true},
    {.name = "amq.log.h", .needs = FEATURE_REPLAY, .is_stream = true, .is_made = true},
    {.name = "amq.log.c",
     .needs = FEATURE_COMPACT,
     .is_stream = true,
     .is_compacted = true,
     .is_made = true},
    {.name = "r", .needs = FEATURE_REPLAY},
    {.name = "u", .needs = FEATURE_ROUTES},
    {.name = "z", .needs = FEATURE_RECREATE},
};

enum { QUEUE_ROWS = sizeof(queue_rows) / sizeof(queue_rows[0]) };

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

static void bind_with(struct admin *a, const char *queue, const char *exchange, const char *key,
                      const char *arguments)
{
    struct method m;

    memset(&m, 0, sizeof(m));
    m.id = METHOD_QUEUE_BIND;
    m.queue_bind.queue = bytes_text(queue);
    m.queue_bind.exchange = bytes_text(exchange);
    m.queue_bind.routing_key = bytes_text(key);
    m.queue_bind.arguments = table_text(&a->table, arguments);
    ask(a, &m, METHOD_QUEUE_BIND_OK, queue);
}

static void bind_queue(struct admin *a, const char *queue, const char *exchange)
{
    bind_with(a, queue, exchange, queue, "");
}

static void bind_exchange(struct admin *a, const char *to, const char *from, const char *key)
{
    struct method m;

    memset(&m, 0, sizeof(m));
    m.id = METHOD_EXCHANGE_BIND;
    m.exchange_bind.destination = bytes_text(to);
    m.exchange_bind.source = bytes_text(from);
    m.exchange_bind.routing_key = bytes_text(key);
    m.exchange_bind.arguments = table_text(&a->table, "");
    ask(a, &m, METHOD_EXCHANGE_BIND_OK, to);
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
    if (row->front != NULL)
        event_set(e, FACT_FRONT, run_word(r, row->front));
    if (row->keep > 0)
        event_set(e, FACT_KEEP, row->keep);
    if (row->age_ms > 0) /* it follows the clock on the wall, which may jump */
        event_set(e, FACT_AGE, plan_fails(&r->plan, FAULT_CLOCK) ? 0 : row->age_ms);
    if (row->is_compacted)
        event_set(e, FACT_COMPACTED, 0);
}

static void declare_log(struct admin *a)
{
    struct event *e;

    declare_exchange(a, "h", "direct", "x-log=true");
    if (!a->run->is_replaying && a->run->last_message == 0)
        return; /* it begins when there is some history */
    if (!a->run->is_replaying) {
        e = run_event(a->run, VERB_REPLAY);
        event_set(e, FACT_QUEUE, run_word(a->run, "r"));
        event_set(e, FACT_SOURCE, run_word(a->run, "amq.log.h"));
    }
    a->run->is_replaying = true;
    bind_with(a, "r", "h", "r", "x-replay-from=first");
}

/* An exchange with a second one behind it, and a third for what neither takes. */
static void declare_routes(struct admin *a)
{
    declare_exchange(a, "j", "fanout", "");
    declare_exchange(a, "k", "fanout", "");
    declare_exchange(a, "i", "direct", "alternate-exchange=j");
    bind_with(a, "q", "i", "one", "");
    bind_exchange(a, "k", "i", "two");
    bind_with(a, "q", "k", "any", "");
    bind_with(a, "u", "k", "any", "");
    bind_with(a, "u", "j", "any", "");
}

static void declare_topics(struct admin *a)
{
    declare_exchange(a, "o", "topic", "");
    if (plan_has(&a->run->plan, FEATURE_STREAM))
        bind_with(a, "s", "o", "#", "");
    if (plan_has(&a->run->plan, FEATURE_PARTITIONS))
        bind_with(a, "g", "o", "#", "");
}

static void declare_exchanges(struct admin *a)
{
    const struct plan *plan = &a->run->plan;
    const struct queue_row *row;

    if (plan_has(plan, FEATURE_FANOUT)) {
        declare_exchange(a, "f", "fanout", "");
        for (unsigned i = 0; (row = topology_queue(a->run, i)) != NULL; i++)
            if (row->is_fed)
                bind_queue(a, row->name, "f");
    }
    if (plan_has(plan, FEATURE_DELAY)) {
        declare_exchange(a, "w", "x-delayed-message", "x-delayed-type=direct");
        bind_queue(a, "q", "w");
    }
    if (plan_has(plan, FEATURE_FILTER) || plan_has(plan, FEATURE_PARTITIONS))
        declare_topics(a);
    if (plan_has(plan, FEATURE_COMPACT))
        declare_exchange(a, "c", "direct", "x-log=true x-compact=true");
    if (plan_has(plan, FEATURE_MANDATORY))
        declare_exchange(a, "n", "direct", "");
    if (plan_has(plan, FEATURE_ROUTES))
        declare_routes(a);
    if (plan_has(plan, FEATURE_REPLAY))
        declare_log(a);
}

bool topology_declare(struct run *r)
{
    const struct queue_row *row;
    struct admin a;

    enter(&a, r);
    for (unsigned i = 0; (row = topology_queue(r, i)) != NULL; i++) {
        if (!row->is_made)
            declare_queue(&a, row->name, row->arguments, false);
        if (a.is_good && !row->is_made)
            note_queue(r, row);
    }
    declare_exchanges(&a);
    for (unsigned i = 0; a.is_good && (row = topology_queue(r, i)) != NULL; i++)
        if (row->is_made)
            note_queue(r, row);
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

/* Whoever they belonged to is gone: so are they. */
static void look_for_own(struct run *r)
{
    char name[32];

    for (uint64_t i = 1; i <= r->last_own; i++) {
        snprintf(name, sizeof(name), "own%" PRIu64, i);
        event_set(run_event(r, VERB_DELETE), FACT_NAME, run_word(r, name));
        look_for(r, name, true);
    }
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
    look_for_own(r);
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

static const struct queue_row *recreated(void)
{
    unsigned i = 0;

    while (strcmp(queue_rows[i].name, "z") != 0)
        i++;
    return &queue_rows[i];
}

/* What was in it is gone; what is on its way to it may come into the new one. */
void topology_recreate(struct run *r)
{
    bool is_purge = run_chance(r, 1, 2);
    uint64_t asked_ms = run_now_ms(r);
    struct event *e;
    struct method m;
    struct admin a;

    if (!is_purge)
        for (unsigned i = 0; i < r->party_count; i++)
            if (r->parties[i]->queue == recreated())
                party_drop(r->parties[i]);
    event_set(run_event(r, VERB_UNSURE), FACT_NAME, run_word(r, "z"));
    enter(&a, r);
    memset(&m, 0, sizeof(m));
    m.id = is_purge ? METHOD_QUEUE_PURGE : METHOD_QUEUE_DELETE;
    if (is_purge)
        m.queue_purge.queue = bytes_text("z");
    else
        m.queue_delete.queue = bytes_text("z");
    ask(&a, &m, is_purge ? METHOD_QUEUE_PURGE_OK : METHOD_QUEUE_DELETE_OK, "z");
    if (!is_purge)
        declare_queue(&a, "z", "", false);
    if (a.is_good) {
        if (!is_purge)
            event_set(run_event(r, VERB_DELETE), FACT_NAME, run_word(r, "z"));
        note_queue(r, recreated());
        e = run_event(r, VERB_PURGE);
        event_set(e, FACT_QUEUE, run_word(r, "z"));
        event_set(e, FACT_MS, asked_ms);
    }
    leave(&a);
}

/* Consumes it, and does not any more: it is not used. */
static void use_up(struct admin *a, const char *name)
{
    struct method m;

    memset(&m, 0, sizeof(m));
    m.id = METHOD_BASIC_CONSUME;
    m.basic_consume.queue = bytes_text(name);
    m.basic_consume.consumer_tag = bytes_text("c");
    m.basic_consume.arguments = table_text(&a->table, "");
    ask(a, &m, METHOD_BASIC_CONSUME_OK, name);
    memset(&m, 0, sizeof(m));
    m.id = METHOD_BASIC_CANCEL;
    m.basic_cancel.consumer_tag = bytes_text("c");
    ask(a, &m, METHOD_BASIC_CANCEL_OK, name);
}

void topology_own(struct run *r)
{
    bool is_exclusive = run_chance(r, 1, 2);
    char name[32];
    struct method m;
    struct admin a;

    snprintf(name, sizeof(name), "own%" PRIu64, ++r->last_own);
    event_set(run_event(r, VERB_UNSURE), FACT_NAME, run_word(r, name));
    enter(&a, r);
    memset(&m, 0, sizeof(m));
    m.id = METHOD_QUEUE_DECLARE;
    m.queue_declare.queue = bytes_text(name);
    m.queue_declare.durable = is_exclusive;
    m.queue_declare.exclusive = is_exclusive;
    m.queue_declare.auto_delete = !is_exclusive;
    m.queue_declare.arguments = table_text(&a.table, "");
    ask(&a, &m, METHOD_QUEUE_DECLARE_OK, name);
    if (!is_exclusive)
        use_up(&a, name);
    leave(&a);
    run_wait(r, GONE_MS); /* or a network that forgets it now keeps what was exclusive for ever */
}

void topology_policy(struct run *r)
{
    struct err_note note = {{0}};
    struct buf area;
    struct policy_spec spec = {
        .name = bytes_text("short"), .pattern = bytes_text("^b$"), .apply_to = POLICY_QUEUES};
    int rv;

    buf_init(&area, TABLE_MAX);
    spec.definition = table_text(&area, run_chance(r, 1, 2) ? "max-length=5" : "max-length=9");
    if (run_chance(r, 1, 3))
        rv = broker_delete_policy(r->world.broker, bytes_text("/"), POLICY_OF_USERS, spec.name,
                                  &note);
    else
        rv = broker_put_policy(r->world.broker, bytes_text("/"), POLICY_OF_USERS, &spec, &note);
    if (rv != 0 && rv != ERR_NOT_FOUND && rv != ERR_FULL)
        run_trouble(r, "the policy is refused: %s", note.text);
    buf_release(&area);
}
