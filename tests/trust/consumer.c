/* Clients that consume and get, ack in any order, give back, reject, and go. */
#include <stdio.h>
#include <string.h>

#include "tests/lib/table_text.h"
#include "tests/trust/party.h"

enum { HEARTBEAT_S = 2, PREFETCH_MAX = 40, STREAM_CREDIT = 100, TABLE_MAX = 1024 };

static const char *const labels[] = {"v0", "v1", "v2"};
static const char *const patterns[] = {"eu.*", "us.#", "*.b.#"};

#define DRAW(r, texts) ((texts)[run_below(r, sizeof(texts) / sizeof((texts)[0]))])

/* Whether an ack settles; of a stream that nobody shares it only gives credit. */
static bool settles(const struct party *p)
{
    return !p->queue->is_stream || p->wish.group != NULL;
}

static void send_qos(struct party *p)
{
    struct method m;

    memset(&m, 0, sizeof(m));
    p->credit =
        !settles(p) || p->is_greedy ? STREAM_CREDIT : 1 + (unsigned)run_below(p->run, PREFETCH_MAX);
    m.id = METHOD_BASIC_QOS;
    m.basic_qos.prefetch_count = (uint16_t)p->credit;
    client_method(p->client, 1, &m);
}

/* His arguments. */
static void write_wish(const struct party *p, struct buf *out)
{
    const struct wish *w = &p->wish;

    if (w->group != NULL)
        buf_text(out, "x-group=%s x-group-start=first ", w->group);
    else if (p->queue->is_stream)
        buf_text(out, "x-stream-offset=first ");
    if (w->label != NULL)
        buf_text(out, "x-stream-filter=%s ", w->label);
    if (w->takes_unlabelled)
        buf_text(out, "x-stream-match-unfiltered=true ");
    if (w->pattern != NULL)
        buf_text(out, "x-stream-filter-key=%s ", w->pattern);
    if (w->priority != 0)
        buf_text(out, "x-priority=%d ", w->priority);
}

static void send_consume(struct party *p)
{
    struct buf text;
    struct buf area;
    struct method m;

    buf_init(&area, TABLE_MAX);
    buf_init(&text, TABLE_MAX);
    write_wish(p, &text);
    buf_u8(&text, 0);
    memset(&m, 0, sizeof(m));
    m.id = METHOD_BASIC_CONSUME;
    m.basic_consume.queue = bytes_text(p->queue->name);
    m.basic_consume.consumer_tag = bytes_text("c");
    m.basic_consume.arguments = table_text(&area, (const char *)text.data);
    client_method(p->client, 1, &m);
    buf_release(&text);
    buf_release(&area);
}

/* Whether what he gets and others do not can be judged: nothing keeps it on its way for long, and
 * an ack is one at once. */
static bool has_rank(const struct party *p)
{
    const struct plan *plan = &p->run->plan;

    if (p->is_greedy) /* faults are over */
        return !p->queue->is_stream && !p->queue->is_single;
    return plan_has(plan, FEATURE_RANK) && !plan_has(plan, FEATURE_LARGE) &&
           !run_may_hang(p->run) && !plan_fails(plan, FAULT_SLOW_READER) &&
           !plan_fails(plan, FAULT_HALF_OPEN) && p->mode == MODE_PLAIN && !p->is_getter &&
           !p->queue->is_stream && !p->queue->is_single;
}

static void note_wish(struct party *p)
{
    struct event *e = run_event(p->run, VERB_CONSUME);
    const struct wish *w = &p->wish;

    event_set(e, FACT_SESSION, p->session);
    event_set(e, FACT_QUEUE, run_word(p->run, p->queue->name));
    if (w->group != NULL)
        event_set(e, FACT_GROUP, run_word(p->run, w->group));
    else if (p->queue->is_stream)
        event_set(e, FACT_FIRST, 0);
    if (w->label != NULL)
        event_set(e, FACT_LABEL, run_word(p->run, w->label));
    if (w->takes_unlabelled)
        event_set(e, FACT_UNLABELLED, 0);
    if (w->pattern != NULL)
        event_set(e, FACT_PATTERN, run_word(p->run, w->pattern));
    if (w->label != NULL || w->pattern != NULL)
        event_set(e, FACT_FILTERED, 0);
    if (has_rank(p))
        event_set(e, FACT_CREDIT, p->credit);
    if (w->priority != 0)
        event_set(e, FACT_PRIORITY, (uint64_t)w->priority);
}

static struct wish draw_wish(struct run *r, const struct queue_row *queue)
{
    struct wish w = {.group = NULL};

