/* What other files of the room call of the definitions' rules, when nobody asks for permission.
 * Private to the room. */
#ifndef BROKER_DEFINE_PARTS_H
#define BROKER_DEFINE_PARTS_H

#include <stdint.h>

#include "base/bytes.h"
#include "msg/table.h"

struct binding_end;
struct define_queue;
struct exchange;
struct home;
struct named_queue;
struct vhost;
struct visit;

/* Makes a queue whose name is free, with its definition. `owner`: of an exclusive one, or NULL. */
struct named_queue *define_make_queue(struct vhost *v, const struct define_queue *d,
                                      struct home *home, struct visit *owner);

/* Gives the messages that the exchange keeps (x-recent-history) to a new binding's destination. */
void define_give_history(struct vhost *v, const struct exchange *source,
                         const struct binding_end *destination);

/* The binding of a replay is made, with its definition. Arguments are sorted. */
struct replay_binding {
    struct exchange *source;
    uint64_t queue;
    struct bytes key;
    struct table arguments;
};
void define_bind_live(struct vhost *v, const struct replay_binding *b);

#endif
