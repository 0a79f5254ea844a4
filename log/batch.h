/* One batch: what is written, checked and replicated as a whole; all of it counts or none.
 *
 *     OFFSET SIZE
 *      0      4   magic "MRB1"
 *      4      4   CRC32C of bytes [8, length)
 *      8      4   length of header and payload, without the padding behind
 *     12      2   version, 1
 *     14      2   attributes: 1 NUMBERED, 2 ZSTD
 *     16      8   base: number of the first record
 *     24      4   count of records
 *     28      4   chain: CRC32C field of the batch before this one; of the first one of a cold file
 *                 what segment.h says, and 0 for the very first of the log
 *     32      8   epoch of the leader that wrote it; a batch never spans epochs
 *     40      8   time: the leader's wall clock in ms when it was sealed, so that no record
 *                 is younger; never less than the batch before
 *     48      8   durable: every position below this was durable when this batch was sealed
 *     56      4   raw size: bytes of the payload once decompressed
 *     60      4   mark: the first four bytes of the log's own id
 *     64      -   payload: records, as a whole compressed when ZSTD is set
 *
 *     a record                              a record in a NUMBERED batch (cold logs)
 *      0      4   size of the whole record    0      4   size of the whole record
 *      4      1   kind                        4      1   kind
 *      5      1   zero                        5      1   zero
 *      6      2   size of the key             6      2   size of the key
 *      8      -   key, then body              8      8   number
 *                                            16      8   time in ms
 *                                            24      -   key, then body
 *
 * All numbers are little-endian. Batches start at multiples of 512 bytes, so that writing
 * one can never hurt the sector of another. Records of a batch that is not NUMBERED have
 * base, base + 1, ...
 *
 * A batch is valid if and only if magic, version and mark are right, the length lies within
 * the file and BATCH_SIZE_MAX, the CRC is right, and base, epoch and chain follow from the
 * batch before. The chain and the epoch (a new one at every opening) are what tells a batch
 * of a recycled file, or of a future that was cut off, from the real next one.
 *
 * Pure functions over bytes; any thread. */
#ifndef LOG_BATCH_H
#define LOG_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "log/record.h"

enum {
    BATCH_HEADER_SIZE = 64,
    BATCH_ALIGN = 512,
    BATCH_SIZE_MAX = 32 << 20,
    BATCH_VERSION = 1,
    BATCH_NUMBERED = 1,
    BATCH_ZSTD = 2,
    RECORD_HEADER_SIZE = 8,
    RECORD_NUMBERED_SIZE = 24,
};

/* The header's fields. */
struct batch_head {
    uint32_t crc;
    uint32_t length;
    uint16_t attributes;
    uint64_t base;
    uint32_t count;
    uint32_t chain;
    uint64_t epoch;
    int64_t time_ms;
    uint64_t durable;
    uint32_t raw_size;
    uint32_t mark;
};

/* What a batch of `length` bytes takes up in the file. */
static inline uint64_t batch_padded(uint64_t length)
{
    return (length + BATCH_ALIGN - 1) / BATCH_ALIGN * BATCH_ALIGN;
}

/* Writes the header in front of a payload that lies at `at` + 64, and the CRC over both;
 * sets h->crc. */
void batch_seal(uint8_t *at, struct batch_head *h);

/* The same for a payload whose own CRC is known. */
void batch_seal_summed(uint8_t *at, struct batch_head *h, uint32_t payload_crc);

/* Reads and checks a header and its CRC; bytes [at, at + size) are all there is. `mark` is
 * the log's. Errors: ERR_CORRUPT; ERR_VERSION when the CRC is right but the version is not
 * known. */
MUST_USE int batch_read(const uint8_t *at, size_t size, uint32_t mark, struct batch_head *out);

/* The length a header claims, when its magic is right and the length is possible; else 0.
 * Nothing else is checked: this tells how much to read before batch_read(). */
uint32_t batch_claimed_length(const uint8_t *at, size_t size);

/* The chain that a header claims, when it looks like one of the log's; nothing is checked. */
MUST_USE bool batch_claimed_chain(const uint8_t *at, size_t size, uint32_t mark, uint32_t *chain);

/* Bytes of a record with these parts. */
static inline size_t record_size(bool is_numbered, size_t key_size, size_t body_size)
{
    return (is_numbered ? RECORD_NUMBERED_SIZE : RECORD_HEADER_SIZE) + key_size + body_size;
}

/* Writes a record's fixed part and key; returns the place for the body. */
uint8_t *record_write(uint8_t *at, bool is_numbered, const struct record *r);

/* Reads the record at *at of a raw payload and moves *at behind it. `head` gives what the
 * record does not carry itself; `index` is its place in the batch. Errors: ERR_CORRUPT when
 * it does not fit. */
MUST_USE int record_read(const struct batch_head *head, struct bytes payload, size_t *at,
                         uint32_t index, struct record *out);

#endif
