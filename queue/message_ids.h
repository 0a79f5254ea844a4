/* Which of the messages that wait have a message-id: the few that may have it are found without
 * reading the others.
 *
 *     item:  hash of the message-id u32 | the low half of the seq u32
 *
 *     runs   | by hash ... | by hash ... |      what came long ago, a run has up to RUN_MAX items
 *     tail   | as they came ..                  becomes a run when it is full
 *
 * An item says only that the message may have that message-id: who asks reads it. What has left the
 * queue stays in its run until so many have that a run is sifted; each is sifted in its turn, so
 * nothing here takes long at a time. Nor does a search, however many messages have one message-id:
 * it finds some thousands of them, by seq, and is asked again.
 *
 * Plain data of a queue; the ledger says which seqs are alive. */
#ifndef QUEUE_MESSAGE_IDS_H
#define QUEUE_MESSAGE_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"

struct ledger;

enum { MESSAGE_IDS_RUN_MAX = 8192, MESSAGE_IDS_FOUND_MAX = 8192 };

struct message_ids_item {
    uint32_t hash;
    uint32_t seq;
};

struct message_ids_run {
    struct message_ids_item *items;
    size_t count;
};

struct message_ids {
    struct message_ids_run *runs;
    size_t run_count;
    size_t run_capacity;
    struct message_ids_run tail;
    size_t tail_capacity;
    size_t count; /* items, those of messages that are gone too */
    size_t turn;  /* the run that is sifted next */
    uint64_t seed;
    uint64_t whole_from; /* messages below may have ids that are not here */
};

void message_ids_init(struct message_ids *m, uint64_t seed);
void message_ids_release(struct message_ids *m);

/* The message with that seq has that message-id. */
void message_ids_add(struct message_ids *m, struct bytes id, uint64_t seq);
/* Forgets some that are gone, if too many are. */
void message_ids_sift(struct message_ids *m, struct ledger *l);
/* All messages are gone. */
void message_ids_clear(struct message_ids *m);

/* Whether message_ids_find() knows all that are alive: it does not after a start from a checkpoint
 * that has none, as older ones. */
bool message_ids_is_whole(const struct message_ids *m, struct ledger *l);

/* A search for one message-id among the messages that are there when it begins. It is a plain value
 * and goes on in slices, whatever happens to the messages and to the runs in between. */
struct message_ids_search {
    uint32_t hash;
    uint64_t next; /* below all were found */
    uint64_t end;  /* `next` is there: the search is over */
};
struct message_ids_search message_ids_search(const struct message_ids *m, const struct ledger *l,
                                             struct bytes id);

/* The next live messages that may have that message-id, in rising order, MESSAGE_IDS_FOUND_MAX at
 * most; new memory. There may be none though the search is not over. */
struct message_ids_found {
    uint64_t *seqs;
    size_t count;
    size_t looks; /* items that were compared */
};
struct message_ids_found message_ids_find(const struct message_ids *m, struct ledger *l,
                                          struct message_ids_search *s);

/* What it takes of memory. */
size_t message_ids_memory(const struct message_ids *m);

void message_ids_save(const struct message_ids *m, struct buf *out);
/* Fills an empty one. Nothing left to read: the checkpoint has none. The reader fails when the
 * bytes are not what message_ids_save() wrote. */
void message_ids_restore(struct message_ids *m, const struct ledger *l, struct reader *r);

void message_ids_check(const struct message_ids *m);

#endif
