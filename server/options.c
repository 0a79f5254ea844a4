/* Which tables of settings there are. */
#include "server/options.h"

#include "conf/conf.h"

void options_add(struct options *o, struct conf *c)
{
    conf_add(c, server_settings, &o->server, sizeof(o->server));
    conf_add(c, diag_settings, &o->diag, sizeof(o->diag));
    conf_add(c, real_settings, &o->real, sizeof(o->real));
    conf_add(c, log_settings, &o->log, sizeof(o->log));
    conf_add(c, partition_settings, &o->partition, sizeof(o->partition));
    conf_add(c, queue_settings, &o->queues, sizeof(o->queues));
    conf_add(c, broker_settings, &o->broker, sizeof(o->broker));
    conf_add(c, gate_settings, &o->gate, sizeof(o->gate));
    conf_add(c, tls_settings, &o->tls, sizeof(o->tls));
    conf_add(c, management_tls_settings, &o->management_tls, sizeof(o->management_tls));
    conf_add(c, amqp_settings, &o->amqp, sizeof(o->amqp));
    conf_add(c, metrics_settings, &o->metrics, sizeof(o->metrics));
    conf_add(c, api_settings, &o->api, sizeof(o->api));
}
