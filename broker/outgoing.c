/* A message on its way out: what is checked, what is changed, and where it goes.
 *
 * The usual message has no property that matters here, goes to the exchange of the one before, and
 * its route is remembered: then this is a few comparisons. */
#include <string.h>

#include "broker/access.h"
#include "broker/announce.h"
#include "broker/history.h"
#include "broker/parts.h"
#include "broker/publisher.h"
#include "broker/replies.h"
#include "broker/targets.h"
#include "exchange/exchange.h"
#include "msg/delay.h"
#include "msg/slip.h"
#include "msg/table_writer.h"
#include "msg/ttl.h"
#include "queue/queue.h"
#include "queue/streams.h"

/* ---- the exchange ---- */

static bool memo_fits(const struct publish_memo *memo, const struct visit *v, struct bytes name)
{
    return memo->exchange != NULL && memo->vhost_version == v->vhost->version &&
           memo->auth_version == auth_version(v->broker->auth) &&
           bytes_equal(bytes_of(memo->name, memo->name_size), name);
}

static int find_exchange(struct publisher *p, struct bytes name, struct refusal *refusal)
{
    struct visit *v = p->visit;
    struct publish_memo *memo = &p->memo;
    struct exchange_spec spec;
    struct exchange *x = NULL;
    int rv = access_exchange(v, name, AUTH_WRITE, refusal);

    if (rv != 0)
        return rv;
    x = exchange_find(v->vhost->table, name);
    if (x == NULL)
        return refuse_no_exchange(v, name, refusal);
    spec = exchange_spec(x);
    if (spec.is_internal)
        return refuse(refusal, REFUSE_ACCESS,
                      "cannot publish to internal exchange '%.*s' in vhost '%.*s'", SHOW(name),
                      SHOW(v->vhost->name));
    ASSERT(name.size <= SHORTSTR_MAX);
    publisher_count_memo(p);
    memo->exchange = x;
    memo->vhost_version = v->vhost->version;
    memo->auth_version = auth_version(v->broker->auth);
    memo->is_topic = bytes_equal(spec.type, bytes_text("topic"));
    memo->is_default = exchange_is_default(x);
    memo->is_delayed = exchange_is_delayed(x);
    memo->name_size = (uint8_t)name.size;
    if (name.size > 0)
        memcpy(memo->name, name.data, name.size);
    return 0;
}

static int check_topics(const struct visit *v, const struct outgoing *o, struct refusal *refusal)
{
    int rv = 0;

    for (size_t i = 0; i < o->key_count && rv == 0; i++)
        rv = access_topic(v, o->message.exchange, o->keys[i], AUTH_WRITE, refusal);
    return rv;
}

/* ---- properties that matter ---- */

static int check_expiration(const struct props *props, uint64_t *ms, struct refusal *refusal)
{
    struct bytes text = bytes_of(NULL, 0);
    struct ttl ttl;

    if (!props_find_text(props, PROP_EXPIRATION, &text))
        return 0;
    ttl = ttl_parse(text);
    switch (ttl.fault) {
    case TTL_OK:
        *ms = ttl.ms;
        return 0;
    case TTL_NO_INTEGER:
        return refuse(refusal, REFUSE_PRECONDITION, "invalid expiration '%.*s': no_integer",
                      SHOW(text));
    case TTL_LEFTOVER:
        return refuse(refusal, REFUSE_PRECONDITION,
                      "invalid expiration '%.*s': {leftover_string,\"%.*s\"}", SHOW(text),
                      SHOW(ttl.detail));
    case TTL_NEGATIVE:
        return refuse(refusal, REFUSE_PRECONDITION,
                      "invalid expiration '%.*s': {value_negative,-%.*s}", SHOW(text),
                      SHOW(ttl.detail));
    case TTL_TOO_LARGE:
        return refuse(refusal, REFUSE_PRECONDITION,
                      "invalid expiration '%.*s': {value_too_large,%.*s}", SHOW(text),
                      SHOW(ttl.detail));
    }
    ASSERT(false);
    return 0;
}

