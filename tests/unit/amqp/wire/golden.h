/* Every method once, as a struct and as the bytes that the specification wants for it, written by
 * hand; and what else the tests of methods share. */
#ifndef TESTS_UNIT_AMQP_WIRE_GOLDEN_H
#define TESTS_UNIT_AMQP_WIRE_GOLDEN_H

#include <stdbool.h>
#include <stddef.h>

#include "amqp/wire/method.h"

struct golden {
    struct method method;
    const char *payload; /* as tests/lib/hex.h reads it */
};

/* One of each method; NULL behind the last. */
const struct golden *golden_at(size_t index);

/* True when both are the same method with equal fields. */
bool method_equal(const struct method *a, const struct method *b);

#endif
