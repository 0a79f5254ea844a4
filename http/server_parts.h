/* The inside of a server: what its sessions share. Private to this room.
 *
 * Owner: one shard. */
#ifndef HTTP_SERVER_PARTS_H
#define HTTP_SERVER_PARTS_H

#include "http/server.h"
#include "http/session.h"
#include "io/io.h"

struct http_listener {
    struct listener *listener;
    struct http_listener *next;
};

struct http_server {
    struct io *io;
    struct http_options options;
    struct http_service service;
    struct list sessions; /* all, also those that are closing */
    struct http_listener *listeners;
    uint16_t port;
    struct http_stats stats;
    struct io_timer stop_timer;
    struct io_task stop_task;
    bool is_paused; /* as many connections as there may be */
    bool is_stopping;
    void (*stopped)(void *owner);
    void *stopped_owner;
};

/* A session is gone. */
void http_server_forget(struct http_server *s);

#endif
