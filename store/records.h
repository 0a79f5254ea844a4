/* The records that messages and queues write into their partition's log, and what stands in each.
 *
 *     PUBLISH   a message and the durable queues it goes to
 *     PART      a piece of a large body, before the PUBLISH that points at it
 *     SETTLE    seqs of some queues that are done with: acked, expired, dropped, moved, purged
 *     RETURN    deliveries that came back and are counted (x-delivery-count)
 *     GROUP     how far a group is in a stream
 *     CLOCK     how far the log's clock is ahead of the steady one from here on (queue/delayed.h)
 *
 * Numbers are little-endian base-128 (seven bits a byte, the top bit says that another follows).
 * Queue ids and seqs in one record rise and are written as differences. What is not named by a
 * record never happened; a SETTLE or RETURN of something unknown is ignored (DESIGN, storage rule
 * 5). */
#ifndef STORE_RECORDS_H
#define STORE_RECORDS_H

/* Kinds of the definitions (broker/) are below. */
enum queue_record {
    RECORD_QUEUE_FIRST = 64,
    RECORD_PUBLISH = 64,
    RECORD_PART = 65,
    RECORD_SETTLE = 66,
    RECORD_RETURN = 67,
    RECORD_GROUP = 68,
    RECORD_CLOCK = 69,
    RECORD_QUEUE_LAST = 127,
};

#endif
