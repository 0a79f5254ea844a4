/* What files a log's directory holds, sorted by kind and number. */
#ifndef LOG_LISTING_H
#define LOG_LISTING_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "log/site.h"

/* The numbers in the names of one kind of file, rising. */
struct listing_numbers {
    uint64_t *items;
    size_t count;
    size_t capacity;
};

struct listing {
    struct listing_numbers hot;
    struct listing_numbers cold;
    struct listing_numbers spare;
    struct listing_numbers checkpoint;
    char *in_the_way; /* a directory where a file must be, or NULL */
    char **leftovers; /* names of half-written state files */
    size_t leftover_count;
    size_t leftover_capacity;
};

/* Reads the directory; blocks. Names that are none of ours are passed over. */
MUST_USE int listing_read(const struct site *s, struct listing *out);
void listing_release(struct listing *l);

#endif
