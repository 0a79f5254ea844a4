/* The methods of a connection's beginning and end; private to the client. */
#ifndef TOOLS_BENCH_AMQP_CLIENT_OPEN_H
#define TOOLS_BENCH_AMQP_CLIENT_OPEN_H

#include <stdbool.h>

#include "amqp/wire/method.h"

struct client;

/* Takes a method of the connection's own. */
void client_take_connection_method(struct client *c, const struct method *m);

/* connection.close or channel.close: fails the load with what the broker says. */
void client_take_close(struct client *c, const struct method *m);

#endif
