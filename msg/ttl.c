/* Reads expirations. */
#include "msg/ttl.h"

#include <stdbool.h>

#include "base/check.h"
#include "base/parse.h"

/* The text from `from` on. */
static struct bytes rest_of(struct bytes text, size_t from)
{
    ASSERT(from <= text.size);
    return bytes_of(text.data + from, text.size - from);
}

static size_t digit_count(struct bytes text)
{
    size_t count = 0;

    while (count < text.size && text.data[count] >= '0' && text.data[count] <= '9')
        count++;
    return count;
}

static struct bytes without_leading_zeros(struct bytes digits)
{
    size_t zeros = 0;

    while (zeros + 1 < digits.size && digits.data[zeros] == '0')
        zeros++;
    return rest_of(digits, zeros);
}

struct ttl ttl_parse(struct bytes text)
{
    bool has_sign = text.size > 0 && (text.data[0] == '+' || text.data[0] == '-');
    struct bytes unsigned_text = has_sign ? rest_of(text, 1) : text;
    size_t count = digit_count(unsigned_text);

    if (count == 0)
        return (struct ttl){.fault = TTL_NO_INTEGER};
    if (count < unsigned_text.size)
        return (struct ttl){.fault = TTL_LEFTOVER, .detail = rest_of(unsigned_text, count)};

    struct bytes digits = without_leading_zeros(unsigned_text);
    bool is_zero = digits.size == 1 && digits.data[0] == '0';
    if (has_sign && text.data[0] == '-' && !is_zero)
        return (struct ttl){.fault = TTL_NEGATIVE, .detail = digits};

    uint64_t ms = 0;
    if (parse_u64(digits, 0, TTL_MAX_MS, &ms) != 0)
        return (struct ttl){.fault = TTL_TOO_LARGE, .detail = digits};
    return (struct ttl){.ms = ms};
}
