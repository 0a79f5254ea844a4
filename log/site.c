/* Paths and names inside a log's directory. */
#include "log/site.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

enum { NAME_DIGITS = 16 };

struct site_path site_path(const struct site *s, const char *format, ...)
{
    struct site_path path;
    size_t used = strlen(s->dir);
    va_list args;
    int n;

    ASSERT(used + 2 < sizeof(path.text));
    memcpy(path.text, s->dir, used);
    path.text[used++] = '/';
    va_start(args, format);
    n = vsnprintf(path.text + used, sizeof(path.text) - used, format, args);
    va_end(args);
    ASSERT(n > 0 && (size_t)n < sizeof(path.text) - used);
    return path;
}

uint32_t site_mark(const struct site *s)
{
    return get_le32(s->id);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool site_parse_name(const char *name, const char *prefix, const char *suffix, uint64_t *out)
{
    size_t head = strlen(prefix);
    uint64_t value = 0;

    if (strlen(name) != head + 1 + NAME_DIGITS + strlen(suffix))
        return false;
    if (strncmp(name, prefix, head) != 0 || name[head] != '-')
        return false;
    name += head + 1;
    for (int i = 0; i < NAME_DIGITS; i++) {
        int digit = hex_digit(name[i]);
        if (digit < 0)
            return false;
        value = value << 4 | (uint64_t)digit;
    }
    if (strcmp(name + NAME_DIGITS, suffix) != 0)
        return false;
    *out = value;
    return true;
}
