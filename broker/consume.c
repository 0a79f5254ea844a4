/* The checks between a client and a queue that it reads from. */
#include "broker/consume.h"

#include <inttypes.h>
#include <stdio.h>

#include "broker/access.h"
#include "broker/events.h"
#include "broker/parts.h"
#include "queue/stream_args.h"
#include "queue/streams.h"

static int refuse_argument(const struct visit *v, const struct consume *c, const char *name,
                           const char *why, struct refusal *refusal)
{
    return refuse(refusal, REFUSE_PRECONDITION,
                  "invalid arg '%s' for queue '%.*s' in vhost '%.*s': %s", name, SHOW(c->queue),
                  SHOW(v->vhost->name), why);
}

/* An integer argument; *is_there tells whether it is there. */
static int read_integer(const struct visit *v, const struct consume *c, const char *name,
                        int64_t *out, struct refusal *refusal)
{
    struct field f;
    char why[64];
    int used = 0;

    if (!table_find(c->arguments, bytes_text(name), &f) || field_as_integer(&f, out))
        return 0;
    used = snprintf(why, sizeof(why), "{unacceptable_type,%s}", field_type_name(&f));
    ASSERT(used > 0);
    return refuse_argument(v, c, name, why, refusal);
}

static int read_arguments(const struct visit *v, const struct consume *c,
                          struct consumer_spec *spec, struct refusal *refusal)
{
    int64_t timeout = INT64_MIN; /* it is not there */
    char why[64];
    int rv = 0;

    spec->priority = 0;
    spec->timeout_ms = QUEUE_NO_LIMIT;
    rv = read_integer(v, c, "x-priority", &spec->priority, refusal);
    if (rv == 0)
        rv = read_integer(v, c, "x-consumer-timeout", &timeout, refusal);
    if (rv == 0 && timeout != INT64_MIN && timeout < 0) {
        int used = snprintf(why, sizeof(why), "{value_negative,%" PRId64 "}", timeout);

        ASSERT(used > 0);
        rv = refuse_argument(v, c, "x-consumer-timeout", why, refusal);
    }
    if (rv == 0 && timeout >= 0)
        spec->timeout_ms = (uint64_t)timeout;
    return rv;
}

/* The queue, for somebody who wants to read from it. */
static int find_readable(const struct visit *v, struct bytes name, struct named_queue **out,
                         struct refusal *refusal)
{
    int rv = access_queue(v, name, AUTH_READ, refusal);

    return rv == 0 ? access_find_queue(v, name, out, refusal) : rv;
}

/* What a stream asks of its consumers, in RabbitMQ's words. */
static int check_stream(const struct visit *v, const struct consume *c, struct refusal *refusal)
{
    if (c->spec.is_no_ack)
        return refuse(refusal, REFUSE_NOT_IMPLEMENTED,
                      "automatic acknowledgement not supported by stream queue '%.*s' in vhost "
                      "'%.*s'",
                      SHOW(c->queue), SHOW(v->vhost->name));
    if (c->spec.shared != NULL && c->spec.shared->limit > 0)
        return refuse(refusal, REFUSE_NOT_IMPLEMENTED,
                      "queue '%.*s' in vhost '%.*s' does not support global qos", SHOW(c->queue),
                      SHOW(v->vhost->name));
    if (c->spec.prefetch == 0)
        return refuse(refusal, REFUSE_PRECONDITION,
                      "consumer prefetch count is not set for stream queue '%.*s' in vhost '%.*s'",
                      SHOW(c->queue), SHOW(v->vhost->name));
    return 0;
}

static int read_stream(const struct visit *v, const struct consume *c, struct consumer_spec *spec,
                       struct stream_want *want, struct refusal *refusal)
{
    const struct stream_args_of of = {
        .queue = c->queue, .vhost = v->vhost->name, .now_ms = io_wall_ms(v->broker->io)};
    struct err_note note = {{0}};
    int rv = check_stream(v, c, refusal);

    if (rv == 0 && stream_want_read(c->arguments, &of, want, &note) != 0)
        rv = refuse(refusal, REFUSE_PRECONDITION, "%s", note.text);
    if (rv == 0 && stream_group_read(c->arguments, &of, &spec->group, want, &note) != 0)
        rv = refuse(refusal, REFUSE_PRECONDITION, "%s", note.text);
    return rv;
}

/* What only means something for a stream: an application that asks for a group must not get all
 * messages in each of its members. */
static int check_no_stream(const struct visit *v, const struct consume *c, struct refusal *refusal)
{
    struct field f;

    if (!table_find(c->arguments, bytes_text("x-group"), &f))
        return 0;
    return refuse_argument(v, c, "x-group", "{not_a_stream}", refusal);
}

static int refuse_for_stream(const struct visit *v, const char *what, struct bytes queue,
                             struct refusal *refusal)
{
    return refuse(refusal, REFUSE_NOT_IMPLEMENTED,
                  "%s not supported by stream queues queue '%.*s' in vhost '%.*s'", what,
                  SHOW(queue), SHOW(v->vhost->name));
}

