/* What a group has of one stream: how far it is there, and while the group is in use who reads for
 * it. Private to the room.
 *
 *     front ---- struct group ---- claim of s-0, claim of s-1, ...      each lies at its stream
 *
 * NEXT is the low mark as a seq (offset + 1): everything below it is done with. It survives:
 *
 *     moved --100 ms at most--> GROUP record, in the pass      the newest of a claim is kept
 *                               '- checkpoint has it too
 *
 * A record never forces a sync; losing one costs a redelivery. What a claim that is new, or reset,
 * says is written in this turn: a message that was confirmed later is not missed. What moved inside
 * a group of the log is written as part of it.
 *
 *     GROUP:   stream | queue whose group it is | next; 0: it is forgotten | name
 *     saved:   how many | ( stream | queue | next | position + 1 | moved u8 | size | name )*
 *
 * Numbers are varints; the name is what is left. Position + 1 is 0 when there is no record;
 * `moved`: the record there does not say so yet.
 *
 * Owner: the shard of the stream. */
#ifndef QUEUE_CLAIM_H
#define QUEUE_CLAIM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/list.h"
#include "queue/bookmark.h"

struct group;
struct log_sorting;
struct member;
struct record;

struct claim {
    struct list_link of_stream; /* stream->claims */
    struct list_link moved;     /* queues->streams.claims.moved: to be written */
    struct queue *stream;
    uint64_t owner;      /* id of the queue whose group it is: a front or the stream */
    uint64_t next;       /* 0: not known yet */
    uint64_t position;   /* of its newest record; CLAIM_UNWRITTEN: there is none */
    uint64_t maybe_seen; /* what lay there when the broker was opened after a crash is below */

    struct group *group; /* NULL: nobody has used it since the start */
    struct bookmark_watch watch;
    struct bookmark *bookmark; /* NULL: it was not read yet */
    struct member *holder;     /* who reads; NULL: nobody */
    struct member *heir;       /* who is to read; NULL: nobody */

    uint8_t name_size;
    uint8_t name[];
};

#define CLAIM_UNWRITTEN UINT64_MAX

/* The claim of the group of that name of queue `owner`; NULL: there is none. */
struct claim *claim_find(const struct queue *stream, uint64_t owner, struct bytes name);
/* Makes one that is not there. */
struct claim *claim_new(struct queue *stream, uint64_t owner, struct bytes name);
struct bytes claim_name(const struct claim *c);
/* The group is so far. `is_now`: it is written in this turn. */
void claim_move(struct claim *c, uint64_t next, bool is_now);
/* The most that its record takes of a group of the log. */
size_t claim_record_size(const struct claim *c);
/* Frees it, on the disk too. Errors: ERR_FULL, ERR_FAILED: it stays. */
MUST_USE int claim_forget(struct claim *c);
/* The stream goes: so do all its claims, and their records if it is deleted. */
void claims_release(struct queue *stream);
/* The partition is open: nothing is beyond the end of its stream. */
void claims_start(struct queue *stream);

/* Writes what has moved. ERR_FULL, ERR_FAILED. */
int claims_write(struct queues *qs);
/* What has moved is written by the next claims_write(). */
void claims_hurry(struct queues *qs);

void claims_save(const struct queues *qs, struct buf *out);
void claims_restore(struct queues *qs, struct reader *r);
/* A GROUP record of the hot log. ERR_CORRUPT. */
int claims_replay(struct queues *qs, const struct record *r);
/* One that the sorter kept, every checkpoint was lost. */
int claims_survivor(struct queues *qs, const struct record *r);
/* Whether the record is the newest of its claim. */
void claims_classify(const struct queues *qs, const struct record *r, struct log_sorting *s);

#endif
