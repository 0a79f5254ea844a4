/* What reading a configuration had to say, kept until it is known what to do with it: a program
 * that starts tells its warnings as diagnostics, one that cannot start says one sentence, and a
 * check says everything. */
#ifndef SERVER_FINDINGS_H
#define SERVER_FINDINGS_H

#include "base/diag.h"
#include "base/list.h"

struct findings {
    struct list sentences; /* of struct finding, in the order said */
};

void findings_init(struct findings *f);

/* A conf_say_fn; the owner is a struct findings. */
void findings_add(void *owner, enum diag_level level, const char *sentence);

/* The first error, borrowed, or NULL. */
const char *findings_error(const struct findings *f);

/* Tells all of them as diagnostics and forgets them. */
void findings_tell(struct findings *f);

/* Writes all of them to standard error, a line each, and forgets them. */
void findings_print(struct findings *f);

void findings_clear(struct findings *f);

#endif
