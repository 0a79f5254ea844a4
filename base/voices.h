/* Lines about others, of whom one may give cause for very many: of each so many are written as they
 * come, then it is only counted how many there would be, which is told later. Who is noisy does not
 * hide what others do.
 *
 *     a line about 10.0.0.7:5123 --> the voice of 10.0.0.7 --room left--> all together --> diag()
 *                                       '-- counted            '-- counted
 *
 * Owner: one thread. */
#ifndef BASE_VOICES_H
#define BASE_VOICES_H

#include <stdarg.h>
#include <stdint.h>

#include "base/check.h"
#include "base/diag.h"

enum {
    VOICES_MAX = 256,       /* hosts that are known at a time; the quietest of four makes room */
    VOICES_PER_HOST = 10,   /* lines about one host in */
    VOICES_HOST_S = 10,     /* so many seconds */
    VOICES_PER_SECOND = 50, /* lines about all of them together */
    VOICE_HOST_SIZE = 64,
};

struct voice {
    char host[VOICE_HOST_SIZE]; /* "": nobody's */
    enum diag_level level;      /* of the last line that was only counted */
    uint64_t begun_s;
    uint32_t said;
    uint32_t unsaid;
};

/* Zeroed, but for the room that speaks. */
struct voices {
    const char *room;
    struct voice all[VOICES_MAX];
    uint64_t second; /* in which lines about all are counted */
    uint32_t said;
    uint64_t unsaid;
};

/* About whom, and when. */
struct voices_line {
    uint64_t now_ns;
    enum diag_level level;
    const char *peer; /* "10.0.0.7:5123", "[::1]:5123"; what is behind the last colon makes no
                         difference */
};

/* As diag(). */
void voices_say(struct voices *v, const struct voices_line *l, const char *format, ...)
    PRINTF_LIKE(3, 4);
void voices_vsay(struct voices *v, const struct voices_line *l, const char *format, va_list args)
    PRINTF_LIKE(3, 0);

#endif
