/* Slabs: memory for what does not go into the log. Private to the room.
 *
 *     slab   | item | item | item | free ... |        items of one slab: some messages
 *     slab   | one large item |                       a large one has a slab of its own
 *
 *     OPEN --full--> SEALED --memory is short--> WRITING --> SPILLED --read--> SEALED ...
 *       \______________\_______ last item and last pin gone ____/---> recycled, warm
 *                       '--- and few items are live --> MOVED, until they are gone
 *
 * An item has a place (store/store.h): STORE_TRANSIENT, the slot of its slab in the table of slabs,
 * and where it begins in the slab. Slots are given again when a slab has gone.
 *
 * Invariants, checked by slabs_check():
 *   B1  a slab with a live item or a pin stays; without both it goes;
 *   B2  pinned bytes do not move;
 *   B3  a moved slab has no memory: where its items are now is said by the map of moves, for each
 *       place of a live one;
 *   B4  a frozen slab's memory does not change any more: a copy of it stays right.
 *
 * Owner: one shard. */
#ifndef STORE_SLAB_H
#define STORE_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/list.h"
#include "base/map.h"
#include "store/store.h"

enum {
    SLAB_BYTES = 128 << 10,
    SLAB_ITEM_MAX = SLAB_BYTES / 4, /* larger ones have a slab of their own */
    SLAB_ALIGN = 16,
    SLAB_SLOT_SHIFT = 16,
    SLAB_SPARE_MAX = 64, /* areas kept warm; memory of further ones goes back */
};

enum slab_state {
    SLAB_OPEN,    /* takes items */
    SLAB_SEALED,  /* in memory */
    SLAB_WRITING, /* in memory; a job reads it */
    SLAB_SPILLED, /* only on the disk */
    SLAB_READING, /* a job fills its memory */
    SLAB_MOVED,   /* its items are in other slabs (store/slab_move.h) */
};

/* In place of a count: it is in a hold (store/hold.h). */
#define SLAB_HELD UINT32_MAX

/* In front of each item's bytes. */
struct slab_item {
    uint32_t refs; /* meaningless once the slab is frozen */
    uint32_t size; /* with this header, rounded up to SLAB_ALIGN */
};

/* Where the copy of a slab is in the scratch file, in units of SLAB_BYTES. */
struct slab_copy {
    uint64_t at;
    uint32_t units; /* 0: there is none */
    uint32_t crc;
};

struct slab {
    struct list_link order; /* among all but the open one, oldest first */
    struct list_link link;  /* among those in memory, oldest first; or those to be read */
    struct list waiters;    /* struct slab_waiter: for it to be read */
    struct slabs *home;
    uint8_t *data; /* NULL: not in memory */
    uint32_t capacity;
    uint32_t used;
    uint32_t live; /* items with references */
    uint32_t pins;
    uint32_t slot;
    enum slab_state state;
    bool is_frozen;         /* it was or is being written: counts are in holds, or are one */
    bool is_lost;           /* its copy cannot be read */
    uint64_t kept_until_ns; /* somebody waited for it: it stays until he has it; 0: he has */
    struct slab_copy copy;
};

/* Somebody who waits for a slab. Lies in its owner's struct. */
struct slab_waiter {
    struct list_link link;
    void (*ready)(void *owner);
    void *owner;
};

/* What is told about slabs; each is called inside the calls below. */
struct slabs_calls {
    void *owner;
    /* Memory was taken or given back. */
    void (*changed)(void *owner);
    /* A slab with a copy, or with somebody who waits for it, goes. */
    void (*ending)(void *owner, struct slab *b);
};

struct slabs {
    struct slabs_calls calls;
    struct slab **table; /* by slot; NULL: free */
    uint32_t table_size;
    uint32_t table_capacity;
    uint32_t *free_slots;
    uint32_t free_count;
    struct slab *open;  /* NULL: none */
    struct slab *attic; /* takes what is moved out of others; NULL: none */
    struct map moved;   /* place -> the place where it is now */
    struct list order;
    struct list sealed; /* in memory */
    uint8_t *spare[SLAB_SPARE_MAX];
    uint32_t spare_count;
    uint64_t items; /* live ones */
    uint64_t bytes; /* of all slabs that are in memory */
};

