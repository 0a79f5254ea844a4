/* Stories about a broker: the transactions of a channel. */
#include <string.h>

#include "tests/story/broker_story.h"

static void on_returned(void *owner, const struct message *m)
{
    struct broker_story_state *s = (struct broker_story_state *)owner;

    story_effect(s->out, "returned %.*s", (int)m->body[0].size, (const char *)m->body[0].data);
}

static void on_done(void *owner, int err)
{
    struct broker_story_state *s = (struct broker_story_state *)owner;

    if (err == 0)
        story_effect(s->out, "committed");
    else
        story_effect(s->out, "not committed: %s", err_name(err));
}

static void on_settled(void *owner, struct delivery *d)
{
    struct broker_story_state *s = (struct broker_story_state *)owner;
    struct story_held *h = broker_story_held_of(s, d);

    story_effect(s->out, "settled %s", h->body);
    broker_story_forget(h);
}

static void on_kept(void *owner, struct delivery *d)
{
    struct broker_story_state *s = (struct broker_story_state *)owner;
    struct story_held *h = broker_story_held_of(s, d);

    story_effect(s->out, "kept %s", h->body);
    h->is_staged = false;
}

static struct tx *tx_of(struct broker_story_state *s)
{
    static const struct tx_ops ops = {.returned = on_returned, .done = on_done};

    if (s->tx == NULL) {
        world_publisher_open(&s->world, s->world.visit, &s->channel, false);
        s->tx = tx_new(s->channel.publisher, &ops, s);
    }
    return s->tx;
}

void broker_story_end_tx(struct broker_story_state *s)
{
    if (s->tx == NULL)
        return;
    tx_free(s->tx);
    world_publisher_close(&s->channel);
    s->tx = NULL;
}

static void do_publish(struct broker_story_state *s, const struct story_line *l)
{
    struct bytes body;
    const struct publish p = broker_story_message(s, l, 1, &body);

    broker_story_result(s, tx_publish(tx_of(s), &p, &s->world.refusal));
}

static void settle(struct broker_story_state *s, const struct story_line *l,
                   enum tx_settle_kind kind)
{
    struct story_held *h = broker_story_held(s, l);

    if (h == NULL)
        story_effect(s->out, "%s does not hold %s", l->words[1], l->words[2]);
    for (; h != NULL; h = strcmp(l->words[2], "all") == 0 ? broker_story_held(s, l) : NULL) {
        h->is_staged = true;
        broker_story_result(s, tx_settle(tx_of(s), h->delivery, kind, &s->world.refusal));
    }
}

static void do_ack(struct broker_story_state *s, const struct story_line *l)
{
    settle(s, l, TX_ACK);
}

static void do_reject(struct broker_story_state *s, const struct story_line *l)
{
    settle(s, l, TX_REJECT);
}

static void do_requeue(struct broker_story_state *s, const struct story_line *l)
{
    settle(s, l, TX_REQUEUE);
}

static void do_commit(struct broker_story_state *s, const struct story_line *l)
{
    (void)l;
    tx_commit(tx_of(s), on_settled);
}

static void do_rollback(struct broker_story_state *s, const struct story_line *l)
{
    (void)l;
    tx_rollback(tx_of(s), on_kept);
}

const struct broker_command broker_tx_commands[] = {
    {"tx-publish", do_publish},
    {"tx-ack", do_ack},
    {"tx-reject", do_reject},
    {"tx-requeue", do_requeue},
    {"tx-commit", do_commit},
    {"tx-rollback", do_rollback},
    {NULL, NULL},
};
