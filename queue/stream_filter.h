/* What a consumer of a stream wants to see of it. Private to the room.
 *
 * Exact: a message that is not wanted is never delivered. Owner: one consumer. */
#ifndef QUEUE_STREAM_FILTER_H
#define QUEUE_STREAM_FILTER_H

#include <stdbool.h>

#include "queue/stream_args.h"
#include "store/store.h"

struct stream_filter;

/* NULL when everything is wanted. The texts are copied. */
struct stream_filter *stream_filter_new(const struct stream_want *want);
/* NULL is allowed. */
void stream_filter_free(struct stream_filter *f);
bool stream_filter_takes(const struct stream_filter *f, const struct stored *m);

/* Whether a routing key fits a pattern of a topic exchange: '*' is a word, '#' any number of them.
 * */
bool topic_pattern_fits(struct bytes pattern, struct bytes key);

#endif
