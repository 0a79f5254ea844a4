/* Transactions that wait: for a commit of the log, or to be tried again.
 *
 * Owner: the shard of the broker. */
#ifndef BROKER_STAGED_H
#define BROKER_STAGED_H

struct broker;

/* Tells those whose commit is over. */
void staged_step(struct broker *b);

#endif
