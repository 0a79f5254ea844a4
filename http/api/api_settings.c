/* The settings of the management interface. */
#include "http/api/api_settings.h"

#include <stddef.h>

#include "base/units.h"

#define FIELD(name) offsetof(struct api_options, name)

#define ORIGIN(number)                                                                             \
    {                                                                                              \
        .name = "management.cors.allow_origins." #number, .kind = SETTING_TEXT,                    \
        .offset = FIELD(cors_origins) + ((number)-1) * sizeof(char *), .fallback = "",             \
        .help = "An origin whose pages may ask the HTTP API, as https://monitor.example, or *; "   \
                "empty: none in this place.",                                                      \
    }

const struct setting api_settings[] = {
    {
        .name = "management.tcp.port",
        .kind = SETTING_ENDPOINT,
        .offset = FIELD(endpoint),
        .fallback = "15672",
        .help = "Where the HTTP API is served: a port of every address, an address and a port, or "
                "none. Behind an address port 0 is any that is free.",
    },
    {
        .name = "management.tcp.ip",
        .kind = SETTING_TEXT,
        .offset = FIELD(ip),
        .fallback = "",
        .help = "The address that the HTTP API listens on, when its port names none.",
    },
    {
        .name = "management.ssl.port",
        .kind = SETTING_ENDPOINT,
        .offset = FIELD(ssl_endpoint),
        .fallback = "none",
        .help = "Where the HTTP API is served by TLS, in the same form; RabbitMQ's port is 15671. "
                "It needs management.ssl.certfile and management.ssl.keyfile.",
    },
    {
        .name = "management.ssl.ip",
        .kind = SETTING_TEXT,
        .offset = FIELD(ssl_ip),
        .fallback = "",
        .help = "The address that it listens on with TLS, when its port names none.",
    },
    {
        .name = "management.path_prefix",
        .kind = SETTING_TEXT,
        .offset = FIELD(path_prefix),
        .fallback = "",
        .help = "What stands before /api in every path, as \"/rabbit\".",
    },
    ORIGIN(1),
    ORIGIN(2),
    ORIGIN(3),
    ORIGIN(4),
    {
        .name = "management.cors.max_age",
        .kind = SETTING_INT,
        .offset = FIELD(cors_max_age_s),
        .fallback = "1800",
        .min = 0,
        .max = 86400,
        .help = "Seconds for which a browser need not ask again whether such a page may.",
    },
    {
        .name = "management.tcp.idle_timeout",
        .kind = SETTING_DURATION,
        .offset = FIELD(idle_timeout_ms),
        .fallback = "60s",
        .min = 100,
        .max = DAY_MS,
        .help = "A connection that asks nothing for so long is closed.",
    },
    {
        .name = "management.tcp.request_timeout",
        .kind = SETTING_DURATION,
        .offset = FIELD(request_timeout_ms),
        .fallback = "10s",
        .min = 100,
        .max = HOUR_MS,
        .help = "The head of a request must come within this time, and each 64 KiB of its body.",
    },
    {
        .name = "management.tcp.inactivity_timeout",
        .kind = SETTING_DURATION,
        .offset = FIELD(output_timeout_ms),
        .fallback = "60s",
        .min = 100,
        .max = DAY_MS,
        .help = "A client that takes nothing of its answer for so long is cut off.",
    },
    {
        .name = "management.max_body",
        .kind = SETTING_SIZE,
        .offset = FIELD(body_max_bytes),
        .fallback = "20MiB",
        .min = 64 * KIB,
        .max = 512 * MIB,
        .help = "The largest body of a request that brings definitions or a message; all others "
                "may have 64 KiB.",
    },
    {
        .name = "millrace.http.publish_timeout",
        .kind = SETTING_DURATION,
        .offset = FIELD(publish_timeout_ms),
        .fallback = "10s",
        .min = 100,
        .max = HOUR_MS,
        .help = "A message published over HTTP must be safe within this time, else the answer is "
                "504.",
    },
    {
        .name = "collect_statistics_interval",
        .kind = SETTING_DURATION,
        .offset = FIELD(sample_interval_ms),
        .fallback = "5s",
        .min = 1000,
        .max = MINUTE_MS,
        .help = "How often what is counted is looked at, for the rates that the HTTP API tells.",
    },
    {
        .name = "millrace.http.samples_memory",
        .kind = SETTING_SIZE,
        .offset = FIELD(samples_max_bytes),
        .fallback = "32MiB",
        .min = 0,
        .max = 4 * GIB,
        .help = "Memory for samples of the past that the HTTP API tells of queues, exchanges, "
                "virtual hosts and clients; when it is used up, what is new has none until "
                "somebody asks for it.",
    },
    {
        .name = "millrace.http.connections_max",
        .kind = SETTING_INT,
        .offset = FIELD(connections_max),
        .fallback = "1024",
        .min = 1,
        .max = 100000,
        .help = "Connections of HTTP clients at a time; more wait.",
    },
    {
        .name = "management.disable_stats",
        .kind = SETTING_BOOL,
        .offset = FIELD(disables_stats),
        .fallback = "false",
        .help = "Whether lists of queues and exchanges come without what is counted.",
    },
    {
        .name = "management.enable_queue_totals",
        .kind = SETTING_BOOL,
        .offset = FIELD(has_queue_totals),
        .fallback = "false",
        .help = "Whether queues are listed with their numbers of messages though statistics are "
                "off.",
    },
    {0},
};