static int check_user_id(const struct visit *v, const struct props *props, struct refusal *refusal)
{
    struct bytes id = bytes_of(NULL, 0);
    struct bytes name = v->user == NULL ? bytes_of(NULL, 0) : user_name(v->user);

    if (v->user == NULL || !props_find_text(props, PROP_USER_ID, &id) || bytes_equal(id, name) ||
        user_has_tag(v->user, "impersonator"))
        return 0;
    return refuse(refusal, REFUSE_PRECONDITION,
                  "user_id property set to '%.*s' but authenticated user was '%.*s'", SHOW(id),
                  SHOW(name));
}

/* Adds the routing keys that a header lists. */
static int add_keys(struct broker *b, const struct field *f, const char *name,
                    struct refusal *refusal)
{
    struct field one;
    struct array array;
    struct array_walk w;
    struct bytes key;

    if (!field_as_array(f, &array))
        return refuse(refusal, REFUSE_PRECONDITION,
                      "invalid message: {unacceptable_type_in_header,\"%s\",%s}", name,
                      field_type_name(f));
    w = array_walk(array);
    while (array_next(&w, &one))
        if (field_as_text(&one, &key))
            buf_bytes(&b->scratch.keys, bytes_of(&key, sizeof(key)));
    return 0;
}

/* What the properties ask for to be changed before the message leaves, and what else they say. */
struct changes {
    bool has_reply_name;
    bool has_bcc;
    size_t first_hidden; /* index of the first key that comes from BCC */
    bool has_delay;
    bool has_once;
    bool has_key;
    struct table headers;
};

/* ---- delays ---- */

static bool is_to_wait(struct broker *b, struct table headers)
{
    struct delay d = delay_of_headers(headers);

    return d.kind == DELAY_SPAN || (d.kind == DELAY_DATE && d.ms > io_wall_ms(b->io));
}

bool outgoing_is_delayed(struct broker *b, const struct props *props)
{
    struct table headers;

    return props_find_headers(props, &headers) && is_to_wait(b, headers);
}

/* A delayed exchange does not guess what somebody meant. */
static int check_delay(struct table headers, struct refusal *refusal)
{
    struct field f;

    if (table_find(headers, bytes_text("x-delay"), &f) && !delay_is_span(&f))
        return refuse(refusal, REFUSE_PRECONDITION,
                      "invalid header 'x-delay' of type '%s': it must be a whole number of "
                      "milliseconds",
                      field_type_name(&f));
    if (table_find(headers, bytes_text("x-deliver-at"), &f) && !delay_is_date(&f))
        return refuse(refusal, REFUSE_PRECONDITION,
                      "invalid header 'x-deliver-at' of type '%s': it must be a timestamp, or an "
                      "integer: milliseconds since 1970",
                      field_type_name(&f));
    return 0;
}

/* ---- exactly once ---- */

static int check_once(struct table headers, struct once *out, struct refusal *refusal)
{
    switch (once_read(headers, out)) {
    case ONCE_OK:
        return 0;
    case ONCE_BAD_PUBLISHER:
        return refuse(refusal, REFUSE_PRECONDITION,
                      "invalid header 'x-publisher-id': it must be text of 1 to %d bytes",
                      (int)ONCE_ID_MAX);
    case ONCE_BAD_SEQ:
        return refuse(refusal, REFUSE_PRECONDITION,
                      "invalid header 'x-publish-seq': it must be an integer, 0 or more");
    case ONCE_NO_PUBLISHER:
        return refuse(refusal, REFUSE_PRECONDITION,
                      "header 'x-publish-seq' needs the header 'x-publisher-id' beside it");
    case ONCE_NO_SEQ:
        return refuse(refusal, REFUSE_PRECONDITION,
                      "header 'x-publisher-id' needs the header 'x-publish-seq' beside it");
    }
    ASSERT(false);
    return 0;
}

