/* What can be set about AMQP connections. */
#ifndef AMQP_AMQP_SETTINGS_H
#define AMQP_AMQP_SETTINGS_H

#include <stdint.h>

#include "base/setting.h"

struct amqp_options {
    uint64_t frame_max;    /* offered; 4096 to 1 MiB */
    int64_t channel_max;   /* offered */
    uint64_t heartbeat_ms; /* offered; a plain number in the file is seconds, as RabbitMQ's */
    uint64_t handshake_timeout_ms;  /* from the accept to connection.open-ok */
    uint64_t failed_login_delay_ms; /* before the socket of a failed login is closed */
    int64_t connections_max;        /* connection_max; 0: no limit */
    int64_t consumers_max;          /* consumer_max_per_channel; 0: no limit */
    int64_t allows_anonymous;       /* whether ANONYMOUS is offered */
    char *mechanisms;               /* auth_mechanisms: offered, in this order */
    uint64_t output_max_bytes;  /* waiting for one client's socket; then it gets no deliveries */
    uint64_t output_timeout_ms; /* a client that takes nothing for so long is cut off */
};
extern const struct setting amqp_settings[];

#endif