    if (!queue->is_stream) {
        if (plan_has(&r->plan, FEATURE_RANK))
            w.priority = (int)run_below(r, 3) * 5;
    } else if (queue->is_shared && plan_has(&r->plan, FEATURE_GROUP) && run_chance(r, 2, 3)) {
        w.group = "w";
    } else if (plan_has(&r->plan, FEATURE_FILTER) && run_chance(r, 1, 2)) {
        w.label = run_chance(r, 2, 3) ? DRAW(r, labels) : NULL;
        w.pattern = run_chance(r, 1, 3) ? DRAW(r, patterns) : NULL;
        w.takes_unlabelled = w.label != NULL && run_chance(r, 1, 3);
    }
    return w;
}

void consumer_join(struct party *p, const struct queue_row *queue)
{
    struct wish w = draw_wish(p->run, queue);

    consumer_join_with(p, queue, &w);
}

void consumer_join_with(struct party *p, const struct queue_row *queue, const struct wish *wish)
{
    p->queue = queue;
    p->wish = *wish;
    p->mode = !p->is_greedy && plan_has(&p->run->plan, FEATURE_TX) && run_chance(p->run, 1, 4)
                  ? MODE_TX
                  : MODE_PLAIN;
    p->is_getter = !p->is_greedy && !queue->is_stream && plan_has(&p->run->plan, FEATURE_GET) &&
                   !queue->is_single && run_chance(p->run, 1, 4);
    p->client = client_new(&p->run->world);
    p->client->heartbeat_s = plan_fails(&p->run->plan, FAULT_HALF_OPEN) ? HEARTBEAT_S : 0;
    client_rush_in(p->client);
    if (p->mode == MODE_TX) {
        struct method m = {.id = METHOD_TX_SELECT};

        client_method(p->client, 1, &m);
    }
    p->session = ++p->run->last_session;
    send_qos(p);
    note_wish(p);
    if (!p->is_getter)
        send_consume(p);
    p->last_ms = run_now_ms(p->run);
}

/* ---- settling ---- */

static void forget(struct party *p, unsigned index)
{
    p->row_count--;
    memmove(&p->row[index], &p->row[index + 1], (p->row_count - index) * sizeof(p->row[0]));
}

static void note(struct party *p, unsigned index, enum verb verb)
{
    struct event *e;

    if (settles(p)) {
        e = run_event(p->run, verb);
        event_set(e, FACT_SESSION, p->session);
        event_set(e, FACT_MESSAGE, p->row[index].message);
        if (p->row[index].source > 0)
            event_set(e, FACT_SOURCE, p->row[index].source - 1);
        if (p->mode == MODE_TX)
            event_set(e, FACT_TRANSACTION, p->transaction);
    }
    forget(p, index);
}

static void ack(struct party *p, unsigned index, bool is_multiple)
{
    struct method m;

    if (p->mode == MODE_TX && p->transaction == 0)
        p->transaction = ++p->run->last_transaction;
    memset(&m, 0, sizeof(m));
    m.id = METHOD_BASIC_ACK;
    m.basic_ack.delivery_tag = p->row[index].tag;
    m.basic_ack.multiple = is_multiple;
    client_method(p->client, 1, &m);
    for (unsigned left = is_multiple ? index : 0; left > 0; left--)
        note(p, 0, VERB_ACK);
    note(p, is_multiple ? 0 : index, VERB_ACK);
}

static void nack(struct party *p, unsigned index, bool is_requeue)
{
    struct method m;

    memset(&m, 0, sizeof(m));
    m.id = METHOD_BASIC_NACK;
    m.basic_nack.delivery_tag = p->row[index].tag;
    m.basic_nack.requeue = is_requeue;
    client_method(p->client, 1, &m);
    note(p, index, is_requeue ? VERB_REQUEUE : VERB_DROP);
}

/* Gives it back because it could not be worked off, which counts. */
static void fail_one(struct party *p, unsigned index)
{
    struct method m;

    memset(&m, 0, sizeof(m));
    m.id = METHOD_BASIC_REJECT;
    m.basic_reject.delivery_tag = p->row[index].tag;
    m.basic_reject.requeue = true;
    client_method(p->client, 1, &m);
    note(p, index, VERB_REQUEUE);
    event_set(&p->run->history.events[p->run->history.count - 1], FACT_FAILED, 0);
}

static void commit(struct party *p)
{
    struct method m = {.id = METHOD_TX_COMMIT};

    if (p->transaction == 0 || p->is_committing)
        return;
    client_method(p->client, 1, &m);
    p->is_committing = true;
}

