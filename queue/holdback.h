/* Messages that came back and are held back for a while before they are ready again
 * (x-delayed-retry-type), so that what fails is not tried again at once, and later each time.
 *
 *     in flight --requeue--> held back --due--> ready, at its old place
 *
 *     min(x-delayed-retry-min * failures, x-delayed-retry-max)
 *
 * What came back otherwise is held as after one failure.
 *
 * A message that is held back is withdrawn (queue/ready.h): it is alive, and neither ready nor in
 * flight. What is held is not in the log: after a restart everything is ready at once.
 *
 * Owner: one shard. Private to the room. */
#ifndef QUEUE_HOLDBACK_H
#define QUEUE_HOLDBACK_H

#include <stdbool.h>
#include <stdint.h>

#include "queue/alarms.h"
#include "store/ledger.h"

struct queue;

/* For how long a message that comes back is held; 0: it is not. `failures` has this one in it. */
uint64_t holdback_delay_ms(const struct queue *q, uint32_t failures, bool is_failure);
/* Holds a message that is neither ready nor in flight. */
void holdback_add(struct queue *q, uint64_t seq, const struct ledger_entry *e, uint64_t delay_ms);
/* Makes ready what is due, at most `max`. Returns how many. */
unsigned holdback_release(struct queue *q, unsigned max);
/* Makes all of it ready. */
void holdback_release_all(struct queue *q);
uint64_t holdback_count(const struct queue *q);
/* Forgets all; they stay withdrawn. */
void holdback_forget(struct queue *q);
void holdback_is_due(struct alarm *a);
void holdback_check(const struct queue *q);

#endif
