/* The metrics in their place, as server/management.h does it for the management interface.
 *
 * Owner: the shard of the server. */
#ifndef SERVER_EXPOSITION_H
#define SERVER_EXPOSITION_H

#include "base/check.h"
#include "base/err.h"
#include "server/management.h"

struct exposition;

/* Opens the metrics, and their listener if there is to be one. Errors: as listener_open(). */
MUST_USE int exposition_open(const struct management_open *o, struct exposition **out,
                             struct err_note *note);

/* As metrics_where(). */
char *exposition_where(const struct exposition *x);

void exposition_stop(struct exposition *x, void (*stopped)(void *owner), void *owner);
void exposition_free(struct exposition *x);

#endif
