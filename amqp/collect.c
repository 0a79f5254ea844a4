/* Collects the content of a publish. */
#include "amqp/collect.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"

enum {
    PIECE_MIN = 4 * 1024,
    PIECE_MAX = 256 * 1024,
    PIECES_MIN = 4,
};

struct collect *collect_new(const struct method_basic_publish *m)
{
    struct collect *k = MEM_NEW(struct collect);
    size_t size = m->exchange.size + m->routing_key.size;

    k->is_mandatory = m->mandatory;
    if (size == 0)
        return k;
    k->names = mem_alloc(size);
    struct writer w = writer_of(k->names, size);
    writer_bytes(&w, m->exchange);
    writer_bytes(&w, m->routing_key);
    k->exchange = bytes_of(k->names, m->exchange.size);
    k->routing_key = bytes_of(k->names + m->exchange.size, m->routing_key.size);
    return k;
}

void collect_free(struct collect *k)
{
    if (k == NULL)
        return;
    for (size_t i = 0; i < k->piece_count; i++)
        mem_free((void *)(uintptr_t)k->pieces[i].data);
    mem_free(k->pieces);
    mem_free(k->names);
    mem_free(k->props);
    mem_free(k);
}

void collect_header(struct collect *k, const struct props *props, uint64_t body_size)
{
    struct bytes bytes = props->bytes;

    ASSERT(k->state == COLLECT_HEADER);
    k->props = mem_alloc(bytes.size);
    memcpy(k->props, bytes.data, bytes.size);
    k->decoded = *props;
    k->decoded.bytes = bytes_of(k->props, bytes.size);
    k->body_size = body_size;
    k->state = k->body_size == 0 ? COLLECT_COMPLETE : COLLECT_BODY;
}

/* A new last piece: as large as all before together, so that little is empty. */
static int add_piece(struct collect *k)
{
    uint64_t size = k->got < PIECE_MIN ? PIECE_MIN : k->got;
    uint8_t *data;

    if (size > PIECE_MAX)
        size = PIECE_MAX;
    if (size > k->body_size - k->got)
        size = k->body_size - k->got;
    data = mem_try((size_t)size);
    if (data == NULL)
        return ERR_NO_MEMORY;
    if (k->piece_count == k->piece_capacity) {
        k->piece_capacity = k->piece_capacity == 0 ? PIECES_MIN : k->piece_capacity * 2;
        k->pieces = mem_grow(k->pieces, k->piece_capacity, sizeof(*k->pieces));
    }
    k->pieces[k->piece_count++] = bytes_of(data, 0);
    k->room = (size_t)size;
    return 0;
}

int collect_body(struct collect *k, struct bytes part)
{
    ASSERT(k->state == COLLECT_BODY && part.size <= k->body_size - k->got);
    while (part.size > 0) {
        int rv = k->room == 0 ? add_piece(k) : 0;

        if (rv != 0)
            return rv;
        struct bytes *last = &k->pieces[k->piece_count - 1];
        size_t size = part.size < k->room ? part.size : k->room;
        memcpy((uint8_t *)(uintptr_t)last->data + last->size, part.data, size);
        last->size += size;
        k->room -= size;
        k->got += size;
        part = bytes_of(part.data + size, part.size - size);
    }
    if (k->got == k->body_size)
        k->state = COLLECT_COMPLETE;
    return 0;
}

size_t collect_held(const struct collect *k)
{
    size_t held = 0;

    for (size_t i = 0; i < k->piece_count; i++)
        held += k->pieces[i].size;
    return held - k->dropped;
}

struct bytes collect_front(const struct collect *k)
{
    ASSERT(k->piece_count > 0);
    return bytes_of(k->pieces[0].data + k->dropped, k->pieces[0].size - k->dropped);
}

void collect_drop(struct collect *k, size_t size)
{
    ASSERT(k->piece_count > 0 && size <= k->pieces[0].size - k->dropped);
    k->dropped += size;
    if (k->dropped < k->pieces[0].size)
        return;
    mem_free((void *)(uintptr_t)k->pieces[0].data);
    k->dropped = 0;
    k->piece_count--;
    memmove(&k->pieces[0], &k->pieces[1], k->piece_count * sizeof(k->pieces[0]));
    if (k->piece_count == 0)
        k->room = 0;
}

struct message collect_message(const struct collect *k)
{
    return (struct message){
        .exchange = k->exchange,
        .routing_key = k->routing_key,
        .props = k->decoded,
        .body = k->pieces,
        .body_count = k->piece_count,
        .body_size = k->body_size,
    };
}
