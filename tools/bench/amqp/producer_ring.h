/* A producer's ring of messages built beforehand; private to the producer. */
#ifndef TOOLS_BENCH_AMQP_PRODUCER_RING_H
#define TOOLS_BENCH_AMQP_PRODUCER_RING_H

#include <stdint.h>

#include "base/bytes.h"
#include "tools/bench/amqp/producer.h"

/* Builds the messages of a producer, for frames of that size. */
void producer_ring_init(struct producer_ring *r, const struct crew *crew, uint32_t producer,
                        uint32_t frame_max);
void producer_ring_release(struct producer_ring *r);

/* How many more messages it takes now. */
uint32_t producer_ring_room(const struct producer_ring *r);

/* Stamps the next `count` messages; there must be room. */
void producer_ring_stamp(struct producer_ring *r, const struct crew *crew, uint32_t producer,
                         uint32_t count);

/* What is to be written: one part, or two around the end of the ring, or none. */
int producer_ring_parts(const struct producer_ring *r, struct bytes parts[2]);

/* So many bytes of it are written. */
void producer_ring_clear(struct producer_ring *r, size_t written);

#endif
