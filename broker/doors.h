/* What front doors tell of their clients, for whoever watches over the node: who is connected, with
 * which channels; and the way to cut somebody off. The room amqp fills one in, http/api asks it,
 * and neither knows the other.
 *
 * Connections are known by a number that is never used twice and rises with their age. Views are
 * borrowed for the turn. Owner: one shard. */
#ifndef BROKER_DOORS_H
#define BROKER_DOORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "msg/table.h"

struct consumer;

enum { DOORS_LISTENERS_MAX = 32, DOORS_HOST_SIZE = 64 };

/* A place where somebody listens. */
struct doors_listener {
    const char *protocol;       /* "amqp", "amqp/ssl", "http", "https" */
    char host[DOORS_HOST_SIZE]; /* "": every address */
    uint16_t port;
};

/* What channels and their connections count, since they began. */
struct doors_messages {
    uint64_t publish;
    uint64_t confirm;
    uint64_t return_unroutable;
    uint64_t drop_unroutable;
    uint64_t deliver; /* with acks */
    uint64_t deliver_no_ack;
    uint64_t get; /* with acks */
    uint64_t get_no_ack;
    uint64_t get_empty;
    uint64_t ack;
    uint64_t redeliver;
};

/* What TLS came to, in RabbitMQ's words; the last three are empty without a certificate of the
 * client. */
struct doors_tls {
    struct bytes protocol; /* "tlsv1.3" */
    struct bytes key_exchange;
    struct bytes cipher;
    struct bytes hash;
    struct bytes subject;
    struct bytes issuer;
    struct bytes validity;
};

struct doors_connection {
    uint64_t id;
    struct bytes name; /* "10.0.0.1:4711 -> 10.0.0.2:5672" */
    struct bytes user; /* no data: it has not logged in */
    struct bytes vhost;
    struct bytes peer;  /* "10.0.0.1:4711" */
    struct bytes local; /* "10.0.0.2:5672" */
    const char *state;  /* "running", "blocked" ... */
    const char *mechanism;
    struct table client_properties;
    int64_t connected_ms; /* since 1970 */
    uint64_t received_bytes;
    uint64_t sent_bytes;
    uint64_t received_count; /* reads and writes of its socket */
    uint64_t sent_count;
    uint64_t waiting_bytes; /* for its socket */
    uint32_t frame_max;
    uint32_t channel_max;
    uint32_t channels;
    uint32_t heartbeat_s;
    bool is_secure;
};

struct doors_channel {
    uint64_t connection; /* its number */
    uint16_t number;
    uint32_t prefetch;
    uint32_t global_prefetch;
    uint32_t consumers;
    uint64_t unacked;
    uint64_t unconfirmed;
    uint64_t uncommitted;      /* published in its transaction */
    uint64_t acks_uncommitted; /* settled there */
    bool confirms;
    bool is_transactional;
    bool is_held; /* flow */
    struct doors_messages messages;
};

/* How many messages a channel published to an exchange. */
struct doors_flow {
    struct bytes exchange;
    uint64_t count;
};

struct doors_totals {
    uint64_t connections;
    uint64_t channels;
    uint64_t limit; /* of connections; 0: none */
};

/* Each may be NULL: there are none. */
struct doors {
    void *owner;
    /* Returns how many, at most DOORS_LISTENERS_MAX. */
    size_t (*listeners)(void *owner, struct doors_listener out[]);
    void (*totals)(void *owner, struct doors_totals *out);
    /* The numbers of all open connections, rising, as new memory; returns how many. */
    size_t (*connections)(void *owner, uint64_t **out);
    /* False: it is gone. */
    bool (*connection)(void *owner, uint64_t id, struct doors_connection *out);
    /* What TLS came to; false: it is gone, or not secure. Costs more than the others. */
    bool (*tls)(void *owner, uint64_t id, struct doors_tls *out);
    /* The next channel with a number above `after` (0: the first); false: there is none. */
    bool (*channel)(void *owner, uint64_t id, unsigned after, struct doors_channel *out);
    /* How many messages that channel published to the exchange. */
    uint64_t (*published)(void *owner, uint64_t id, unsigned channel, struct bytes exchange);
    /* The same of all exchanges of the virtual host that it is known of, and its consumers, in the
     * order they began: as new memory; returns how many. */
    size_t (*publishes)(void *owner, uint64_t id, unsigned channel, struct doors_flow **out);
    size_t (*consumers)(void *owner, uint64_t id, unsigned channel, const struct consumer ***out);
    /* Ends it with 320 and that reason, which is UTF-8. False: it is gone. */
    bool (*close)(void *owner, uint64_t id, struct bytes reason);
};

#endif
