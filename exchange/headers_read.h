/* The headers of one message, read for many questions. Private.
 *
 * A hash table over the names with linear steps; a name that is there twice stands for its last
 * value, as in msg/table.h. The memory is kept for the next message. */
#ifndef EXCHANGE_HEADERS_READ_H
#define EXCHANGE_HEADERS_READ_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "msg/table.h"

struct header {
    uint64_t name_hash;
    struct bytes name; /* no data: the slot is empty */
    struct field value;
};

struct headers_read {
    struct header *slots;
    size_t capacity; /* 0 or a power of two */
    size_t used;     /* of the capacity, by this message: a power of two */
    size_t count;
    uint64_t seed;
};

void headers_release(struct headers_read *h);

/* Reads the headers; an empty table is allowed. */
void headers_fill(struct headers_read *h, struct table t, uint64_t seed);

/* The value of that name, or NULL. The hash is hash64(name, seed). */
const struct field *headers_find(const struct headers_read *h, struct bytes name, uint64_t hash);

#endif
