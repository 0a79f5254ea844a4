/* The file of definitions that is imported at the start.
 *
 * Owner: the shard of the server. */
#ifndef SERVER_DEFINITIONS_FILE_H
#define SERVER_DEFINITIONS_FILE_H

#include <stdbool.h>

#include "base/check.h"
#include "base/err.h"

struct broker;
struct io;

struct definitions_file {
    struct io *io;
    struct broker *broker;
    const char *path; /* "": there is none */
    bool skips_unchanged;
};

/* Imports the file and turns the loop until all of it is safe, or until somebody stops the loop.
 * ERR_CLOSED: somebody did. Else what reading gives, ERR_INVALID, ERR_FAILED; with a note. */
MUST_USE int definitions_file_load(const struct definitions_file *f, struct err_note *note);

#endif
