/* Where the doors are: the listeners of the configuration. */
#ifndef SERVER_LISTENERS_H
#define SERVER_LISTENERS_H

#include <stdbool.h>

#include "base/check.h"
#include "base/err.h"
#include "server/certificates.h"

struct amqp;
struct options;
struct tls;

/* Whether somebody shall come by TLS, so that there must be certificates. */
bool listeners_need_tls(const struct options *o);

/* The certificates of AMQP and of the HTTP API, not read yet. */
void listeners_name_certificates(const struct options *o, struct certificates *amqp,
                                 struct certificates *http);

/* For --check-conf: whether what they need besides a place is there. */
MUST_USE int listeners_check(const struct options *o, struct err_note *note);

/* Opens those of AMQP, plain and with TLS. In `where`, new memory, they stand as facts for the line
 * that says ready: "amqp=127.0.0.1:5672 amqps=none". Errors: as gate_open(). */
MUST_USE int listeners_open(const struct options *o, struct amqp *door, struct tls *tls,
                            char **where, struct err_note *note);

#endif
