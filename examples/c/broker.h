/* What every example in C does first: connect, and stop when something fails. */
#ifndef EXAMPLES_C_BROKER_H
#define EXAMPLES_C_BROKER_H

#include <amqp.h>

enum { CHANNEL = 1 };

/* Connects to the broker that AMQP_URL names, or to the one on this machine, and opens CHANNEL.
 * Ends the program when that fails. */
amqp_connection_state_t broker_connect(void);

/* Ends the program with a sentence when the broker or the library says that `what` failed. */
void broker_check(amqp_rpc_reply_t reply, const char *what);

/* The same for the last call that has no such reply. */
void broker_check_last(amqp_connection_state_t broker, const char *what);

/* The same for calls that return a status. */
void broker_check_status(int status, const char *what);

void broker_close(amqp_connection_state_t broker);

#endif
