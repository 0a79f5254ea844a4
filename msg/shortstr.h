/* Short strings: names, routing keys and the texts among the properties. At most 255 bytes, as
 * their size is one byte on the wire. */
#ifndef MSG_SHORTSTR_H
#define MSG_SHORTSTR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/check.h"

enum { SHORTSTR_MAX = 255 };

/* Returns 0 for text that may be a name; ERR_RANGE when it is longer than SHORTSTR_MAX;
 * ERR_INVALID when it is no well-formed UTF-8 or has a zero byte in it. */
MUST_USE int shortstr_check(struct bytes text);

/* True for names that begin with "amq.", which only the broker gives. */
bool shortstr_is_reserved(struct bytes name);

/* The name without its carriage returns and line feeds, as RabbitMQ takes the names of queues and
 * exchanges. It is the name itself when it has none, else it is made in `area`. The name must
 * not be longer than SHORTSTR_MAX. */
struct bytes shortstr_without_line_ends(struct bytes name, uint8_t area[SHORTSTR_MAX]);

#endif
