/* The struct behind api.h, shared by the files of this room.
 *
 * Owner: one shard. */
#ifndef HTTP_API_PARTS_H
#define HTTP_API_PARTS_H

#include "base/buf.h"
#include "base/list.h"
#include "base/voices.h"
#include "http/api/api.h"
#include "http/server.h"
#include "io/io.h"

struct samples;

/* For "%.*s". */
#define API_SHOW(b) (int)(b).size, (b).size == 0 ? "" : (const char *)(b).data

struct api {
    struct io *io;
    struct broker *broker;
    const struct api_options *options;
    const char *node;
    const char *cluster_name;
    struct doors doors;
    struct api_all_settings settings;
    struct http_server *server;
    bool listens;
    struct doors_listener other; /* api_also_listens(); no protocol: none */
    struct list calls;
    struct buf reply;     /* of one answer */
    struct buf arguments; /* field tables made of bodies */
    struct samples *samples;
    struct voices voices; /* lines about clients */
    size_t kept_bytes;    /* by all lists that are sorted or cut into pages */
    uint64_t readings;    /* by workers: of bodies, of what the system tells */
    int64_t started_ms;
    uint64_t logins_failed; /* over HTTP */
    uint64_t logins_succeeded;
    const struct broker_options *limits;
    bool is_served; /* while stopping: all requests have ended */
    void (*stopped)(void *owner);
    void *stopped_owner;
};

/* All places where clients may come: how many, at most DOORS_LISTENERS_MAX. */
size_t api_listeners(const struct api *a, struct doors_listener out[]);

/* Tells that it has stopped, when nothing is under way any more. */
void api_end_stop(struct api *a);

#endif
