/* What a refusal must say. */
#ifndef TESTS_UNIT_BROKER_REFUSED_H
#define TESTS_UNIT_BROKER_REFUSED_H

#include "base/err.h"
#include "broker/refusal.h"
#include "tests/lib/test.h"

static inline void expect_refusal(const struct refusal *r, int rv, enum refusal_code code,
                                  const char *text)
{
    assert_int_equal(rv, ERR_DENIED);
    assert_string_equal(r->text, text);
    assert_int_equal(r->code, code);
}

#endif
