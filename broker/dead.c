/* Dead messages are routed by the exchanges of the virtual host that their queue is in. */
#include "broker/dead.h"

#include <string.h>

#include "broker/parts.h"
#include "broker/publisher.h"
#include "exchange/exchange.h"
#include "exchange/route.h"
#include "msg/slip.h"
#include "queue/queue.h"
#include "queue/streams.h"

void dead_collect_keys(struct broker *b, const struct message *m)
{
    struct table headers;
    struct field f;
    struct array array;
    struct array_walk w;
    struct bytes hidden = slip_read(m->slip).keys;
    struct bytes key;

    buf_clear(&b->scratch.keys);
    buf_bytes(&b->scratch.keys, bytes_of(&m->routing_key, sizeof(m->routing_key)));
    while (slip_next_key(&hidden, &key))
        buf_bytes(&b->scratch.keys, bytes_of(&key, sizeof(key)));
    if (!props_find_headers(&m->props, &headers) || !table_find(headers, bytes_text("CC"), &f) ||
        !field_as_array(&f, &array))
        return;
    w = array_walk(array);
    while (array_next(&w, &f))
        if (field_as_text(&f, &key))
            buf_bytes(&b->scratch.keys, bytes_of(&key, sizeof(key)));
}

/* Rising by id, each once: a partition of a stream may come anywhere, and twice. */
static size_t put_in_order(struct queue **targets, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        struct queue *q = targets[i];
        size_t at = kept;

        while (at > 0 && queue_id(targets[at - 1]) > queue_id(q))
            at--;
        if (at > 0 && targets[at - 1] == q)
            continue;
        memmove(&targets[at + 1], &targets[at], (kept - at) * sizeof(struct queue *));
        targets[at] = q;
        kept++;
    }
    return kept;
}

/* Routes a message of the queue. False: the exchange is not there. */
static bool find_route(struct broker *b, const struct named_queue *from, const struct message *m,
                       struct route *out)
{
    struct exchange_table *table = from->vhost->table;
    struct exchange *x = from->is_hidden ? from->keeps : exchange_find(table, m->exchange);
    struct route_view view = {.props = &m->props};

    if (x == NULL)
        return false;
    dead_collect_keys(b, m);
    view.keys = (const struct bytes *)(const void *)b->scratch.keys.data;
    view.key_count = b->scratch.keys.size / sizeof(struct bytes);
    view.is_delayed = !from->is_hidden && outgoing_is_delayed(b, &m->props);
    view.is_keyed = true;
    route_message(table, x, &view, out);
    return true;
}

size_t dead_route(void *owner, struct queue *q, const struct message *m, struct queue **targets,
                  size_t max)
{
    struct broker *b = ((struct home *)owner)->broker;
    struct named_queue *from = (struct named_queue *)queue_owner(q);
    struct vhost *v = from->vhost;
    struct route route;
    size_t count = 0;

    b->scratch.is_kept = false;
    if (!find_route(b, from, m, &route))
        return 0;
    for (; count < route.count && count < max; count++)
        targets[count] = queue_partition_for(vhost_find_queue_id(v, route.queues[count])->queue, m);
    for (size_t i = 0; i < count; i++)
        if (queue_knows(targets[i], &m->props))
            return 0; /* an exchange on the way has seen it */
    b->scratch.is_kept = route.keeper_count > 0;
    return put_in_order(targets, count);
}

void dead_moved(void *owner, struct queue *q, const struct message *m, uint64_t ttl_ms)
{
    struct broker *b = ((struct home *)owner)->broker;
    const struct named_queue *from = (struct named_queue *)queue_owner(q);
    struct route route;

    /* A large body is not here in one piece, and too much to be kept. */
    if (LIKELY(!b->scratch.is_kept) || (m->body_count == 0 && m->body_size > 0))
        return;
    if (find_route(b, from, m, &route))
        targets_keep(from->vhost, &route, m, ttl_ms);
}
