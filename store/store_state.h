/* What a store is made of. Private to the room. */
#ifndef STORE_STORE_STATE_H
#define STORE_STORE_STATE_H

#include "log/cursor.h"
#include "log/log.h"
#include "store/slab.h"
#include "store/spill.h"
#include "store/store.h"

struct store {
    struct io *io;
    struct partition *partition; /* NULL: replay goes on */
    struct log *log;
    struct store_options options;
    struct slabs slabs;
    struct holds holds;
    struct spill spill;
    struct map moved; /* queues of which records went to own lanes in this run of the sorter */
    uint32_t readers; /* open ones, and uploads */
    bool is_pressed;  /* as last told */
    struct io_task pressure_task;
    void (*on_pressure)(void *owner, bool is_pressed); /* NULL: nobody listens */
    void *on_pressure_owner;
};

/* A message in memory, in front of its texts. */
struct slab_message {
    struct slab_item item;
    int64_t time_ms;
    uint32_t body_size;
    uint32_t props_size;
    uint32_t parts; /* 0: the body follows */
    uint8_t exchange_size;
    uint8_t key_size;
    uint16_t slip_size;
};

static inline bool place_is_transient(uint64_t place)
{
    return (place & STORE_TRANSIENT) != 0;
}

/* The record has left the hot log. */
static inline bool place_is_sorted(const struct store *s, uint64_t place)
{
    return place < log_first(s->log) || place == STORE_IN_LANE;
}

/* store.c */

/* The message of a place in memory, pinned; ERR_AGAIN when it is on the disk. */
MUST_USE int store_peek_slab(struct store *s, uint64_t place, struct stored *out,
                             struct store_pin *pin);
/* Appends a PUBLISH record; whoever calls knows that it needs no hold, or makes one. */
MUST_USE int store_put_record(struct store *s, const struct store_put *put,
                              const struct parts *parts, uint64_t *place);
/* The hold of a place, or NULL. */
struct hold *store_hold_of(const struct store *s, uint64_t place);
/* So much is in memory that nothing more may come. */
bool store_is_full(const struct store *s);
/* One more reference to parts, and one less. */
void store_parts_ref(struct parts *p);
void store_parts_unref(struct store *s, struct parts *p);

/* store_upload.c */

/* Puts the pieces of a message's body into new parts: all or nothing. Errors: as store_put(). */
MUST_USE int store_upload_body(struct store *s, const struct message *m, bool is_persistent,
                               struct parts **out);
/* The parts of an upload, borrowed. */
struct parts *store_upload_get(const struct store_upload *u);

#endif
