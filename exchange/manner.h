/* What the type and the arguments of a declaration come to: a kind that routes, and what is done
 * before it does. Private to the room.
 *
 *     type x-delayed-message, x-delayed-type: topic      routes as topic, delayed
 *     type topic, x-delayed-exchange: true               the same
 *     type x-message-deduplication                       routes as fanout, without duplicates
 *     type topic, x-message-deduplication: true          routes as topic, without duplicates */
#ifndef EXCHANGE_MANNER_H
#define EXCHANGE_MANNER_H

#include "exchange/kind.h"

struct manner {
    const struct exchange_kind *kind;
    const char *type; /* as exchange_spec() shall say it */
    bool is_delayed;
    struct exchange_cache cache;
};

/* ERR_INVALID with a note. */
MUST_USE int manner_read(const struct exchange_spec *spec, struct manner *out,
                         struct err_note *note);

#endif