/* ---- headers ---- */

/* One walk over the headers: most have none of the two. */
static int read_headers(struct broker *b, const struct props *props, struct changes *changes,
                        struct refusal *refusal)
{
    static const struct bytes cc = {(const uint8_t *)"CC", 2};
    static const struct bytes bcc = {(const uint8_t *)"BCC", 3};
    static const struct bytes delay = {(const uint8_t *)"x-delay", 7};
    static const struct bytes date = {(const uint8_t *)"x-deliver-at", 12};
    static const struct bytes publisher = {(const uint8_t *)"x-publisher-id", 14};
    static const struct bytes seq = {(const uint8_t *)"x-publish-seq", 13};
    static const struct bytes key = {(const uint8_t *)"x-deduplication-header", 22};
    struct field copies = {.type = FIELD_VOID};
    struct field hidden = {.type = FIELD_VOID};
    bool has_cc = false;
    struct table_walk w;
    struct table_entry e;
    int rv = 0;

    if (!props_find_headers(props, &changes->headers))
        return 0;
    w = table_walk(changes->headers);
    while (table_next(&w, &e)) {
        if (UNLIKELY(bytes_equal(e.name, cc))) {
            copies = e.value;
            has_cc = true;
        } else if (UNLIKELY(bytes_equal(e.name, bcc))) {
            hidden = e.value;
            changes->has_bcc = true;
        } else if (UNLIKELY(bytes_equal(e.name, delay) || bytes_equal(e.name, date))) {
            changes->has_delay = true;
        } else if (UNLIKELY(bytes_equal(e.name, publisher) || bytes_equal(e.name, seq))) {
            changes->has_once = true;
        } else if (UNLIKELY(bytes_equal(e.name, key))) {
            changes->has_key = true;
        }
    }
    if (has_cc)
        rv = add_keys(b, &copies, "CC", refusal);
    changes->first_hidden = b->scratch.keys.size / sizeof(struct bytes);
    if (rv == 0 && changes->has_bcc)
        rv = add_keys(b, &hidden, "BCC", refusal);
    return rv;
}

/* Properties with the changes, in the broker's buffers. */
static void change_props(struct publisher *p, const struct changes *changes, struct props *props)
{
    const struct bytes bcc = bytes_text("BCC");
    struct broker *b = p->visit->broker;
    char name[REPLY_NAME_SIZE];
    struct props_edit edit;
    struct table headers;
    int rv = 0;

    props_edit_init(&edit, props);
    buf_clear(&b->scratch.headers);
    buf_clear(&b->scratch.props);
    if (changes->has_bcc) {
        table_rewrite(changes->headers, (struct table){{NULL, 0}}, &bcc, 1, &b->scratch.headers);
        rv = table_decode(buf_view(&b->scratch.headers), &headers);
        ASSERT(rv == 0);
        props_set_headers(&edit, headers);
    }
    if (changes->has_reply_name) {
        replies_name(p, name);
        props_set_text(&edit, PROP_REPLY_TO, bytes_text(name));
    }
    props_encode(&edit, &b->scratch.props);
    rv = props_decode(buf_view(&b->scratch.props), props);
    ASSERT(rv == 0);
}

/* The keys of BCC leave with the message for its dead letters. */
static int remember_hidden(struct broker *b, struct outgoing *o, size_t first,
                           struct refusal *refusal)
{
    buf_clear(&b->scratch.slip);
    if (first == o->key_count)
        return 0;
    slip_begin(&(struct slip){.deaths = 0}, &b->scratch.slip);
    for (size_t i = first; i < o->key_count; i++)
        slip_write_key(o->keys[i], &b->scratch.slip);
    if (buf_error(&b->scratch.slip) != 0)
        return refuse(refusal, REFUSE_PRECONDITION, "invalid message: too many keys in CC and BCC");
    o->message.slip = buf_view(&b->scratch.slip);
    return 0;
}

