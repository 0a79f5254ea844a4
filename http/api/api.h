/* RabbitMQ's management interface: its paths under /api, its JSON, its statuses, over HTTP.
 *
 *     http/server.h --a request--> route, login, may he? --> a function of routes.h
 *          ^                                                      | looks (broker/look.h), or
 * changes
 *          '---- an answer: at once, when it is safe, in parts ---'
 *
 * What is changed is durable before 201 or 204 is answered. Lists are told in parts, so one of any
 * length holds neither the loop nor memory. What is there and what differs from RabbitMQ:
 * docs/guide/http-api.md.
 *
 * Owner: one shard. */
#ifndef HTTP_API_API_H
#define HTTP_API_API_H

#include "base/check.h"
#include "base/err.h"
#include "broker/doors.h"
#include "http/api/api_settings.h"

struct api;
struct broker;
struct broker_options;
struct http_server;
struct io;

/* The settings in effect, one after the other; `value` is NULL where nobody is to know it. */
typedef void api_setting_fn(void *to, const char *name, const char *value);
struct api_all_settings {
    void *owner;
    void (*each)(void *owner, api_setting_fn *fn, void *to); /* NULL: none are known */
    /* Changes one until the next start. Errors with a note: ERR_NOT_FOUND, ERR_DENIED, ERR_INVALID,
     * ERR_RANGE. NULL: none can be. */
    int (*change)(void *owner, const char *name, const char *value, struct err_note *note);
};

struct api_open {
    struct io *io;
    struct broker *broker;
    const struct api_options *options;   /* borrowed */
    const char *node;                    /* the node's name, as "rabbit@host"; borrowed */
    const char *cluster_name;            /* until somebody sets another; borrowed */
    const struct broker_options *limits; /* what alarms are judged by; borrowed */
    struct doors doors;                  /* of AMQP */
    struct api_all_settings settings;
};

/* Opens no listener. */
struct api *api_new(const struct api_open *o);

/* Opens the listener that the options ask for, if any. Errors as listener_open(). */
MUST_USE int api_listen(struct api *a, struct err_note *note);

/* The port that it listens on; 0: none. */
uint16_t api_port(const struct api *a);
/* For sockets that somebody else accepts: http_server_take(). */
struct http_server *api_server(struct api *a);
/* Where they are accepted, to be listed. */
void api_also_listens(struct api *a, const struct doors_listener *l);

/* Ends what is under way and calls `stopped` from the loop; then it is freed by api_free(), before
 * the broker is closed. */
void api_stop(struct api *a, void (*stopped)(void *owner), void *owner);
void api_free(struct api *a);

#endif
