/* A record: the smallest thing a log keeps. Bytes with a kind, a key and a time; the log
 * gives them no meaning.
 *
 * In the hot log a record's number is its POSITION: dense, in the order of appends, never
 * used twice. In a cold log it is what the sorter was told (a stream's offset, or the old
 * position): increasing, with gaps where records were dropped, and never changed afterwards. */
#ifndef LOG_RECORD_H
#define LOG_RECORD_H

#include <stdint.h>

#include "base/bytes.h"

enum {
    RECORD_KEY_MAX = 65535,
    RECORD_SIZE_MAX = 8 << 20, /* header, key and body together */
};

/* A view of one record. The bytes are borrowed from the block that was pinned to get it. */
struct record {
    uint64_t number;
    int64_t time_ms; /* wall clock of the append; never goes back within a log */
    uint8_t kind;    /* the owner's own */
    struct bytes key;
    struct bytes body;
};

#endif
