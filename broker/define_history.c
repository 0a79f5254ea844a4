/* A new binding of an exchange with a history: its destination gets what is kept. */
#include "base/diag.h"
#include "broker/define_parts.h"
#include "broker/history.h"
#include "broker/parts.h"
#include "broker/publisher.h"
#include "broker/targets.h"
#include "exchange/exchange.h"
#include "queue/queue.h"

/* One kept message. False when it cannot be taken now. */
static bool give_kept(struct vhost *v, const struct binding_end *destination, uint64_t number)
{
    const struct targets *targets = NULL;
    struct history_message kept;
    struct route route;
    struct sent sent = {0};
    int rv = 0;

    history_get(v->history, number, &kept);
    if (destination->exchange == NULL) {
        targets = targets_of_one(v, vhost_find_queue_id(v, destination->queue));
    } else {
        route_message(v->table, destination->exchange,
                      &(struct route_view){.keys = &kept.message.routing_key,
                                           .key_count = 1,
                                           .props = &kept.message.props},
                      &route);
        targets = targets_find(v, &route);
    }
    targets = targets_choose(v, targets, &kept.message);
    struct queues_publish publish = {.message = &kept.message, .expiration_ms = kept.expiration_ms};
    rv = targets_send(targets, &publish, &sent);
    sent_clear(&sent);
    return rv == 0;
}

void define_give_history(struct vhost *v, const struct exchange *source,
                         const struct binding_end *destination)
{
    uint64_t number = 0;

    for (size_t i = 0; exchange_kept(source, i, &number); i++) {
        if (give_kept(v, destination, number))
            continue;
        diag(DIAG_WARNING, "broker",
             "a new binding gets no more of the history: publishing is held back");
        return;
    }
}
