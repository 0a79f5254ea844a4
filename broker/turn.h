/* The end of a turn of the loop, and what it looks at.
 *
 * Owner: the shard of the broker. */
#ifndef BROKER_TURN_H
#define BROKER_TURN_H

struct broker;

void turn_init(struct broker *b);
void turn_stop(struct broker *b);

#endif
