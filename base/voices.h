/* Lines about others, of which there may be many at a time: of one format, so many a second are
 * written as they come, and the rest is counted and told of with the next one.
 *
 * Owner: one thread. */
#ifndef BASE_VOICES_H
#define BASE_VOICES_H

#include <stdarg.h>
#include <stdint.h>

#include "base/check.h"
#include "base/diag.h"

enum {
    VOICES_MAX = 16, /* formats; further ones share the last place */
    VOICES_PER_SECOND = 10,
};

struct voice {
    const char *format; /* compared by its address */
    uint64_t second;
    uint32_t said;
    uint64_t unsaid;
};

/* Zeroed, but for the room that speaks. */
struct voices {
    const char *room;
    struct voice all[VOICES_MAX];
};

/* As diag(). The format stays where it is. */
void voices_say(struct voices *v, uint64_t now_ns, enum diag_level level, const char *format, ...)
    PRINTF_LIKE(4, 5);
void voices_vsay(struct voices *v, uint64_t now_ns, enum diag_level level, const char *format,
                 va_list args) PRINTF_LIKE(4, 0);

#endif
