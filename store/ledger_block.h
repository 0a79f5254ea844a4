/* A packed block of a ledger: some hundred entries in a row, few bytes each. Private to the room.
 *
 *     | first, count, live | columns: place size expires priority | live bits | values ... |
 *
 * A column keeps its lowest value once and of each entry the difference to it, in as many bytes as
 * the largest needs: none when all are equal. A place is turned by one bit before, so that those in
 * the log and those in memory have small numbers both.
 *
 * Only the bits change once it is made. On the disk (in a checkpoint) it has the same parts, as
 * numbers of store/varint.h, bits, and values.
 *
 * Owner: that of the ledger. */
#ifndef STORE_LEDGER_BLOCK_H
#define STORE_LEDGER_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/check.h"
#include "store/ledger.h"

enum {
    LEDGER_BLOCK_MAX = 512, /* entries */
    LEDGER_WORDS = LEDGER_BLOCK_MAX / 64,
    LEDGER_COLUMNS = 4,
};

struct ledger_column {
    uint64_t base;
    uint64_t mask;  /* of the bits of a value */
    uint32_t at;    /* of its values among all values */
    uint32_t width; /* bytes of each; 0: all are the base */
};

struct ledger_block {
    uint64_t first; /* seq of entry 0 */
    uint32_t count;
    uint32_t live;
    bool has_transient; /* an entry may be in memory, not in the log */
    size_t memory;
    struct ledger_column columns[LEDGER_COLUMNS];
    uint64_t bits[LEDGER_WORDS]; /* 1: live */
    uint8_t values[];            /* and some bytes behind them, so that eight can be read */
};

/* Entries with their live bits, to be packed: at most LEDGER_BLOCK_MAX, at least one of them live.
 * Those that are not live take part too, which is faster; they should not differ much. */
struct ledger_rows {
    uint64_t first;
    uint32_t count;
    const struct ledger_entry *entries;
    const uint64_t *bits;
};

/* New memory. */
struct ledger_block *ledger_block_new(const struct ledger_rows *rows);
void ledger_block_free(struct ledger_block *b);

void ledger_block_get(const struct ledger_block *b, uint32_t i, struct ledger_entry *out);
/* `count` entries from `i` on. */
void ledger_block_get_row(const struct ledger_block *b, uint32_t i, uint32_t count,
                          struct ledger_entry *out);
/* The size alone. */
uint32_t ledger_block_size(const struct ledger_block *b, uint32_t i);

static inline bool ledger_bit(const uint64_t *bits, uint32_t i)
{
    return (bits[i / 64] >> (i % 64) & 1) != 0;
}

/* The first set bit at or above `from`; `count` when there is none below that. */
static inline uint32_t ledger_bit_next(const uint64_t *bits, uint32_t from, uint32_t count)
{
    while (from < count) {
        uint64_t word = bits[from / 64] >> (from % 64);

        if (word != 0) {
            from += (uint32_t)__builtin_ctzll(word);
            break;
        }
        from = (from / 64 + 1) * 64;
    }
    return from < count ? from : count;
}

/* The first bit that is not set at or above `from`; `count` when there is none below that. */
static inline uint32_t ledger_bit_end(const uint64_t *bits, uint32_t from, uint32_t count)
{
    while (from < count) {
        uint64_t word = ~bits[from / 64] >> (from % 64);

        if (word != 0) {
            from += (uint32_t)__builtin_ctzll(word);
            break;
        }
        from = (from / 64 + 1) * 64;
    }
    return from < count ? from : count;
}

/* `count` bits from bit `at` on; 1 to 64 - at. */
static inline uint64_t ledger_bits_mask(uint32_t at, uint32_t count)
{
    return ((UINT64_C(2) << (count - 1)) - 1) << at;
}

/* Clears `count` bits from `from` on. */
static inline void ledger_bits_clear(uint64_t *bits, uint32_t from, uint32_t count)
{
    while (count > 0) {
        uint32_t at = from % 64;
        uint32_t n = count < 64 - at ? count : 64 - at;

        bits[from / 64] &= ~ledger_bits_mask(at, n);
        from += n;
        count -= n;
    }
}

/* Sets `count` bits from `from` on. */
static inline void ledger_bits_set(uint64_t *bits, uint32_t from, uint32_t count)
{
    while (count > 0) {
        uint32_t at = from % 64;
        uint32_t n = count < 64 - at ? count : 64 - at;

        bits[from / 64] |= ledger_bits_mask(at, n);
        from += n;
        count -= n;
    }
}

void ledger_block_encode(const struct ledger_block *b, struct buf *out);
/* NULL when the bytes are no block. */
struct ledger_block *ledger_block_decode(struct reader *r);

void ledger_block_check(const struct ledger_block *b);

#endif