static int check_reply_to(const struct publisher *p, const struct props *props,
                          struct changes *changes, struct refusal *refusal)
{
    struct bytes to = bytes_of(NULL, 0);

    if (!props_find_text(props, PROP_REPLY_TO, &to) || !bytes_equal(to, bytes_text(REPLY_QUEUE)))
        return 0;
    if (!publisher_takes_replies(p))
        return refuse(refusal, REFUSE_PRECONDITION, "fast reply consumer does not exist");
    changes->has_reply_name = true;
    return 0;
}

static int check_props(struct publisher *p, struct outgoing *o, struct refusal *refusal)
{
    struct visit *v = p->visit;
    struct broker *b = v->broker;
    struct props *props = &o->message.props;
    struct changes changes = {0};
    int rv = check_reply_to(p, props, &changes, refusal);

    buf_clear(&b->scratch.keys);
    buf_bytes(&b->scratch.keys, bytes_of(&o->message.routing_key, sizeof(struct bytes)));
    if (rv == 0)
        rv = check_expiration(props, &o->expiration_ms, refusal);
    if (rv == 0)
        rv = read_headers(b, props, &changes, refusal);
    if (rv == 0 && changes.has_delay && p->memo.is_delayed)
        rv = check_delay(changes.headers, refusal);
    if (rv == 0 && changes.has_delay)
        o->is_delayed = is_to_wait(b, changes.headers);
    o->is_keyed = changes.has_key;
    if (rv == 0 && changes.has_once)
        rv = check_once(changes.headers, &o->once, refusal);
    if (rv == 0 && buf_error(&b->scratch.keys) != 0)
        rv = refuse(refusal, REFUSE_PRECONDITION, "invalid message: too many keys in CC and BCC");
    if (rv != 0)
        return rv;
    o->keys = (const struct bytes *)(const void *)b->scratch.keys.data;
    o->key_count = b->scratch.keys.size / sizeof(struct bytes);
    if (p->memo.is_topic)
        rv = check_topics(v, o, refusal);
    if (rv == 0)
        rv = check_user_id(v, props, refusal);
    if (rv == 0 && (changes.has_bcc || changes.has_reply_name))
        change_props(p, &changes, props);
    if (rv == 0 && changes.has_bcc)
        rv = remember_hidden(b, o, changes.first_hidden, refusal);
    return rv;
}

static bool has_props_that_matter(const struct message *m)
{
    const unsigned of_interest = (unsigned)prop_flag(PROP_HEADERS) | prop_flag(PROP_REPLY_TO) |
                                 prop_flag(PROP_EXPIRATION) | prop_flag(PROP_USER_ID);

    return (m->props.flags & of_interest) != 0;
}

int outgoing_make(struct publisher *p, const struct message *m, struct outgoing *out,
                  struct refusal *refusal)
{
    struct visit *v = p->visit;
    int rv = 0;

    if (UNLIKELY(!memo_fits(&p->memo, v, m->exchange))) {
        p->memo.exchange = NULL;
        rv = find_exchange(p, m->exchange, refusal);
        if (rv != 0)
            return rv;
    }
    out->message = *m;
    out->exchange = p->memo.exchange;
    out->expiration_ms = QUEUE_NO_LIMIT;
    out->keys = &out->message.routing_key;
    out->key_count = 1;
    out->may_be_reply = p->memo.is_default;
    out->channel = p->channel;
    out->is_delayed = false;
    out->once.publisher.data = NULL;
    out->is_keyed = false;
    if (UNLIKELY(has_props_that_matter(m)))
        return check_props(p, out, refusal);
    if (p->memo.is_topic)
        rv = check_topics(v, out, refusal);
    return rv;
}

/* ---- sending ---- */

