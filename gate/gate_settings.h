/* What can be set about gates, under RabbitMQ's names. */
#ifndef GATE_GATE_SETTINGS_H
#define GATE_GATE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/setting.h"

struct gate_settings {
    bool takes_proxy;          /* each connection begins with a PROXY header */
    uint64_t proxy_timeout_ms; /* for it */
    uint64_t tls_timeout_ms;   /* for a handshake */
};
extern const struct setting gate_settings[];

#endif
