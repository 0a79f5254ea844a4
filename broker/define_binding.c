/* Binding and unbinding. */
#include "base/diag.h"
#include "broker/access.h"
#include "broker/define.h"
#include "broker/define_parts.h"
#include "broker/events.h"
#include "broker/exchange_log.h"
#include "broker/parts.h"
#include "broker/replay_parts.h"
#include "broker/replies.h"
#include "exchange/exchange.h"
#include "msg/shortstr.h"
#include "msg/table_writer.h"
#include "queue/queue.h"

/* The ends of a binding; NULL for what is not there. */
struct ends {
    struct exchange *source;
    struct exchange *exchange;
    struct named_queue *queue;
};

static int check_topic(const struct visit *v, const struct exchange *source,
                       const struct define_binding *d, struct refusal *refusal)
{
    if (source == NULL || !bytes_equal(exchange_spec(source).type, bytes_text("topic")))
        return 0;
    return access_topic(v, d->source, d->key, AUTH_READ, refusal);
}

/* What must hold for binding and unbinding alike. */
static int check(const struct visit *v, const struct define_binding *d, const struct ends *ends,
                 struct refusal *refusal)
{
    int rv = d->is_to_exchange ? access_exchange(v, d->destination, AUTH_WRITE, refusal)
                               : access_queue(v, d->destination, AUTH_WRITE, refusal);

    if (rv != 0)
        return rv;
    if (d->source.size == 0 || (d->is_to_exchange && d->destination.size == 0))
        return refuse(refusal, REFUSE_ACCESS, "operation not permitted on the default exchange");
    if (!d->is_to_exchange &&
        (bytes_equal(d->destination, bytes_text(REPLY_QUEUE)) || replies_is_name(d->destination)))
        return refuse(refusal, REFUSE_ACCESS, "operation not permitted on queue '%.*s'",
                      SHOW(d->destination));
    rv = access_exchange(v, d->source, AUTH_READ, refusal);
    if (rv == 0)
        rv = check_topic(v, ends->source, d, refusal);
    if (rv == 0 && ends->queue != NULL)
        rv = access_exclusive(v, ends->queue, refusal);
    if (rv == 0 && ends->queue != NULL)
        rv = exchange_log_refuse(v, ends->queue, refusal);
    return rv;
}

/* Arguments in the order of their names, each name once: as the exchange table keeps them. */
static struct table sort_arguments(struct broker *b, struct table arguments)
{
    struct table sorted = {{NULL, 0}};
    struct table_walk w;
    struct table_entry e = {0};
    struct table_entry next;
    int rv = 0;

    buf_clear(&b->scratch.headers);
    buf_clear(&b->scratch.arguments);
    table_sort(arguments, &b->scratch.headers);
    ASSERT(buf_error(&b->scratch.headers) == 0);
    rv = table_decode(buf_view(&b->scratch.headers), &sorted);
    ASSERT(rv == 0);
    w = table_walk(sorted);
    while (table_next(&w, &next)) {
        if (e.whole.size > 0 && !bytes_equal(e.name, next.name))
            buf_bytes(&b->scratch.arguments, e.whole);
        e = next;
    }
    buf_bytes(&b->scratch.arguments, e.whole);
    rv = table_decode(buf_view(&b->scratch.arguments), &sorted);
    ASSERT(rv == 0 && buf_error(&b->scratch.arguments) == 0);
    return sorted;
}

/* ---- bind ---- */

static bool is_durable(const struct ends *ends)
{
    if (!exchange_spec(ends->source).is_durable)
        return false;
    return ends->queue != NULL ? queue_is_durable(ends->queue->queue)
                               : exchange_spec(ends->exchange).is_durable;
}

static void keep_definition(struct vhost *v, const struct define_binding *d,
                            const struct ends *ends, struct table arguments)
{
    struct broker *b = v->broker;

    binding_term_encode(
        &(struct binding_term){
            .vhost = v->id,
            .source = vhost_exchange_id(v, d->source),
            .source_name = d->source,
            .is_to_exchange = d->is_to_exchange,
            .destination =
                ends->queue != NULL ? ends->queue->id : vhost_exchange_id(v, d->destination),
            .destination_name = d->destination,
            .routing_key = d->key,
            .arguments = arguments,
        },
        &b->terms);
    definitions_put(&b->definitions, DEFINITION_BINDING, buf_view(&b->terms.key),
                    bytes_of(NULL, 0));
}

/* It is the newest one to its destination. */
static void tell_bound(struct vhost *v, const struct binding_spec *spec)
{
    const struct binding *newest = binding_newest_to(v->table, spec->destination);

    if (newest != NULL)
        event_of_binding(v, newest, "binding.created");
}

/* The replay that is on its way for the binding, or NULL. */
static struct replay_spec replay_of(const struct visit *v, const struct define_binding *d,
                                    const struct ends *ends, struct table arguments)
{
    return (struct replay_spec){
        .vhost = v->vhost,
        .queue = ends->queue == NULL ? 0 : ends->queue->id,
        .exchange = vhost_exchange_id(v->vhost, d->source),
        .source = d->source,
        .key = d->key,
        .arguments = arguments,
    };
}

