/* What can be set about gates, under RabbitMQ's names. */
#ifndef GATE_GATE_SETTINGS_H
#define GATE_GATE_SETTINGS_H

#include <stdint.h>

#include "base/setting.h"

struct gate_settings {
    uint64_t tls_timeout_ms; /* for a handshake */
};
extern const struct setting gate_settings[];

#endif
