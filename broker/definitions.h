/* The definitions that survive a restart, and their records in the log of partition 0.
 *
 *     put, remove --> index (kind + key -> body, position)   what is defined now
 *                 '-> record --> log of partition 0          committed later
 *                       '-- held back while the log takes none: the outbox
 *
 * A definition is a kind, a key that tells it from others, and a body. Its newest record is the one
 * whose position it remembers; the sorter keeps that one and drops all others, so what exists can
 * be had from the log alone, without any checkpoint. What a key and a body mean is in terms.h.
 *
 * A record is a kind of enum definition_kind, the key, and a body:
 *
 *     OFFSET SIZE
 *          0    1  version: 1
 *          1    1  1: it is so; 0: it is gone (then nothing follows)
 *          2    -  the body, as terms.h draws it
 *
 * The part of a checkpoint:
 *
 *     OFFSET SIZE
 *          0    1  version: 1
 *          1    8  the next id: with a clean stop the ids go on here
 *          9    4  how many definitions follow, each:
 *                  position u64, kind u8, size of key u16, size of body u32, key, body
 *
 * IDS come from one counter and are never used twice: they are reserved in the log by the block,
 * and a start after a crash goes on behind the reserved ones.
 *
 * Owner: the shard of partition 0. */
#ifndef BROKER_DEFINITIONS_H
#define BROKER_DEFINITIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/names.h"

struct fold;
struct partition;

/* Kinds of records; below those of queues (store/records.h). Never reused for another meaning. */
enum definition_kind {
    DEFINITION_IDS = 1, /* no key; the body is the first id that is not reserved */
    DEFINITION_VHOST = 2,
    DEFINITION_USER = 3,
    DEFINITION_PERMISSION = 4,
    DEFINITION_TOPIC_PERMISSION = 5,
    DEFINITION_EXCHANGE = 6,
    DEFINITION_QUEUE = 7,
    DEFINITION_BINDING = 8,
    DEFINITION_VHOST_LIMIT = 9,
    DEFINITION_USER_LIMIT = 10,
    DEFINITION_POLICY = 11,
    DEFINITION_OPERATOR_POLICY = 12,
    DEFINITION_GLOBAL_PARAMETER = 13,
    DEFINITION_REPLAY = 15,
    DEFINITION_NEWEST = DEFINITION_REPLAY,
    DEFINITION_LAST = 63,
};

enum {
    DEFINITIONS_FOLD = 1, /* id of the part of a checkpoint */
    DEFINITIONS_IDS_BLOCK = 1 << 16,
    DEFINITIONS_OUTBOX_MAX = 16 << 20,
};

struct definition {
    uint8_t kind;
    uint64_t position; /* of its newest record; DEFINITION_UNWRITTEN: it has none yet */
    struct bytes key;
    struct bytes body; /* both lie in one piece of memory of their own */
};
#define DEFINITION_UNWRITTEN UINT64_MAX

/* While opening: a definition was read, or is gone again. Virtual hosts and queues must be made at
 * once, because records of their messages follow. */
struct definitions_calls {
    void *owner;
    /* Non-zero stops the opening with that error. */
    int (*on_read)(void *owner, const struct definition *d);
    void (*on_gone)(void *owner, uint8_t kind, struct bytes key);
};

struct definitions {
    struct definitions_calls calls;
    struct partition *partition; /* NULL while opening */
    struct names by_key;         /* kind and key -> struct definition */
    struct buf scratch;
    struct buf outbox;      /* records that the log did not take yet, in order */
    uint64_t last_position; /* of the newest record, when has_record */
    bool has_record;
    bool is_failed; /* the log takes nothing any more */
    uint64_t next_id;
    uint64_t reserved_id;   /* ids below may be given out */
    uint64_t checkpoint_id; /* next_id of the checkpoint that was read; 0: none was */
};

void definitions_init(struct definitions *d, uint64_t seed, const struct definitions_calls *calls);
void definitions_release(struct definitions *d);

void definitions_fold(struct definitions *d, struct fold *out);
/* The partition is open: records may be written. */
void definitions_start(struct definitions *d, struct partition *p);
/* The partition closes next: no record is written any more. */
void definitions_stop(struct definitions *d);

/* ---- use ---- */

/* Between definitions_start() and definitions_stop(). */
static inline bool definitions_are_open(const struct definitions *d)
{
    return d->partition != NULL;
}

/* Makes or replaces. */
void definitions_put(struct definitions *d, uint8_t kind, struct bytes key, struct bytes body);
/* It is gone; nothing happens when it was not there. */
void definitions_remove(struct definitions *d, uint8_t kind, struct bytes key);
/* Forgets without a record: what it was about is gone, which a record of that says already. */
void definitions_drop(struct definitions *d, uint8_t kind, struct bytes key);

/* A new id. */
uint64_t definitions_take_id(struct definitions *d);

/* Tries to write what was held back. */
void definitions_flush(struct definitions *d);
/* So much is held back that nothing more should be defined. */
bool definitions_are_full(const struct definitions *d);
/* What must be committed before all that was defined so far is safe: *position is the newest
 * record. False: nothing was ever written. DEFINITION_UNWRITTEN: some of it is held back. */
bool definitions_newest(const struct definitions *d, uint64_t *position);

/* ---- look ---- */

const struct definition *definitions_find(struct definitions *d, uint8_t kind, struct bytes key);
/* A walk over those of one kind, oldest first; starts and ends with NULL. Nothing may be added or
 * removed meanwhile but with definitions_drop() of the one before. */
struct names_entry *definitions_next(const struct definitions *d, uint8_t kind,
                                     const struct names_entry *at);

void definitions_check(const struct definitions *d);

#endif
