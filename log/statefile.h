/* A small file that is replaced as a whole: after a crash it holds the old content or the
 * new one.
 *
 *     OFFSET SIZE
 *      0      8   magic, tells the purpose
 *      8      4   CRC32C of bytes [12, end)
 *     12      4   version
 *     16     16   id of the log
 *     32      8   generation: higher is newer
 *     40      8   size of the content
 *     48      -   content
 *
 * Written as <name>.new, synced, renamed over <name>, and the directory synced. A bad
 * checksum under the final name is therefore never a torn write: it is damage.
 *
 * All calls block. */
#ifndef LOG_STATEFILE_H
#define LOG_STATEFILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/check.h"
#include "io/disk.h"

enum { STATEFILE_HEADER_SIZE = 48, STATEFILE_ID_SIZE = 16, STATEFILE_MAGIC_SIZE = 8 };

/* What a state file says about itself. */
struct statefile {
    const char *magic; /* STATEFILE_MAGIC_SIZE characters */
    uint32_t version;
    uint8_t id[STATEFILE_ID_SIZE];
    uint64_t generation;
};

/* Replaces <dir>/<name>. The content is borrowed. Errors: those of the disk; the old file stays. */
MUST_USE int statefile_write(struct disk *d, const char *dir, const char *name,
                             const struct statefile *s, struct bytes content);

/* Reads <dir>/<name>. s->magic and s->version say what is expected (the highest known
 * version); version, id and generation are filled in. *content is new memory of *size bytes.
 * Errors: ERR_NOT_FOUND, ERR_CORRUPT, ERR_VERSION (intact, but newer than known),
 * ERR_NO_MEMORY, those of the disk. */
MUST_USE int statefile_read(struct disk *d, const char *path, struct statefile *s,
                            uint8_t **content, size_t *size);

#endif
