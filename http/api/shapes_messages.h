/* Messages as pages tell them: properties, and as much of a body as is wanted.
 *
 *     payload_begin --> 0            it is there: tell_payload()
 *                   '-> ERR_AGAIN    `ready` comes from the loop; payload_more()
 *
 * Owner: one shard. */
#ifndef HTTP_API_SHAPES_MESSAGES_H
#define HTTP_API_SHAPES_MESSAGES_H

#include "http/api/tell.h"
#include "msg/props.h"
#include "store/store.h"

enum { PAYLOADS_MAX = 64 << 20 }; /* bytes of an answer */

/* "properties": {...} */
void tell_props(struct tell *t, const struct props *props);

struct payload {
    struct buf bytes;
    uint64_t left;            /* to be read */
    struct store_body *parts; /* NULL: nothing is on its way */
    store_ready_fn *ready;
    void *owner;
};

void payload_init(struct payload *p, store_ready_fn *ready, void *owner);
void payload_release(struct payload *p);
/* Reads the body, at most so many bytes of it; what was read before is forgotten. Errors:
 * ERR_AGAIN, ERR_CORRUPT, ERR_FULL: it is longer than an answer. */
MUST_USE int payload_begin(struct payload *p, struct store *s, const struct stored *m,
                           uint64_t max);
MUST_USE int payload_more(struct payload *p);

/* "payload" and "payload_encoding": text if it is text and that is wanted, else base64.
 * ERR_FULL. */
MUST_USE int tell_payload(struct tell *t, const struct payload *p, bool is_base64);

/* "auto" or "base64". False: it is neither. */
bool payload_encoding(struct bytes word, bool *is_base64);

#endif
