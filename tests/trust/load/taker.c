/* Clients that consume and get, ack in any order, give back, reject, and go. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/table_text.h"
#include "tests/trust/load/actor.h"
#include "tests/trust/mail.h"

enum { PREFETCH_MAX = 40, CREDIT = 100, TABLE_MAX = 1024, NEAR = 200, ARGUMENTS_SIZE = 80 };

static void send_qos(struct actor *a)
{
    bool is_eager = a->is_greedy || (a->place->is_stream && a->place->group == NULL);
    struct method m;

    memset(&m, 0, sizeof(m));
    m.id = METHOD_BASIC_QOS;
    m.basic_qos.prefetch_count =
        is_eager ? CREDIT : (uint16_t)(1 + load_below(a->load, PREFETCH_MAX));
    caller_method(a->caller, 1, &m);
}

/* Where a reader of a stream begins. Returns whether that is the beginning. */
static bool draw_start(struct actor *a, char out[ARGUMENTS_SIZE])
{
    bool is_first = a->is_greedy || load_chance(a->load, 1, 20);
    uint64_t seen = a->load->stream_next;
    uint64_t back = load_below(a->load, load_chance(a->load, 1, 5) ? seen + 1 : NEAR);

    out[0] = '\0';
    if (!a->place->is_stream)
        return false;
    if (a->place->group != NULL) {
        snprintf(out, ARGUMENTS_SIZE, "x-group=%s x-group-start=first", a->place->group);
        return false;
    }
    if (is_first)
        snprintf(out, ARGUMENTS_SIZE, "x-stream-offset=first");
    else
        snprintf(out, ARGUMENTS_SIZE, "x-stream-offset=%" PRIu64, seen > back ? seen - back : 0);
    return is_first;
}

static void send_consume(struct actor *a, const char *arguments)
{
    struct buf area;
    struct method m;

    buf_init(&area, TABLE_MAX);
    memset(&m, 0, sizeof(m));
    m.id = METHOD_BASIC_CONSUME;
    m.basic_consume.queue = bytes_text(a->place->name);
    m.basic_consume.consumer_tag = bytes_text("c");
    m.basic_consume.arguments = table_text(&area, arguments);
    caller_method(a->caller, 1, &m);
    buf_release(&area);
}

static void note_session(struct actor *a, bool is_first)
{
    struct event *e = load_event(a->load, VERB_CONSUME);

    event_set(e, FACT_SESSION, a->session);
    event_set(e, FACT_QUEUE, load_word(a->load, a->place->name));
    if (is_first)
        event_set(e, FACT_FIRST, 0);
    if (a->place->group != NULL)
        event_set(e, FACT_GROUP, load_word(a->load, a->place->group));
}

bool taker_join(struct actor *a, const struct place_row *place)
{
    char arguments[ARGUMENTS_SIZE];
    struct method m = {.id = METHOD_TX_SELECT};

    a->place = place;
    a->mode = !a->is_greedy && load_has(a->load, FEATURE_TX) && load_chance(a->load, 1, 4)
                  ? MODE_TX
                  : MODE_PLAIN;
    a->is_getter =
        !a->is_greedy && !place->is_stream && !place->is_single && load_chance(a->load, 1, 6);
    a->caller = caller_new(a->load->port);
    if (a->caller == NULL)
        return false;
    caller_rush_in(a->caller);
    if (a->mode == MODE_TX)
        caller_method(a->caller, 1, &m);
    a->session = ++a->load->last_session;
    note_session(a, draw_start(a, arguments));
    send_qos(a);
    if (!a->is_getter)
        send_consume(a, arguments);
    a->last_ms = load_now_ms();
    return true;
}

/* ---- settling ---- */

/* Of a stream without a group an ack only gives credit. */
static bool is_only_credit(const struct actor *a)
{
    return a->place->is_stream && a->place->group == NULL;
}

static void note(struct actor *a, unsigned index, enum verb verb, bool is_failure)
{
    struct outstanding *o = &a->row[index];
    struct event *e;

    if (!is_only_credit(a)) {
        e = load_event(a->load, verb);
        event_set(e, FACT_SESSION, a->session);
        event_set(e, FACT_MESSAGE, o->message);
        if (o->source > 0)
            event_set(e, FACT_SOURCE, o->source - 1);
        if (a->mode == MODE_TX)
            event_set(e, FACT_TRANSACTION, a->transaction);
        if (is_failure)
            event_set(e, FACT_FAILED, 0);
    }
    a->row_count--;
    memmove(o, o + 1, (a->row_count - index) * sizeof(*o));
}

static void ack(struct actor *a, unsigned index, bool is_multiple)
{
    struct method m;

    if (a->mode == MODE_TX && a->transaction == 0)
        a->transaction = ++a->load->last_transaction;
    memset(&m, 0, sizeof(m));
    m.id = METHOD_BASIC_ACK;
    m.basic_ack.delivery_tag = a->row[index].tag;
    m.basic_ack.multiple = is_multiple;
    caller_method(a->caller, 1, &m);
    for (unsigned left = is_multiple ? index : 0; left > 0; left--)
        note(a, 0, VERB_ACK, false);
    note(a, is_multiple ? 0 : index, VERB_ACK, false);
}

