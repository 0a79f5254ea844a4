/* The options of all rooms, as the configuration fills them. */
#ifndef SERVER_OPTIONS_H
#define SERVER_OPTIONS_H

#include "amqp/amqp_settings.h"
#include "broker/broker.h"
#include "cluster/partition.h"
#include "gate/gate_settings.h"
#include "gate/tls_settings.h"
#include "http/api/api_settings.h"
#include "http/metrics/metrics_settings.h"
#include "io/real.h"
#include "queue/queue.h"
#include "server/diag_settings.h"
#include "server/server_settings.h"

struct conf;

struct options {
    struct server_options server;
    struct diag_settings_options diag;
    struct real_options real;
    struct log_options log;
    struct partition_options partition;
    struct queues_options queues;
    struct broker_options broker;
    struct gate_settings gate;
    struct tls_options tls;            /* of AMQP */
    struct tls_options management_tls; /* of the HTTP API */
    struct amqp_options amqp;
    struct metrics_options metrics;
    struct api_options api;
};

/* Each room's settings become known: a table, and the struct that it fills. */
void options_add(struct options *o, struct conf *c);

#endif
