/* One routing in the making, and the memory that all routings of a table share. Private.
 *
 *     work:   | visited | visited | visiting | to visit ...        exchanges, each once
 *     queues: | id | id | ...                                      each once
 *
 * "Once" is by a stamp: each walk has a number, and what it met carries it. */
#ifndef EXCHANGE_WALK_H
#define EXCHANGE_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exchange/headers_read.h"
#include "exchange/route.h"

struct target;

struct walk {
    uint64_t stamp;
    const struct route_view *view;
    size_t hits; /* destinations that matched, those met before counted too */
    uint64_t *queues;
    size_t queue_count;
    size_t queue_capacity;
    struct exchange **work;
    size_t work_count;
    size_t work_capacity;
    struct exchange **keepers;
    size_t keeper_count;
    size_t keeper_capacity;
    struct headers_read headers; /* of the message, once a kind asked for them */
    bool has_headers;
};

void walk_release(struct walk *w);

/* The message goes to this destination. */
void walk_hit(struct walk *w, struct target *target);

/* The message goes to this queue, without a match. */
void walk_add_queue(struct walk *w, struct target *queue);

/* The message goes to the queue of that id, which is bound to nothing, without a match. */
void walk_hold(struct walk *w, uint64_t queue);

/* The exchange is to be visited, unless it was. */
void walk_visit(struct walk *w, struct exchange *x);

/* The exchange wants to keep the message. */
void walk_keep(struct walk *w, struct exchange *x);

/* The headers of the message, read once per walk. */
const struct headers_read *walk_headers(struct walk *w);

/* Makes room for one more item behind `count` items. */
void *walk_fit(void *items, size_t count, size_t *capacity, size_t size);

#endif
