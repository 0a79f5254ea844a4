/* Writes JSON into a buffer as it goes, and leaves out what nobody asked for.
 *
 *     tell_init(&t, &buf, columns);
 *     tell_object(&t, NULL);
 *     tell_text(&t, "name", name);
 *     tell_object(&t, "message_stats");         what is inside has the path "message_stats.publish"
 *     tell_uint(&t, "publish", 5);
 *     tell_end(&t);
 *     tell_end(&t);
 *
 * Each value takes its name; in an array, and outermost, the name is NULL. With columns (paths with
 * dots) an object has only what one of them names, with all that is in it. Bytes that are no UTF-8
 * become U+FFFD. Errors are the buffer's.
 *
 * Owner: one thread. */
#ifndef HTTP_API_TELL_H
#define HTTP_API_TELL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"

enum { TELL_DEPTH_MAX = 48, TELL_PATH_MAX = 512, TELL_COLUMNS_MAX = 64 };

struct ranges;

struct tell_columns {
    struct bytes paths[TELL_COLUMNS_MAX];
    size_t count; /* 0: everything */
};

/* A value that was met on the way, for sorting. */
struct tell_value {
    enum { TELL_NONE, TELL_NUMBER, TELL_STRING } kind;
    double number;
    struct bytes text; /* borrowed as the writer's caller borrows it */
};

struct tell {
    struct buf *out;
    const struct tell_columns *columns;
    const struct ranges *ranges; /* of the past, for whoever tells counts; NULL: none */
    struct bytes wanted;         /* the path of a value to be met; no data: none */
    struct tell_value met;       /* the last one there */
    unsigned depth;              /* objects and arrays begun */
    unsigned muted;              /* of these, the first one that is left out, or 0 */
    bool is_skipping;            /* the next value is left out */
    bool is_wanted;              /* the next value is the one wanted */
    bool has_item[TELL_DEPTH_MAX];
    bool is_array[TELL_DEPTH_MAX];
    size_t path_sizes[TELL_DEPTH_MAX];
    char path[TELL_PATH_MAX];
    size_t path_size;
};

void tell_init(struct tell *t, struct buf *out, const struct tell_columns *columns);

void tell_object(struct tell *t, const char *name);
void tell_array(struct tell *t, const char *name);
void tell_end(struct tell *t);

void tell_text(struct tell *t, const char *name, struct bytes value);
void tell_string(struct tell *t, const char *name, const char *value);
void tell_uint(struct tell *t, const char *name, uint64_t value);
void tell_int(struct tell *t, const char *name, int64_t value);
void tell_real(struct tell *t, const char *name, double value);
void tell_bool(struct tell *t, const char *name, bool value);
void tell_null(struct tell *t, const char *name);

/* The name of the next value, where it is not known to the compiler; the value's own is NULL then.
 * */
void tell_name(struct tell *t, struct bytes name);

/* JSON text as it is. */
void tell_raw(struct tell *t, const char *name, struct bytes text);

#endif
