/* The head of a request: its first line and its header fields. Pure: bytes in, views out.
 *
 *     GET /api/queues/%2F?page=1 HTTP/1.1 CR LF
 *     host: localhost CR LF
 *     CR LF
 *
 * What two readers could read differently is refused, not guessed: lines that end without CR,
 * folded lines, spaces before a colon, fields without a name, two lengths, a length beside chunks.
 * So nothing can be smuggled past a proxy that stands before us.
 *
 * Everything is a view into the bytes that were read. */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/check.h"
#include "http/http.h"

struct http_field {
    struct bytes name;  /* as it came; compared without case */
    struct bytes value; /* without spaces around it */
};

struct http_head {
    enum http_method method;
    struct bytes target; /* as it came */
    struct http_field fields[HTTP_FIELDS_MAX];
    size_t field_count;
    uint64_t content_length; /* 0 when there is none */
    bool is_1_0;
    bool has_length;
    bool is_chunked;
    bool is_keep_alive; /* the client wants to go on afterwards */
    bool wants_continue;
};

/* How much of a head there is. */
struct http_scan {
    size_t at;   /* all before was looked at */
    size_t line; /* where the line begins that is being looked at */
};

/* Looks for the end of the head in `in`, which begins where the last look began and may have grown
 * since. *size is the size of the head with its last line. Returns 0 when it is whole, ERR_AGAIN
 * when more must come, ERR_INVALID with *status when it can be nothing any more: 400, 414, 431. */
MUST_USE int http_head_scan(struct http_scan *scan, struct bytes in, size_t *size, int *status);

/* Reads a whole head. Returns 0, or the status that it is refused with. */
MUST_USE int http_head_read(struct bytes in, struct http_head *out);

/* The value of the first field of that name. */
bool http_head_find(const struct http_head *h, const char *name, struct bytes *value);

/* Whether a character can stand in a token (RFC 9110, 5.6.2): a name, a word. */
bool http_is_token(uint8_t c);

/* Whether two names are the same but for the case of ASCII letters. */
bool http_same_name(struct bytes a, struct bytes b);

/* Whether the value, a list with commas, has that word in it, whatever its case. */
bool http_list_has(struct bytes value, const char *word);

#endif
