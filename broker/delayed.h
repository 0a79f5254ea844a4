/* What waits in a delayed exchange: how much, page by page, and taking some of it out.
 *
 *     delayed_list:    found(), found() ... done(0, next)         next: where the next page begins
 *     delayed_cancel:  done(0, how many)                           all messages of that message-id
 *
 * Both read messages from the disk, some in each turn: those of the page, or those that may have
 * the message-id (queue/message_ids.h). Calls come from the loop. Owner: one shard. */
#ifndef BROKER_DELAYED_H
#define BROKER_DELAYED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/check.h"
#include "queue/waiting.h"

struct broker;
struct delayed_look;

/* An exchange by its name in a virtual host. */
struct delayed_place {
    struct bytes vhost;
    struct bytes exchange;
};

/* How many messages wait. Errors: ERR_NOT_FOUND: there is no such exchange; ERR_INVALID: it is not
 * delayed. So with the others. */
MUST_USE int delayed_count(struct broker *b, const struct delayed_place *at, uint64_t *count);

struct delayed_calls {
    void *owner;
    /* Of a list: a message; w->seq is its number. */
    void (*found)(void *owner, const struct waiting *w);
    /* `err` is 0, or ERR_NOT_FOUND: the exchange is gone. The look is freed after this. */
    void (*done)(void *owner, int err, uint64_t value);
};

struct delayed_page {
    uint64_t from; /* a number; 0: the first */
    size_t max;    /* messages on it */
    bool
        is_in_due_order; /* then `from` says how many are passed over, and `value` is 0, or 1: there
                             are more; from + max is at most WAITING_PAGE_END_MAX */
};
/* Shows a page of the messages in the order they were published, or in which they are due. */
MUST_USE int delayed_list(struct broker *b, const struct delayed_place *at,
                          const struct delayed_page *page, const struct delayed_calls *calls,
                          struct delayed_look **out);
/* Takes out every message with that message-id. */
MUST_USE int delayed_cancel(struct broker *b, const struct delayed_place *at,
                            struct bytes message_id, const struct delayed_calls *calls,
                            struct delayed_look **out);
/* Takes out the message with that number, if it waits. */
MUST_USE int delayed_cancel_number(struct broker *b, const struct delayed_place *at,
                                   uint64_t number, const struct delayed_calls *calls,
                                   struct delayed_look **out);
/* No call comes after this; all looks end before broker_close(). */
void delayed_stop(struct delayed_look *l);

#endif
