/* The command line of millrace-logdump. */
#ifndef TOOLS_LOGDUMP_ARGUMENTS_H
#define TOOLS_LOGDUMP_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"
#include "base/err.h"

enum arguments_task {
    TASK_LOOK,
    TASK_HELP,
    TASK_VERSION,
};

/* What is to be shown, as a set. Nothing and no --verify: the summary. */
enum arguments_section {
    SHOW_MANIFEST = 1,
    SHOW_WATERMARK = 2,
    SHOW_CHECKPOINTS = 4,
    SHOW_SEGMENTS = 8,
    SHOW_BATCHES = 16,
    SHOW_RECORDS = 32,
    SHOW_BODIES = 64,
    SHOW_INDEX = 128,
};

struct arguments {
    enum arguments_task task;
    unsigned sections;
    bool verifies;
    bool is_file; /* `path` is one file, not a directory */
    const char *path;
    uint64_t from;
    uint64_t count;
};

/* What --help prints. */
extern const char arguments_help[];

/* Reads the command line, whose texts it borrows. Errors: ERR_INVALID with a note. */
MUST_USE int arguments_read(struct arguments *a, int count, char *const *texts,
                            struct err_note *note);

#endif
