/* Transactions: staged copies, and the commit.
 *
 *     staged: | sizes | exchange | key | properties | body |  ...     one after the other
 *
 * The commit routes every message anew, twice: first to see whether all of it is for one home and
 * how much of a batch it takes, then to hand it over. When all is for one home it is a group of
 * the log, so that it survives whole or not at all; a group that finds no room is tried again when
 * there is some, and nothing of it has happened before. Across homes each message and each settle
 * is by itself: the settles happen when all messages are committed, so that a crash between the two
 * shows messages twice and loses none.
 *
 * Done is told when every home has committed what it got. */
#include "broker/tx.h"

#include "base/mem.h"
#include "base/zoo.h"
#include "broker/parts.h"
#include "broker/publisher.h"
#include "broker/staged.h"
#include "broker/targets.h"
#include "exchange/exchange.h"
#include "queue/group.h"
#include "queue/queue.h"
#include "queue/streams.h"

enum {
    SETTLES_MIN = 16,
    STAGED_MAX = 1 << 30, /* beyond what any setting allows */
};

struct staged_settle {
    struct delivery *delivery;
    enum tx_settle_kind kind;
};

struct tx {
    struct list_link link; /* of the broker's list, while it waits for a commit */
    struct held held;
    struct publisher *publisher;
    const struct tx_ops *ops;
    void *owner;
    struct buf messages;
    size_t message_count;
    struct staged_settle *settles;
    size_t settle_count;
    size_t settle_capacity;
    void (*settled)(void *owner, struct delivery *d);
    bool is_committing;
    bool is_publishing; /* across homes: the settles wait for the commit of the messages */
    /* Large bodies go to the log before the group begins, one after the other. */
    struct store_upload **uploads;
    size_t upload_count;
    uint64_t uploaded; /* bytes of the last one */
    struct sent sent;  /* of the commit: positions to wait for */
    int result;
};

/* ---- stage ---- */

static void on_resume(struct held *h);

struct tx *tx_new(struct publisher *p, const struct tx_ops *ops, void *owner)
{
    struct tx *t = MEM_NEW(struct tx);

    t->publisher = p;
    t->ops = ops;
    t->owner = owner;
    t->held.resume = on_resume;
    buf_init(&t->messages, STAGED_MAX);
    return t;
}

static void forget_messages(struct tx *t)
{
    buf_release(&t->messages);
    buf_init(&t->messages, STAGED_MAX);
    t->message_count = 0;
    for (size_t i = 0; i < t->upload_count; i++)
        store_upload_close(t->uploads[i]);
    mem_free(t->uploads);
    t->uploads = NULL;
    t->upload_count = 0;
    sent_clear(&t->sent);
}

static void forget_staged(struct tx *t)
{
    if (!ZOO(ROLLBACK_PUBLISHES))
        forget_messages(t);
    mem_free(t->settles);
    t->settles = NULL;
    t->settle_count = 0;
    t->settle_capacity = 0;
}

/* Nobody waits for the commit any more, if there is one. */
static void stop_committing(struct tx *t)
{
    if (list_linked(&t->link))
        list_remove(&t->link);
    if (list_linked(&t->held.link))
        list_remove(&t->held.link);
    t->is_committing = false;
    t->is_publishing = false;
}

void tx_free(struct tx *t)
{
    stop_committing(t);
    forget_staged(t);
    mem_free(t);
}

static uint64_t bytes_of_tx(const struct tx *t)
{
    return t->messages.size + t->settle_count * sizeof(struct staged_settle);
}

static int check_size(const struct tx *t, uint64_t more, struct refusal *refusal)
{
    uint64_t max = t->publisher->visit->broker->options->tx_max_bytes;

    if (bytes_of_tx(t) + more <= max)
        return 0;
    return refuse(refusal, REFUSE_PRECONDITION,
                  "the transaction is larger than the configured %llu bytes",
                  (unsigned long long)max);
}

static void stage(struct tx *t, const struct outgoing *o, bool is_mandatory)
{
    const struct message *m = &o->message;
    struct buf *out = &t->messages;

    buf_u8(out, is_mandatory ? 1 : 0);
    buf_u8(out, o->is_delayed ? 1 : 0);
    buf_u8(out, o->is_keyed ? 1 : 0);
    buf_u8(out, (uint8_t)m->exchange.size);
    buf_u8(out, (uint8_t)m->routing_key.size);
    buf_le32(out, (uint32_t)o->key_count - 1);
    buf_le32(out, (uint32_t)m->props.bytes.size);
    buf_le32(out, (uint32_t)m->slip.size);
    buf_le64(out, m->body_size);
    buf_le64(out, o->expiration_ms);
    buf_bytes(out, m->exchange);
    buf_bytes(out, m->routing_key);
    for (size_t i = 1; i < o->key_count; i++) {
        buf_le32(out, (uint32_t)o->keys[i].size);
        buf_bytes(out, o->keys[i]);
    }
    buf_bytes(out, m->props.bytes);
    buf_bytes(out, m->slip);
    for (size_t i = 0; i < m->body_count; i++)
        buf_bytes(out, m->body[i]);
}

