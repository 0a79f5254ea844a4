/* Lines for the operator.
 *
 * A line is built in one buffer on the stack and leaves by one write(2), so lines of
 * several threads never mix. What came from outside may stand in a message (a queue's name,
 * a peer's text): control characters are therefore written as \n, \r, \t or \xHH, and a
 * byte that is no UTF-8 as \xHH. Nobody can forge a second line or move the operator's
 * cursor.
 *
 * This is the one place outside io/ that reads a clock and writes to a file: it must work
 * before there is an io, and while one is failing. diag_set_sink() and diag_set_clock() put
 * tests in charge. */
#include "base/diag.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/utf8.h"

enum {
    LINE_SIZE = 4096, /* PIPE_BUF: a pipe takes as much without mixing it with another's */
    STAMP_SIZE = 128,
    MESSAGE_SIZE = 960, /* longer ones are cut and end with dots */
    ESCAPED_MAX = 4,    /* what one byte can grow to: \xHH */
};

STATIC_ASSERT(STAMP_SIZE + MESSAGE_SIZE * ESCAPED_MAX + (int)sizeof("...\n") <= LINE_SIZE,
              "every message fits into a line, however it is escaped");

static atomic_int threshold = DIAG_INFO;

static diag_sink_fn *sink;
static void *sink_owner;

static diag_clock_fn *clock_ms;
static void *clock_owner;

/* A line being built. Always ends with a zero byte. */
struct line {
    char text[LINE_SIZE];
    size_t size;
};

static const char *level_name(enum diag_level level)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};

    ASSERT(level >= DIAG_DEBUG && level < DIAG_OFF);
    return names[level];
}

static int64_t wall_ms(void)
{
    struct timespec now = {0};

    if (clock_ms != NULL)
        return clock_ms(clock_owner);
    if (clock_gettime(CLOCK_REALTIME, &now) == -1)
        return 0;
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void add_text(struct line *l, const char *text)
{
    size_t size = strlen(text);

    ASSERT(size < sizeof(l->text) - l->size);
    memcpy(l->text + l->size, text, size + 1);
    l->size += size;
}

static void add_stamp(struct line *l, enum diag_level level, const char *room)
{
    char date[32];
    int64_t ms = wall_ms();
    int64_t part = (ms % 1000 + 1000) % 1000; /* of a second; before 1970 too */
    time_t second = (time_t)((ms - part) / 1000);
    struct tm utc = {0};

    if (gmtime_r(&second, &utc) == NULL ||
        strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &utc) == 0)
        date[0] = '\0';
    int size = snprintf(l->text, STAMP_SIZE, "%s.%03dZ %-7s [%s] ", date, (int)part,
                        level_name(level), room);
    ASSERT(size > 0 && size < STAMP_SIZE);
    l->size = (size_t)size;
}

/* Control characters of one byte, and of two: U+0080 to U+009F are c2 80 to c2 9f. */
static bool is_control(struct bytes character)
{
    uint8_t first = character.data[0];

    return first < 0x20 || first == 0x7f ||
           (character.size == 2 && first == 0xc2 && character.data[1] < 0xa0);
}

static void add_escaped(struct line *l, uint8_t byte)
{
    static const char digits[] = "0123456789abcdef";
    const char hex[] = {'\\', 'x', digits[byte >> 4], digits[byte & 0xf], '\0'};

    if (byte == '\n')
        add_text(l, "\\n");
    else if (byte == '\r')
        add_text(l, "\\r");
    else if (byte == '\t')
        add_text(l, "\\t");
    else
        add_text(l, hex);
}

static void add_character(struct line *l, struct bytes character)
{
    ASSERT(character.size < sizeof(l->text) - l->size);
    if (is_control(character)) {
        for (size_t i = 0; i < character.size; i++)
            add_escaped(l, character.data[i]);
        return;
    }
    memcpy(l->text + l->size, character.data, character.size);
    l->size += character.size;
    l->text[l->size] = '\0';
}

static void add_message(struct line *l, struct bytes message)
{
    while (message.size > 0) {
        size_t size = utf8_character_size(message);
        if (size == 0) {
            add_escaped(l, message.data[0]);
            size = 1;
        } else {
            add_character(l, bytes_of(message.data, size));
        }
        message = bytes_of(message.data + size, message.size - size);
    }
}

/* To standard error, with the end of the line, in one call. There is nowhere to report a
 * failure. */
static void write_line(struct line *l)
{
    ssize_t n = 0;

    l->text[l->size] = '\n'; /* over the zero byte */
    do {
        n = write(STDERR_FILENO, l->text, l->size + 1);
    } while (n == -1 && errno == EINTR);
}

void diag(enum diag_level level, const char *room, const char *format, ...)
{
    char message[MESSAGE_SIZE];
    struct line l;
    va_list values;

    if ((int)level < atomic_load_explicit(&threshold, memory_order_relaxed))
        return;

    va_start(values, format);
    int size = vsnprintf(message, sizeof(message), format, values);
    va_end(values);
    ASSERT(size >= 0);

    add_stamp(&l, level, room);
    add_message(&l, bytes_text(message));
    if (size >= (int)sizeof(message))
        add_text(&l, "...");
    if (sink != NULL)
        sink(sink_owner, l.text);
    else
        write_line(&l);
}

void diag_set_level(enum diag_level level)
{
    ASSERT(level >= DIAG_DEBUG && level <= DIAG_OFF);
    atomic_store_explicit(&threshold, (int)level, memory_order_relaxed);
}

enum diag_level diag_level(void)
{
    return (enum diag_level)atomic_load_explicit(&threshold, memory_order_relaxed);
}

bool diag_level_parse(const char *text, enum diag_level *out)
{
    for (enum diag_level level = DIAG_DEBUG; level < DIAG_OFF; level++) {
        if (strcmp(text, level_name(level)) == 0) {
            *out = level;
            return true;
        }
    }
    if (strcmp(text, "none") != 0)
        return false;
    *out = DIAG_OFF;
    return true;
}

void diag_set_sink(diag_sink_fn *fn, void *owner)
{
    sink = fn;
    sink_owner = owner;
}

void diag_set_clock(diag_clock_fn *fn, void *owner)
{
    clock_ms = fn;
    clock_owner = owner;
}
