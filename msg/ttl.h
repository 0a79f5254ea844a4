/* Time to live, in milliseconds: arguments of queues, and the text of the expiration property. */
#ifndef MSG_TTL_H
#define MSG_TTL_H

#include <stdint.h>

#include "base/bytes.h"

/* Ten years of 365 days. */
#define TTL_MAX_MS UINT64_C(315360000000)

/* What is wrong with an expiration, told apart as RabbitMQ's texts do; in brackets what their
 * last part says of "x", "5x", "-5" and "9999999999999". */
enum ttl_fault {
    TTL_OK,
    TTL_NO_INTEGER, /* no_integer */
    TTL_LEFTOVER,   /* {leftover_string,"x"} */
    TTL_NEGATIVE,   /* {value_negative,-5} */
    TTL_TOO_LARGE,  /* {value_too_large,9999999999999} */
};

struct ttl {
    enum ttl_fault fault;
    uint64_t ms;         /* when nothing is wrong */
    struct bytes detail; /* what follows the number (TTL_LEFTOVER), or the number's digits without
                            sign and leading zeros (TTL_NEGATIVE, TTL_TOO_LARGE), borrowed */
};

/* Reads the text of an expiration: "0" to "315360000000". A sign and leading zeros are allowed,
 * as RabbitMQ allows them; nothing else is. */
struct ttl ttl_parse(struct bytes text);

#endif
