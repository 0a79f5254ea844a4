/* What RabbitMQ has no name for: memory by what it is used for, remembered routes, replays.
 *
 * Owner: one shard. */
#ifndef HTTP_METRICS_OURS_H
#define HTTP_METRICS_OURS_H

struct broker;
struct expose;
struct figures;

void ours_tell(struct broker *b, const struct figures *f, struct expose *e);
/* The memory alone. */
void ours_tell_memory(struct broker *b, const struct figures *f, struct expose *e);

#endif
