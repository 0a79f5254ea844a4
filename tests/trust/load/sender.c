/* Clients that publish, with confirms, in transactions, or into the blue. */
#include <string.h>

#include "tests/trust/load/actor.h"
#include "tests/trust/mail.h"

enum { PROPS_MAX = 1 << 16, BODY_MAX = 1 << 20, TRANSACTION_MAX = 8, DELAY_MAX_MS = 1200 };

bool sender_join(struct actor *a, enum actor_mode mode)
{
    struct method m;

    a->mode = mode;
    a->caller = caller_new(a->load->port);
    if (a->caller == NULL)
        return false;
    caller_rush_in(a->caller);
    a->channel = ++a->load->last_channel;
    memset(&m, 0, sizeof(m));
    m.id = mode == MODE_TX ? METHOD_TX_SELECT : METHOD_CONFIRM_SELECT;
    if (mode != MODE_PLAIN)
        caller_method(a->caller, 1, &m);
    return true;
}

static struct mail_spec draw_mail(struct actor *a, const struct target *t)
{
    struct load *l = a->load;
    struct mail_spec spec = {.number = ++l->last_message};

    spec.size = MAIL_SIZE_MIN + load_below(l, load_chance(l, 1, 10) ? 8000 : 200);
    if (load_chance(l, 1, 200))
        spec.size = 100000 + load_below(l, 200000);
    if (load_has(l, FEATURE_PRIORITY) && load_chance(l, 1, 2))
        spec.priority = (uint8_t)load_below(l, 8);
    if (t->is_delayed)
        spec.delay = 1 + load_below(l, DELAY_MAX_MS);
    return spec;
}

static void note_publish(struct actor *a, const struct mail_spec *spec, const struct target *t,
                         uint64_t digest)
{
    struct event *e = load_event(a->load, VERB_PUBLISH);

    event_set(e, FACT_MESSAGE, spec->number);
    event_set(e, FACT_CHANNEL, a->channel);
    event_set(e, FACT_BODY, digest);
    event_set(e, FACT_WHERE, mail_where(bytes_text(t->exchange), bytes_text(t->key)));
    if (spec->delay > 0)
        event_set(e, FACT_DELAY, spec->delay);
    if (spec->priority > 0)
        event_set(e, FACT_PRIORITY, spec->priority);
    if (a->mode == MODE_TX)
        event_set(e, FACT_TRANSACTION, a->transaction);
    places_route(a->load, t, e);
}

void sender_publish(struct actor *a, const struct target *t)
{
    struct mail_spec spec = draw_mail(a, t);
    struct props decoded;
    struct method m;
    struct buf props;
    struct buf body;

    buf_init(&props, PROPS_MAX);
    buf_init(&body, BODY_MAX);
    mail_make(&spec, &props, &body);
    if (props_decode(buf_view(&props), &decoded) == 0) {
        if (a->mode == MODE_TX && a->transaction == 0)
            a->transaction = ++a->load->last_transaction;
        note_publish(a, &spec, t, mail_digest(&decoded, buf_view(&body)));
        memset(&m, 0, sizeof(m));
        m.id = METHOD_BASIC_PUBLISH;
        m.basic_publish.exchange = bytes_text(t->exchange);
        m.basic_publish.routing_key = bytes_text(t->key);
        caller_method(a->caller, 1, &m);
        caller_content(a->caller, buf_view(&props), buf_view(&body));
        a->row[a->row_count++] = (struct outstanding){.message = spec.number};
        a->in_transaction++;
    }
    buf_release(&props);
    buf_release(&body);
}

static void end_transaction(struct actor *a)
{
    struct method m = {.id = METHOD_TX_COMMIT};

    if (load_chance(a->load, 1, 6))
        m.id = METHOD_TX_ROLLBACK;
    caller_method(a->caller, 1, &m);
    a->is_committing = true;
}

static enum actor_mode draw_mode(struct load *l)
{
    if (load_has(l, FEATURE_TX) && load_chance(l, 1, 3))
        return MODE_TX;
    return load_chance(l, 1, 8) ? MODE_PLAIN : MODE_CONFIRM;
}

void sender_act(struct actor *a)
{
    struct load *l = a->load;
    unsigned burst = 1 + (unsigned)load_below(l, load_chance(l, 1, 8) ? 20 : 3);

    if (a->caller == NULL) {
        sender_join(a, draw_mode(l));
        return;
    }
    if (a->is_committing || a->is_going)
        return;
    if (a->row_count + burst >= OUTSTANDING_MAX || load_chance(l, 1, 300)) {
        actor_leave(a);
        return;
    }
    if (a->mode == MODE_TX && a->transaction > 0 &&
        (a->in_transaction >= TRANSACTION_MAX || load_chance(l, 1, 3))) {
        end_transaction(a);
        return;
    }
    for (unsigned i = 0; i < burst; i++) {
        struct target t = places_target(l);

        sender_publish(a, &t);
    }
}

/* ---- answers ---- */

static void answer_one(struct actor *a, uint64_t seq, enum verb verb)
{
    if (seq == 0 || seq > a->row_count || a->row[seq - 1].is_over)
        return;
    a->row[seq - 1].is_over = true;
    a->load->confirmed += verb == VERB_CONFIRM;
    event_set(load_event(a->load, verb), FACT_MESSAGE, a->row[seq - 1].message);
}

static void on_confirm(struct actor *a, uint64_t tag, bool is_multiple, enum verb verb)
{
    if (tag > a->row_count) { /* a number that was never given: the checker shall see it */
        event_set(load_event(a->load, verb), FACT_MESSAGE, UINT64_C(1) << 31 | tag);
        tag = a->row_count;
    }
    for (uint64_t seq = is_multiple ? 1 : tag; seq <= tag; seq++)
        answer_one(a, seq, verb);
}

static void on_transaction_over(struct actor *a, enum verb verb)
{
    if (a->transaction > 0)
        event_set(load_event(a->load, verb), FACT_TRANSACTION, a->transaction);
    a->load->confirmed += verb == VERB_COMMIT ? a->in_transaction : 0;
    a->transaction = 0;
    a->in_transaction = 0;
    a->is_committing = false;
}

void sender_hear(struct actor *a, const struct method *m)
{
    switch (m->id) {
    case METHOD_BASIC_ACK:
        on_confirm(a, m->basic_ack.delivery_tag, m->basic_ack.multiple, VERB_CONFIRM);
        break;
    case METHOD_BASIC_NACK:
        on_confirm(a, m->basic_nack.delivery_tag, m->basic_nack.multiple, VERB_REFUSE);
        break;
    case METHOD_TX_COMMIT_OK:
        on_transaction_over(a, VERB_COMMIT);
        break;
    case METHOD_TX_ROLLBACK_OK:
        on_transaction_over(a, VERB_ROLLBACK);
        break;
    default:
        break;
    }
}

unsigned sender_waiting(const struct actor *a)
{
    unsigned waiting = 0;

    for (unsigned i = 0; i < a->row_count; i++)
        waiting += !a->row[i].is_over;
    return waiting;
}