/* Binds at once, or after a replay. */
static int bind_ends(struct visit *v, const struct define_binding *d, const struct ends *ends,
                     struct refusal *refusal)
{
    struct broker *b = v->broker;
    struct table arguments = replay_strip(sort_arguments(b, d->arguments), &b->scratch.stripped);
    const struct binding_spec spec = {
        .source = ends->source,
        .destination = {.exchange = ends->exchange,
                        .queue = ends->queue == NULL ? 0 : ends->queue->id},
        .key = d->key,
        .arguments = arguments,
    };
    const struct replay_spec replay = replay_of(v, d, ends, arguments);
    struct replay_wish wish;
    struct err_note note = {{0}};
    bool is_new = false;
    int rv = replay_read_wish(v, d, ends->source, &wish, refusal);

    if (rv != 0)
        return rv;
    if (definitions_are_full(&b->definitions))
        return refuse(refusal, REFUSE_RESOURCE, "too many definitions wait for the disk");
    if (replay_find(b, &replay) != NULL)
        return 0; /* it is bound, or will be when that is done */
    if (wish.is_on && (wish.is_one_off || !exchange_is_bound(v->vhost->table, &spec)))
        return replay_begin(v, &replay, &wish, is_durable(ends), refusal);
    if (exchange_bind(v->vhost->table, &spec, &is_new, &note) != 0)
        return refuse(refusal, REFUSE_PRECONDITION, "%s", note.text);
    if (!is_new)
        return 0;
    if (is_durable(ends))
        keep_definition(v->vhost, d, ends, arguments);
    define_give_history(v->vhost, ends->source, &spec.destination);
    tell_bound(v->vhost, &spec);
    return 0;
}

void define_bind_live(struct vhost *v, const struct replay_binding *r)
{
    struct named_queue *queue = vhost_find_queue_id(v, r->queue);
    const struct ends ends = {.source = r->source, .queue = queue};
    const struct binding_spec spec = {.source = r->source,
                                      .destination = {.queue = r->queue},
                                      .key = r->key,
                                      .arguments = r->arguments};
    const struct define_binding d = {.source = exchange_spec(r->source).name,
                                     .destination = queue_name(queue->queue),
                                     .key = r->key};
    struct err_note note = {{0}};
    bool is_new = false;

    if (exchange_bind(v->table, &spec, &is_new, &note) != 0) {
        diag(DIAG_ERROR, "broker", "the binding of a replay cannot be made: %s", note.text);
        return;
    }
    if (is_new && is_durable(&ends))
        keep_definition(v, &d, &ends, r->arguments);
    if (is_new)
        tell_bound(v, &spec);
}

/* The names without line ends, and what they name. */
static struct ends find_ends(struct visit *v, const struct define_binding *d)
{
    struct vhost *vhost = v->vhost;

    return (struct ends){
        .source = exchange_find(vhost->table, d->source),
        .exchange = d->is_to_exchange ? exchange_find(vhost->table, d->destination) : NULL,
        .queue = d->is_to_exchange ? NULL : vhost_find_queue(vhost, d->destination),
    };
}

int define_bind(struct visit *v, const struct define_binding *d, struct refusal *refusal)
{
    uint8_t areas[2][SHORTSTR_MAX];
    struct define_binding plain = *d;
    struct ends ends;
    int rv = 0;

    plain.source = shortstr_without_line_ends(d->source, areas[0]);
    plain.destination = shortstr_without_line_ends(d->destination, areas[1]);
    ends = find_ends(v, &plain);
    rv = check(v, &plain, &ends, refusal);
    if (rv != 0)
        return rv;
    if (ends.source == NULL)
        return refuse_no_exchange(v, plain.source, refusal);
    if (d->is_to_exchange && ends.exchange == NULL)
        return refuse_no_exchange(v, plain.destination, refusal);
    if (!d->is_to_exchange && ends.queue == NULL)
        return refuse_no_queue(v, plain.destination, refusal);
    return bind_ends(v, &plain, &ends, refusal);
}

/* ---- unbind ---- */

static void end_replay(const struct visit *v, const struct define_binding *d,
                       const struct ends *ends, struct table arguments)
{
    const struct replay_spec spec = replay_of(v, d, ends, arguments);
    struct replay *r = ends->queue == NULL ? NULL : replay_find(v->broker, &spec);

    if (r != NULL)
        replay_end(r);
}

int define_unbind(struct visit *v, const struct define_binding *d, struct refusal *refusal)
{
    uint8_t areas[2][SHORTSTR_MAX];
    struct define_binding plain = *d;
    struct binding_spec spec = {0};
    struct ends ends;
    int rv = 0;

    plain.source = shortstr_without_line_ends(d->source, areas[0]);
    plain.destination = shortstr_without_line_ends(d->destination, areas[1]);
    ends = find_ends(v, &plain);
    rv = check(v, &plain, &ends, refusal);
    if (rv != 0 || ends.source == NULL || (ends.exchange == NULL && ends.queue == NULL))
        return rv; /* what is not there is not bound */
    spec.source = ends.source;
    spec.destination.exchange = ends.exchange;
    spec.destination.queue = ends.queue == NULL ? 0 : ends.queue->id;
    spec.key = d->key;
    spec.arguments =
        replay_strip(sort_arguments(v->broker, d->arguments), &v->broker->scratch.stripped);
    end_replay(v, &plain, &ends, spec.arguments);
    v->vhost->is_unbinding = true;
    rv = exchange_unbind(v->vhost->table, &spec);
    v->vhost->is_unbinding = false;
    ASSERT(rv == 0 || rv == ERR_NOT_FOUND || rv == ERR_FULL);
    return 0;
}
