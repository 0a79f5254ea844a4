/* Lines for the operator.
 *
 * A line is built in one buffer on the stack and leaves by one write(2), so lines of several
 * threads never mix; by whose, base/diag_writer.c decides. What came from outside may stand in a
 * message (a queue's name, a peer's text): control characters are therefore written as \n, \r, \t
 * or \xHH, and a byte that is no UTF-8 as \xHH. Nobody can forge a second line or move the
 * operator's cursor. In JSON the same text is a string.
 *
 * This and the writer are the only places outside io/ that read a clock and write to a file: they
 * must work before there is an io, and while one is failing. diag_set_sink() and diag_set_clock()
 * put tests in charge. */
#include "base/diag.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/diag_tap.h"
#include "base/diag_writer.h"
#include "base/utf8.h"

enum {
    LINE_SIZE = DIAG_LINE_MAX,
    PIPE_SIZE = 4096, /* PIPE_BUF: a pipe takes as much without mixing it with another's */
    STAMP_SIZE = 128,
    MESSAGE_SIZE = 960, /* longer ones are cut and end with dots */
    ESCAPED_MAX = 4,    /* what one byte can grow to: \xHH */
    ESCAPED_JSON = 6,   /* and in JSON: \u00HH, \\xHH */
};

STATIC_ASSERT(STAMP_SIZE + MESSAGE_SIZE * ESCAPED_MAX + (int)sizeof("...\n") <= PIPE_SIZE,
              "every message fits into a line, however it is escaped");
STATIC_ASSERT(STAMP_SIZE + MESSAGE_SIZE * ESCAPED_JSON + (int)sizeof("...\"}\n") <= LINE_SIZE,
              "in JSON too");

static atomic_int thresholds[DIAG_AREAS] = {DIAG_INFO, DIAG_INFO, DIAG_INFO, DIAG_INFO};
static atomic_int sink_levels[DIAG_TARGETS] = {DIAG_DEBUG, DIAG_OFF};
static atomic_bool sinks_are_json[DIAG_TARGETS];
static atomic_int tap_level = DIAG_OFF;
static atomic_bool tap_is_json;

static diag_sink_fn *sink;
static void *sink_owner;

static diag_clock_fn *clock_ms;
static void *clock_owner;

/* A line being built. Always ends with a zero byte. */
struct line {
    char text[LINE_SIZE];
    size_t size;
};

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

enum { DATE_SIZE = 40 };

/* 2026-01-02 03:04:05.678Z */
static void write_date(char out[DATE_SIZE])
{
    char date[32];
    int64_t ms = wall_ms();
    int64_t part = (ms % 1000 + 1000) % 1000; /* of a second; before 1970 too */
    time_t second = (time_t)((ms - part) / 1000);
    struct tm utc = {0};

    if (gmtime_r(&second, &utc) == NULL ||
        strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &utc) == 0)
        date[0] = '\0';
    int size = snprintf(out, DATE_SIZE, "%s.%03dZ", date, (int)part);
    ASSERT(size > 0 && size < DATE_SIZE);
}

