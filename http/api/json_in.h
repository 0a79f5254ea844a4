/* Reads JSON that a client sent, by jansson, with limits: how deep it nests, no name twice, no
 * number that does not fit, nothing that is no UTF-8, no zero byte.
 *
 * Plain functions; json_in_read() for any thread. */
#ifndef HTTP_API_JSON_IN_H
#define HTTP_API_JSON_IN_H

#include <jansson.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/err.h"

enum { JSON_IN_DEPTH_MAX = 64 };

/* Once, before any other: jansson takes its memory from base/mem.h. */
void json_in_init(void);

/* An object, or with `any` anything. No text is an empty object. The caller owns what comes.
 * ERR_INVALID with a note that says what is wrong and where. */
MUST_USE int json_in_read(struct bytes text, bool any, json_t **out, struct err_note *note);

#endif
