/* What can be set about metrics, under RabbitMQ's names. */
#ifndef HTTP_METRICS_METRICS_SETTINGS_H
#define HTTP_METRICS_METRICS_SETTINGS_H

#include "base/setting.h"

struct metrics_options {
    struct setting_endpoint endpoint; /* prometheus.tcp.port */
    char *ip;                         /* prometheus.tcp.ip; "": what the port says */
    bool is_per_object;               /* prometheus.return_per_object_metrics */
};
extern const struct setting metrics_settings[];

#endif
