/* Metrics of our own: the partitions, their logs and stores.
 *
 * Owner: one shard. */
#ifndef HTTP_METRICS_PARTITIONS_H
#define HTTP_METRICS_PARTITIONS_H

struct broker;
struct expose;

void partitions_tell(struct broker *b, struct expose *e);

#endif
