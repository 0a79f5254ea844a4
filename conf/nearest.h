/* How far two words are apart, to guess what somebody meant. */
#ifndef CONF_NEAREST_H
#define CONF_NEAREST_H

#include <stddef.h>

/* How many characters must be put in, taken out, replaced, or swapped with their neighbour to make
 * one text from the other. Only the first CONF_KEY_MAX characters of each count. */
size_t nearest_distance(const char *a, const char *b);

/* The best guess so far; starts zeroed. */
struct nearest {
    const char *text; /* NULL: none is near enough */
    size_t distance;
};

/* Takes `candidate`, borrowed, when it is nearer to `wanted` than the best one so far and near
 * enough to be a slip of the fingers: one change and one more for each four characters. */
void nearest_try(struct nearest *n, const char *wanted, const char *candidate);

#endif
