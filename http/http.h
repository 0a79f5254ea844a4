/* The words of HTTP/1.1 that both sides of a server speak: methods, statuses, limits.
 *
 * Plain values. */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_OTHER, /* well formed, and none of these */
};

/* As a set of methods. */
#define HTTP_BIT(method) (1U << (method))

enum {
    HTTP_HEAD_MAX = 16 << 10,   /* bytes of a request's head; more: 431 */
    HTTP_TARGET_MAX = 8 << 10,  /* bytes of its target; more: 414 */
    HTTP_FIELDS_MAX = 100,      /* header fields; more: 431 */
    HTTP_SEGMENTS_MAX = 16,     /* of a path; more: 404, as no route has as many */
    HTTP_PARAMETERS_MAX = 32,   /* of a query; more: 400 */
    HTTP_CHUNK_HEAD_MAX = 1024, /* bytes of a chunk's first line, and of all trailers; more: 400 */
};

/* "Not Found": the words behind a status. */
const char *http_status_text(int status);

/* "GET". The method of such a name; HTTP_OTHER for any other. */
enum http_method http_method_of(struct bytes name);
const char *http_method_name(enum http_method m);

#endif
