/* Values as Erlang writes them, which RabbitMQ's texts have in them: <<"text">>, 5, true. Private
 * to the room. */
#ifndef POLICY_TERM_H
#define POLICY_TERM_H

#include "base/buf.h"
#include "msg/field.h"

/* Adds it; what does not fit into the buffer is left out. */
void term_write(struct buf *out, const struct field *f);

#endif
