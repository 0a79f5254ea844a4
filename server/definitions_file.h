/* The files of definitions that are imported at the start.
 *
 * Owner: the shard of the server. */
#ifndef SERVER_DEFINITIONS_FILE_H
#define SERVER_DEFINITIONS_FILE_H

#include <stdbool.h>

#include "base/check.h"
#include "base/err.h"

struct broker;
struct io;

enum { DEFINITIONS_SOURCES = 3 };

struct definitions_file {
    struct io *io;
    struct broker *broker;
    const char *paths[DEFINITIONS_SOURCES]; /* files, or folders of *.json; "": none */
    bool skips_unchanged;
};

/* Imports the files, in the order of their names, and turns the loop until all of it is safe, or
 * until somebody stops the loop. ERR_CLOSED: somebody did. Else what reading gives, ERR_INVALID,
 * ERR_FULL, ERR_FAILED; with a note. */
MUST_USE int definitions_file_load(const struct definitions_file *f, struct err_note *note);

#endif
