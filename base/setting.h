/* One row of a settings table: what a room says about its own configuration.
 *
 * A room has `const struct setting x_settings[]`, ended by a row without a name, and an
 * options struct that its constructor takes. conf/ reads files into such structs through
 * the tables and knows no setting by name. The sample file and the manual page are printed
 * from the same tables. */
#ifndef BASE_SETTING_H
#define BASE_SETTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/err.h"

enum setting_kind {
    SETTING_BOOL,     /* bool      true, false, on, off */
    SETTING_INT,      /* int64_t   42 */
    SETTING_SIZE,     /* uint64_t  bytes: 4096, 64KiB, 64kB, 1GB, 512MiB */
    SETTING_DURATION, /* uint64_t  milliseconds: 250, 250ms, 10s, 5m, 2h, 7d */
    SETTING_SHARE,    /* double    a part of something, 0 to 1, or up to `max` times it: 0.6 */
    SETTING_TEXT,     /* char *    owned by the struct; freed with setting_release() */
    SETTING_SECRET,   /* char *    the same, and its value is never said */
    SETTING_CHOICE,   /* int       index into `choices` */
    SETTING_ENDPOINT, /* struct setting_endpoint   5672, 127.0.0.1:5672, [::1]:5672, none */
};

enum { SETTING_HOST_SIZE = 64 };

/* Where to listen. An empty host means every address; port 0, which is only written behind an
 * address, means any port that is free. */
struct setting_endpoint {
    char host[SETTING_HOST_SIZE];
    uint16_t port;
    bool is_on; /* false: nowhere */
};

struct setting {
    const char *name; /* as written in the file: "millrace.log.segment_size" */
    enum setting_kind kind;
    size_t offset;        /* of the field in the room's options struct */
    const char *fallback; /* the default, in the file's own spelling */
    int64_t min;          /* for numbers; both zero: no bounds */
    int64_t max;
    const char *const *choices; /* for SETTING_CHOICE, ended by NULL */
    bool is_reloadable;
    const char *help; /* one sentence */
};

/* Reads `text` into the row's field of `options`. A text field is replaced and the old one
 * freed. Errors: ERR_INVALID, ERR_RANGE, with a note that quotes the setting, the value and
 * what is allowed. */
MUST_USE int setting_set(const struct setting *s, void *options, const char *text,
                         struct err_note *note);

/* Writes the field's present value in the file's spelling, a secret too; new memory. */
char *setting_show(const struct setting *s, const void *options);

/* What a value must be, as the end of a sentence: "a whole number from 1 to 9"; new memory. */
char *setting_allowed(const struct setting *s);

/* Fills every field of the table with its default. The struct must be zeroed or filled
 * before. */
void setting_defaults(const struct setting table[], void *options);

/* Frees what the struct's text fields own. */
void setting_release(const struct setting table[], void *options);

#endif
