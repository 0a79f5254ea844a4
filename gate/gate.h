/* What a connection goes through before a door sees it.
 *
 *     listener --accept--> [ PROXY header ] --> [ TLS handshake ] --> the door's accept function
 *                               '-- bad, slow, or too many waiting --> ended, with one line
 *
 * A gate is a listener with that in front. Without PROXY and TLS it hands sockets on at once. Those
 * that are on their way hold little memory, and no more than ARRIVALS_MAX of them are there at a
 * time: for one more, the one that waits longest has to go.
 *
 * Owner: one shard. */
#ifndef GATE_GATE_H
#define GATE_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"
#include "base/err.h"
#include "gate/gate_settings.h"
#include "io/net.h"

struct io;
struct gate;
struct tls;

struct gate_options {
    const char *host;                     /* numeric; "" is every address */
    uint16_t port;                        /* 0: any that is free */
    const char *what;                     /* speaks there, for lines to the operator: "AMQP" */
    struct tls *tls;                      /* borrowed; NULL: plain */
    const struct gate_settings *settings; /* borrowed */
};

/* Who gets each socket when it is through, and owns it then. */
struct gate_door {
    listener_accept_fn *accept;
    void *owner;
};

/* Listens. Errors as listener_open(). */
MUST_USE int gate_open(struct io *io, const struct gate_options *o, struct gate_door door,
                       struct gate **out, struct err_note *note);

/* Closes the listener and those that are on their way; the sockets that are through stay with
 * their owners. */
void gate_close(struct gate *g);

uint16_t gate_port(const struct gate *g);

/* Connections on their way. */
size_t gate_arrivals(const struct gate *g);

#endif
