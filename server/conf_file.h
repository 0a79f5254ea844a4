/* The bytes of the configuration file. */
#ifndef SERVER_CONF_FILE_H
#define SERVER_CONF_FILE_H

#include "base/bytes.h"
#include "base/check.h"
#include "base/err.h"

struct disk;

struct conf_file {
    uint8_t *data; /* owned */
    size_t size;
};

/* Reads the file, and follows links on the way to it: configurations are often linked into place.
 * Stops just behind the size that conf/ allows, which will refuse it. Blocks. Errors: those of
 * disk_open() and disk_read(), with a note that quotes the path. */
MUST_USE int conf_file_read(struct disk *d, const char *path, struct conf_file *out,
                            struct err_note *note);

void conf_file_release(struct conf_file *f);

#endif
