/* Clients that publish, with confirms, in transactions, or into the blue. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tests/trust/party.h"

enum { PROPS_MAX = 1 << 16, BODY_MAX = 1 << 20, HEARTBEAT_S = 2, TRANSACTION_MAX = 8 };

static const char *const labels[] = {"v0", "v1", "v2"};

/* Some number their messages, from the first one on. */
static void begin_numbers(struct party *p)
{
    if (p->last_ms > 0 || !plan_has(&p->run->plan, FEATURE_ONCE) || run_chance(p->run, 1, 3))
        return;
    p->numbered = MEM_NEW_ARRAY(struct numbered, OUTSTANDING_MAX);
    snprintf(p->id, sizeof(p->id), "p%" PRIu64, ++p->run->last_publisher);
}

void publisher_join(struct party *p)
{
    enum party_mode mode = run_chance(p->run, 1, 8) ? MODE_PLAIN : MODE_CONFIRM;

    begin_numbers(p);
    p->last_ms = 1;
    if (p->numbered != NULL)
        mode = MODE_CONFIRM;
    else if (plan_has(&p->run->plan, FEATURE_TX) && run_chance(p->run, 1, 3))
        mode = MODE_TX;
    publisher_join_with(p, mode);
}

void publisher_join_with(struct party *p, enum party_mode mode)
{
    struct method m;

    p->mode = mode;
    p->client = client_new(&p->run->world);
    p->client->heartbeat_s = plan_fails(&p->run->plan, FAULT_HALF_OPEN) ? HEARTBEAT_S : 0;
    client_rush_in(p->client);
    p->channel = ++p->run->last_channel;
    memset(&m, 0, sizeof(m));
    m.id = p->mode == MODE_TX ? METHOD_TX_SELECT : METHOD_CONFIRM_SELECT;
    if (p->mode != MODE_PLAIN)
        client_method(p->client, 1, &m);
}

static struct mail_spec draw_mail(struct party *p, const struct target *t)
{
    const struct plan *plan = &p->run->plan;
    struct run *r = p->run;
    struct mail_spec spec = {.number = ++r->last_message};

    spec.size = MAIL_SIZE_MIN + run_below(r, run_chance(r, 1, 10) ? 8000 : 200);
    if (plan_has(plan, FEATURE_LARGE) && run_chance(r, 1, 40))
        spec.size = 100000 + run_below(r, 200000);
    if (plan_has(plan, FEATURE_EXPIRATION) && run_chance(r, 1, 5))
        spec.expiration = 1 + run_below(r, run_chance(r, 1, 2) ? 500 : 4000);
    if (plan_has(plan, FEATURE_PRIORITY) && run_chance(r, 1, 2))
        spec.priority = (uint8_t)run_below(r, 8);
    if (t->is_delayed)
        spec.delay = 1 + run_below(r, 3000);
    spec.is_transient = plan_has(plan, FEATURE_TRANSIENT) && run_chance(r, 1, 5);
    if (plan_has(plan, FEATURE_FILTER) && run_chance(r, 2, 3))
        spec.label = labels[run_below(r, sizeof(labels) / sizeof(labels[0]))];
    spec.partition_key = t->partition_key;
    if (p->numbered == NULL)
        return spec;
    spec.is_transient = false; /* a number of such a message is not safe */
    spec.publisher = p->id;
    spec.seq = p->seq += 1 + run_below(r, 3);
    return spec;
}

static struct event *note_publish(struct party *p, const struct mail_spec *spec,
                                  const struct target *t, uint64_t digest)
{
    struct event *e = run_event(p->run, VERB_PUBLISH);

    event_set(e, FACT_KEY, run_word(p->run, t->key));
    event_set(e, FACT_SIZE, spec->size + MAIL_OVERHEAD);
    if (spec->label != NULL)
        event_set(e, FACT_LABEL, run_word(p->run, spec->label));
    if (t->is_nowhere)
        event_set(e, FACT_MANDATORY, 0);
    event_set(e, FACT_MESSAGE, spec->number);
    event_set(e, FACT_CHANNEL, p->channel);
    event_set(e, FACT_BODY, digest);
    event_set(e, FACT_WHERE, mail_where(bytes_text(t->exchange), bytes_text(t->key)));
    if (spec->expiration > 0)
        event_set(e, FACT_TTL, spec->expiration);
    if (spec->delay > 0)
        event_set(e, FACT_DELAY, spec->delay);
    if (spec->priority > 0)
        event_set(e, FACT_PRIORITY, spec->priority);
    if (spec->is_transient)
        event_set(e, FACT_TRANSIENT, 0);
    if (p->mode == MODE_TX)
        event_set(e, FACT_TRANSACTION, p->transaction);
    topology_route(p->run, t, e);
    return e;
}

