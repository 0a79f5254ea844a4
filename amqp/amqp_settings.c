/* The settings of AMQP connections. */
#include "amqp/amqp_settings.h"

#include "base/units.h"

#define FIELD(name) offsetof(struct amqp_options, name)

static const char *const mechanisms[] = {"default",   "PLAIN",    "AMQPLAIN",
                                         "ANONYMOUS", "EXTERNAL", NULL};

static const char *const name_words[] = {"distinguished_name", "common_name",
                                         "subject_alternative_name", "subject_alt_name", NULL};
static const char *const san_words[] = {"dns", "ip", "email", "uri", "other_name", NULL};

STATIC_ASSERT(ARRAY_SIZE(mechanisms) == MECHANISM_COUNT + 1, "each mechanism has its word");

#define MECHANISM(number)                                                                          \
    {                                                                                              \
        .name = "auth_mechanisms." #number, .kind = SETTING_CHOICE,                                \
        .offset = FIELD(mechanisms) + ((number)-1) * sizeof(int), .fallback = "default",           \
        .choices = mechanisms,                                                                     \
        .help = "A way to log in that is offered, in this place of the list. While all places "    \
                "say default, the list is PLAIN, AMQPLAIN; else a place that says so is empty. "   \
                "EXTERNAL is offered to those whose certificate was verified.",                    \
    }

const struct setting amqp_settings[] = {
    {
        .name = "frame_max",
        .kind = SETTING_SIZE,
        .offset = FIELD(frame_max),
        .fallback = "131072",
        .min = 4 * KIB,
        .max = MIB,
        .is_reloadable = true,
        .help = "The largest frame, offered to clients. They may agree to less, down to 4096.",
    },
    {
        .name = "initial_frame_max",
        .kind = SETTING_SIZE,
        .offset = FIELD(initial_frame_max),
        .fallback = "8192",
        .min = 4 * KIB,
        .max = 64 * KIB,
        .is_reloadable = true,
        .help = "The largest frame of a client that has not logged in yet.",
    },
    {
        .name = "channel_max",
        .kind = SETTING_INT,
        .offset = FIELD(channel_max),
        .fallback = "2047",
        .min = 1,
        .max = UINT16_MAX,
        .is_reloadable = true,
        .help = "Channels of a connection, offered to clients. They may agree to fewer.",
    },
    {
        .name = "heartbeat",
        .kind = SETTING_INT,
        .offset = FIELD(heartbeat_s),
        .fallback = "60",
        .min = 0,
        .max = UINT16_MAX,
        .is_reloadable = true,
        .help = "Seconds of silence after which a peer is suspected, offered to clients, who "
                "decide; 0 offers none. A client that is silent for twice as long is cut off.",
    },
    {
        .name = "handshake_timeout",
        .kind = SETTING_DURATION,
        .offset = FIELD(handshake_timeout_ms),
        .fallback = "10s",
        .min = 100,
        .max = 10 * MINUTE_MS,
        .is_reloadable = true,
        .help = "A connection that is not open after this time is closed.",
    },
    {
        .name = "connection_max",
        .kind = SETTING_INT,
        .offset = FIELD(connections_max),
        .fallback = "0",
        .min = 0,
        .max = INT64_C(1) << 32,
        .is_reloadable = true,
        .help = "Connections at a time; one more is refused. 0: no limit.",
    },
    {
        .name = "consumer_max_per_channel",
        .kind = SETTING_INT,
        .offset = FIELD(consumers_max),
        .fallback = "4096",
        .min = 0,
        .max = INT64_C(1) << 32,
        .is_reloadable = true,
        .help = "Consumers of a channel; one more is refused. 0: no limit.",
    },
    MECHANISM(1),
    MECHANISM(2),
    MECHANISM(3),
    MECHANISM(4),
    {
        .name = "ssl_cert_login_from",
        .kind = SETTING_CHOICE,
        .offset = FIELD(name_rule.from),
        .fallback = "distinguished_name",
        .choices = name_words,
        .help = "Which name in his certificate a client has as a user who logs in by EXTERNAL. "
                "There must be such a user.",
    },
    {
        .name = "ssl_cert_login_san_type",
        .kind = SETTING_CHOICE,
        .offset = FIELD(name_rule.san_type),
        .fallback = "dns",
        .choices = san_words,
        .help = "When that is an alternative name: of which type.",
    },
    {
        .name = "ssl_cert_login_san_index",
        .kind = SETTING_INT,
        .offset = FIELD(name_rule.san_index),
        .fallback = "0",
        .min = 0,
        .max = 1000,
        .help = "And which of those of that type, from 0 on.",
    },
    {
        .name = "anonymous_login_user",
        .kind = SETTING_TEXT,
        .offset = FIELD(anonymous_user),
        .fallback = "guest",
        .help = "The user that a client is who logs in by ANONYMOUS.",
    },
    {
        .name = "anonymous_login_pass",
        .kind = SETTING_SECRET,
        .offset = FIELD(anonymous_pass),
        .fallback = "guest",
        .help = "His password.",
    },
    {
        .name = "cluster_name",
        .kind = SETTING_TEXT,
        .offset = FIELD(cluster_name),
        .fallback = "millrace",
        .help = "What clients are told as the cluster's name.",
    },
    {
        .name = "millrace.amqp.product",
        .kind = SETTING_TEXT,
        .offset = FIELD(product),
        .fallback = "Millrace",
        .help = "What clients are told as the product. Some programs look for RabbitMQ there.",
    },
    {
        .name = "millrace.amqp.failed_login_delay",
        .kind = SETTING_DURATION,
        .offset = FIELD(failed_login_delay_ms),
        .fallback = "3s",
        .min = 0,
        .max = MINUTE_MS,
        .is_reloadable = true,
        .help = "How long a client whose login failed waits for the end of his connection.",
    },
    {
        .name = "millrace.amqp.close_timeout",
        .kind = SETTING_DURATION,
        .offset = FIELD(close_timeout_ms),
        .fallback = "30s",
        .min = 10,
        .max = 10 * MINUTE_MS,
        .is_reloadable = true,
        .help = "How long a client may take to answer the end of his connection.",
    },
    {
        .name = "millrace.amqp.output_max",
        .kind = SETTING_SIZE,
        .offset = FIELD(output_max_bytes),
        .fallback = "1MiB",
        .min = 64 * KIB,
        .max = GIB,
        .is_reloadable = true,
        .help = "Bytes that may wait for a client that does not read; then it gets no messages.",
    },
    {
        .name = "millrace.amqp.output_timeout",
        .kind = SETTING_DURATION,
        .offset = FIELD(output_timeout_ms),
        .fallback = "5m",
        .min = 100,
        .max = DAY_MS,
        .is_reloadable = true,
        .help = "A client that reads nothing for so long while something waits is cut off.",
    },
    {0},
};
