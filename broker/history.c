/* Kept messages, by number. */
#include "broker/history.h"

#include "base/map.h"
#include "base/mem.h"

struct kept {
    size_t exchange_size;
    size_t key_size;
    size_t props_size;
    size_t slip_size;
    size_t body_size;
    uint64_t expiration_ms;
    uint8_t bytes[]; /* one after the other */
};

struct history {
    struct map by_number;
    uint64_t last;
    uint64_t size;
};

struct history *history_new(void)
{
    struct history *h = MEM_NEW(struct history);

    map_init(&h->by_number);
    return h;
}

void history_free(struct history *h)
{
    MAP_FOREACH (w, &h->by_number)
        mem_free(w.value);
    map_release(&h->by_number);
    mem_free(h);
}

static size_t size_of(const struct kept *k)
{
    return sizeof(*k) + k->exchange_size + k->key_size + k->props_size + k->slip_size +
           k->body_size;
}

uint64_t history_keep(struct history *h, const struct message *m, uint64_t expiration_ms)
{
    const struct kept sizes = {
        .exchange_size = m->exchange.size,
        .key_size = m->routing_key.size,
        .props_size = m->props.bytes.size,
        .slip_size = m->slip.size,
        .body_size = m->body_size,
        .expiration_ms = expiration_ms,
    };
    size_t size = size_of(&sizes);
    struct kept *k = h->size + size > HISTORY_BYTES_MAX ? NULL : (struct kept *)mem_try(size);
    struct writer w;

    if (k == NULL)
        return 0;
    *k = sizes;
    w = writer_of(k->bytes, size - sizeof(*k));
    writer_bytes(&w, m->exchange);
    writer_bytes(&w, m->routing_key);
    writer_bytes(&w, m->props.bytes);
    writer_bytes(&w, m->slip);
    for (size_t i = 0; i < m->body_count; i++)
        writer_bytes(&w, m->body[i]);
    ASSERT(!w.is_failed && w.size == w.capacity);
    h->size += size;
    map_put(&h->by_number, ++h->last, k);
    return h->last;
}

void history_let_go(struct history *h, uint64_t number)
{
    struct kept *k = (struct kept *)map_remove(&h->by_number, number);

    ASSERT(k != NULL);
    h->size -= size_of(k);
    mem_free(k);
}

void history_get(const struct history *h, uint64_t number, struct history_message *out)
{
    const struct kept *k = (const struct kept *)map_find(&h->by_number, number);
    struct reader r;
    int rv = 0;

    ASSERT(k != NULL);
    r = reader_of(bytes_of(k->bytes, size_of(k) - sizeof(*k)));
    out->expiration_ms = k->expiration_ms;
    out->message.exchange = reader_bytes(&r, k->exchange_size);
    out->message.routing_key = reader_bytes(&r, k->key_size);
    rv = props_decode(reader_bytes(&r, k->props_size), &out->message.props);
    ASSERT(rv == 0); /* they were decoded once */
    out->message.slip = reader_bytes(&r, k->slip_size);
    out->body = reader_bytes(&r, k->body_size);
    out->message.body = &out->body;
    out->message.body_count = k->body_size == 0 ? 0 : 1;
    out->message.body_size = k->body_size;
    ASSERT(reader_is_done(&r));
}