static void send_mail(struct party *p, const struct mail_spec *spec, const struct target *t,
                      bool is_again)
{
    struct props decoded;
    struct method m;
    struct event *e;
    struct buf props;
    struct buf body;

    buf_init(&props, PROPS_MAX);
    buf_init(&body, BODY_MAX);
    mail_make(spec, &props, &body);
    if (props_decode(buf_view(&props), &decoded) == 0) {
        e = note_publish(p, spec, t, mail_digest(&decoded, buf_view(&body)));
        if (is_again)
            event_set(e, FACT_AGAIN, 0);
        memset(&m, 0, sizeof(m));
        m.id = METHOD_BASIC_PUBLISH;
        m.basic_publish.exchange = bytes_text(t->exchange);
        m.basic_publish.routing_key = bytes_text(t->key);
        m.basic_publish.mandatory = t->is_nowhere;
        client_method(p->client, 1, &m);
        client_content_with(p->client, 1, buf_view(&props), buf_view(&body));
        if (p->numbered != NULL)
            p->numbered[p->row_count] = (struct numbered){*spec, *t};
        p->row[p->row_count++] = (struct outstanding){.message = spec->number};
        p->in_transaction++;
    }
    buf_release(&props);
    buf_release(&body);
}

void publisher_publish(struct party *p, const struct target *t)
{
    struct mail_spec spec = draw_mail(p, t);

    if (p->mode == MODE_TX && p->transaction == 0)
        p->transaction = ++p->run->last_transaction;
    send_mail(p, &spec, t, false);
}

void publisher_abandon(struct party *p)
{
    unsigned kept = p->again;

    if (p->kind != PARTY_PUBLISHER || p->numbered == NULL)
        return;
    for (unsigned i = p->again; i < p->row_count; i++)
        if (!p->row[i].is_over)
            p->numbered[kept++] = p->numbered[i];
    p->again = kept;
}

/* In the order of the numbers, before anything new. */
static void send_again(struct party *p)
{
    unsigned count = p->again;

    p->again = 0;
    for (unsigned i = 0; i < count; i++) {
        struct numbered n = p->numbered[i];

        send_mail(p, &n.spec, &n.target, true);
    }
}

static void end_transaction(struct party *p)
{
    struct method m = {.id = METHOD_TX_COMMIT};

    if (run_chance(p->run, 1, 6))
        m.id = METHOD_TX_ROLLBACK;
    client_method(p->client, 1, &m);
    p->is_committing = true;
}

void publisher_act(struct party *p)
{
    unsigned burst = 1 + (unsigned)run_below(p->run, run_chance(p->run, 1, 5) ? 20 : 4);

    if (p->client == NULL) {
        if (run_chance(p->run, 1, 2)) {
            publisher_join(p);
            send_again(p);
        }
        return;
    }
    if (p->is_committing || p->is_going)
        return;
    if (p->row_count + burst >= OUTSTANDING_MAX || run_chance(p->run, 1, 200)) {
        party_leave(p);
        return;
    }
    if (p->mode == MODE_TX && p->transaction > 0 &&
        (p->in_transaction >= TRANSACTION_MAX || run_chance(p->run, 1, 3))) {
        end_transaction(p);
        return;
    }
    for (unsigned i = 0; i < burst; i++) {
        struct target t = topology_target(p->run);

        /* a queue that is bound later takes what is sent again for new */
        if (p->numbered == NULL || strcmp(t.exchange, "h") != 0)
            publisher_publish(p, &t);
    }
}

/* ---- answers ---- */

static void answer_one(struct party *p, uint64_t seq, enum verb verb)
{
    if (seq == 0 || seq > p->row_count || p->row[seq - 1].is_over)
        return;
    p->row[seq - 1].is_over = true;
    event_set(run_event(p->run, verb), FACT_MESSAGE, p->row[seq - 1].message);
}

static void on_confirm(struct party *p, uint64_t tag, bool is_multiple, enum verb verb)
{
    if (tag > p->row_count) /* a number that was never given: the checker shall see it */
        event_set(run_event(p->run, verb), FACT_MESSAGE, UINT64_C(1) << 31 | tag);
    for (uint64_t seq = is_multiple ? 1 : tag; seq <= tag; seq++)
        answer_one(p, seq, verb);
}

static void on_transaction_over(struct party *p, enum verb verb)
{
    if (p->transaction > 0)
        event_set(run_event(p->run, verb), FACT_TRANSACTION, p->transaction);
    p->transaction = 0;
    p->in_transaction = 0;
    p->is_committing = false;
}

void publisher_hear(struct party *p, const struct method *m)
{
    switch (m->id) {
    case METHOD_BASIC_ACK:
        on_confirm(p, m->basic_ack.delivery_tag, m->basic_ack.multiple, VERB_CONFIRM);
        break;
    case METHOD_BASIC_NACK:
        on_confirm(p, m->basic_nack.delivery_tag, m->basic_nack.multiple, VERB_REFUSE);
        break;
    case METHOD_TX_COMMIT_OK:
        on_transaction_over(p, VERB_COMMIT);
        break;
    case METHOD_TX_ROLLBACK_OK:
        on_transaction_over(p, VERB_ROLLBACK);
        break;
    default:
        break;
    }
}

void publisher_take(struct party *p)
{
    struct props props = props_none();
    struct event *e = run_event(p->run, VERB_RETURN);

    event_set(e, FACT_MESSAGE, mail_number(buf_view(&p->in.body)));
    if (props_decode(buf_view(&p->in.props), &props) == 0)
        event_set(e, FACT_BODY, mail_digest(&props, buf_view(&p->in.body)));
    event_set(e, FACT_WHERE, p->in.where);
}

unsigned publisher_waiting(const struct party *p)
{
    unsigned waiting = 0;

    for (unsigned i = 0; i < p->row_count; i++)
        waiting += !p->row[i].is_over;
    return waiting;
}
