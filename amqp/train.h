/* Trains as they come from a client, and go to one: queue/train.h.
 *
 *     method frame | header frame .. size .. | body frame      published by itself
 *     \___________ the same bytes ___________/ body frame      the train behind it
 *     ...
 *
 * Publishes whose frames are the same bytes, but for the body and its size, need not be looked at
 * again: what was understood and allowed once is so for all that lie behind it in the window.
 *
 * Owner: one channel. */
#ifndef AMQP_TRAIN_H
#define AMQP_TRAIN_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "queue/train.h"

struct channel;

/* What all publishes of a train look like, borrowed from the first. */
struct train_form {
    struct bytes front; /* up to the size of the body */
    struct bytes back;  /* behind it, to the end of the header frame */
    uint16_t channel;
    size_t body_max;
};

/* The form of a publish that came as method, header and at most one body frame: `frames` are the
 * method frame of `method_size` bytes and the header frame. */
struct train_form train_form_of(struct bytes frames, size_t method_size);

/* The bodies of the publishes of that form at the front of the window, at most `max`. Returns how
 * many. */
size_t train_gather(const struct train_form *form, struct bytes window, struct bytes *bodies,
                    size_t max);
/* Where the frames of such a body end. */
const uint8_t *train_body_end(struct bytes body);

extern const struct train_ops subscriber_train_ops;

#endif
