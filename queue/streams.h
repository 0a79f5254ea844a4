/* Queues that are streams (x-queue-type: stream), seen from outside: everything else about them is
 * as for other queues.
 *
 *     front "s" --x-partitions: 3--> "s-0" "s-1" "s-2"      streams, each with offsets of its own
 *
 * Owner: one shard. */
#ifndef QUEUE_STREAMS_H
#define QUEUE_STREAMS_H

#include <stdbool.h>
#include <stdint.h>

struct message;
struct queue;
struct queues;

bool queue_is_stream(const struct queue *q);
/* The first offset that is there, and the one that the next message gets. */
uint64_t queue_first_offset(const struct queue *q);
uint64_t queue_next_offset(const struct queue *q);

/* A stream with x-partitions is a front: `partition`, a stream without, becomes the next of its
 * partitions, whatever queues it is of. The front is deleted before them. */
void queue_add_partition(struct queue *front, struct queue *partition);
/* The partition of a front that the message goes to, or the queue itself. Every message is for a
 * queue without partitions: whoever publishes asks. What it says for a key never changes. */
struct queue *queue_partition_for(struct queue *q, const struct message *m);

/* Whether a large body that comes now must go into the log, whatever its message says: there are
 * streams. */
bool queues_have_streams(const struct queues *qs);

#endif