int broker_consume(struct visit *v, const struct consume *c, struct consumer **out,
                   struct refusal *refusal)
{
    struct stream_want want = {.takes_unfiltered = false};
    struct consumer_spec spec = c->spec;
    struct named_queue *q = NULL;
    int rv = find_readable(v, c->queue, &q, refusal);

    if (rv == 0)
        rv = read_arguments(v, c, &spec, refusal);
    if (rv == 0 && queue_is_stream(q->queue))
        rv = read_stream(v, c, &spec, &want, refusal);
    else if (rv == 0)
        rv = check_no_stream(v, c, refusal);
    if (rv != 0)
        return rv;
    spec.visitor = v;
    spec.stream = &want;
    rv = queue_consume(q->queue, &spec, out);
    ASSERT(rv == 0 || rv == ERR_BUSY || rv == ERR_FULL);
    if (rv == ERR_FULL)
        return refuse_argument(v, c, "x-group", "{too_many_groups}", refusal);
    if (rv == ERR_BUSY)
        return refuse(refusal, REFUSE_ACCESS, "queue '%.*s' in vhost '%.*s' in exclusive use",
                      SHOW(c->queue), SHOW(v->vhost->name));
    event_of_consumer(q, *out, "consumer.created");
    return 0;
}

/* "s@offset" is a place in the stream "s", unless a queue has that name: *name becomes that of the
 * stream, and what is behind the last '@' is returned. */
static struct bytes split_place(const struct visit *v, struct bytes *name)
{
    const struct named_queue *q = NULL;
    size_t at = name->size;

    while (at > 0 && name->data[at - 1] != '@')
        at--;
    if (at == 0 || vhost_find_queue(v->vhost, *name) != NULL)
        return bytes_of(NULL, 0);
    struct bytes place = bytes_of(name->data + at, name->size - at);
    struct bytes stream = bytes_of(name->data, at - 1);
    q = vhost_find_queue(v->vhost, stream);
    if (q == NULL || !queue_is_stream(q->queue))
        return bytes_of(NULL, 0);
    *name = stream;
    return place;
}

static int get_at(const struct visit *v, struct queue *stream, struct bytes place,
                  struct queue_get *g, struct refusal *refusal)
{
    const struct stream_args_of of = {
        .queue = queue_name(stream), .vhost = v->vhost->name, .now_ms = io_wall_ms(v->broker->io)};
    struct err_note note = {{0}};
    struct stream_start start;

    if (queue_args(stream)->partitions > 0)
        return refuse(refusal, REFUSE_NOT_IMPLEMENTED,
                      "basic.get not supported by stream '%.*s' in vhost '%.*s', which has "
                      "partitions: get from one of them, as '%.*s-0@first'",
                      SHOW(of.queue), SHOW(of.vhost), SHOW(of.queue));
    if (stream_start_parse(place, &of, &start, &note) != 0)
        return refuse(refusal, REFUSE_PRECONDITION, "%s", note.text);
    queue_get_at(stream, g, &start);
    return 0;
}

int broker_get(struct visit *v, struct bytes queue, struct queue_get *g, struct refusal *refusal)
{
    struct named_queue *q = NULL;
    const struct queue_args *args = NULL;
    struct bytes place = split_place(v, &queue);
    int rv = find_readable(v, queue, &q, refusal);

    if (rv != 0)
        return rv;
    if (queue_is_stream(q->queue) && place.size > 0)
        return get_at(v, q->queue, place, g, refusal);
    if (queue_is_stream(q->queue))
        return refuse_for_stream(v, "basic.get", queue, refusal);
    args = queue_args(q->queue);
    if (args->is_single_active)
        return refuse(refusal, REFUSE_LOCKED,
                      "cannot obtain access to locked queue '%.*s' in vhost '%.*s'. basic.get "
                      "operations are not supported by %s queues with single active consumer",
                      SHOW(queue), SHOW(v->vhost->name),
                      args->type == QUEUE_QUORUM ? "quorum" : "classic");
    queue_get(q->queue, g);
    return 0;
}

int broker_browse(struct visit *v, const struct browse_spec *spec, struct browse **out,
                  struct refusal *refusal)
{
    struct named_queue *q = NULL;
    int rv = find_readable(v, spec->queue, &q, refusal);

    if (rv != 0)
        return rv;
    if (queue_args(q->queue)->partitions > 0)
        return refuse(refusal, REFUSE_PRECONDITION,
                      "stream '%.*s' in vhost '%.*s' has partitions: look at one of them, '%.*s-0' "
                      "is the first",
                      SHOW(spec->queue), SHOW(v->vhost->name), SHOW(spec->queue));
    *out = browse_open(q->queue, spec->from, spec->ready, spec->owner);
    return 0;
}

int broker_purge(struct visit *v, struct bytes queue, uint64_t *count, struct refusal *refusal)
{
    struct named_queue *q = NULL;
    int rv = find_readable(v, queue, &q, refusal);

    if (rv == 0 && queue_is_stream(q->queue))
        return refuse_for_stream(v, "queue.purge", queue, refusal);
    if (rv == 0)
        *count = queue_purge(q->queue);
    return rv;
}
