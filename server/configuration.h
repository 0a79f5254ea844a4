/* The configuration of the program: from files, environment and command line into the options of
 * all rooms, at the start and again.
 *
 * Owner: the main thread; only configuration_read_files() may run on a worker. */
#ifndef SERVER_CONFIGURATION_H
#define SERVER_CONFIGURATION_H

#include <stdbool.h>

#include "base/check.h"
#include "base/err.h"
#include "server/conf_files.h"

struct arguments;
struct configuration;
struct disk;
struct options;

/* Borrows both for its life. */
struct configuration *configuration_new(const struct arguments *a, struct options *options);
/* Frees what the options own, too. */
void configuration_free(struct configuration *c);

/* Fills the options, sets what follows from them, and tells all warnings. Blocks. Errors:
 * ERR_INVALID, and those of reading a file, with the first mistake in the note; the options are
 * then as they were. */
MUST_USE int configuration_load(struct configuration *c, struct err_note *note);

/* Whether there are files that could be read again. */
bool configuration_has_files(const struct configuration *c);

/* Reads the bytes of all files, and nothing else. Blocks, on any thread. */
MUST_USE int configuration_read_files(const struct configuration *c, struct disk *d,
                                      struct conf_files *out, struct err_note *note);

/* Takes over files that were read again, and says what changed; `rv` and `note` are what reading
 * them came to. When anything is wrong everything stays as it was. */
void configuration_reload(struct configuration *c, const struct conf_files *files, int rv,
                          const struct err_note *note);

/* Tells each setting in effect; `value` is NULL for a secret one. */
void configuration_each(const struct configuration *c,
                        void (*fn)(void *to, const char *name, const char *value), void *to);

/* Changes a setting that can be reloaded, until the files are read again or the next start. Errors,
 * with a note: ERR_NOT_FOUND, ERR_DENIED for one that cannot be, ERR_INVALID, ERR_RANGE. */
MUST_USE int configuration_change(struct configuration *c, const char *name, const char *value,
                                  struct err_note *note);

/* For --check-conf: reads everything, writes all that is wrong to standard error, or that nothing
 * is to standard output. Errors: as configuration_load(); no note is needed any more. */
MUST_USE int configuration_check(struct configuration *c);

/* For --print-conf and --print-man: to standard output. Errors: those of a disk. */
MUST_USE int configuration_print_sample(struct configuration *c, struct err_note *note);
MUST_USE int configuration_print_manual(struct configuration *c, struct err_note *note);

#endif
