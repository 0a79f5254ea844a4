/* AMQP field tables, read where they lie: arguments, client properties, message headers.
 *
 *     table   | size u32 | (name u8-sized, value)* |      names need not differ nor be sorted
 *     array   | size u32 | (value)* |
 *
 * A `struct table` views the part behind the size, and is only had from table_decode() or out
 * of another table; so whoever holds one need not doubt it:
 *
 *   T1  every name, tag and value is whole, and the last one ends where the table ends;
 *   T2  tables and arrays lie at most TABLE_DEPTH_MAX deep in one another, the outermost
 *       counted, so code that walks them may recurse;
 *   T3  there are at most TABLE_VALUES_MAX values, those inside others counted.
 *
 * A name that is there more than once stands for the last of its values. Plain values; nothing
 * here allocates or changes bytes. */
#ifndef MSG_TABLE_H
#define MSG_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/check.h"
#include "msg/field.h"

enum {
    TABLE_DEPTH_MAX = 32,
    TABLE_VALUES_MAX = 1 << 17,
    TABLE_NAME_MAX = 255, /* its size is one byte */
};

struct table_entry {
    struct bytes name;
    struct field value;
    struct bytes whole; /* name and value as they are in the table */
};

/* Checks the entries of a table (without the size in front of them) in linear time and
 * constant space. Returns ERR_INVALID when T1 is broken and ERR_RANGE when T2 or T3 is. */
MUST_USE int table_decode(struct bytes b, struct table *out);

/* Gives the last value of that name; returns false when there is none. Linear. */
bool table_find(struct table t, struct bytes name, struct field *out);

/* A walk over the entries, or values, in their order:
 *
 *     struct table_walk w = table_walk(t);
 *     struct table_entry e;
 *     while (table_next(&w, &e))
 *         ... */
struct table_walk {
    struct reader rest;
};
struct table_walk table_walk(struct table t);
bool table_next(struct table_walk *w, struct table_entry *out);

struct array_walk {
    struct reader rest;
};
struct array_walk array_walk(struct array a);
bool array_next(struct array_walk *w, struct field *out);

/* How many entries there are, equal names counted each. */
size_t table_count(struct table t);
size_t array_count(struct array a);

/* True when RabbitMQ takes the values for equivalent: integers by their number whatever their
 * width, floats and doubles by their number, all others by type and content; tables and arrays
 * entry by entry in their order. */
bool field_equal(const struct field *a, const struct field *b);
bool table_equal(struct table a, struct table b);
bool array_equal(struct array a, struct array b);

#endif
