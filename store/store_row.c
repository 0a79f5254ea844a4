/* Messages that differ in nothing but their bodies: put, looked at and forgotten many at a time.
 * Each lies for itself, as any other does, so that each can go by itself. */
#include <string.h>

#include "msg/msg.h"
#include "store/ledger.h"
#include "store/store_state.h"

enum { HEAD_MAX = 512 }; /* of a message in a row, with its texts */

/* What stands in front of each body. */
struct row_head {
    union {
        struct slab_message message;
        uint8_t bytes[HEAD_MAX];
    };
    size_t size;
};

static uint8_t *append_bytes(uint8_t *at, struct bytes b)
{
    if (b.size > 0)
        memcpy(at, b.data, b.size);
    return at + b.size;
}

/* False: it is too large. */
static bool make_head(struct store *s, const struct message *m, struct row_head *out)
{
    size_t texts = m->exchange.size + m->routing_key.size + m->props.bytes.size;
    uint8_t *at = out->bytes + sizeof(struct slab_message);

    out->size = sizeof(struct slab_message) + texts;
    if (texts > HEAD_MAX - sizeof(struct slab_message))
        return false;
    out->message = (struct slab_message){
        .time_ms = io_wall_ms(s->io),
        .props_size = (uint32_t)m->props.bytes.size,
        .exchange_size = (uint8_t)m->exchange.size,
        .key_size = (uint8_t)m->routing_key.size,
    };
    at = append_bytes(at, m->exchange);
    at = append_bytes(at, m->routing_key);
    at = append_bytes(at, m->props.bytes);
    ASSERT(at == out->bytes + out->size);
    return true;
}

static void write_item(struct slab_message *item, const struct row_head *head, struct bytes body)
{
    uint8_t *at = (uint8_t *)item;

    memcpy(at + sizeof(struct slab_item), head->bytes + sizeof(struct slab_item),
           head->size - sizeof(struct slab_item));
    item->body_size = (uint32_t)body.size;
    (void)append_bytes(at + head->size, body);
}

size_t store_put_row(struct store *s, const struct store_put *put, const struct bytes *bodies,
                     size_t count, struct ledger_entry *entries)
{
    struct row_head head; /* not cleared: it is large */
    size_t n = 0;

    ASSERT(!put->is_persistent && put->upload == NULL && put->stream_count == 0 &&
           put->message->slip.size == 0 && put->references > 0);
    if (!make_head(s, put->message, &head))
        return 0;
    for (; n < count && !store_is_full(s) && bodies[n].size <= STORE_PART_BYTES; n++) {
        uint32_t size = slab_item_size(head.size - sizeof(struct slab_item) + bodies[n].size);
        struct slab_item *item = slab_take(&s->slabs, size, put->references, &entries[n].place);

        if (UNLIKELY(item == NULL))
            break;
        write_item((struct slab_message *)(void *)item, &head, bodies[n]);
        entries[n].size = (uint32_t)bodies[n].size;
    }
    return n;
}

size_t store_log_row(struct store *s, const struct store_put *put, const struct bytes *bodies,
                     size_t count, struct ledger_entry *entries)
{
    struct message message = *put->message;
    struct store_target target = put->targets[0];
    struct store_put one = *put;
    size_t n = 0;

    ASSERT(put->is_persistent && put->target_count == 1 &&
           put->references + put->stream_count == 1 && put->upload == NULL);
    one.message = &message;
    one.targets = &target;
    for (; n < count && bodies[n].size <= STORE_PART_BYTES; n++) {
        message.body = &bodies[n];
        message.body_count = bodies[n].size > 0;
        message.body_size = bodies[n].size;
        if (store_put_record(s, &one, NULL, &entries[n].place) != 0)
            break;
        entries[n].size = (uint32_t)bodies[n].size;
        target.seq++;
    }
    return n;
}

/* The message, if it lies in memory as those of a row do. */
static const struct slab_message *find_plain(const struct store *s, uint64_t place)
{
    const struct slab_message *m;
    const struct slab *b;

    if (UNLIKELY(!place_is_transient(place)))
        return NULL;
    b = slab_of(&s->slabs, place);
    if (UNLIKELY(b->data == NULL))
        return NULL;
    m = (const struct slab_message *)(const void *)slab_item_at(b, place);
    return LIKELY(m->parts == 0 && m->slip_size == 0) ? m : NULL;
}

static size_t texts_size(const struct slab_message *m)
{
    return (size_t)m->exchange_size + m->key_size + m->props_size;
}

static bool are_alike(const struct slab_message *a, const struct slab_message *b)
{
    return a->props_size == b->props_size && a->exchange_size == b->exchange_size &&
           a->key_size == b->key_size && memcmp(a + 1, b + 1, texts_size(a)) == 0;
}

static struct stored view_of(const struct slab_message *m)
{
    const uint8_t *texts = (const uint8_t *)(m + 1);
    size_t props_at = (size_t)m->exchange_size + m->key_size;

    return (struct stored){
        .exchange = bytes_of(texts, m->exchange_size),
        .routing_key = bytes_of(texts + m->exchange_size, m->key_size),
        .props = bytes_of(texts + props_at, m->props_size),
        .time_ms = m->time_ms,
    };
}

size_t store_peek_row(const struct store *s, const struct ledger_entry *entries, size_t count,
                      struct stored *head, struct bytes *bodies)
{
    const struct slab_message *first = NULL;
    size_t n = 0;

    for (; n < count; n++) {
        const struct slab_message *m = find_plain(s, entries[n].place);

        if (m == NULL || (first != NULL && !are_alike(first, m)))
            break;
        if (first == NULL)
            first = m;
        bodies[n] = bytes_of((const uint8_t *)(m + 1) + texts_size(m), m->body_size);
    }
    if (first != NULL)
        *head = view_of(first);
    return n;
}

void store_unref_row(struct store *s, const struct ledger_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct slab *b = slab_of(&s->slabs, entries[i].place);
        struct slab_item *item = NULL;

        if (LIKELY(b->state != SLAB_MOVED && !b->is_frozen))
            item = slab_item_at(b, entries[i].place);
        if (UNLIKELY(item == NULL || item->refs == SLAB_HELD)) {
            store_unref(s, entries[i].place);
            continue;
        }
        ASSERT(item->refs > 0);
        if (--item->refs == 0)
            slab_item_end(b);
    }
}
