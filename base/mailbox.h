/* A bounded mailbox: many threads put items in, one takes them out.
 *
 *     shard A --push a batch--\
 *     shard B --push a batch---> [ item item item ... ] --take a batch--> shard C
 *     worker  --push one------/
 *
 * Items are copied in and out, all of one size; often they are pointers whose ownership
 * passes. One lock is held for a whole batch on either side, so its cost is shared by the
 * batch.
 *
 * Who wakes whom: mailbox_push() says when the mailbox was empty before; the sender then
 * wakes the receiver, and only then. So the receiver must take until it gets fewer than it
 * asked for, or come back by itself; nobody will call it for what it left.
 *
 * Invariants:
 *   X1  the items of one push come out in their order with nothing between; so do the pushes of one
 *       thread, with those of other threads between.
 *   X2  a push is taken whole or not at all.
 *
 * Owner: any thread may push; one thread takes. */
#ifndef BASE_MAILBOX_H
#define BASE_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/check.h"

struct mailbox;

/* Never NULL. The capacity, in items, must be a power of two. */
struct mailbox *mailbox_new(size_t item_size, size_t capacity);

/* Frees the mailbox; nobody may use it any more. What is still in it is forgotten, so a
 * receiver that owns what items point to takes them out first. NULL is allowed. */
void mailbox_free(struct mailbox *m);

/* Puts `count` items in. *was_empty tells whether the receiver must be woken.
 * Errors: ERR_FULL, nothing was put in. */
MUST_USE int mailbox_push(struct mailbox *m, const void *items, size_t count, bool *was_empty);

/* Takes out up to `max` items. Returns how many. */
size_t mailbox_take(struct mailbox *m, void *items, size_t max);

/* How many items are in; out of date at once when others push. */
size_t mailbox_count(struct mailbox *m);

#endif
