/* Answers that were given: by name, for each action. When there are too many, all are forgotten.
 *
 * Owner: the struct auth they belong to. */
#ifndef AUTH_ANSWERS_H
#define AUTH_ANSWERS_H

#include <stdbool.h>

#include "auth/auth.h"
#include "base/bytes.h"
#include "base/names.h"

enum { ANSWERS_MAX = 4096 };

struct answers {
    struct names by_name;
};

void answers_init(struct answers *a, uint64_t seed);
void answers_release(struct answers *a);
void answers_forget(struct answers *a);

/* False when it was never asked. */
bool answers_find(const struct answers *a, struct bytes name, enum auth_action action, bool *out);
void answers_put(struct answers *a, struct bytes name, enum auth_action action, bool is_allowed);

#endif