void slabs_init(struct slabs *s, const struct slabs_calls *calls);
/* Gives all memory back, whoever still has references. No pin may be left. */
void slabs_release(struct slabs *s);

/* The bytes an item with so many bytes of content takes. */
static inline uint32_t slab_item_size(size_t content)
{
    return (uint32_t)((sizeof(struct slab_item) + content + SLAB_ALIGN - 1) / SLAB_ALIGN *
                      SLAB_ALIGN);
}

/* A new slab for an item of `size` bytes when the open one has no room for it: it becomes the open
 * one, or is its own. NULL when the system refuses memory. */
MUST_USE struct slab *slab_for(struct slabs *s, uint32_t size);

/* The next item of a slab that has room. */
static inline struct slab_item *slab_cut(struct slab *b, uint32_t size, uint32_t refs,
                                         uint64_t *place)
{
    struct slab_item *item = (struct slab_item *)(void *)(b->data + b->used);

    *place = STORE_TRANSIENT | (uint64_t)b->slot << SLAB_SLOT_SHIFT | b->used / SLAB_ALIGN;
    item->refs = refs;
    item->size = size;
    b->used += size;
    b->live++;
    b->home->items++;
    return item;
}

/* As slab_take(), among what was moved; for small items. */
MUST_USE struct slab_item *slab_take_attic(struct slabs *s, uint32_t size, uint64_t *place);

/* Room for an item of `size` bytes (slab_item_size()) with so many references, which the caller
 * fills at once. NULL when the system refuses memory. */
MUST_USE static inline struct slab_item *slab_take(struct slabs *s, uint32_t size, uint32_t refs,
                                                   uint64_t *place)
{
    struct slab *b = s->open;

    ASSERT(refs > 0);
    if (UNLIKELY(b == NULL || size > b->capacity - b->used)) {
        b = slab_for(s, size);
        if (b == NULL)
            return NULL;
    }
    return slab_cut(b, size, refs, place);
}

/* The slab of a place that somebody has a reference to. */
static inline struct slab *slab_of(const struct slabs *s, uint64_t place)
{
    uint64_t slot = (place & ~STORE_TRANSIENT) >> SLAB_SLOT_SHIFT;

    ASSERT(slot < s->table_size && s->table[slot] != NULL);
    return s->table[slot];
}

/* The item of a place in a slab that is in memory. */
static inline struct slab_item *slab_item_at(const struct slab *b, uint64_t place)
{
    uint32_t at = (uint32_t)(place & ((1U << SLAB_SLOT_SHIFT) - 1)) * SLAB_ALIGN;

    ASSERT(b->data != NULL && at < b->used);
    return (struct slab_item *)(void *)(b->data + at);
}

/* Nothing in it is live or pinned any more: it goes, or begins again. While a job has it nothing
 * happens: whoever ends the job asks again. */
void slab_end(struct slab *b);

/* An item has no reference any more. */
static inline void slab_item_end(struct slab *b)
{
    ASSERT(b->live > 0);
    b->home->items--;
    b->live--;
    if (UNLIKELY(b->live == 0) && b->pins == 0)
        slab_end(b);
}

static inline void slab_pin(struct slab *b)
{
    b->pins++;
}

static inline void slab_unpin(struct slab *b)
{
    ASSERT(b->pins > 0);
    b->pins--;
    if (b->pins == 0 && UNLIKELY(b->live == 0))
        slab_end(b);
}

/* For spilling: gives the memory of a slab back, and gets some for one. NULL when refused. */
void slab_drop_data(struct slab *b);
MUST_USE uint8_t *slab_new_data(struct slabs *s, uint32_t capacity);
void slab_free_data(struct slabs *s, uint8_t *data, uint32_t capacity);

void slabs_check(const struct slabs *s);

#endif
