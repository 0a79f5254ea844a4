/* A pattern of a permission: a regular expression that matches anywhere in a name, with limits on
 * what it may cost. What goes beyond them while matching matches nothing.
 *
 * Owner: the struct auth it belongs to. */
#ifndef AUTH_PATTERN_H
#define AUTH_PATTERN_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/err.h"

struct pattern;

/* The text is copied. Errors: ERR_INVALID with a note that says what is wrong and where. */
MUST_USE int pattern_new(struct bytes text, struct pattern **out, struct err_note *note);

/* The same for the text with {username} and {vhost} in it replaced by what they stand for, which is
 * then matched to the letter. pattern_text() gives the text as it was. */
struct pattern_words {
    struct bytes username;
    struct bytes vhost;
};
MUST_USE int pattern_new_with(struct bytes text, const struct pattern_words *words,
                              struct pattern **out, struct err_note *note);

/* NULL is allowed. */
void pattern_free(struct pattern *p);

bool pattern_matches(const struct pattern *p, struct bytes name);
struct bytes pattern_text(const struct pattern *p);

#endif
