/* What publishers have published so far: of each publisher that numbers its messages (msg/once.h)
 * and each queue the highest number that the queue has taken.
 *
 *     (queue, publisher) --> highest, when it was used last
 *
 * Those used longest ago go when there are too many, or when they are too old; what such a
 * publisher sends again then is taken for new. The records of messages say what is in here, so a
 * replay makes it anew; a checkpoint has all of it. Entries of a queue that is gone mean nothing,
 * for ids of queues are used once, and go with their age.
 *
 * Owner: one shard. */
#ifndef QUEUE_SEQUELS_H
#define QUEUE_SEQUELS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/names.h"
#include "msg/once.h"

struct sequels {
    struct names entries;
    struct list by_age; /* the one used longest ago first */
};

/* What bounds them. */
struct sequels_limits {
    uint64_t count_max; /* 0: nothing is remembered */
    int64_t age_max_ms;
};

void sequels_init(struct sequels *s, uint64_t seed);
void sequels_release(struct sequels *s);

/* Whether the queue has taken a message of that number or a higher one from the publisher. */
bool sequels_have(struct sequels *s, uint64_t queue, const struct once *once);
/* The queue takes the message. */
void sequels_add(struct sequels *s, uint64_t queue, const struct once *once, int64_t now_ms);
/* Forgets what is beyond the limits. */
void sequels_trim(struct sequels *s, const struct sequels_limits *limits, int64_t now_ms);

size_t sequels_count(const struct sequels *s);

void sequels_save(const struct sequels *s, struct buf *out);
/* Fills empty ones. The reader fails when the bytes are not what sequels_save() wrote. */
void sequels_restore(struct sequels *s, struct reader *r);

void sequels_check(const struct sequels *s);

#endif
