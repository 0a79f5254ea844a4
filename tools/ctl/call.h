/* Requests to the HTTP API, one after the other, and what they answer.
 *
 *     call_make(c, &(struct request){"GET", "/api/overview"}, &answer, &note)
 *         -> 0               the broker did it
 *         -> ERR_DENIED      401 or 403
 *         -> ERR_NOT_FOUND   404
 *         -> ERR_INVALID     any other refusal; the note has the broker's reason
 *         -> ERR_CLOSED      the broker cannot be reached, or not understood
 *
 * Plain blocking calls; one thread. */
#ifndef TOOLS_CTL_CALL_H
#define TOOLS_CTL_CALL_H

#include <jansson.h>
#include <stdint.h>

#include "base/check.h"
#include "base/err.h"

struct options;
struct call;

struct request {
    const char *method;
    const char *path;   /* encoded; begins with /api */
    json_t *body;       /* borrowed; NULL: none */
    const char *header; /* one more header line; NULL: none */
    const char *user;   /* instead of the one of the options, with `password`; NULL: that */
    const char *password;
};

struct answer {
    long status;
    json_t *json; /* the caller's; NULL when there is no body */
};

/* The options are borrowed. ERR_INVALID with a note: the URI is none. */
MUST_USE int call_open(const struct options *o, struct call **out, struct err_note *note);
void call_close(struct call *c);

MUST_USE int call_make(struct call *c, const struct request *r, struct answer *out,
                       struct err_note *note);

/* Connects to another port of the host of the HTTP API, and goes again. ERR_CLOSED with a note. */
MUST_USE int call_reach(struct call *c, uint16_t port, struct err_note *note);

/* Waits so long, for verbs that try again. */
void call_wait(struct call *c, unsigned wait_ms);

/* A path in which each %s is a text that is encoded; new memory. */
char *call_path(struct call *c, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
