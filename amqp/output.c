/* The chain of pieces that wait for a socket. */
#include "amqp/output.h"

#include <string.h>

#include "base/mem.h"

enum { PIECES_MIN = 8, PIECES_KEPT = 64 };

struct output_block {
    uint32_t references; /* pieces in it, and one while it is open */
    uint32_t size;
    struct output_block *next; /* while it is spare */
    uint8_t data[OUTPUT_BLOCK_SIZE];
};

enum piece_kind { PIECE_BLOCK, PIECE_PINNED, PIECE_OWNED };

struct output_piece {
    const uint8_t *data;
    size_t size;
    enum piece_kind kind;
    union {
        struct output_block *block;
        struct store_pin pin;
        void *memory;
    };
};

/* ---- blocks ---- */

static struct output_block *take_block(struct output_spares *s)
{
    struct output_block *b = s->first;

    if (b != NULL) {
        s->first = b->next;
        s->count--;
    } else {
        b = mem_alloc(sizeof(*b));
    }
    b->references = 1;
    b->size = 0;
    return b;
}

static void drop_block(struct output_spares *s, struct output_block *b)
{
    ASSERT(b->references > 0);
    if (--b->references > 0)
        return;
    if (s->count == OUTPUT_SPARES_MAX) {
        mem_free(b);
        return;
    }
    b->next = s->first;
    s->first = b;
    s->count++;
}

void output_spares_release(struct output_spares *s)
{
    while (s->first != NULL) {
        struct output_block *b = s->first;
        s->first = b->next;
        mem_free(b);
    }
    s->count = 0;
}

/* ---- pieces ---- */

static struct output_piece *piece_at(const struct output *o, uint32_t i)
{
    return &o->pieces[(o->first + i) & (o->capacity - 1)];
}

static void grow_pieces(struct output *o)
{
    uint32_t capacity = o->capacity == 0 ? PIECES_MIN : o->capacity * 2;
    struct output_piece *pieces = MEM_NEW_ARRAY(struct output_piece, capacity);

    for (uint32_t i = 0; i < o->count; i++)
        pieces[i] = *piece_at(o, i);
    mem_free(o->pieces);
    o->pieces = pieces;
    o->capacity = capacity;
    o->first = 0;
}

static struct output_piece *add_piece(struct output *o, enum piece_kind kind, const uint8_t *data,
                                      size_t size)
{
    if (o->count == o->capacity)
        grow_pieces(o);
    struct output_piece *p = piece_at(o, o->count++);
    *p = (struct output_piece){.data = data, .size = size, .kind = kind};
    o->bytes += size;
    o->is_open = false;
    return p;
}

static void drop_piece(struct output *o)
{
    struct output_piece *p = piece_at(o, 0);

    switch (p->kind) {
    case PIECE_BLOCK:
        drop_block(o->spares, p->block);
        break;
    case PIECE_PINNED:
        store_pin_release(p->pin);
        break;
    case PIECE_OWNED:
        mem_free(p->memory);
        break;
    }
    o->first = (o->first + 1) & (o->capacity - 1);
    o->count--;
}

static void close_block(struct output *o)
{
    if (o->block != NULL)
        drop_block(o->spares, o->block);
    o->block = NULL;
    o->is_open = false;
}

/* Nothing waits: what was needed for it goes back. */
static void become_idle(struct output *o)
{
    close_block(o);
    if (o->capacity > PIECES_KEPT) {
        mem_free(o->pieces);
        o->pieces = NULL;
        o->capacity = 0;
    }
    o->first = 0;
}

void output_init(struct output *o, struct output_spares *spares)
{
    *o = (struct output){.spares = spares};
}

void output_release(struct output *o)
{
    while (o->count > 0)
        drop_piece(o);
    close_block(o);
    mem_free(o->pieces);
    *o = (struct output){.spares = o->spares};
}

/* ---- add ---- */

uint8_t *output_extend(struct output *o, size_t size)
{
    struct output_block *b = o->block;

    ASSERT(size > 0 && size <= OUTPUT_BLOCK_SIZE);
    if (UNLIKELY(b == NULL || size > OUTPUT_BLOCK_SIZE - b->size)) {
        close_block(o);
        b = o->block = take_block(o->spares);
    }
    uint8_t *at = b->data + b->size;
    b->size += (uint32_t)size;
    if (LIKELY(o->is_open)) {
        piece_at(o, o->count - 1)->size += size;
        o->bytes += size;
        return at;
    }
    add_piece(o, PIECE_BLOCK, at, size)->block = b;
    b->references++;
    o->is_open = true;
    return at;
}

size_t output_room(const struct output *o)
{
    size_t room = o->block == NULL ? 0 : OUTPUT_BLOCK_SIZE - o->block->size;

    return room > 0 ? room : OUTPUT_BLOCK_SIZE;
}

void output_copy(struct output *o, struct bytes bytes)
{
    while (bytes.size > 0) {
        size_t size = output_room(o);

        if (size > bytes.size)
            size = bytes.size;
        memcpy(output_extend(o, size), bytes.data, size);
        bytes = bytes_of(bytes.data + size, bytes.size - size);
    }
}

void output_pinned(struct output *o, struct bytes bytes, struct store_pin pin)
{
    ASSERT(bytes.size > 0);
    add_piece(o, PIECE_PINNED, bytes.data, bytes.size)->pin = pin;
}

void output_owned(struct output *o, void *memory, size_t size)
{
    ASSERT(size > 0);
    add_piece(o, PIECE_OWNED, memory, size)->memory = memory;
}

/* ---- send ---- */

int output_gather(const struct output *o, struct iovec *parts, int max, size_t bytes_max)
{
    size_t bytes = 0;
    int count = 0;

    while (count < max && (uint32_t)count < o->count && bytes < bytes_max) {
        const struct output_piece *p = piece_at(o, (uint32_t)count);

        parts[count].iov_base = (void *)(uintptr_t)p->data;
        parts[count].iov_len = p->size;
        bytes += p->size;
        count++;
    }
    return count;
}

void output_sent(struct output *o, size_t size)
{
    ASSERT(size <= o->bytes);
    o->bytes -= size;
    while (size > 0) {
        struct output_piece *p = piece_at(o, 0);

        if (size < p->size) {
            p->data += size;
            p->size -= size;
            return;
        }
        size -= p->size;
        drop_piece(o);
    }
    if (o->count == 0)
        become_idle(o);
}

void output_check(const struct output *o)
{
    size_t bytes = 0;

    for (uint32_t i = 0; i < o->count; i++) {
        ASSERT(piece_at(o, i)->size > 0);
        bytes += piece_at(o, i)->size;
    }
    ASSERT(bytes == o->bytes);
    ASSERT(!o->is_open || (o->block != NULL && o->count > 0));
    ASSERT(o->block == NULL || o->block->size <= OUTPUT_BLOCK_SIZE);
}
