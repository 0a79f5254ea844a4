/* A ring under a lock. */
#include "base/mailbox.h"

#include <pthread.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/ring.h"

struct mailbox {
    pthread_mutex_t lock; /* guards the ring; no other lock is taken while it is held */
    struct ring ring;
};

static void lock(struct mailbox *m)
{
    int rv = pthread_mutex_lock(&m->lock);

    ASSERT(rv == 0);
}

static void unlock(struct mailbox *m)
{
    int rv = pthread_mutex_unlock(&m->lock);

    ASSERT(rv == 0);
}

struct mailbox *mailbox_new(size_t item_size, size_t capacity)
{
    struct mailbox *m = MEM_NEW(struct mailbox);
    int rv = pthread_mutex_init(&m->lock, NULL);

    ASSERT(rv == 0);
    ring_init(&m->ring, item_size, capacity);
    return m;
}

void mailbox_free(struct mailbox *m)
{
    if (m == NULL)
        return;

    int rv = pthread_mutex_destroy(&m->lock);

    ASSERT(rv == 0); /* else someone holds it */
    ring_release(&m->ring);
    mem_free(m);
}

int mailbox_push(struct mailbox *m, const void *items, size_t count, bool *was_empty)
{
    const char *item = (const char *)items;
    int rv = ERR_FULL;

    ASSERT(count > 0);
    lock(m);
    size_t before = ring_count(&m->ring);
    if (count <= m->ring.capacity - before) {
        for (size_t i = 0; i < count; i++) {
            bool is_in = ring_push(&m->ring, item + i * m->ring.item_size);
            ASSERT(is_in); /* X2 */
        }
        *was_empty = before == 0;
        rv = 0;
    }
    unlock(m);
    return rv;
}

size_t mailbox_take(struct mailbox *m, void *items, size_t max)
{
    char *item = (char *)items;
    size_t count = 0;

    lock(m);
    while (count < max && ring_take(&m->ring, item + count * m->ring.item_size))
        count++;
    unlock(m);
    return count;
}

size_t mailbox_count(struct mailbox *m)
{
    lock(m);
    size_t count = ring_count(&m->ring);
    unlock(m);
    return count;
}
