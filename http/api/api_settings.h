/* What can be set about the management interface, under RabbitMQ's names where it has one. */
#ifndef HTTP_API_API_SETTINGS_H
#define HTTP_API_API_SETTINGS_H

#include "base/setting.h"

enum { API_ORIGINS_MAX = 4 };

struct api_options {
    struct setting_endpoint endpoint;     /* management.tcp.port */
    char *ip;                             /* management.tcp.ip; "": what the port says */
    struct setting_endpoint ssl_endpoint; /* management.ssl.port */
    char *ssl_ip;                         /* management.ssl.ip */
    char *path_prefix;
    char *cors_origins[API_ORIGINS_MAX]; /* management.cors.allow_origins.N; "": none */
    int64_t cors_max_age_s;
    uint64_t idle_timeout_ms;
    uint64_t request_timeout_ms;
    uint64_t output_timeout_ms;
    uint64_t body_max_bytes;     /* of definitions and published messages */
    uint64_t publish_timeout_ms; /* until a message published here is safe */
    uint64_t sample_interval_ms; /* collect_statistics_interval */
    uint64_t samples_max_bytes;  /* of the past */
    int64_t connections_max;
    bool disables_stats;
    bool has_queue_totals; /* though statistics are off */
};
extern const struct setting api_settings[];

#endif
