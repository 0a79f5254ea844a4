/* Reading deliveries by their form; private to the desk. */
#ifndef TOOLS_BENCH_AMQP_DESK_FORM_H
#define TOOLS_BENCH_AMQP_DESK_FORM_H

#include <stdbool.h>
#include <stdint.h>

#include "amqp/wire/content.h"
#include "amqp/wire/method.h"
#include "tools/bench/amqp/desk.h"

/* What a delivery of the form says. */
struct desk_seen {
    size_t size; /* of all its frames */
    struct bytes key;
    struct bytes body;
};

/* Learns the opening from a basic.deliver, and forgets what was known. */
void desk_form_open(struct desk_form *f, const struct method *m);

/* Learns the closing from a header; what comes then must be one body frame. */
void desk_form_close(struct desk_form *f, uint16_t channel, const struct content *content);

/* Reads the delivery at the front of the window: true when it is whole, of this form, not
 * redelivered, and has the next tag. */
bool desk_form_read(const struct desk_form *f, struct bytes window, uint64_t tag, size_t body_size,
                    struct desk_seen *out);

#endif
