/* The settings of gates. */
#include "gate/gate_settings.h"

#include <stddef.h>

#include "base/units.h"

#define FIELD(name) offsetof(struct gate_settings, name)

const struct setting gate_settings[] = {
    {
        .name = "proxy_protocol",
        .kind = SETTING_BOOL,
        .offset = FIELD(takes_proxy),
        .fallback = "false",
        .help = "Whether AMQP connections begin with a header of the PROXY protocol, version 1 or "
                "2. The address in it is the client's then, also for loopback_users, and a "
                "connection without it is refused: only a proxy may reach these ports.",
    },
    {
        .name = "millrace.gate.proxy_timeout",
        .kind = SETTING_DURATION,
        .offset = FIELD(proxy_timeout_ms),
        .fallback = "5s",
        .min = 100,
        .max = 10 * MINUTE_MS,
        .help = "How long that header may take to come.",
    },
    {
        .name = "ssl_handshake_timeout",
        .kind = SETTING_DURATION,
        .offset = FIELD(tls_timeout_ms),
        .fallback = "5s",
        .min = 100,
        .max = 10 * MINUTE_MS,
        .help = "How long a client may take for the TLS handshake.",
    },
    {0},
};
