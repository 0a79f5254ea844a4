/* Bytes that many may hold and nobody changes: a message body on its way to several
 * consumers.
 *
 *     blob_new --fill--> shared --blob_ref / blob_unref--> freed with the last reference
 *
 * Invariants:
 *   B1  the bytes may be written only through blob_fill(), while the maker holds the only
 *       reference.
 *   B2  they lie at the same address until the last reference is gone.
 *
 * Owner: any thread. References are counted atomically, so a blob may cross threads by
 * mailbox, and the last one to let go frees it, on whichever thread that is. */
#ifndef BASE_BLOB_H
#define BASE_BLOB_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/check.h"

struct blob;

/* Called with the last reference, on the thread that let it go. */
typedef void blob_release_fn(void *owner);

/* A blob of `size` bytes with any content and one reference, or NULL when memory is refused. */
MUST_USE struct blob *blob_new(size_t size);

/* Where to fill in a new blob's bytes, before anyone else gets a reference. */
uint8_t *blob_fill(struct blob *b);

/* A new blob with a copy of the bytes, or NULL when memory is refused. */
MUST_USE struct blob *blob_copy(struct bytes bytes);

/* A blob over bytes that belong to someone else; they must stay until release(owner) is
 * called. Never NULL. */
struct blob *blob_borrow(struct bytes bytes, blob_release_fn *release, void *owner);

/* One more reference. Returns `b`. */
struct blob *blob_ref(struct blob *b);

/* One reference less. NULL is allowed. */
void blob_unref(struct blob *b);

/* The bytes, borrowed as long as the caller holds a reference. */
struct bytes blob_bytes(const struct blob *b);

#endif