static void add_stamp(struct line *l, enum diag_level level, const char *room, bool is_json)
{
    char date[DATE_SIZE];
    int size = 0;

    write_date(date);
    if (is_json)
        size = snprintf(l->text, STAMP_SIZE,
                        "{\"time\":\"%s\",\"level\":\"%s\",\"domain\":\"%s\",\"msg\":\"", date,
                        diag_level_name(level), room);
    else
        size = snprintf(l->text, STAMP_SIZE, "%s %-7s [%s] ", date, diag_level_name(level), room);
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

/* A byte that may not stand in a line as it is. */
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

/* The same for JSON, where a byte that is no UTF-8 has no form of its own. */
static void add_escaped_json(struct line *l, uint8_t byte)
{
    char text[8];

    if (byte == '\n' || byte == '\r' || byte == '\t') {
        add_escaped(l, byte);
        return;
    }
    (void)snprintf(text, sizeof(text), byte < 0x80 ? "\\u00%02x" : "\\\\x%02x", byte);
    add_text(l, text);
}

static void add_character(struct line *l, struct bytes character, bool is_json)
{
    ASSERT(character.size < sizeof(l->text) - l->size);
    if (is_control(character)) {
        for (size_t i = 0; i < character.size; i++)
            (is_json ? add_escaped_json : add_escaped)(l, character.data[i]);
        return;
    }
    if (is_json && (character.data[0] == '"' || character.data[0] == '\\'))
        add_text(l, "\\");
    memcpy(l->text + l->size, character.data, character.size);
    l->size += character.size;
    l->text[l->size] = '\0';
}

static void add_message(struct line *l, struct bytes message, bool is_json)
{
    while (message.size > 0) {
        size_t size = utf8_character_size(message);
        if (size == 0) {
            (is_json ? add_escaped_json : add_escaped)(l, message.data[0]);
            size = 1;
        } else {
            add_character(l, bytes_of(message.data, size), is_json);
        }
        message = bytes_of(message.data + size, message.size - size);
    }
}

/* ---- saying ---- */

/* A message of one who speaks. */
struct saying {
    enum diag_level level;
    const char *room;
    const char *message;
    bool is_cut;
};

static void build(struct line *l, const struct saying *s, bool is_json)
{
    add_stamp(l, s->level, s->room, is_json);
    add_message(l, bytes_text(s->message), is_json);
    if (s->is_cut)
        add_text(l, "...");
    if (is_json)
        add_text(l, "\"}");
}

static void send_to(enum diag_target target, const struct saying *s)
{
    struct line l;

    if ((int)s->level < atomic_load_explicit(&sink_levels[target], memory_order_relaxed))
        return;
    build(&l, s, atomic_load_explicit(&sinks_are_json[target], memory_order_relaxed));
    l.text[l.size] = '\n'; /* over the zero byte */
    diag_writer_put(target, l.text, l.size + 1);
}

static void send_to_tap(const struct saying *s)
{
    struct line l;

    if (!diag_tap_is_open() ||
        (int)s->level < atomic_load_explicit(&tap_level, memory_order_relaxed))
        return;
    build(&l, s, atomic_load_explicit(&tap_is_json, memory_order_relaxed));
    diag_tap_put(s->level, l.text, l.size);
}

static void say(const struct saying *s)
{
    struct line l;

    send_to_tap(s);
    if (sink != NULL) {
        build(&l, s, false);
        sink(sink_owner, l.text);
        return;
    }
    for (int target = 0; target < DIAG_TARGETS; target++)
        send_to((enum diag_target)target, s);
}

/* Lines that the writer had no room for. */
static void say_lost(void)
{
    uint64_t count = diag_writer_take_lost();
    char text[80];

    if (count == 0)
        return;
    (void)snprintf(text, sizeof(text), "%" PRIu64 " lines were lost: who reads them is too slow",
                   count);
    say(&(struct saying){.level = DIAG_WARNING, .room = "diag", .message = text});
}

static enum diag_area area_of(const char *room)
{
    if (strcmp(room, "connection") == 0 || strcmp(room, "gate") == 0)
        return DIAG_CONNECTIONS;
    if (strcmp(room, "channel") == 0)
        return DIAG_CHANNELS;
    return strcmp(room, "queue") == 0 ? DIAG_QUEUES : DIAG_OTHERS;
}

void diag(enum diag_level level, const char *room, const char *format, ...)
{
    char message[MESSAGE_SIZE];
    va_list values;

    if ((int)level < atomic_load_explicit(&thresholds[area_of(room)], memory_order_relaxed))
        return;

    va_start(values, format);
    int size = vsnprintf(message, sizeof(message), format, values);
    va_end(values);
    ASSERT(size >= 0);

    say_lost();
    say(&(struct saying){
        .level = level, .room = room, .message = message, .is_cut = size >= (int)sizeof(message)});
}

/* ---- settings ---- */

static void set_sink(atomic_int *level, atomic_bool *is_json, const struct diag_sink *s)
{
    ASSERT(s->level >= DIAG_DEBUG && s->level <= DIAG_OFF);
    atomic_store_explicit(level, (int)s->level, memory_order_relaxed);
    atomic_store_explicit(is_json, s->is_json, memory_order_relaxed);
}

void diag_set(const struct diag_options *o)
{
    for (int i = 0; i < DIAG_AREAS; i++) {
        ASSERT(o->levels[i] >= DIAG_DEBUG && o->levels[i] <= DIAG_OFF);
        atomic_store_explicit(&thresholds[i], (int)o->levels[i], memory_order_relaxed);
    }
    diag_writer_set_file(o);
    set_sink(&sink_levels[DIAG_CONSOLE], &sinks_are_json[DIAG_CONSOLE], &o->console);
    set_sink(&sink_levels[DIAG_FILE], &sinks_are_json[DIAG_FILE], &o->file);
    set_sink(&tap_level, &tap_is_json, &o->tap);
}

void diag_set_level(enum diag_level level)
{
    diag_set(&(struct diag_options){.levels = {level, level, level, level},
                                    .console = {.level = DIAG_DEBUG},
                                    .file = {.level = DIAG_OFF},
                                    .tap = {.level = DIAG_DEBUG}});
}

int diag_start(void)
{
    return diag_writer_start();
}

void diag_stop(void)
{
    diag_writer_stop();
}

void diag_reopen(void)
{
    diag_writer_reopen();
}

const char *diag_level_name(enum diag_level level)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};

    ASSERT(level >= DIAG_DEBUG && level < DIAG_OFF);
    return names[level];
}

bool diag_level_parse(const char *text, enum diag_level *out)
{
    for (enum diag_level level = DIAG_DEBUG; level < DIAG_OFF; level++) {
        if (strcmp(text, diag_level_name(level)) == 0) {
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
