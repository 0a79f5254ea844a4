/* The settings of metrics. */
#include "http/metrics/metrics_settings.h"

#define FIELD(name) offsetof(struct metrics_options, name)

const struct setting metrics_settings[] = {
    {
        .name = "prometheus.tcp.port",
        .kind = SETTING_ENDPOINT,
        .offset = FIELD(endpoint),
        .fallback = "15692",
        .help = "Where Prometheus fetches the metrics: a port of every address, an address and a "
                "port, or none. Behind an address port 0 is any that is free.",
    },
    {
        .name = "prometheus.tcp.ip",
        .kind = SETTING_TEXT,
        .offset = FIELD(ip),
        .fallback = "",
        .help = "The address of that port, when it is written without one.",
    },
    {
        .name = "prometheus.return_per_object_metrics",
        .kind = SETTING_BOOL,
        .offset = FIELD(is_per_object),
        .fallback = "false",
        .is_reloadable = true,
        .help = "Whether /metrics tells of each queue, connection and channel, as "
                "/metrics/per-object does.",
    },
    {0},
};
