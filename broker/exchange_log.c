/* Logs of exchanges. */
#include "broker/exchange_log.h"

#include "broker/define.h"
#include "broker/define_parts.h"
#include "broker/parts.h"
#include "broker/policies.h"
#include "broker/replay_parts.h"
#include "exchange/exchange.h"
#include "msg/shortstr.h"
#include "msg/table_writer.h"
#include "queue/queue.h"

enum { PREFIX_SIZE = sizeof(EXCHANGE_LOG_PREFIX) - 1, NAME_MAX_SIZE = SHORTSTR_MAX - PREFIX_SIZE };

/* Arguments that the exchange hands on to its stream. */
static const char *const handed_on[] = {
    "x-partitions", "x-max-age",       "x-max-length-bytes", "x-stream-max-segment-size-bytes",
    "x-compact",    "x-tombstone-age",
};

/* ---- arguments ---- */

/* False without x-log. ERR_INVALID: it is no bool; *f says what it is. */
static int read_wish(struct table arguments, bool *has_log, struct field *f)
{
    *has_log = false;
    if (!table_find(arguments, bytes_text("x-log"), f))
        return 0;
    return field_as_bool(f, has_log) ? 0 : ERR_INVALID;
}

/* What a policy says of the stream, where the exchange was declared without one. */
static void write_policy(struct table_writer *w, const struct policy_match *m)
{
    static const struct {
        const char *key;
        const char *name;
    } rows[] = {
        {"log-partitions", "x-partitions"},
        {"max-age", "x-max-age"},
        {"max-length-bytes", "x-max-length-bytes"},
        {"compact", "x-compact"},
    };
    struct field f;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (policy_value(m, bytes_text(rows[i].key), &f))
            table_writer_field(w, bytes_text(rows[i].name), &f);
}

/* The arguments of the stream, in the broker's buffer. `m`: it is a policy that asks for it. */
static struct table stream_arguments(struct broker *b, struct table arguments,
                                     const struct policy_match *m)
{
    struct table_writer w;
    struct table out = {{NULL, 0}};
    struct field f;
    int rv = 0;

    buf_clear(&b->scratch.arguments);
    table_writer_init(&w, &b->scratch.arguments);
    table_writer_text(&w, "x-queue-type", bytes_text("stream"));
    for (size_t i = 0; i < ARRAY_SIZE(handed_on) && m == NULL; i++)
        if (table_find(arguments, bytes_text(handed_on[i]), &f))
            table_writer_field(&w, bytes_text(handed_on[i]), &f);
    if (m != NULL)
        write_policy(&w, m);
    rv = table_writer_finish(&w, &out);
    ASSERT(rv == 0); /* a part of a table that was checked */
    return out;
}

static struct bytes stream_name(struct bytes exchange, uint8_t area[SHORTSTR_MAX])
{
    struct writer w = writer_of(area, SHORTSTR_MAX);

    writer_bytes(&w, bytes_text(EXCHANGE_LOG_PREFIX));
    writer_bytes(&w, exchange);
    ASSERT(!w.is_failed);
    return writer_view(&w);
}

int exchange_log_check(struct visit *v, const struct define_exchange *d, bool *has_log,
                       struct refusal *refusal)
{
    uint8_t area[SHORTSTR_MAX];
    struct err_note note = {{0}};
    struct queue_args args;
    struct field f;

    if (read_wish(d->arguments, has_log, &f) != 0)
        return refuse(refusal, REFUSE_PRECONDITION,
                      "invalid arg 'x-log' for exchange '%.*s' in vhost '%.*s': expected a bool, "
                      "got %s",
                      SHOW(d->name), SHOW(v->vhost->name), field_type_name(&f));
    if (!*has_log)
        return 0;
    if (!d->is_durable)
        return refuse(refusal, REFUSE_PRECONDITION,
                      "invalid arg 'x-log' for exchange '%.*s' in vhost '%.*s': only a durable "
                      "exchange has a log",
                      SHOW(d->name), SHOW(v->vhost->name));
    if (d->name.size > NAME_MAX_SIZE)
        return refuse(refusal, REFUSE_PRECONDITION,
                      "invalid arg 'x-log' for exchange '%.*s' in vhost '%.*s': the name is longer "
                      "than %d bytes, so its log cannot be named",
                      SHOW(d->name), SHOW(v->vhost->name), (int)NAME_MAX_SIZE);
    if (queue_args_read(stream_arguments(v->broker, d->arguments, NULL), stream_name(d->name, area),
                        v->vhost->name, &args, &note) != 0)
        return refuse(refusal, REFUSE_PRECONDITION, "%s", note.text);
    return 0;
}

int exchange_log_compare(struct visit *v, const struct define_exchange *d, const struct exchange *x,
                         struct refusal *refusal)
{
    uint8_t area[SHORTSTR_MAX];
    struct named_queue *q = vhost_find_queue_id(v->vhost, exchange_log(x));
    struct err_note note = {{0}};
    bool received = false;
    bool current = false;
    struct field f;

