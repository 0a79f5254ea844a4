/* Lines kept in two buffers, one of which is filled while the other is taken. */
#include "base/diag_tap.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/diag_writer.h"
#include "base/mem.h"

/* Before each line in a buffer. */
struct entry {
    uint16_t size;
    uint16_t level;
};

STATIC_ASSERT(DIAG_LINE_MAX < UINT16_MAX, "a size fits into an entry");

struct lines {
    char bytes[DIAG_TAP_MAX];
    size_t size;
};

static struct {
    pthread_mutex_t lock; /* guards `front` and `lost`; no other lock is taken while it is held */
    struct lines *front;
    struct lines *back; /* of who takes */
    uint64_t lost;
    atomic_bool is_open;
} tap = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* This thread is taking: see T2. */
static _Thread_local bool is_deaf;

static void lock(void)
{
    int rv = pthread_mutex_lock(&tap.lock);
    ASSERT(rv == 0);
}

static void unlock(void)
{
    int rv = pthread_mutex_unlock(&tap.lock);
    ASSERT(rv == 0);
}

static void set_front(struct lines *front)
{
    lock();
    tap.front = front;
    tap.lost = 0;
    unlock();
    atomic_store(&tap.is_open, front != NULL);
}

void diag_tap_open(void)
{
    ASSERT(!diag_tap_is_open());
    tap.back = MEM_NEW(struct lines);
    set_front(MEM_NEW(struct lines));
}

void diag_tap_close(void)
{
    struct lines *front = tap.front;

    if (!diag_tap_is_open())
        return;
    set_front(NULL);
    mem_free(front);
    mem_free(tap.back);
    tap.back = NULL;
}

bool diag_tap_is_open(void)
{
    return atomic_load_explicit(&tap.is_open, memory_order_relaxed);
}

void diag_tap_put(enum diag_level level, const char *line, size_t size)
{
    const struct entry e = {.size = (uint16_t)size, .level = (uint16_t)level};
    struct lines *l = NULL;

    ASSERT(size <= DIAG_LINE_MAX && level >= DIAG_DEBUG && level < DIAG_OFF);
    if (is_deaf)
        return;
    lock();
    l = tap.front;
    if (l != NULL && sizeof(e) + size <= sizeof(l->bytes) - l->size) {
        memcpy(l->bytes + l->size, &e, sizeof(e));
        memcpy(l->bytes + l->size + sizeof(e), line, size);
        l->size += sizeof(e) + size;
    } else {
        tap.lost++;
    }
    unlock();
}

uint64_t diag_tap_take(diag_tap_fn *each, void *owner)
{
    struct lines *taken = tap.front;
    uint64_t lost = 0;
    struct entry e;

    ASSERT(diag_tap_is_open() && !is_deaf && tap.back->size == 0);
    lock();
    tap.front = tap.back;
    lost = tap.lost;
    tap.lost = 0;
    unlock();
    tap.back = taken;
    is_deaf = true;
    for (size_t at = 0; at < taken->size; at += sizeof(e) + e.size) {
        memcpy(&e, taken->bytes + at, sizeof(e));
        each(owner, (enum diag_level)e.level, bytes_of(taken->bytes + at + sizeof(e), e.size));
    }
    is_deaf = false;
    taken->size = 0;
    return lost;
}
