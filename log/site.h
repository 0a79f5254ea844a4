/* Where a log lives and what it may use: given to every part of the room. Constant once the
 * log is open.
 *
 *     <dir>/manifest, manifest.copy   which cold files count, where the hot log starts (manifest.h)
 *     <dir>/watermark                 up to where everything is durable (watermark.h)
 *     <dir>/checkpoint-<position>     the owner's folded state, newest two (checkpoint.h)
 *     <dir>/hot-<position>.seg        the log itself (segment.h, batch.h)
 *     <dir>/cold-<id>.seg             what the sorter moved (segment.h, batch.h)
 *     <dir>/spare-<id>.seg            prepared or recycled, holds nothing
 *     <dir>/trash/                    files that nothing knows, kept for a while
 *     <dir>/wounded/                  damaged files of which the rest was moved on; never deleted
 *
 * All numbers in names have sixteen hexadecimal digits. */
#ifndef LOG_SITE_H
#define LOG_SITE_H

#include <stdint.h>

#include "base/check.h"
#include "base/err.h"
#include "io/disk.h"
#include "io/io.h"
#include "log/log_settings.h"

enum { SITE_PATH_SIZE = 4096, SITE_ID_SIZE = 16 };

struct site {
    struct io *io;
    struct disk *disk;
    const char *dir;
    uint8_t id[SITE_ID_SIZE]; /* the log's own, drawn when it was made */
    struct log_options options;
};

/* A path inside a log's directory. */
struct site_path {
    char text[SITE_PATH_SIZE];
};

/* dir/name; the name is a format. The directory's length was checked when the log was opened. */
struct site_path site_path(const struct site *s, const char *format, ...) PRINTF_LIKE(2, 3);

/* First four bytes of the id: the mark in every batch. */
uint32_t site_mark(const struct site *s);

/* Reads the number out of "<prefix>-<16 hex digits><suffix>"; false when the name has
 * another shape. */
MUST_USE bool site_parse_name(const char *name, const char *prefix, const char *suffix,
                              uint64_t *out);

#endif