void sent_clear(struct sent *s)
{
    if (UNLIKELY(s->upload != NULL))
        store_upload_close(s->upload);
    s->done = 0;
    s->at = 0;
    s->upload = NULL;
    s->came_before = false;
    s->has_failed = false;
    s->is_straight = false;
    s->rejected = 0;
    s->count = 0;
}

static void merge_one(struct sent *s, struct home *home, uint64_t position)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->logged[i].home != home)
            continue;
        if (s->logged[i].position < position)
            s->logged[i].position = position;
        return;
    }
    ASSERT(s->count < HOMES_MAX);
    s->logged[s->count].home = home;
    s->logged[s->count++].position = position;
}

void sent_merge(struct sent *s, const struct sent *other)
{
    for (size_t i = 0; i < other->count; i++)
        merge_one(s, other->logged[i].home, other->logged[i].position);
}

int outgoing_upload(struct home *home, const struct message *head, struct bytes part,
                    struct sent *sent, size_t *taken)
{
    int rv = 0;

    if (sent->upload == NULL) {
        sent->upload =
            store_upload_open(queues_store(home->queues),
                              message_is_persistent(head) || queues_have_streams(home->queues));
        sent->uploaded = 0;
    }
    rv = store_upload_add(sent->upload, part, taken);
    sent->uploaded += *taken;
    return rv;
}

/* Adds what is left of a large body to its parts. ERR_FULL: not all of it yet. */
static int upload(struct home *home, const struct message *m, struct sent *sent)
{
    uint64_t skip = sent->upload == NULL ? 0 : sent->uploaded;
    int rv = 0;

    for (size_t i = 0; i < m->body_count && rv == 0; i++) {
        size_t from = skip < m->body[i].size ? (size_t)skip : m->body[i].size;
        size_t taken = 0;

        skip -= from;
        if (from == m->body[i].size)
            continue;
        rv = outgoing_upload(home, m, bytes_of(m->body[i].data + from, m->body[i].size - from),
                             sent, &taken);
    }
    return rv;
}

/* Hands the message to some queues of a home. ERR_FULL, ERR_FAILED. */
static int send_to_queues(struct home *home, struct queues_publish *publish, struct sent *sent)
{
    struct queues_published published;
    int rv = 0;

    if (UNLIKELY(publish->message->body_size > STORE_PART_BYTES)) {
        rv = upload(home, publish->message, sent);
        publish->upload = sent->upload;
        if (sent->came_before && sent->uploaded != publish->message->body_size)
            rv = ERR_FAILED; /* the partition failed while the body came */
    }
    if (LIKELY(rv == 0))
        rv = queues_publish(home->queues, publish, &published);
    if (UNLIKELY(rv == ERR_FULL))
        return rv;
    if (UNLIKELY(sent->upload != NULL))
        store_upload_close(sent->upload);
    sent->upload = NULL;
    if (UNLIKELY(rv != 0))
        return ERR_FAILED;
    sent->rejected += published.rejected;
    sent->is_straight = published.may_be_train;
    if (published.is_in_log)
        merge_one(sent, home, published.position);
    return 0;
}

/* A record names a limited number of queues: what goes to more is more than one. */
static int send_to_home(const struct targets *t, const struct target_group *g,
                        struct queues_publish *publish, struct sent *sent)
{
    struct home *home = g->home;
    int rv = 0;

    if (UNLIKELY(home_is_pressed(home) && !home->is_failed))
        return ERR_AGAIN;
    while (rv == 0 && sent->at < g->count) {
        size_t left = g->count - sent->at;

        publish->targets = t->queues + g->first + sent->at;
        publish->target_count = left < STORE_TARGETS_MAX ? left : STORE_TARGETS_MAX;
        rv = send_to_queues(home, publish, sent);
        if (UNLIKELY(rv == ERR_FULL))
            return ERR_AGAIN;
        sent->at += publish->target_count;
    }
    sent->at = 0;
    sent->done |= 1U << home->number;
    if (UNLIKELY(rv != 0))
        sent->has_failed = true;
    return 0;
}

