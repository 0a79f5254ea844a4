/* Ages as RabbitMQ's streams write them: "7D" for seven days.
 *
 * Units: Y (365 days), M (30 days), D, h, m, s. Pure functions; any thread. */
#ifndef QUEUE_AGE_H
#define QUEUE_AGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

/* False when the text is none, or says more than a hundred years. */
bool age_parse(struct bytes text, uint32_t *out_s);

#endif
