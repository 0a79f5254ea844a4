/* Batches as the log has them on disk, made by hand, of records that tell by themselves
 * whether they are right: every byte of a body follows from the record's number.
 *
 *     struct batch_builder b;
 *     batch_builder_init(&b, mark, 0);
 *     batch_builder_add(&b, 3, 100);       numbers 0, 1, 2; b.bytes grows by one padded batch
 *     batch_builder_add(&b, 1, 5000);      number 3
 *     batch_builder_release(&b);
 *
 * Owner: a test. */
#ifndef TESTS_UNIT_LOG_LOG_BYTES_H
#define TESTS_UNIT_LOG_LOG_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "log/batch.h"

struct batch_builder {
    uint8_t *bytes; /* all batches so far, padded */
    size_t size;

    /* Of the next batch; a test changes them between two calls. */
    uint64_t next;       /* number of its first record */
    uint64_t step;       /* in a NUMBERED batch numbers rise by so much; else 1 */
    uint16_t attributes; /* BATCH_NUMBERED, BATCH_ZSTD */
    uint32_t mark;
    uint32_t chain;
    uint64_t epoch;
    uint64_t durable;
    int64_t time_ms; /* 1000 more in each batch */
    struct bytes key;

    /* Of the last one. */
    size_t last_at;
    struct batch_head last;
};

void batch_builder_init(struct batch_builder *b, uint32_t mark, uint64_t first);
void batch_builder_release(struct batch_builder *b);

/* Adds a batch of `count` records with bodies of that size. */
void batch_builder_add(struct batch_builder *b, uint32_t count, size_t body_size);

/* The body that belongs to a number. */
void body_fill(uint8_t *at, size_t size, uint64_t number);
bool body_is(struct bytes body, size_t size, uint64_t number);

#endif
