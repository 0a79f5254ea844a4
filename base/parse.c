/* Numbers with bounds and units. Digits are read first, then the unit is looked up in a
 * table. */
#include "base/parse.h"

#include <stdbool.h>

#include "base/err.h"
#include "base/units.h"

/* Digits read so far. Once too large for 64 bits it stays so, and counts as out of range. */
struct number {
    uint64_t value;
    bool is_too_large;
};

struct unit {
    const char *name; /* lower case */
    uint64_t factor;
};

static const struct unit size_units[] = {
    {"", 1},      {"k", KIB},   {"m", MIB},   {"g", GIB},   {"t", TIB},   {"p", PIB},   {"e", EIB},
    {"kib", KIB}, {"mib", MIB}, {"gib", GIB}, {"tib", TIB}, {"pib", PIB}, {"eib", EIB}, {"kb", KB},
    {"mb", MB},   {"gb", GB},   {"tb", TB},   {"pb", PB},   {"eb", EB},   {0},
};

static const struct unit duration_units[] = {
    {"", 1}, {"ms", 1}, {"s", SECOND_MS}, {"m", MINUTE_MS}, {"h", HOUR_MS}, {"d", DAY_MS}, {0},
};

/* Reads the digits at the start of `text`. Returns how many there are. */
static size_t read_digits(struct bytes text, struct number *n)
{
    size_t i = 0;

    *n = (struct number){0};
    for (; i < text.size && text.data[i] >= '0' && text.data[i] <= '9'; i++) {
        uint64_t digit = (uint64_t)(text.data[i] - '0');
        if (__builtin_mul_overflow(n->value, 10, &n->value) ||
            __builtin_add_overflow(n->value, digit, &n->value))
            n->is_too_large = true;
    }
    return i;
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

static bool is_unit(struct bytes text, const char *name, bool any_case)
{
    size_t i = 0;

    for (; i < text.size && name[i] != '\0'; i++) {
        if ((any_case ? lower(text.data[i]) : text.data[i]) != (uint8_t)name[i])
            return false;
    }
    return i == text.size && name[i] == '\0';
}

/* Digits, then one unit of the table. */
static int parse_unit(struct bytes text, const struct unit *units, bool any_case,
                      struct number *out)
{
    size_t digits = read_digits(text, out);
    struct bytes rest = bytes_of(text.data + digits, text.size - digits);

    if (digits == 0)
        return ERR_INVALID;
    for (const struct unit *u = units; u->name != NULL; u++) {
        if (!is_unit(rest, u->name, any_case))
            continue;
        if (__builtin_mul_overflow(out->value, u->factor, &out->value))
            out->is_too_large = true;
        return 0;
    }
    return ERR_INVALID;
}

static int bounded(struct number n, uint64_t min, uint64_t max, uint64_t *out)
{
    ASSERT(min <= max);
    if (n.is_too_large || n.value < min || n.value > max)
        return ERR_RANGE;
    *out = n.value;
    return 0;
}

int parse_u64(struct bytes text, uint64_t min, uint64_t max, uint64_t *out)
{
    struct number n;
    size_t digits = read_digits(text, &n);

    if (digits == 0 || digits != text.size)
        return ERR_INVALID;
    return bounded(n, min, max, out);
}

int parse_i64(struct bytes text, int64_t min, int64_t max, int64_t *out)
{
    bool is_negative = text.size > 0 && text.data[0] == '-';
    uint64_t limit = is_negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    uint64_t amount = 0;

    ASSERT(min <= max);
    if (is_negative)
        text = bytes_of(text.data + 1, text.size - 1);
    int rv = parse_u64(text, 0, limit, &amount);
    if (rv != 0)
        return rv;

    /* -1 - (amount - 1) reaches the lowest number without passing through its missing
     * opposite. */
    int64_t value = is_negative && amount > 0 ? -1 - (int64_t)(amount - 1) : (int64_t)amount;
    if (value < min || value > max)
        return ERR_RANGE;
    *out = value;
    return 0;
}

int parse_size(struct bytes text, uint64_t min, uint64_t max, uint64_t *out)
{
    struct number n;
    int rv = parse_unit(text, size_units, true, &n);

    return rv != 0 ? rv : bounded(n, min, max, out);
}

int parse_duration(struct bytes text, uint64_t min, uint64_t max, uint64_t *out)
{
    struct number n;
    int rv = parse_unit(text, duration_units, false, &n);

    return rv != 0 ? rv : bounded(n, min, max, out);
}

int parse_bool(struct bytes text, bool *out)
{
    bool is_true = bytes_equal(text, bytes_text("true")) || bytes_equal(text, bytes_text("on"));
    bool is_false = bytes_equal(text, bytes_text("false")) || bytes_equal(text, bytes_text("off"));

    if (!is_true && !is_false)
        return ERR_INVALID;
    *out = is_true;
    return 0;
}
