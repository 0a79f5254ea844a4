/* The value of x-deduplication-header, by which duplicates of a message are known.
 *
 * Two values are the same when they have one type and one content; integers of all widths are one
 * type, floats and doubles another. A long text stands for itself by a hash so wide that no two
 * are met that share it. Tables, arrays and void are no values to compare: a message with one of
 * those has no duplicates. Pure. */
#ifndef MSG_DEDUP_H
#define MSG_DEDUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "msg/table.h"

enum { DEDUP_KEY_MAX = 65 };

struct dedup_key {
    size_t size; /* 0: none */
    uint8_t bytes[DEDUP_KEY_MAX];
};

/* Reads the headers. */
void dedup_read(struct table headers, struct dedup_key *out);

static inline struct bytes dedup_key_bytes(const struct dedup_key *k)
{
    return bytes_of(k->bytes, k->size);
}

/* x-cache-ttl of the message, in milliseconds; false when it has none that is above 0. */
bool dedup_read_ttl(struct table headers, uint64_t *ms);

#endif