int tx_publish(struct tx *t, const struct publish *m, struct refusal *refusal)
{
    struct outgoing o;
    size_t before = t->messages.size;
    int rv = outgoing_make(t->publisher, &m->message, &o, refusal);

    ASSERT(!t->is_committing);
    if (rv == 0)
        rv = check_size(t, m->message.body_size + m->message.props.bytes.size, refusal);
    if (rv != 0)
        return rv;
    stage(t, &o, m->is_mandatory);
    if (buf_error(&t->messages) == 0) {
        t->message_count++;
        return 0;
    }
    t->messages.size = before;
    t->messages.error = 0;
    return refuse(refusal, REFUSE_RESOURCE, "no memory is left for the transaction");
}

size_t tx_messages(const struct tx *t)
{
    return t->message_count;
}

size_t tx_settles(const struct tx *t)
{
    return t->settle_count;
}

int tx_settle(struct tx *t, struct delivery *d, enum tx_settle_kind kind, struct refusal *refusal)
{
    int rv = check_size(t, sizeof(struct staged_settle), refusal);

    ASSERT(!t->is_committing);
    if (rv != 0)
        return rv;
    if (t->settle_count == t->settle_capacity) {
        t->settle_capacity = t->settle_capacity == 0 ? SETTLES_MIN : 2 * t->settle_capacity;
        t->settles =
            (struct staged_settle *)mem_grow(t->settles, t->settle_capacity, sizeof(*t->settles));
    }
    t->settles[t->settle_count++] = (struct staged_settle){.delivery = d, .kind = kind};
    return 0;
}

void tx_rollback(struct tx *t, void (*kept)(void *owner, struct delivery *d))
{
    stop_committing(t);
    for (size_t i = 0; i < t->settle_count; i++)
        kept(t->owner, t->settles[i].delivery);
    forget_staged(t);
}

/* ---- reading what is staged ---- */

/* A staged message; everything is borrowed, the keys from the broker's buffer. */
struct staged {
    struct outgoing out;
    struct bytes body;
    bool is_mandatory;
};

static struct once once_of(const struct props *props)
{
    struct once once = {.seq = 0};
    struct table headers;

    if (props_find_headers(props, &headers))
        (void)once_read(headers, &once);
    return once;
}

static bool next_staged(struct tx *t, struct reader *r, struct staged *s)
{
    struct broker *b = t->publisher->visit->broker;
    struct message *m = &s->out.message;
    size_t exchange_size = 0;
    size_t key_size = 0;
    size_t more_keys = 0;
    size_t props_size = 0;
    size_t slip_size = 0;
    int rv = 0;

    if (r->left == 0)
        return false;
    *s = (struct staged){.is_mandatory = reader_u8(r) != 0};
    s->out.is_delayed = reader_u8(r) != 0;
    s->out.is_keyed = reader_u8(r) != 0;
    exchange_size = reader_u8(r);
    key_size = reader_u8(r);
    more_keys = reader_le32(r);
    props_size = reader_le32(r);
    slip_size = reader_le32(r);
    m->body_size = reader_le64(r);
    s->out.expiration_ms = reader_le64(r);
    m->exchange = reader_bytes(r, exchange_size);
    m->routing_key = reader_bytes(r, key_size);
    buf_clear(&b->scratch.keys);
    buf_bytes(&b->scratch.keys, bytes_of(&m->routing_key, sizeof(struct bytes)));
    for (size_t i = 0; i < more_keys; i++) {
        struct bytes key = reader_bytes(r, reader_le32(r));

        buf_bytes(&b->scratch.keys, bytes_of(&key, sizeof(key)));
    }
    rv = props_decode(reader_bytes(r, props_size), &m->props);
    m->slip = reader_bytes(r, slip_size);
    s->body = reader_bytes(r, (size_t)m->body_size);
    ASSERT(rv == 0 && !r->is_failed && buf_error(&b->scratch.keys) == 0);
    m->body = &s->body;
    m->body_count = s->body.size == 0 ? 0 : 1;
    s->out.keys = (const struct bytes *)(const void *)b->scratch.keys.data;
    s->out.key_count = b->scratch.keys.size / sizeof(struct bytes);
    s->out.exchange = exchange_find(t->publisher->visit->vhost->table, m->exchange);
    s->out.may_be_reply = m->exchange.size == 0;
    s->out.channel = t->publisher->channel;
    s->out.once = once_of(&m->props);
    return true;
}

