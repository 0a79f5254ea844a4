/* Lines of which only so many a second are written. */
#include "base/voices.h"

#include <inttypes.h>
#include <stdio.h>

enum { SAID_SIZE = 512 };

/* The voice for that format, or for the last place when there are many. */
static struct voice *voice_of(struct voices *v, const char *format)
{
    struct voice *one = v->all;

    while (one < v->all + VOICES_MAX - 1 && one->format != NULL && one->format != format)
        one++;
    one->format = format;
    return one;
}

/* Whether one more line may be said. */
static bool may_say(struct voices *v, uint64_t now_ns, enum diag_level level, const char *format)
{
    struct voice *one = voice_of(v, format);
    uint64_t second = now_ns / 1000000000;

    if (second != one->second) {
        if (one->unsaid > 0)
            diag(level, v->room, "and %" PRIu64 " more lines like the next one", one->unsaid);
        one->second = second;
        one->said = 0;
        one->unsaid = 0;
    }
    if (one->said++ < VOICES_PER_SECOND)
        return true;
    one->unsaid++;
    return false;
}

void voices_vsay(struct voices *v, uint64_t now_ns, enum diag_level level, const char *format,
                 va_list args)
{
    char text[SAID_SIZE];

    ASSERT(v->room != NULL);
    if (!may_say(v, now_ns, level, format))
        return;
    if (vsnprintf(text, sizeof(text), format, args) < 0)
        text[0] = '\0';
    diag(level, v->room, "%s", text);
}

void voices_say(struct voices *v, uint64_t now_ns, enum diag_level level, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    voices_vsay(v, now_ns, level, format, args);
    va_end(args);
}
