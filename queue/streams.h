/* Queues that are streams (x-queue-type: stream), seen from outside: everything else about them is
 * as for other queues.
 *
 *     front "s" --x-partitions: 3--> "s-0" "s-1" "s-2"      streams, each with offsets of its own
 *
 * Owner: one shard. */
#ifndef QUEUE_STREAMS_H
#define QUEUE_STREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct consumer;
struct message;
struct queue;
struct queue_get;
struct queues;
struct stream_start;

bool queue_is_stream(const struct queue *q);
/* The first offset that is there, and the one that the next message gets. */
uint64_t queue_first_offset(const struct queue *q);
uint64_t queue_next_offset(const struct queue *q);

/* Where it lies. */
struct stream_place {
    uint64_t sorted_first; /* offsets in files of its own: [sorted_first, sorted_end) */
    uint64_t sorted_end;
    uint64_t sorted_bytes; /* of these files */
    uint64_t count;        /* messages */
    uint64_t bytes;        /* of them */
};
void queue_get_place(const struct queue *q, struct stream_place *out);

/* The streams that it is made of: itself, or its partitions. */
size_t queue_stream_count(const struct queue *q);
struct queue *queue_stream_at(const struct queue *q, size_t i);

/* A stream with x-partitions is a front: `partition`, a stream without, becomes the next of its
 * partitions, whatever queues it is of. The front is deleted before them. */
void queue_add_partition(struct queue *front, struct queue *partition);
/* The partition of a front that the message goes to, or the queue itself. Every message is for a
 * queue without partitions: whoever publishes asks. What it says for a key never changes. */
struct queue *queue_partition_for(struct queue *q, const struct message *m);

/* Whether a large body that comes now must go into the log, whatever its message says: there are
 * streams. */
bool queues_have_streams(const struct queues *qs);

/* Of a consumer of one stream: everything below that offset was delivered or passed over; 0 while
 * that is being found out. */
uint64_t consumer_next_offset(const struct consumer *c);

/* Lets the consumer of one stream, who can take messages, read on at once, about `max` of work (a
 * message is one, and one more for each 32 bytes of its body). Not inside a call of his. */
void consumer_read(struct consumer *c, unsigned max);

/* basic.get on a stream that has no partitions: as queue_get(), but for the first message at that
 * place. `start` is read in the call. */
void queue_get_at(struct queue *q, struct queue_get *g, const struct stream_start *start);

/* ---- copies that a replay makes ---- */

/* The offset behind the last message that was copied from that stream (msg/slip.h); false when none
 * was. It survives with the copies. */
bool queues_find_origin(const struct queues *qs, uint64_t replay, uint16_t part, uint64_t *next);
/* Whether copies may go ahead of what comes meanwhile: the queue has no priorities, no limits of
 * its length, lets duplicates in, and has nothing but such copies. */
bool queue_can_be_held(const struct queue *q);
/* What is no copy that goes ahead (msg/slip.h) waits until each hold was released. */
void queue_hold(struct queue *q);
void queue_release_hold(struct queue *q);
/* The replay is over: forgets what is known of its parts. */
void queues_drop_origins(struct queues *qs, uint64_t replay, size_t parts);

#endif
