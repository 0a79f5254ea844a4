/* Where a consumer of a stream wants to begin, and what he wants to see of it: his arguments, read
 * once, and the words in which a bad one is refused.
 *
 *     x-stream-offset             "next" (or nothing), "first", "last" (the last message), an
 * offset,
 *                                 -N (the last N), a timestamp, or how long ago: "2h"
 *     x-stream-filter             text or an array of texts: only messages with such a header
 *                                 x-stream-filter-value
 *     x-stream-match-unfiltered   and those without that header
 *     x-stream-filter-key         text or an array of texts: topic patterns for the routing key
 *     x-group                     text of 1 to 255 bytes: he shares the stream with those who say
 *                                 the same; then without x-stream-offset
 *     x-group-start               as x-stream-offset, for where the group has no offset yet
 *
 * Plain values; the views borrow from the table that was read. */
#ifndef QUEUE_STREAM_ARGS_H
#define QUEUE_STREAM_ARGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/err.h"
#include "msg/table.h"

enum stream_start_kind {
    STREAM_NEXT,
    STREAM_FIRST,
    STREAM_LAST,
    STREAM_OFFSET, /* negative: so many from the end */
    STREAM_TIME,   /* the first message that is not older */
};

struct stream_start {
    enum stream_start_kind kind;
    int64_t value; /* the offset, or ms since 1970 */
};

/* Texts of an argument that may be one or an array of them. */
struct stream_texts {
    bool is_there;
    struct field field;
};

enum { STREAM_TEXTS_MAX = 256, STREAM_PATTERN_WORDS_MAX = 128 };

struct stream_want {
    struct stream_start start;
    struct stream_texts values;   /* x-stream-filter */
    struct stream_texts patterns; /* x-stream-filter-key */
    bool takes_unfiltered;
};

struct stream_args_of {
    struct bytes queue; /* for the texts */
    struct bytes vhost;
    int64_t now_ms; /* wall clock, for "2h" */
};

/* Errors: ERR_INVALID with a note that begins "invalid arg 'x-stream-offset' for queue 's' in vhost
 * '/': ..." (the code is 406). */
MUST_USE int stream_want_read(struct table t, const struct stream_args_of *of,
                              struct stream_want *out, struct err_note *note);
/* The same out of a text, as somebody says it who has no arguments: "first", "last", "next", an
 * offset, -N, "2h". The note is as if x-stream-offset had been that. */
MUST_USE int stream_start_parse(struct bytes text, const struct stream_args_of *of,
                                struct stream_start *out, struct err_note *note);
/* x-group and x-group-start, behind stream_want_read(): the group's name, without bytes when it
 * does not say any, and want->start of one. */
MUST_USE int stream_group_read(struct table t, const struct stream_args_of *of, struct bytes *name,
                               struct stream_want *want, struct err_note *note);
/* One argument that says where to begin, of that name. */
MUST_USE int stream_start_read(struct table t, const char *name, const struct stream_args_of *of,
                               struct stream_start *out, struct err_note *note);

#endif