/* ---- the commit as one group ---- */

/* What is to be one group: the home that all of it is for, and how much of a batch it takes. */
struct tx_group {
    struct home *home; /* NULL: nothing so far */
    bool is_spread;
    bool is_pressed; /* one of the homes takes nothing now */
    size_t size;
};

static void join(struct tx_group *g, struct home *home, size_t size)
{
    if (g->home != NULL && g->home != home)
        g->is_spread = true;
    if (home_is_pressed(home) && !home->is_failed)
        g->is_pressed = true;
    g->home = home;
    g->size += size;
}

static void measure_message(struct tx *t, const struct staged *s, struct tx_group *g)
{
    struct vhost *v = t->publisher->visit->vhost;
    const struct route_view view = {.keys = s->out.keys,
                                    .key_count = s->out.key_count,
                                    .props = &s->out.message.props,
                                    .is_delayed = s->out.is_delayed,
                                    .is_keyed = s->out.is_keyed};
    const struct targets *targets = NULL;
    struct route route;

    if (s->out.exchange == NULL)
        return;
    route_message(v->table, s->out.exchange, &view, &route);
    targets = targets_choose(v, targets_find(v, &route), &s->out.message);
    for (size_t i = 0; i < targets->group_count; i++) {
        const struct queues_publish publish = {
            .message = &s->out.message,
            .expiration_ms = s->out.expiration_ms,
            .targets = targets->queues + targets->groups[i].first,
            .target_count = targets->groups[i].count,
        };

        join(g, targets->groups[i].home, queues_publish_size(&publish));
    }
}

static struct home *home_of(struct delivery *d)
{
    return d->queue == NULL ? NULL : ((struct named_queue *)queue_owner(d->queue))->home;
}

static void measure(struct tx *t, struct tx_group *g)
{
    struct reader r = reader_of(buf_view(&t->messages));
    struct staged s;

    *g = (struct tx_group){0};
    while (next_staged(t, &r, &s))
        measure_message(t, &s, g);
    for (size_t i = 0; i < t->settle_count; i++) {
        struct home *home = home_of(t->settles[i].delivery);

        if (home != NULL)
            join(g, home, QUEUES_SETTLE_SIZE + group_settle_size(t->settles[i].delivery));
    }
}

/* ---- large bodies ---- */

/* Continues one upload. ERR_FULL, ERR_FAILED. */
static int upload(struct tx *t, struct home *home, const struct staged *s, bool is_new)
{
    size_t taken = 0;
    int rv = 0;

    if (is_new) {
        t->uploads = (struct store_upload **)mem_grow(t->uploads, t->upload_count + 1,
                                                      sizeof(struct store_upload *));
        t->uploads[t->upload_count++] =
            store_upload_open(queues_store(home->queues), message_is_persistent(&s->out.message) ||
                                                              queues_have_streams(home->queues));
        t->uploaded = 0;
    }
    if (t->uploaded < s->body.size)
        rv = store_upload_add(t->uploads[t->upload_count - 1],
                              bytes_of(s->body.data + t->uploaded, s->body.size - t->uploaded),
                              &taken);
    t->uploaded += taken;
    return rv;
}

static int upload_all(struct tx *t, struct home *home)
{
    struct reader r = reader_of(buf_view(&t->messages));
    struct staged s;
    size_t number = 0;
    int rv = 0;

    while (rv == 0 && next_staged(t, &r, &s)) {
        if (s.body.size <= STORE_PART_BYTES)
            continue;
        number++;
        if (number >= t->upload_count) /* those before the last one are complete */
            rv = upload(t, home, &s, number > t->upload_count);
    }
    return rv;
}

/* ---- what the commit does ---- */

static void return_one(struct tx *t, const struct staged *s)
{
    publisher_count_unroutable(t->publisher, s->is_mandatory);
    if (s->is_mandatory)
        t->ops->returned(t->owner, &s->out.message);
}

