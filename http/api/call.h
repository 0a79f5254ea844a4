/* A request to the interface on its way: who asks, for what, and how he is answered.
 *
 *     begin() -> new: route, user          401, 404, 405, 413
 *     serve() -> the route's function, which answers in one of the ways below, now or later
 *             -> freed with the answer, or when the client is gone
 *
 * Whoever answers later keeps what he needs in `work` and gives it back in `release`.
 * Owner: one shard. */
#ifndef HTTP_API_CALL_H
#define HTTP_API_CALL_H

#include <jansson.h>

#include "broker/broker.h"
#include "http/api/parts.h"
#include "http/api/ranges.h"
#include "http/api/tell.h"
#include "http/server.h"

struct route;

enum { API_ARGS_MAX = 8, API_REPLY_MAX = 16 << 20 };

struct api_call {
    struct list_link link; /* of the api */
    struct api *api;
    struct http_call *http;
    const struct http_request *request;
    const struct route *route;
    enum http_method method; /* HEAD is GET here */
    struct user *user;       /* a reference; NULL where nobody need log in */
    struct bytes args[API_ARGS_MAX];
    size_t arg_count;
    struct bytes vhost; /* the argument that is one; no data: none */
    json_t *body;
    struct tell_columns columns; /* of a single thing */
    struct ranges ranges;        /* of the past */
    struct visit *visit;
    struct broker_waiter waiter;
    int status_when_safe;
    void (*when_safe)(struct api_call *c);
    void *work; /* of who answers later */
    void (*release)(struct api_call *c);
};

struct api_call *api_call_new(struct api *a, struct http_call *http);
/* Gives everything back; the answer was given, or is not wanted any more. */
void api_call_free(struct api_call *c);

/* ---- answers; each ends the call ---- */

/* Of every body. */
extern const char api_content_type[];

/* What is in the buffer, as JSON. */
void api_answer(struct api_call *c, int status, struct buf *body);
/* Without a body: 204. */
void api_answer_empty(struct api_call *c, int status);
/* In parts, as http_answer_parts(); the call is freed by `more` with its last part. */
void api_answer_parts(struct api_call *c, http_more_fn *more, void *owner);
/* {"error": ..., "reason": ...} */
void api_fail(struct api_call *c, int status, const char *error, const char *format, ...)
    PRINTF_LIKE(4, 5);
void api_bad_request(struct api_call *c, const char *format, ...) PRINTF_LIKE(2, 3);
void api_not_found(struct api_call *c);
/* 401, as RabbitMQ has it: he is known, and may not. */
void api_not_authorised(struct api_call *c, const char *reason);
/* What the broker refused, as RabbitMQ answers it. */
void api_refused(struct api_call *c, const struct refusal *r);
/* An error of broker/admin.h and its kin. */
void api_failed(struct api_call *c, int err, const struct err_note *note);
/* That status, without a body, when all that was defined so far is safe; else 500. */
void api_answer_when_safe(struct api_call *c, int status);
/* Goes on with `next` then. */
void api_when_safe(struct api_call *c, void (*next)(struct api_call *c));

/* ---- what was asked ---- */

/* A parameter of the query; false when it is not there. */
bool api_query(const struct api_call *c, const char *name, struct bytes *value);
/* Whether it is "true". */
bool api_query_is_true(const struct api_call *c, const char *name);

/* Fields of the body. Each returns false, and has answered 400, when it is there and of another
 * kind, or not there while `is_needed`; what is not there leaves *out alone. */
bool api_body_text(struct api_call *c, const char *name, bool is_needed, struct bytes *out);
bool api_body_bool(struct api_call *c, const char *name, bool *out);
bool api_body_int(struct api_call *c, const char *name, bool is_needed, int64_t *out);
/* An object as a field table, in the scratch buffer of the api. */
bool api_body_table(struct api_call *c, const char *name, struct table *out);

/* Enters the virtual host c->vhost; false: refused, and answered. */
bool api_visit(struct api_call *c);

bool api_may_administrate(const struct api_call *c);
bool api_may_monitor(const struct api_call *c);
/* Whether he sees what is in it: monitors see all, others where they may enter. */
bool api_may_see(struct api_call *c, struct bytes vhost);

#endif
