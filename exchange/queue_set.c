/* Interned sets of queues: found by the hash of their ids, or by their own id. */
#include "base/hash.h"
#include "base/mem.h"
#include "exchange/parts.h"

enum { SET_SEED = 0x5e75 }; /* queue ids are ours, nobody can choose them */

size_t set_bytes(const struct queue_set *set)
{
    return sizeof(*set) + set->count * sizeof(set->queues[0]);
}

static struct queue_set *find_equal(const struct queue_sets *sets, uint64_t hash,
                                    struct bytes queues)
{
    struct queue_set *set = (struct queue_set *)map_find(&sets->by_hash, hash);

    while (set != NULL &&
           !bytes_equal(bytes_of(set->queues, set->count * sizeof(set->queues[0])), queues))
        set = set->same_hash;
    return set;
}

struct queue_set *sets_take(struct queue_sets *sets, const uint64_t *queues, size_t count)
{
    struct bytes bytes = bytes_of(queues, count * sizeof(*queues));
    uint64_t hash = hash64(bytes, SET_SEED);
    struct queue_set *set = find_equal(sets, hash, bytes);

    ASSERT(count < UINT32_MAX);
    if (set != NULL)
        return queue_set_ref(set);
    for (size_t i = 1; i < count; i++)
        ASSERT(queues[i - 1] < queues[i]);

    set = (struct queue_set *)mem_zero(1, sizeof(*set) + bytes.size);
    set->id = ++sets->last_id;
    set->count = (uint32_t)count;
    set->references = 1;
    set->hash = hash;
    if (count > 0)
        memcpy(set->queues, queues, bytes.size);
    set->same_hash = (struct queue_set *)map_put(&sets->by_hash, hash, set);
    map_put(&sets->by_id, set->id, set);
    return set;
}

/* Takes the set out of the chain of its hash. */
static void unchain(struct queue_sets *sets, struct queue_set *set)
{
    struct queue_set *first = (struct queue_set *)map_find(&sets->by_hash, set->hash);

    ASSERT(first != NULL);
    if (first == set && set->same_hash == NULL)
        map_remove(&sets->by_hash, set->hash);
    else if (first == set)
        map_put(&sets->by_hash, set->hash, set->same_hash);
    else {
        while (first->same_hash != set)
            first = first->same_hash;
        first->same_hash = set->same_hash;
    }
}

void sets_unref(struct queue_sets *sets, struct queue_set *set)
{
    ASSERT(set->references > 0);
    if (--set->references > 0)
        return;
    ASSERT(set->cached == 0);
    unchain(sets, set);
    map_remove(&sets->by_id, set->id);
    mem_free(set);
}

struct queue_set *queue_set_take(struct exchange_table *t, const uint64_t *queues, size_t count)
{
    return sets_take(&t->sets, queues, count);
}

struct queue_set *queue_set_ref(struct queue_set *set)
{
    ASSERT(set->references > 0 && set->references < UINT32_MAX);
    set->references++;
    return set;
}

void queue_set_unref(struct exchange_table *t, struct queue_set *set)
{
    sets_unref(&t->sets, set);
}

struct queue_set *queue_set_find(const struct exchange_table *t, uint64_t id)
{
    return (struct queue_set *)map_find(&t->sets.by_id, id);
}
