/* An HTTP/1.1 server on sockets of io/net.h: listeners, connections, requests, answers. What is
 * served is its owner's business: a service of three calls.
 *
 *     listener --accept--> connection --head--> service.begin: may he, how large a body?
 *                                     --body--> service.serve: answer now, or later
 *                          answer whole:        http_answer()
 *                          answer in parts:     http_answer_parts(), and `more` is asked for the
 *                                               next part whenever the last one is on its way
 *
 * A connection serves one request after the other; what the client sends ahead waits in the socket.
 * Bad requests, long ones and slow ones are answered here: 400, 408, 413, 414, 417, 431, 501, 503,
 * 505.
 *
 * Invariants:
 *   S1  a call that was begun is answered exactly once, or dropped();
 *   S2  no size from a client allocates: a body grows as it comes, up to what begin() allowed, and
 *       all bodies together up to bodies_max_bytes;
 *   S3  a client that is slow, silent or does not read costs a bounded time: the deadlines of the
 *       options.
 *
 * Owner: one shard. Callbacks come from the loop. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "http/head.h"
#include "http/target.h"
#include "io/net.h"

struct http_server;
struct http_call;

/* Limits of a server; http_options_default() fills them in. */
struct http_options {
    uint64_t connections_max;    /* more wait in the system's queue */
    uint64_t idle_timeout_ms;    /* between two requests; then the connection is closed */
    uint64_t request_timeout_ms; /* for a head, and for each 64 KiB of a body: then 408 */
    uint64_t output_timeout_ms;  /* a client that reads nothing for so long is cut off */
    uint64_t bodies_max_bytes;   /* of all requests at a time; then 503 */
    const char *name;            /* the field "server" of answers, and who speaks in diagnostics */
};
struct http_options http_options_default(void);

/* What a service may look at until it has answered. */
struct http_request {
    struct http_head head;
    struct http_target target;
    struct bytes body;
    struct net_address peer;
    bool is_loopback; /* it comes from this machine */
    bool is_secure;   /* over TLS */
};

struct http_service {
    void *owner;
    /* The head of a request is there. Returns how large a body may be (without one serve() comes at
     * once), or answers the call: then its body is not read, and serve() does not come. */
    uint64_t (*begin)(void *owner, struct http_call *c);
    /* All of it is there. Answers before it returns, or later. */
    void (*serve)(void *owner, struct http_call *c);
    /* The client is gone before the call was answered, or before all parts were asked for: whoever
     * holds it lets go. */
    void (*dropped)(void *owner, struct http_call *c);
};

/* ---- open, close ---- */

/* Options and service are copied; the name in the options is borrowed. */
struct http_server *http_server_new(struct io *io, const struct http_options *options,
                                    const struct http_service *service);

/* Opens one more listener. Errors as listener_open(). */
MUST_USE int http_server_listen(struct http_server *s, const char *host, uint16_t port,
                                struct err_note *note);

/* The port of the listener opened last. */
uint16_t http_server_port(const struct http_server *s);

/* Takes a connection that somebody else accepted and, if `is_secure`, wrapped in TLS. Closes it
 * when the server stops. */
void http_server_take(struct http_server *s, struct socket *socket, bool is_secure);

/* Takes no more connections, lets the answers under way end for a few seconds, and calls `stopped`
 * from the loop when the last connection is gone. Then it is freed by http_server_free(). */
void http_server_stop(struct http_server *s, void (*stopped)(void *owner), void *owner);
void http_server_free(struct http_server *s);

struct http_stats {
    uint64_t connections;
    uint64_t accepted; /* since the start, as all below */
    uint64_t requests;
    uint64_t refused; /* answered here, with an error */
    uint64_t received_bytes;
    uint64_t sent_bytes;
    uint64_t body_bytes; /* held for bodies just now */
};
void http_server_get_stats(const struct http_server *s, struct http_stats *out);
void http_server_check(const struct http_server *s);

/* ---- a call ---- */

const struct http_request *http_call_request(const struct http_call *c);
struct io *http_call_io(struct http_call *c);
/* A pointer of the service's own; NULL at first. */
void http_call_set_data(struct http_call *c, void *data);
void *http_call_data(const struct http_call *c);

/* Adds a field to the answer to come; the value is cut at its first control character. */
void http_answer_field(struct http_call *c, const char *name, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* The answer, all of it; `type` is its content type, NULL for none. The bytes are copied. The call
 * is over for the service. */
void http_answer(struct http_call *c, int status, const char *type, struct bytes body);

enum http_more {
    HTTP_MORE_PART,  /* something was added, and more will follow */
    HTTP_MORE_LATER, /* nothing was: ask again in the next turn */
    HTTP_MORE_LAST,  /* that was all (the buffer may hold something); the call is over */
    HTTP_MORE_ABORT, /* it cannot be ended well: the connection is cut; the call is over */
};
/* Adds the next part, of about HTTP_PART_SIZE; works for about a millisecond. From the loop. */
typedef enum http_more http_more_fn(void *owner, struct http_call *c, struct buf *out);
enum { HTTP_PART_SIZE = 32 << 10, HTTP_PART_MAX = 16 << 20 };

/* Begins an answer that comes in parts. To a HEAD nothing more is asked for, and dropped()
 * comes. */
void http_answer_parts(struct http_call *c, int status, const char *type, http_more_fn *more,
                       void *owner);

#endif
