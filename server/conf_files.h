/* The bytes of the configuration files. */
#ifndef SERVER_CONF_FILES_H
#define SERVER_CONF_FILES_H

#include <stddef.h>

#include "base/check.h"
#include "base/err.h"
#include "conf/conf.h"

struct disk;

enum { CONF_FILES_MAX = 256 };

/* All is owned: names and bytes. */
struct conf_files {
    struct conf_text *texts;
    size_t count;
};

/* Reads what the path names, and adds it behind what is there: a file, or a folder, of which all
 * files whose names end in ".conf" are read in the order of their names. Links are followed:
 * configurations are often linked into place. Of each file no more is read than a little over what
 * conf/ allows, which will refuse it. Blocks. Errors: those of disk_open() and disk_read() with a
 * note that quotes the path, and ERR_FULL for too many; what was added stays until
 * conf_files_release(). */
MUST_USE int conf_files_read(struct disk *d, const char *path, struct conf_files *out,
                             struct err_note *note);

/* Adds a copy of a text that is no file. */
void conf_files_add(struct conf_files *out, const char *name, const char *text);

void conf_files_release(struct conf_files *f);

#endif