static void nack(struct actor *a, unsigned index, bool is_requeue)
{
    struct method m;

    memset(&m, 0, sizeof(m));
    m.id = METHOD_BASIC_NACK;
    m.basic_nack.delivery_tag = a->row[index].tag;
    m.basic_nack.requeue = is_requeue;
    caller_method(a->caller, 1, &m);
    note(a, index, is_requeue ? VERB_REQUEUE : VERB_DROP, false);
}

/* Gives it back because it could not be worked off, which counts. */
static void fail_one(struct actor *a, unsigned index)
{
    struct method m;

    memset(&m, 0, sizeof(m));
    m.id = METHOD_BASIC_REJECT;
    m.basic_reject.delivery_tag = a->row[index].tag;
    m.basic_reject.requeue = true;
    caller_method(a->caller, 1, &m);
    note(a, index, VERB_REQUEUE, true);
}

/* A group keeps how far it is, so its members ack from the front. */
static void advance(struct actor *a)
{
    if (!a->is_committing)
        ack(a, (unsigned)load_below(a->load, a->row_count), true);
}

static void settle_some(struct actor *a)
{
    unsigned index = (unsigned)load_below(a->load, a->row_count);
    bool may_requeue = !is_only_credit(a);

    if (a->place->group != NULL) {
        advance(a);
        return;
    }
    if (a->mode == MODE_TX) {
        if (!a->is_committing)
            ack(a, index, load_chance(a->load, 1, 4));
        return;
    }
    if (may_requeue && load_chance(a->load, 1, 10))
        nack(a, index, true);
    else if (may_requeue && load_chance(a->load, a->place->counts ? 3 : 1, 10))
        fail_one(a, index);
    else if (a->place->dead != NULL && load_chance(a->load, 1, 4))
        nack(a, index, false);
    else
        ack(a, index, load_chance(a->load, 1, 4));
}

static void commit(struct actor *a)
{
    struct method m = {.id = METHOD_TX_COMMIT};

    if (a->transaction == 0 || a->is_committing)
        return;
    caller_method(a->caller, 1, &m);
    a->is_committing = true;
}

static void ask_for_one(struct actor *a)
{
    struct method m;

    memset(&m, 0, sizeof(m));
    m.id = METHOD_BASIC_GET;
    m.basic_get.queue = bytes_text(a->place->name);
    caller_method(a->caller, 1, &m);
    a->is_getting = true;
}

void taker_act(struct actor *a)
{
    struct load *l = a->load;

    if (a->caller == NULL) {
        taker_join(a, places_row(l, (unsigned)load_below(l, places_count(l))));
        return;
    }
    if (a->is_going)
        return;
    if (load_chance(l, 1, 100))
        actor_leave(a);
    else if (load_chance(l, 1, 150))
        actor_drop(a);
    else if (a->mode == MODE_TX && a->transaction > 0 && load_chance(l, 1, 3))
        commit(a);
    else if (a->is_getter && !a->is_getting && load_chance(l, 1, 2))
        ask_for_one(a);
    else
        for (unsigned i = 1 + (unsigned)load_below(l, 12); i > 0 && a->row_count > 0; i--)
            settle_some(a);
}

/* ---- hearing ---- */

void taker_hear(struct actor *a, const struct method *m)
{
    if (m->id == METHOD_BASIC_GET_EMPTY)
        a->is_getting = false;
    if (m->id != METHOD_TX_COMMIT_OK)
        return;
    event_set(load_event(a->load, VERB_COMMIT), FACT_TRANSACTION, a->transaction);
    a->transaction = 0;
    a->is_committing = false;
}

static void note_headers(struct actor *a, struct event *e, const struct props *props)
{
    struct history *h = &a->load->history;
    struct bytes queue;
    struct bytes reason;
    uint64_t number = 0;

    if (mail_count(props, &number))
        event_set(e, FACT_RETURNS, number);
    if (mail_offset(props, &number)) {
        event_set(e, FACT_OFFSET, number);
        if (a->place->group == NULL && number >= a->load->stream_next)
            a->load->stream_next = number + 1;
    }
    if (!mail_death(props, &queue, &reason)) {
        event_set(e, FACT_WHERE, a->where);
        return;
    }
    event_set(e, FACT_SOURCE, history_number(h, queue));
    event_set(e, FACT_REASON, history_number(h, reason));
}

void taker_take(struct actor *a)
{
    uint64_t message = mail_number(buf_view(&a->body));
    struct props props = props_none();
    struct event *e;

    a->is_getting = false;
    a->last_ms = load_now_ms();
    a->load->deliveries++;
    if (props_decode(buf_view(&a->props), &props) != 0)
        message = 0; /* never published so */
    e = load_event(a->load, VERB_DELIVER);
    event_set(e, FACT_SESSION, a->session);
    event_set(e, FACT_MESSAGE, message);
    event_set(e, FACT_BODY, message == 0 ? 0 : mail_digest(&props, buf_view(&a->body)));
    if (a->is_redelivered)
        event_set(e, FACT_REDELIVERED, 0);
    if (message != 0)
        note_headers(a, e, &props);
    if (a->row_count == OUTSTANDING_MAX) {
        load_trouble(a->load, "more than %d messages for one consumer", OUTSTANDING_MAX);
        return;
    }
    a->row[a->row_count++] = (struct outstanding){
        .message = message,
        .tag = a->tag,
        .source = event_has(e, FACT_SOURCE) ? e->values[FACT_SOURCE] + 1 : 0,
    };
    if (a->is_greedy || is_only_credit(a))
        ack(a, a->row_count - 1, false);
}
