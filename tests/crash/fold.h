/* The state that the tests fold out of a log, as a broker would: which records are still needed,
 * and in which lanes.
 *
 *     kind 0x80 | places   PUBLISH: key and body are anything; bit i of `places` says that it
 *                          belongs to place i and so gets the next number there. No bit:
 *                          needed by nobody
 *     kind 1   SETTLE      positions, 8 bytes each: no longer needed in SHARED and DEEP
 *     kind 2   TRIM        lane (8 bytes), number: below it nothing is needed
 *     kind 3   DROP        lane: nothing is needed, and numbers start again in a new lane
 *
 * A place that was dropped so many times is in its so many-th generation; each has its own lane.
 * What is said of the lane of an earlier generation comes too late and means nothing.
 * Plain value with memory of its own. */
#ifndef TESTS_CRASH_FOLD_H
#define TESTS_CRASH_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log/record.h"

enum place {
    PLACE_SHARED,    /* stays in lane 0 until it is settled; its number is its position */
    PLACE_STREAM,    /* trimmed, retained, dropped */
    PLACE_OTHER,     /* as PLACE_STREAM */
    PLACE_COMPACTED, /* compacted by key, sometimes trimmed */
    PLACE_DEEP,      /* a deep queue: settled one by one in its own lane */
    PLACE_COUNT,
};

enum {
    KIND_SETTLE = 1,
    KIND_TRIM = 2,
    KIND_DROP = 3,
    KIND_PUBLISH = 0x80,
    GENERATIONS_MAX = 12,
};

/* A record that is still needed somewhere. */
struct fold_entry {
    uint64_t position;
    uint64_t hash; /* of kind, key and body */
    uint64_t numbers[PLACE_COUNT];
    uint8_t places; /* where it is still needed */
};

struct fold_place {
    uint64_t generation;
    uint64_t next;  /* number of the next record */
    uint64_t first; /* below nothing is needed */
};

struct fold {
    uint64_t next; /* position of the record that comes next */
    struct fold_place places[PLACE_COUNT];
    struct fold_entry *entries; /* by position */
    size_t count;
    size_t capacity;
};

void fold_init(struct fold *f);
void fold_release(struct fold *f);
/* Makes `to`, which is initialised, the same as `from`. */
void fold_copy(struct fold *to, const struct fold *from);

/* Called for each place where an entry is no longer needed; `e->places` has lost the bit
 * already. */
typedef void fold_unneeded_fn(void *owner, const struct fold_entry *e, enum place place);

/* Folds the next record in; its number must be f->next. */
void fold_apply(struct fold *f, const struct record *r, fold_unneeded_fn *fn, void *owner);

/* The entry of a position, or NULL when nobody needs it. */
const struct fold_entry *fold_find(const struct fold *f, uint64_t position);

/* The entry with a number in a place, or NULL. */
const struct fold_entry *fold_find_number(const struct fold *f, enum place place, uint64_t number);

/* The state as bytes: new memory. */
uint8_t *fold_encode(const struct fold *f, size_t *size);
/* Replaces the state by what was encoded. False when the bytes are no state. */
bool fold_decode(struct fold *f, struct bytes state);

/* Equal states have equal ones. */
uint64_t fold_digest(const struct fold *f);

/* The lane that a TRIM or DROP is about; false when it means nothing any more. */
bool fold_lane_of(const struct fold *f, const struct record *r, uint64_t *lane);

/* The lane of a place in one of its generations, and back. */
static inline uint64_t lane_of(enum place place, uint64_t generation)
{
    return (uint64_t)place + 16 * generation;
}

static inline enum place lane_place(uint64_t lane)
{
    return (enum place)(lane % 16);
}

#endif
