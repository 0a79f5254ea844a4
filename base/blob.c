/* Counted bytes. A blob of its own bytes is one allocation: the counter, then the bytes. */
#include "base/blob.h"

#include <stdatomic.h>

#include "base/mem.h"

struct blob {
    _Atomic uint32_t refs;
    struct bytes bytes;
    blob_release_fn *release; /* NULL when the bytes are our own */
    void *owner;
    uint8_t own[];
};

enum { REFS_MAX = INT32_MAX }; /* far from where the counter would wrap */

struct blob *blob_new(size_t size)
{
    struct blob *b = NULL;

    if (size > SIZE_MAX - sizeof(*b))
        return NULL;
    b = mem_try(sizeof(*b) + size);
    if (b == NULL)
        return NULL;
    b->bytes = bytes_of(b->own, size);
    b->release = NULL;
    b->owner = NULL;
    atomic_init(&b->refs, 1);
    return b;
}

uint8_t *blob_fill(struct blob *b)
{
    ASSERT(b->release == NULL);
    ASSERT(atomic_load_explicit(&b->refs, memory_order_relaxed) == 1); /* B1 */
    return b->own;
}

struct blob *blob_copy(struct bytes bytes)
{
    struct blob *b = blob_new(bytes.size);

    if (b != NULL && bytes.size > 0)
        memcpy(blob_fill(b), bytes.data, bytes.size);
    return b;
}

struct blob *blob_borrow(struct bytes bytes, blob_release_fn *release, void *owner)
{
    struct blob *b = MEM_NEW(struct blob);

    ASSERT(release != NULL);
    b->bytes = bytes;
    b->release = release;
    b->owner = owner;
    atomic_init(&b->refs, 1);
    return b;
}

struct blob *blob_ref(struct blob *b)
{
    /* Whoever adds a reference holds one, so nothing needs to be ordered. */
    uint32_t before = atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);

    ASSERT(before > 0 && before < REFS_MAX);
    return b;
}

void blob_unref(struct blob *b)
{
    if (b == NULL)
        return;

    /* All reads by others come before the freeing: they released, the last one acquires. */
    uint32_t before = atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel);

    ASSERT(before > 0);
    if (before > 1)
        return;
    if (b->release != NULL)
        b->release(b->owner);
    mem_free(b);
}

struct bytes blob_bytes(const struct blob *b)
{
    return b->bytes;
}
