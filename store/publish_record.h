/* The bytes of PUBLISH and PART records (store/records.h). Private to the room.
 *
 *     PUBLISH   0  1  flags: 1 PARTS, 2 SLIP, 4 MOVED: it was in another queue before
 *               1  1  size of the exchange's name
 *               2  1  size of the routing key
 *               3  v  size of the targets
 *               -  v  size of the properties
 *               -  -  with PARTS: v body size, v count, v position of the first part, v differences
 *               -  -  with SLIP: v size of the slip, the slip (msg/slip.h)
 *               -  -  exchange, routing key
 *               -  -  targets: v count, then each: v queue id less the one before, v seq
 *               -  -  properties, as they came
 *               -  -  without PARTS: the body, up to the end of the record
 *
 *     PART      v  how many positions before this record the first part of the body is
 *               -  bytes of the body
 *
 * v is a number of store/varint.h. Pure functions; any thread. */
#ifndef STORE_PUBLISH_RECORD_H
#define STORE_PUBLISH_RECORD_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/check.h"
#include "log/record.h"
#include "store/store.h"

/* What a PUBLISH record is made from. */
struct publish_record {
    const struct message *message;
    const struct store_target *targets;
    size_t target_count;
    const uint64_t *parts; /* rising positions; NULL: the body lies in the record */
    size_t part_count;
    uint64_t body_size;
    bool is_moved;
};

/* Its size, and that of its targets, which publish_record_write() wants back. */
size_t publish_record_size(const struct publish_record *p, size_t *targets_size);
void publish_record_write(const struct publish_record *p, size_t targets_size, uint8_t *at);

/* The view of a PUBLISH record alone, as a delivery needs it. Errors: ERR_CORRUPT. */
MUST_USE int publish_record_view(const struct record *r, struct stored *out);

/* The size of a PART record with so many bytes, `back` positions behind the first. */
size_t part_record_size(uint64_t back, size_t size);
/* Returns where the bytes go. */
uint8_t *part_record_write(uint64_t back, uint8_t *at);
/* Errors: ERR_CORRUPT. */
MUST_USE int part_record_view(const struct record *r, uint64_t *first, struct bytes *out);

/* Copies the pieces of a body one behind the other. */
void body_copy(const struct bytes *pieces, size_t count, uint8_t *at);

#endif
