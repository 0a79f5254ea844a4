/* tx.x: transactions of a channel. */
#include "amqp/channel.h"
#include "base/err.h"
#include "broker/tx.h"

static void on_returned(void *owner, const struct message *m)
{
    publish_return(owner, m);
}

/* The commit is safe, or failed. */
static void on_done(void *owner, int err)
{
    struct method reply = {.id = METHOD_TX_COMMIT_OK};
    struct channel *ch = owner;
    struct reply r;

    connection_resume(ch->connection, STALL_COMMIT);
    if (err == 0) {
        channel_write(ch, &reply);
        return;
    }
    if (err == ERR_FULL)
        reply_format(&r, REPLY_PRECONDITION_FAILED, "partial tx completion");
    else
        reply_format(&r, REPLY_INTERNAL_ERROR, "the transaction could not be stored: %s",
                     err_text(err));
    channel_fail_later(ch, METHOD_TX_COMMIT, &r);
}

static const struct tx_ops ops = {.returned = on_returned, .done = on_done};

static void on_select(struct channel *ch, const struct method *m)
{
    struct method reply = {.id = METHOD_TX_SELECT_OK};

    if (ch->is_confirming) {
        channel_fail_text(ch, m->id, REPLY_PRECONDITION_FAILED,
                          "cannot switch from confirm to tx mode");
        return;
    }
    if (ch->tx == NULL)
        ch->tx = tx_new(channel_publisher(ch), &ops, ch);
    channel_write(ch, &reply);
}

/* A staged delivery is settled; its tag was taken when it was staged. */
static void on_settled(void *owner, struct delivery *d)
{
    (void)owner;
    (void)d;
}

static void on_commit(struct channel *ch)
{
    connection_stall(ch->connection, STALL_COMMIT, ch);
    tx_commit(ch->tx, on_settled);
}

/* What was staged is in the client's hands as before. */
static void on_kept(void *owner, struct delivery *d)
{
    struct channel *ch = owner;

    tags_put_back(&ch->tags, d->tag, d);
}

static void on_rollback(struct channel *ch)
{
    struct method reply = {.id = METHOD_TX_ROLLBACK_OK};

    tx_rollback(ch->tx, on_kept);
    channel_write(ch, &reply);
}

void tx_method(struct channel *ch, const struct method *m)
{
    if (m->id != METHOD_TX_SELECT && ch->tx == NULL) {
        channel_fail_text(ch, m->id, REPLY_PRECONDITION_FAILED, "channel is not transactional");
        return;
    }
    switch (m->id) {
    case METHOD_TX_SELECT:
        on_select(ch, m);
        break;
    case METHOD_TX_COMMIT:
        on_commit(ch);
        break;
    case METHOD_TX_ROLLBACK:
        on_rollback(ch);
        break;
    default:
        channel_fail_unimplemented(ch, m->id);
    }
}
