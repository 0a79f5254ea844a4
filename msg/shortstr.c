/* What short strings may be. */
#include "msg/shortstr.h"

#include "base/err.h"
#include "base/utf8.h"

int shortstr_check(struct bytes text)
{
    if (text.size > SHORTSTR_MAX)
        return ERR_RANGE;
    if (text.size > 0 && memchr(text.data, 0, text.size) != NULL)
        return ERR_INVALID;
    return utf8_valid(text) ? 0 : ERR_INVALID;
}

bool shortstr_is_reserved(struct bytes name)
{
    static const char prefix[] = {'a', 'm', 'q', '.'};

    return name.size >= sizeof(prefix) && memcmp(name.data, prefix, sizeof(prefix)) == 0;
}

static bool is_line_end(uint8_t byte)
{
    return byte == '\r' || byte == '\n';
}

struct bytes shortstr_without_line_ends(struct bytes name, uint8_t area[SHORTSTR_MAX])
{
    size_t size = 0;

    ASSERT(name.size <= SHORTSTR_MAX);
    for (size_t i = 0; i < name.size; i++) {
        if (!is_line_end(name.data[i]))
            area[size++] = name.data[i];
    }
    return size == name.size ? name : bytes_of(area, size);
}
