/* Field tables as JSON and back: text and binary are strings, all integers long, null is void.
 *
 * Plain functions. */
#ifndef TRANSFER_JSON_TABLE_H
#define TRANSFER_JSON_TABLE_H

#include <jansson.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/check.h"
#include "msg/table.h"

/* New; an object. */
json_t *json_of_table(struct table t);
/* New; bytes that are no UTF-8 become question marks. */
json_t *json_of_bytes(struct bytes b);

/* The table lies in the buffer, which is cleared before. ERR_INVALID: it is no object; ERR_RANGE:
 * it breaks a limit of msg/table.h. */
MUST_USE int json_to_table(const json_t *object, struct buf *area, struct table *out);

/* Borrowed; the value must be a string. */
struct bytes json_text(const json_t *string);

#endif
