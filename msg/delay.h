/* When a message is to leave a delayed exchange, as its headers say it.
 *
 *     x-delay        so many milliseconds from now: an integer of any width, a whole number as
 *                    text, or a float, whose fraction is cut off. Zero and less: now
 *     x-deliver-at   a date since 1970: a timestamp (seconds) or an integer (milliseconds). It
 *                    counts when there is no x-delay
 *
 * Pure. */
#ifndef MSG_DELAY_H
#define MSG_DELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/check.h"
#include "msg/table.h"

/* What is longer, or later, is this: 35 million years. */
#define DELAY_MAX_MS (INT64_C(1) << 60)

enum delay_kind { DELAY_NONE, DELAY_SPAN, DELAY_DATE };

/* When, in milliseconds. A span is above 0. */
struct delay {
    enum delay_kind kind;
    int64_t ms;
};

/* What the headers of a message say; what cannot be understood says nothing. */
struct delay delay_of_headers(struct table headers);

/* Whether delay_of_headers() understands such a value of x-delay, of x-deliver-at. */
bool delay_is_span(const struct field *f);
bool delay_is_date(const struct field *f);

/* Adds the headers to `out` as they are when the delay is over: x-delay is negated, so that no
 * exchange delays the message again and consumers see that it was. */
void delay_write_over(struct table headers, struct buf *out);

#endif
