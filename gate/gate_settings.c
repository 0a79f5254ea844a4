/* The settings of gates. */
#include "gate/gate_settings.h"

#include <stddef.h>

#include "base/units.h"

#define FIELD(name) offsetof(struct gate_settings, name)

const struct setting gate_settings[] = {
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
