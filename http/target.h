/* The target of a request, taken apart: the segments of its path and the parameters of its query,
 * with their %XX decoded.
 *
 *     /api/queues/%2F/my%20queue?page=1&name=a+b
 *         segments "api", "queues", "/", "my queue";  parameters page=1, name="a b"
 *
 * Decoding comes after cutting, so an encoded slash is part of a name; ".." means nothing. What is
 * no UTF-8 once it is decoded, or has a zero byte in it, is no name of ours: refused.
 *
 * Views borrow from the target or from `area`. */
#ifndef HTTP_TARGET_H
#define HTTP_TARGET_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/check.h"
#include "http/http.h"

struct http_parameter {
    struct bytes name;
    struct bytes value;
};

struct http_target {
    struct bytes path; /* as it came, without the query */
    struct bytes segments[HTTP_SEGMENTS_MAX];
    size_t segment_count;
    struct http_parameter parameters[HTTP_PARAMETERS_MAX];
    size_t parameter_count;
    bool ends_with_slash; /* a last segment without a character is no segment */
    uint8_t area[HTTP_TARGET_MAX];
    size_t area_size;
};

/* Returns 0, or the status that it is refused with: 400, 404. */
MUST_USE int http_target_read(struct bytes target, struct http_target *out);

/* The value of the last parameter of that name. */
bool http_target_find(const struct http_target *t, const char *name, struct bytes *value);

#endif
