/* The inside of a door: what its sessions share.
 *
 * Owner: one shard. */
#ifndef AMQP_DOOR_H
#define AMQP_DOOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "amqp/amqp.h"
#include "amqp/output.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/voices.h"
#include "io/io.h"

struct session;

/* A place where clients come in. */
struct door_gate {
    struct gate *gate;
    struct door_gate *next;
    char host[DOORS_HOST_SIZE];
    bool is_secure;
};

struct amqp {
    struct io *io;
    struct broker *broker;
    const struct amqp_options *options;
    struct list sessions; /* all, also those that are closing */
    uint64_t session_count;
    uint64_t last_id;       /* of a connection */
    struct map by_id;       /* connections */
    uint64_t open_count;    /* connections that are running */
    uint64_t delayed_count; /* sessions that only wait for failed_login_delay */
    struct door_gate *gates;
    uint16_t port; /* of the gate opened last */
    struct output_spares spares;
    uint8_t *scratch;   /* INPUT_SCRATCH_SIZE bytes, lent for one reading */
    struct buf props;   /* properties in the making, for one delivery, */
    struct buf headers; /* its headers, */
    struct buf fields;  /* and what comes to them */
    uint64_t seed;      /* of maps whose keys clients choose */
    struct amqp_stats stats;
    struct voices voices;
    struct voices channel_voices;
    struct look_tls *tls; /* of the last look at one; NULL: there was none */
    struct list resting;  /* connections that go on in the next turn */
    struct io_timer rest_timer;
    struct io_task stop_task;
    bool is_stopping;
    void (*stopped)(void *owner);
    void *stopped_owner;
};

/* A session is gone. */
void door_forget(struct amqp *a);

/* As diag(), but of lines about one host only so many (base/voices.h); of a session itself, or of
 * one of its channels. */
void door_say(const struct session *s, enum diag_level level, const char *format, ...)
    PRINTF_LIKE(3, 4);
void door_say_of_channel(const struct session *s, enum diag_level level, const char *format, ...)
    PRINTF_LIKE(3, 4);

#endif
