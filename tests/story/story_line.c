/* Words of a line of a story. */
#include <string.h>

#include "base/parse.h"
#include "tests/lib/test.h"
#include "tests/story/story.h"

const char *story_word(const struct story_line *l, size_t at, const char *name)
{
    size_t size = strlen(name);

    for (; at < l->count; at++) {
        if (strncmp(l->words[at], name, size) != 0)
            continue;
        if (l->words[at][size] == '\0')
            return "";
        if (l->words[at][size] == '=')
            return l->words[at] + size + 1;
    }
    return NULL;
}

const char *story_rest_behind(const struct story_line *l, size_t at, const char *name)
{
    for (; at < l->count; at++)
        if (strcmp(l->words[at], name) == 0)
            return l->rest[at + 1];
    return NULL;
}

int64_t story_number(const char *text, int64_t fallback)
{
    int64_t value = fallback;

    if (text != NULL && parse_i64(bytes_text(text), INT64_MIN, INT64_MAX, &value) != 0)
        fail_msg("no number: %s", text);
    return value;
}
