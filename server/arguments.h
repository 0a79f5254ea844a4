/* The command line of the broker. */
#ifndef SERVER_ARGUMENTS_H
#define SERVER_ARGUMENTS_H

#include <stddef.h>

#include "base/check.h"
#include "base/err.h"

/* What the program is asked to do. */
enum arguments_task {
    TASK_RUN,
    TASK_CHECK_CONF,
    TASK_PRINT_CONF,
    TASK_PRINT_MAN,
    TASK_HELP,
    TASK_VERSION,
};

struct arguments {
    enum arguments_task task;
    const char *
        *confs; /* files and folders, in the order of the command line; the array is owned */
    size_t conf_count;
    char **sets; /* "key=value" in the order of the command line, owned */
    size_t set_count;
};

/* What --help prints. */
extern const char arguments_help[];

/* Reads the command line, whose texts it borrows; goes back through arguments_release(), in any
 * case.
 * --data-dir is kept as a --set of millrace.data_dir. Errors: ERR_INVALID with a note. */
MUST_USE int arguments_read(struct arguments *a, int count, char *const *texts,
                            struct err_note *note);

void arguments_release(struct arguments *a);

#endif