int targets_send(const struct targets *t, struct queues_publish *publish, struct sent *sent)
{
    int rv = 0;

    for (size_t i = 0; i < t->group_count && rv == 0; i++)
        if ((sent->done >> t->groups[i].home->number & 1) == 0)
            rv = send_to_home(t, &t->groups[i], publish, sent);
    return rv;
}

void targets_keep(struct vhost *v, const struct route *route, const struct message *m,
                  uint64_t ttl_ms)
{
    for (size_t i = 0; i < route->keeper_count; i++) {
        uint64_t number = history_keep(v->history, m, ttl_ms);

        if (number != 0)
            exchange_keep(v->table, route->keepers[i], number);
    }
}

/* Gives the message to consumers of replies that its keys name. */
static bool send_replies(struct visit *v, const struct outgoing *o)
{
    bool is_any = false;

    for (size_t i = 0; i < o->key_count; i++)
        if (replies_is_name(o->keys[i]) &&
            replies_post(v->broker, v->vhost, o->keys[i], &o->message))
            is_any = true;
    return is_any;
}

static bool is_by_name(const struct outgoing *o)
{
    return o->may_be_reply && o->key_count == 1;
}

/* Where the exchange leads. The default one is asked by name, without a walk. */
static const struct targets *find_targets(struct visit *v, const struct outgoing *o,
                                          struct route *route)
{
    const struct route_view view = {.keys = o->keys,
                                    .key_count = o->key_count,
                                    .props = &o->message.props,
                                    .is_delayed = o->is_delayed,
                                    .is_keyed = o->is_keyed};

    if (is_by_name(o)) {
        route->keeper_count = 0;
        return targets_of_name(v->vhost, o->keys[0]);
    }
    route_message(v->vhost->table, o->exchange, &view, route);
    return targets_find(v->vhost, route);
}

static size_t size_bucket(uint64_t size)
{
    size_t bucket = 0;

    while (bucket < COUNTERS_SIZES - 1 && size > counters_size_bounds[bucket])
        bucket++;
    return bucket;
}

/* So many messages, but for their sizes. */
static void count(struct visit *v, struct exchange *exchange, size_t places, uint64_t times)
{
    struct broker_counters *c = &v->broker->counters;
    struct exchange_counts *x = exchange_counts(exchange);

    c->received += times;
    c->routed += places > 0 ? times : 0;
    v->vhost->counts->received += times;
    x->in += times;
    x->out += places * times;
}

static void count_size(struct broker_counters *c, uint64_t size)
{
    c->size_counts[size_bucket(size)]++;
    c->size_sum += size;
}

/* Which queues get the message, for those who look. */
static void count_queues(const struct visit *v, const struct outgoing *o, const struct route *route)
{
    if (is_by_name(o))
        v->vhost->by_name->used++;
    else
        exchange_count_route(o->exchange, route);
}

/* ---- duplicates ---- */

/* An exchange on the way has seen the message; then it goes nowhere, and is safe when all is that
 * its queues hold. */
static bool is_duplicate(const struct targets *t, const struct outgoing *o, struct sent *sent)
{
    bool is_known = false;

    for (size_t i = 0; i < t->count && !is_known; i++)
        is_known = queue_knows(t->queues[i], &o->message.props);
    if (!is_known)
        return false;
    for (size_t i = 0; i < t->group_count; i++) {
        struct home *home = t->groups[i].home;
        uint64_t next = partition_next(home->partition);

        if (next > 0 && !home_is_safe(home, next - 1))
            merge_one(sent, home, next - 1);
    }
    return true;
}

/* Those that are no queue of anybody. */
static size_t count_caches(const struct targets *t)
{
    size_t count = 0;

    for (size_t i = 0; i < t->count; i++)
        count += queue_is_cache(t->queues[i]);
    return count;
}