    if (read_wish(exchange_spec(x).arguments, &current, &f) != 0)
        return 0; /* it was declared before this argument meant anything */
    if (exchange_log_check(v, d, &received, refusal) != 0)
        return ERR_DENIED;
    if (received != current)
        return refuse(refusal, REFUSE_PRECONDITION,
                      "inequivalent arg 'x-log' for exchange '%.*s' in vhost '%.*s': received '%s' "
                      "but current is '%s'",
                      SHOW(d->name), SHOW(v->vhost->name), received ? "true" : "false",
                      current ? "true" : "false");
    if (!received || q == NULL)
        return 0;
    if (queue_args_compare(stream_arguments(v->broker, d->arguments, NULL),
                           queue_arguments(q->queue), stream_name(d->name, area), v->vhost->name,
                           &note) != 0)
        return refuse(refusal, REFUSE_PRECONDITION, "%s", note.text);
    return 0;
}

/* ---- the stream ---- */

/* A stream of that name that is no log: of an exchange that went, in this turn or with a crash. */
static void clear_name(struct named_queue *q)
{
    if (list_linked(&q->doomed))
        list_remove(&q->doomed);
    named_queue_delete(q);
}

static void mark(struct named_queue *q, bool is_log)
{
    q->is_log = is_log;
    for (uint32_t i = 0; i < q->partition_count; i++)
        q->partitions[i]->is_log = is_log;
}

/* What the exchange was declared with counts, then what policies say. *m is filled in that case. */
static bool wants_log(const struct vhost *v, const struct exchange *x, struct policy_match *m,
                      bool *is_by_policy)
{
    struct exchange_spec spec = exchange_spec(x);
    bool has_log = false;
    struct field f;

    *is_by_policy = false;
    if (!spec.is_durable || shortstr_is_reserved(spec.name) || exchange_is_default(x))
        return false;
    if (read_wish(spec.arguments, &has_log, &f) == 0 && has_log)
        return true;
    *m = vhost_match_exchange(v, spec.name);
    *is_by_policy = policy_bool(m, "log", &has_log) && has_log && spec.name.size <= NAME_MAX_SIZE;
    return *is_by_policy;
}

/* The policy is gone: the stream stays, as a queue like others, until somebody deletes it. */
static void detach(struct vhost *v, struct exchange *x)
{
    struct named_queue *q = vhost_find_queue_id(v, exchange_log(x));

    exchange_set_log(v->table, x, 0);
    mark(q, false);
    v->version++;
}

/* The stream of that name; none for an exchange that is new. */
static struct named_queue *find_stream(struct vhost *v, struct bytes name, bool is_new)
{
    struct named_queue *q = vhost_find_queue(v, name);

    if (q != NULL && is_new) {
        clear_name(q);
        q = NULL;
    }
    return q;
}

void exchange_log_attach(struct vhost *v, struct exchange *x, bool is_new)
{
    struct define_queue d = {.is_durable = true};
    struct named_queue *q = NULL;
    struct policy_match m;
    uint8_t area[SHORTSTR_MAX];
    bool is_by_policy = false;

    if (!wants_log(v, x, &m, &is_by_policy)) {
        if (exchange_log(x) != 0)
            detach(v, x);
        return;
    }
    if (exchange_log(x) != 0)
        return;
    d.name = stream_name(exchange_spec(x).name, area);
    q = find_stream(v, d.name, is_new);
    if (q == NULL) {
        d.arguments =
            stream_arguments(v->broker, exchange_spec(x).arguments, is_by_policy ? &m : NULL);
        q = define_make_queue(v, &d, &v->broker->homes[0], NULL);
    }
    mark(q, true);
    exchange_set_log(v->table, x, q->id);
    v->version++;
}

void exchange_log_doom(struct vhost *v, const struct exchange *x)
{
    struct named_queue *q = exchange_log(x) == 0 ? NULL : vhost_find_queue_id(v, exchange_log(x));

    replay_end_of_exchange(v, exchange_spec(x).name);
    if (q == NULL)
        return;
    list_push(&v->broker->logs.doomed, &q->doomed);
    broker_stir(v->broker);
}

void exchange_log_forget(struct vhost *v, const struct named_queue *q)
{
    replay_end_of_queue(v->broker, q->id);
}

void exchange_log_bury(struct broker *b)
{
    struct list_link *link = NULL;

    while ((link = list_take(&b->logs.doomed)) != NULL)
        named_queue_delete(CONTAINER_OF(link, struct named_queue, doomed));
}

int exchange_log_refuse(const struct visit *v, const struct named_queue *q, struct refusal *refusal)
{
    struct bytes name;

    if (!q->is_log)
        return 0;
    name = queue_name(q->front != NULL ? q->front->queue : q->queue);
    return refuse(refusal, REFUSE_ACCESS,
                  "queue '%.*s' in vhost '%.*s' is the log of exchange '%.*s': it can only be "
                  "consumed",
                  SHOW(queue_name(q->queue)), SHOW(v->vhost->name), (int)(name.size - PREFIX_SIZE),
                  (const char *)name.data + PREFIX_SIZE);
}
