/* The first bytes that a client sends: which protocol does it speak? */
#ifndef AMQP_WIRE_GREETING_H
#define AMQP_WIRE_GREETING_H

#include "base/bytes.h"

enum { GREETING_SIZE = 8 };

enum greeting {
    GREETING_MORE,          /* fewer than GREETING_SIZE bytes so far */
    GREETING_AMQP_0_9_1,    /* "AMQP" 0 0 9 1 */
    GREETING_AMQP_0_9,      /* "AMQP" 1 1 0 9, taken for 0-9-1 as RabbitMQ does */
    GREETING_WRONG_VERSION, /* "AMQP" and something else */
    GREETING_AMQP_1_0,      /* "AMQP" 0 1 0 0 */
    GREETING_AMQP_1_0_TLS,  /* "AMQP" 2 1 0 0 */
    GREETING_AMQP_1_0_SASL, /* "AMQP" 3 1 0 0 */
    GREETING_HTTP,          /* "GET " */
    GREETING_TLS,           /* a ClientHello */
    GREETING_OTHER,
};

/* What the bytes are. Only the first two versions are spoken here; to all others the answer is
 * greeting_answer() and the end of the connection. */
enum greeting greeting_of(struct bytes window);

/* The header of the version that is spoken, GREETING_SIZE bytes. */
struct bytes greeting_answer(void);

#endif