/* Whether what was decided holds for all messages that differ in nothing but the body, of those
 * that have a body in one piece. */
static bool is_fit_for_train(const struct visit *v, const struct outgoing *o,
                             const struct train_way *way, const struct route *route)
{
    bool is_route_known = is_by_name(o) ? !replies_is_name(o->keys[0]) : route->set != NULL;

    return is_route_known && route->keeper_count == 0 && way->targets->group_count == 1 &&
           way->targets != v->vhost->chosen && !v->vhost->is_tracing &&
           !has_props_that_matter(&o->message);
}

int outgoing_send(struct visit *v, const struct outgoing *o, struct sent *sent,
                  struct train_way *out)
{
    struct route route;
    const struct targets *targets =
        targets_choose(v->vhost, find_targets(v, o, &route), &o->message);
    struct queues_publish publish = {
        .message = &o->message,
        .expiration_ms = o->expiration_ms,
        .once = o->once,
        .may_go_straight = !v->vhost->is_tracing, /* the firehose publishes when one is delivered */
    };
    int rv = 0;

    if (UNLIKELY(v->broker->logs.replay_count > 0))
        io_later(v->broker->io, &v->broker->logs.ride); /* it comes before the log's own task */
    *out = (struct train_way){
        .exchange = o->exchange,
        .targets = targets,
        .set = is_by_name(o) ? NULL : route.set,
        .places = targets->count - targets->log_count,
    };
    if (UNLIKELY(o->is_keyed)) {
        out->places -= count_caches(targets);
        if (sent->done == 0 && sent->at == 0 && is_duplicate(targets, o, sent))
            return 0;
    }
    rv = targets_send(targets, &publish, sent);
    if (rv != 0)
        return rv;
    /* Whoever needs the body in one piece has come too late when it came before. */
    if (UNLIKELY(route.keeper_count > 0 && !sent->came_before))
        targets_keep(v->vhost, &route, &o->message, o->expiration_ms);
    if (o->may_be_reply && !sent->came_before && send_replies(v, o))
        out->places++;
    count(v, o->exchange, out->places, 1);
    count_size(&v->broker->counters, o->message.body_size);
    count_queues(v, o, &route);
    if (UNLIKELY(trace_is_wanted(v->vhost->is_tracing, o->message.exchange)))
        trace_published(v, o, targets);
    out->is_for_train = is_fit_for_train(v, o, out, &route);
    out->is_straight = sent->is_straight;
    return 0;
}

void outgoing_count_train(struct visit *v, const struct train_way *way, const struct bytes *bodies,
                          size_t count_of)
{
    struct broker_counters *c = &v->broker->counters;
    size_t size = 0; /* of those before */
    size_t bucket = size_bucket(size);

    count(v, way->exchange, way->places, count_of);
    for (size_t i = 0; i < count_of; i++) {
        if (bodies[i].size != size)
            bucket = size_bucket(size = bodies[i].size);
        c->size_counts[bucket]++;
        c->size_sum += size;
    }
    if (way->set == NULL) {
        v->vhost->by_name->used += count_of;
        return;
    }
    route_count_again(v->vhost->table, count_of);
    exchange_count_set(way->exchange, way->set, count_of);
}

bool outgoing_is_for_queues(struct visit *v, const struct outgoing *o)
{
    const struct route_view view = {.keys = o->keys,
                                    .key_count = o->key_count,
                                    .props = &o->message.props,
                                    .is_delayed = o->is_delayed,
                                    .is_keyed = o->is_keyed};
    struct route route;

    for (size_t i = 0; i < o->key_count; i++)
        if (o->may_be_reply && replies_is_name(o->keys[i]))
            return false;
    route_message(v->vhost->table, o->exchange, &view, &route);
    return route.count > 0 && route.keeper_count == 0;
}
