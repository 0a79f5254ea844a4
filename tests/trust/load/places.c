/* Queues, exchanges, bindings: declared, looked for, chosen. */
#include "tests/trust/load/places.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/table_text.h"
#include "tests/trust/rows.h"

enum { TABLE_MAX = 4096, NAME_SIZE = 32 };

#define LOG_NAME "amq.log.h"

static const struct place_row rows[] = {
    {.name = "q", .is_fed = true},
    {.name = "d"},
    {ROW_QUORUM},
    {ROW_PRIORITY},
    {ROW_TTL},
    {ROW_SINGLE},
    {ROW_REJECT},
    {ROW_STREAM},
    {.name = "g",
     .arguments = "x-queue-type=stream",
     .needs = FEATURE_GROUP,
     .group = "team",
     .is_stream = true,
     .is_fed = true},
    {.name = "r", .needs = FEATURE_REPLAY},
    {.name = LOG_NAME, .needs = FEATURE_REPLAY, .is_stream = true},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

const struct place_row *places_row(const struct load *l, unsigned index)
{
    for (unsigned i = 0; i < ROWS; i++)
        if (load_has(l, rows[i].needs) && index-- == 0)
            return &rows[i];
    return NULL;
}

unsigned places_count(const struct load *l)
{
    unsigned count = 0;

    while (places_row(l, count) != NULL)
        count++;
    return count;
}

/* ---- one question at a time ---- */

/* Waits until the admin has this method. False: no answer, another one, or the connection is
 * gone. */
static bool await(struct load *l, uint32_t id)
{
    uint64_t until_ms = load_now_ms() + LOAD_PATIENCE_MS;
    struct caller *c = l->admin;

    for (;;) {
        while (caller_next(c)) {
            if (c->frame.type == FRAME_METHOD && c->method.id == id)
                return true;
            if (c->frame.type == FRAME_METHOD &&
                (c->method.id == METHOD_CHANNEL_CLOSE || c->method.id == METHOD_CONNECTION_CLOSE))
                return false;
        }
        if (c->is_closed || c->is_garbled)
            return false;
        if (load_now_ms() > until_ms) {
            load_trouble(l, "no answer to whoever declares within %d s", LOAD_PATIENCE_MS / 1000);
            return false;
        }
        load_turn(l, 5);
    }
}

static bool enter(struct load *l)
{
    ASSERT(l->admin == NULL);
    l->admin = caller_new(l->port);
    if (l->admin == NULL)
        return false;
    caller_rush_in(l->admin);
    return await(l, METHOD_CHANNEL_OPEN_OK);
}

static void leave(struct load *l)
{
    if (l->admin != NULL)
        caller_free(l->admin);
    l->admin = NULL;
}

static bool ask(struct load *l, const struct method *m, uint32_t answer)
{
    caller_method(l->admin, 1, m);
    return await(l, answer);
}

/* Asks with a table of arguments (NULL: none), which `table`, inside of the method, is. */
static bool ask_with(struct load *l, const struct method *m, struct table *table,
                     const char *arguments, uint32_t answer)
{
    struct buf area;
    bool is_good;

    buf_init(&area, TABLE_MAX);
    *table = table_text(&area, arguments == NULL ? "" : arguments);
    is_good = ask(l, m, answer);
    buf_release(&area);
    return is_good;
}

static bool declare_queue(struct load *l, const char *name, const char *arguments, bool is_passive)
{
    struct method m = {
        .id = METHOD_QUEUE_DECLARE,
        .queue_declare = {.queue = bytes_text(name), .durable = true, .passive = is_passive},
    };

    return ask_with(l, &m, &m.queue_declare.arguments, arguments, METHOD_QUEUE_DECLARE_OK);
}

static bool declare_exchange(struct load *l, const char *name, const char *type,
                             const char *arguments)
{
    struct method m = {
        .id = METHOD_EXCHANGE_DECLARE,
        .exchange_declare = {.exchange = bytes_text(name),
                             .type = bytes_text(type),
                             .durable = true},
    };

    return ask_with(l, &m, &m.exchange_declare.arguments, arguments, METHOD_EXCHANGE_DECLARE_OK);
}

static bool bind_queue(struct load *l, const char *queue, const char *exchange,
                       const char *arguments)
{
    struct method m = {
        .id = METHOD_QUEUE_BIND,
        .queue_bind = {.queue = bytes_text(queue),
                       .exchange = bytes_text(exchange),
                       .routing_key = bytes_text(queue)},
    };

    return ask_with(l, &m, &m.queue_bind.arguments, arguments, METHOD_QUEUE_BIND_OK);
}

/* ---- all of it ---- */

static void note_queue(struct load *l, const struct place_row *row)
{
    struct event *e = load_event(l, VERB_QUEUE);

    event_set(e, FACT_NAME, load_word(l, row->name));
    if (row->dead != NULL)
        event_set(e, FACT_DEAD, load_word(l, row->dead));
    if (row->ttl > 0)
        event_set(e, FACT_TTL, row->ttl);
    if (row->priorities > 0)
        event_set(e, FACT_PRIORITIES, row->priorities);
    if (row->counts)
        event_set(e, FACT_COUNTS, 0);
    if (row->is_single)
        event_set(e, FACT_SINGLE, 0);
    if (row->is_stream)
        event_set(e, FACT_STREAM, 0);
}

/* A name with a dot in front is declared by the broker itself. */
static bool is_own(const struct place_row *row)
{
    return strcmp(row->name, LOG_NAME) == 0;
}

static bool declare_log(struct load *l, const struct place_row *log)
{
    struct event *e;

    if (!declare_exchange(l, "h", "direct", "x-log=true"))
        return false;
    note_queue(l, log);
    if (!l->is_replaying && l->last_message == 0)
        return true; /* it begins when there is some history */
    if (!l->is_replaying) {
        e = load_event(l, VERB_REPLAY);
        event_set(e, FACT_QUEUE, load_word(l, "r"));
        event_set(e, FACT_SOURCE, load_word(l, LOG_NAME));
    }
    l->is_replaying = true;
    return bind_queue(l, "r", "h", "x-replay-from=first");
}

static bool declare_queues(struct load *l)
{
    const struct place_row *row;

    for (unsigned i = 0; (row = places_row(l, i)) != NULL; i++) {
        if (is_own(row) ? !declare_log(l, row)
                        : !declare_queue(l, row->name, row->arguments, false))
            return false;
        if (!is_own(row))
            note_queue(l, row);
    }
    return true;
}

static bool declare_exchanges(struct load *l)
{
    const struct place_row *row;

    if (load_has(l, FEATURE_FANOUT) && !declare_exchange(l, "f", "fanout", ""))
        return false;
    for (unsigned i = 0; load_has(l, FEATURE_FANOUT) && (row = places_row(l, i)) != NULL; i++)
        if (row->is_fed && !bind_queue(l, row->name, "f", ""))
            return false;
    return !load_has(l, FEATURE_DELAY) ||
           (declare_exchange(l, "w", "x-delayed-message", "x-delayed-type=direct") &&
            bind_queue(l, "q", "w", ""));
}

bool places_declare(struct load *l)
{
    bool is_good = enter(l) && declare_queues(l) && declare_exchanges(l);

    leave(l);
    return is_good;
}

/* A passive declare: found, missing, or no answer. Returns the count of messages, or -1. */
static int64_t look_for(struct load *l, const char *name, bool writes)
{
    int64_t count = -1;
    bool is_missing = false;

    if (enter(l)) {
        if (declare_queue(l, name, NULL, true))
            count = l->admin->method.queue_declare_ok.message_count;
        else
            is_missing = !l->admin->is_closed && l->admin->method.id == METHOD_CHANNEL_CLOSE &&
                         l->admin->method.channel_close.reply_code == 404;
        if (writes && (count >= 0 || is_missing))
            event_set(load_event(l, is_missing ? VERB_MISSING : VERB_FOUND), FACT_NAME,
                      load_word(l, name));
    }
    leave(l);
    return count;
}

static void name_churn(char name[NAME_SIZE], uint64_t number)
{
    snprintf(name, NAME_SIZE, "churn%" PRIu64, number);
}

void places_look(struct load *l, uint64_t churned)
{
    uint64_t first = l->last_churn < churned ? 1 : l->last_churn - churned + 1;
    const struct place_row *row;
    char name[NAME_SIZE];

    for (unsigned i = 0; (row = places_row(l, i)) != NULL; i++)
        look_for(l, row->name, true);
    for (uint64_t i = first; i <= l->last_churn; i++) {
        name_churn(name, i);
        look_for(l, name, true);
    }
}

int64_t places_ready(struct load *l, const char *queue)
{
    return look_for(l, queue, false);
}

void places_churn(struct load *l)
{
    bool is_new = l->last_churn == 0 || load_chance(l, 1, 2);
    uint64_t number = is_new ? l->last_churn + 1 : 1 + load_below(l, l->last_churn);
    char name[NAME_SIZE];
    struct method m;

    name_churn(name, number);
    if (enter(l)) {
        if (is_new)
            l->last_churn++;
        event_set(load_event(l, VERB_UNSURE), FACT_NAME, load_word(l, name));
        memset(&m, 0, sizeof(m));
        m.id = METHOD_QUEUE_DELETE;
        m.queue_delete.queue = bytes_text(name);
        if (is_new ? declare_queue(l, name, NULL, false) : ask(l, &m, METHOD_QUEUE_DELETE_OK))
            event_set(load_event(l, is_new ? VERB_DEFINE : VERB_DELETE), FACT_NAME,
                      load_word(l, name));
    }
    leave(l);
}

/* ---- where messages go ---- */

struct target places_target(struct load *l)
{
    const struct place_row *row = places_row(l, (unsigned)load_below(l, places_count(l)));

    if (load_has(l, FEATURE_FANOUT) && load_chance(l, 1, 4))
        return (struct target){.exchange = "f", .key = "any"};
    if (load_has(l, FEATURE_REPLAY) && load_chance(l, 1, 4))
        return (struct target){.exchange = "h", .key = "r"};
    if (load_has(l, FEATURE_DELAY) && load_chance(l, 1, 5))
        return (struct target){.exchange = "w", .key = "q", .queue = "q", .is_delayed = true};
    if (strcmp(row->name, "d") == 0 || is_own(row))
        row = places_row(l, 0);
    return (struct target){.exchange = "", .key = row->name, .queue = row->name};
}

void places_route(struct load *l, const struct target *t, struct event *e)
{
    const struct place_row *row;

    if (t->queue != NULL) {
        event_add_route(e, load_word(l, t->queue));
        return;
    }
    if (strcmp(t->exchange, "h") == 0) {
        event_add_route(e, load_word(l, LOG_NAME));
        if (l->is_replaying)
            event_add_route(e, load_word(l, "r"));
        return;
    }
    for (unsigned i = 0; (row = places_row(l, i)) != NULL; i++)
        if (row->is_fed)
            event_add_route(e, load_word(l, row->name));
}