static void settle_some(struct party *p)
{
    unsigned index = (unsigned)run_below(p->run, p->row_count);
    bool may_requeue = plan_has(&p->run->plan, FEATURE_REQUEUE) && settles(p);

    if (p->mode == MODE_TX) {
        if (!p->is_committing)
            ack(p, index, run_chance(p->run, 1, 4));
        return;
    }
    if (may_requeue && run_chance(p->run, 1, 8))
        nack(p, index, true);
    else if (may_requeue && run_chance(p->run, p->queue->counts ? 4 : 1, 8))
        fail_one(p, index);
    else if (p->queue->dead != NULL && run_chance(p->run, 1, 4))
        nack(p, index, false);
    else
        ack(p, index, run_chance(p->run, 1, 4));
}

/* ---- acting ---- */

static void ask_for_one(struct party *p)
{
    struct method m;

    memset(&m, 0, sizeof(m));
    m.id = METHOD_BASIC_GET;
    m.basic_get.queue = bytes_text(p->queue->name);
    client_method(p->client, 1, &m);
    p->is_getting = true;
}

static void cancel(struct party *p)
{
    struct method m;

    memset(&m, 0, sizeof(m));
    m.id = METHOD_BASIC_CANCEL;
    m.basic_cancel.consumer_tag = bytes_text("c");
    client_method(p->client, 1, &m);
    p->is_cancelled = true;
    event_set(run_event(p->run, VERB_LEAVE), FACT_SESSION, p->session);
}

void consumer_act(struct party *p)
{
    struct run *r = p->run;

    if (p->client == NULL) {
        if (run_chance(r, 1, 2))
            consumer_join(p, topology_queue(r, (unsigned)run_below(r, topology_count(r))));
        return;
    }
    if (p->is_going)
        return;
    if (run_chance(r, 1, p->is_cancelled ? 5 : 80))
        party_leave(p);
    else if (!p->is_getter && !p->is_cancelled && run_chance(r, 1, 80))
        cancel(p);
    else if (p->mode == MODE_TX && p->transaction > 0 && run_chance(r, 1, 3))
        commit(p);
    else if (p->is_getter && !p->is_getting && run_chance(r, 1, 2))
        ask_for_one(p);
    else if (p->row_count > 0)
        settle_some(p);
}

/* ---- hearing ---- */

void consumer_hear(struct party *p, const struct method *m)
{
    if (m->id == METHOD_BASIC_GET_EMPTY)
        p->is_getting = false;
    if (m->id != METHOD_TX_COMMIT_OK)
        return;
    event_set(run_event(p->run, VERB_COMMIT), FACT_TRANSACTION, p->transaction);
    p->transaction = 0;
    p->is_committing = false;
}

static void note_headers(struct party *p, struct event *e, const struct props *props)
{
    struct bytes queue;
    struct bytes reason;
    uint64_t number = 0;
    char name[32];

    if (p->queue->partitions > 0) {
        struct bytes key = bytes_text(p->in.key);

        (void)mail_partition_key(props, &key);
        snprintf(name, sizeof(name), "%s-%u", p->queue->name, topology_partition(p->queue, key));
        event_set(e, FACT_QUEUE, run_word(p->run, name));
    }
    if (mail_count(props, &number))
        event_set(e, FACT_RETURNS, number);
    if (mail_offset(props, &number))
        event_set(e, FACT_OFFSET, number);
    if (!mail_death(props, &queue, &reason)) {
        event_set(e, FACT_WHERE, p->in.where);
        return;
    }
    event_set(e, FACT_SOURCE, history_number(&p->run->history, queue));
    event_set(e, FACT_REASON, history_number(&p->run->history, reason));
}

void consumer_take(struct party *p)
{
    uint64_t message = mail_number(buf_view(&p->in.body));
    struct props props = props_none();
    struct event *e;

    p->is_getting = false;
    p->last_ms = run_now_ms(p->run);
    if (props_decode(buf_view(&p->in.props), &props) != 0)
        message = 0; /* never published so */
    e = run_event(p->run, VERB_DELIVER);
    event_set(e, FACT_SESSION, p->session);
    event_set(e, FACT_MESSAGE, message);
    event_set(e, FACT_BODY, message == 0 ? 0 : mail_digest(&props, buf_view(&p->in.body)));
    if (p->in.is_redelivered)
        event_set(e, FACT_REDELIVERED, 0);
    if (message != 0)
        note_headers(p, e, &props);
    if (p->row_count == OUTSTANDING_MAX) {
        run_trouble(p->run, "more than %d messages for one consumer", OUTSTANDING_MAX);
        return;
    }
    p->row[p->row_count++] = (struct outstanding){
        .message = message,
        .tag = p->in.tag,
        .source = event_has(e, FACT_SOURCE) ? e->values[FACT_SOURCE] + 1 : 0,
    };
    if (p->is_greedy || !settles(p))
        ack(p, p->row_count - 1, false);
}
