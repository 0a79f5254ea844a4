/* What can be set about AMQP connections, under RabbitMQ's names where it has one. */
#ifndef AMQP_AMQP_SETTINGS_H
#define AMQP_AMQP_SETTINGS_H

#include <stdint.h>

#include "base/setting.h"
#include "gate/tls_settings.h"

/* How a client may say who he is. */
enum mechanism {
    MECHANISM_DEFAULT, /* of the list: PLAIN, AMQPLAIN when all places are so, else nothing */
    MECHANISM_PLAIN,
    MECHANISM_AMQPLAIN,
    MECHANISM_ANONYMOUS,
    MECHANISM_EXTERNAL, /* by a certificate: offered to clients that have one */
    MECHANISM_COUNT,
};

enum { MECHANISMS_MAX = 4 };

struct amqp_options {
    uint64_t frame_max;             /* offered; 4096 to 1 MiB */
    uint64_t initial_frame_max;     /* until connection.tune-ok */
    int64_t channel_max;            /* offered */
    int64_t heartbeat_s;            /* offered; 0: none */
    uint64_t handshake_timeout_ms;  /* from the accept to connection.open-ok */
    uint64_t failed_login_delay_ms; /* before the socket of a failed login is closed */
    uint64_t close_timeout_ms;      /* a client may take so long for his close-ok */
    int64_t connections_max;        /* connection_max; 0: no limit */
    int64_t consumers_max;          /* consumer_max_per_channel; 0: no limit */
    int mechanisms[MECHANISMS_MAX]; /* auth_mechanisms: offered, in this order */
    struct tls_name_rule name_rule; /* who EXTERNAL is */
    char *anonymous_user;           /* who ANONYMOUS is */
    char *anonymous_pass;
    char *cluster_name;         /* told to clients */
    char *product;              /* told to clients */
    uint64_t output_max_bytes;  /* waiting for one client's socket; then it gets no deliveries */
    uint64_t output_timeout_ms; /* a client that takes nothing for so long is cut off */
};
extern const struct setting amqp_settings[];

#endif