/* Gives one message to its queues; `upload` has its body, if that is large and was sent ahead. */
static void publish_one(struct tx *t, const struct staged *s, struct store_upload *upload)
{
    struct sent sent = {.upload = upload, .uploaded = s->out.message.body_size};
    struct train_way way = {.places = 0};

    if (s->out.exchange != NULL && outgoing_send(t->publisher->visit, &s->out, &sent, &way) != 0)
        sent.rejected++; /* no room for what does not go to the log */
    publisher_count(t->publisher, s->out.message.exchange, 1);
    if (way.places == 0 && sent.rejected == 0)
        return_one(t, s);
    if (sent.has_failed)
        t->result = ERR_FAILED;
    else if (sent.rejected > 0 && t->result == 0)
        t->result = ERR_FULL;
    sent_merge(&t->sent, &sent);
    sent_clear(&sent);
}

static void publish_staged(struct tx *t)
{
    struct reader r = reader_of(buf_view(&t->messages));
    struct staged s;
    size_t number = 0;

    while (next_staged(t, &r, &s)) {
        struct store_upload *upload = NULL;

        if (s.body.size > STORE_PART_BYTES && number < t->upload_count)
            upload = t->uploads[number++];
        publish_one(t, &s, upload);
    }
    t->upload_count = 0; /* each was closed by the one that used it */
}

static void settle_staged(struct tx *t)
{
    for (size_t i = 0; i < t->settle_count; i++) {
        struct delivery *d = t->settles[i].delivery;

        t->settled(t->owner, d);
        switch (t->settles[i].kind) {
        case TX_ACK:
            queue_ack(d);
            break;
        case TX_REJECT:
            queue_reject(d);
            break;
        case TX_REQUEUE:
            queue_requeue(d, true);
            break;
        }
    }
    t->settle_count = 0;
}

static void wait_for(struct tx *t)
{
    struct broker *b = t->publisher->visit->broker;

    list_push(&b->commits, &t->link);
    broker_stir(b);
}

/* Everything happens, inside a group of that home; NULL: nothing of it goes to the log. */
static void run(struct tx *t, struct home *home)
{
    struct sent group = {0};
    uint64_t position = 0;

    publish_staged(t);
    settle_staged(t);
    if (home != NULL) {
        queues_end_group(home->queues, &position);
        group.logged[group.count].home = home;
        group.logged[group.count++].position = position;
        sent_merge(&t->sent, &group);
    }
    wait_for(t);
}

/* The messages go to their homes; the settles follow when they are safe. */
static void run_spread(struct tx *t)
{
    publish_staged(t);
    t->is_publishing = true;
    wait_for(t);
}

/* Starts the commit, or waits until there is room for it. */
static void try_commit(struct tx *t)
{
    struct tx_group g;
    int rv = 0;

    measure(t, &g);
    if (g.is_pressed)
        rv = ERR_FULL;
    else if (g.home != NULL && !g.is_spread)
        rv = upload_all(t, g.home);
    if (rv == 0 && g.home != NULL && !g.is_spread)
        rv = queues_begin_group(g.home->queues, g.size);
    if (rv == ERR_FULL) {
        broker_hold(t->publisher->visit->broker, &t->held);
        return;
    }
    if (rv == 0 && g.is_spread) {
        run_spread(t);
        return;
    }
    if (rv == 0) {
        run(t, g.home);
        return;
    }
    t->result = rv == ERR_RANGE ? ERR_FULL : rv; /* nothing of it happens */
    wait_for(t);
}

static void on_resume(struct held *h)
{
    try_commit(CONTAINER_OF(h, struct tx, held));
}

void tx_commit(struct tx *t, void (*settled)(void *owner, struct delivery *d))
{
    ASSERT(!t->is_committing);
    t->is_committing = true;
    t->settled = settled;
    t->result = 0;
    try_commit(t);
}

/* ---- the end of the commit ---- */

static bool is_over(struct tx *t)
{
    for (size_t i = 0; i < t->sent.count; i++) {
        const struct home *home = t->sent.logged[i].home;

        if (home_is_safe(home, t->sent.logged[i].position))
            continue;
        if (!home->is_failed)
            return false;
        t->result = ERR_FAILED;
    }
    return true;
}

void staged_step(struct broker *b)
{
    struct list commits;
    struct list_link *link = NULL;

    list_init(&commits);
    while ((link = list_take(&b->commits)) != NULL)
        list_push(&commits, link);
    while ((link = list_take(&commits)) != NULL) {
        struct tx *t = CONTAINER_OF(link, struct tx, link);

        if (!is_over(t)) {
            list_push(&b->commits, link);
            continue;
        }
        if (t->is_publishing && t->result == 0)
            settle_staged(t);
        t->is_publishing = false;
        t->is_committing = false;
        forget_messages(t); /* settles of a commit that came to nothing stay: tx_rollback() */
        t->ops->done(t->owner, t->result);
    }
}
