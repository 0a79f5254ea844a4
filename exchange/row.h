/* Bindings that match together: all of a fanout, those of one key, those of one pattern. Private.
 *
 * A walk reads items only, one after the other; a binding knows its slot, so it leaves in one
 * step, and the last one takes its place. */
#ifndef EXCHANGE_ROW_H
#define EXCHANGE_ROW_H

#include "exchange/parts.h"

struct row_item {
    struct target *target;
    struct binding *binding;
};

struct row {
    struct row_item *items;
    uint32_t count;
    uint32_t capacity;
};

/* Frees the memory; no binding must be in. */
void row_release(struct row *r);

void row_add(struct row *r, struct binding *b);
void row_remove(struct row *r, struct binding *b);

/* All of them match. */
void row_hit(const struct row *r, struct walk *w);

/* How many there are, asserting that each knows its slot. */
size_t row_check(const struct row *r);

#endif
