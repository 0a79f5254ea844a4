/* Names and sentences of results. */
#include "amqp/wire/result.h"

#include <stddef.h>

#include "base/check.h"

static const struct {
    const char *name;
    const char *text;
} results[] = {
#define X(constant, code, sentence) [constant] = {.name = #constant, .text = (sentence)},
    WIRE_RESULT_LIST(X)
#undef X
};

const char *wire_result_name(enum wire_result result)
{
    ASSERT((size_t)result < ARRAY_SIZE(results));
    return results[result].name;
}

const char *wire_result_text(enum wire_result result)
{
    ASSERT((size_t)result < ARRAY_SIZE(results));
    return results[result].text;
}
