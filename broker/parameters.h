/* Global parameters: values of JSON under a name, for the whole broker: cluster_name ...
 *
 * Owner: one shard. */
#ifndef BROKER_PARAMETERS_H
#define BROKER_PARAMETERS_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/err.h"

struct broker;

enum { GLOBAL_VALUE_MAX = 64 << 10 };

struct global_parameter {
    struct bytes name;
    struct bytes value; /* JSON text; the caller has checked that it is */
};

/* Makes or replaces. ERR_INVALID, ERR_FULL, with a note. */
MUST_USE int broker_put_global(struct broker *b, const struct global_parameter *p,
                               struct err_note *note);
/* ERR_NOT_FOUND. */
MUST_USE int broker_delete_global(struct broker *b, struct bytes name, struct err_note *note);

bool broker_find_global(struct broker *b, struct bytes name, struct global_parameter *out);
/* A walk in the order in which they were made, in one turn: 0, then one more each time; false:
 * there are no more. */
bool broker_get_global(struct broker *b, size_t index, struct global_parameter *out);

#endif
