/* Checkpoints: what the log's owner has folded out of it up to a position, as opaque bytes.
 * The newest two are kept, each a state file "checkpoint-<position>", magic "MRCHECK1", with
 * the position as generation. Records at or above the position are replayed on top.
 *
 * A checkpoint that is damaged, or newer than the log, is passed over: the one before it, or
 * the whole log, does as well. Hot segments are therefore kept until the older of the two
 * covers them.
 *
 * All calls block. */
#ifndef LOG_CHECKPOINT_H
#define LOG_CHECKPOINT_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/check.h"
#include "log/site.h"

/* Writes the checkpoint for `position`: every record below it is in the content. */
MUST_USE int checkpoint_write(const struct site *s, uint64_t position, struct bytes content);

/* Reads one. *content is new memory. Errors: as statefile_read(), and ERR_CORRUPT when it
 * belongs to another log or position. */
MUST_USE int checkpoint_read(const struct site *s, uint64_t position, uint8_t **content,
                             size_t *size);

/* Removes one; a missing one is fine. */
MUST_USE int checkpoint_remove(const struct site *s, uint64_t position);

#endif
