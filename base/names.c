/* Names are found by their 64-bit hash in a map; entries whose whole hash is equal, which
 * hardly ever happens, form a chain. */
#include "base/names.h"

#include "base/hash.h"
#include "base/mem.h"

static struct names_entry *entry_of(struct list_link *link)
{
    return link == NULL ? NULL : CONTAINER_OF(link, struct names_entry, link);
}

static struct names_entry *find_entry(const struct names *n, uint64_t hash, struct bytes name)
{
    struct names_entry *e = map_find(&n->by_hash, hash);

    while (e != NULL && !bytes_equal(e->name, name))
        e = e->same_hash;
    ASSERT(e == NULL || e->hash == hash);
    return e;
}

static struct names_entry *new_entry(uint64_t hash, struct bytes name)
{
    struct names_entry *e = mem_zero(1, sizeof(*e) + name.size + 1);
    uint8_t *copy = (uint8_t *)(e + 1);

    if (name.size > 0)
        memcpy(copy, name.data, name.size);
    e->name = bytes_of(copy, name.size);
    e->hash = hash;
    return e;
}

void names_init(struct names *n, uint64_t seed)
{
    *n = (struct names){.seed = seed};
    map_init(&n->by_hash);
    list_init(&n->order);
}

void names_release(struct names *n)
{
    LIST_FOREACH_SAFE (link, &n->order) {
        mem_free(entry_of(link));
    }
    map_release(&n->by_hash);
    names_init(n, n->seed);
}

void *names_put(struct names *n, struct bytes name, void *value)
{
    uint64_t hash = hash64(name, n->seed);
    struct names_entry *e = find_entry(n, hash, name);

    ASSERT(value != NULL);
    if (e == NULL) {
        e = new_entry(hash, name);
        e->same_hash = map_put(&n->by_hash, hash, e);
        list_push(&n->order, &e->link);
        n->count++;
    }
    void *old = e->value;
    e->value = value;
    return old;
}

void *names_find(const struct names *n, struct bytes name)
{
    struct names_entry *e = find_entry(n, hash64(name, n->seed), name);

    return e == NULL ? NULL : e->value;
}

/* Takes the entry out of the chain of its hash, and the hash out of the map with its last
 * entry. */
static void unchain(struct names *n, struct names_entry *e)
{
    struct names_entry *first = map_find(&n->by_hash, e->hash);

    ASSERT(first != NULL);
    if (first == e && e->same_hash == NULL)
        map_remove(&n->by_hash, e->hash);
    else if (first == e)
        map_put(&n->by_hash, e->hash, e->same_hash);
    else {
        while (first->same_hash != e)
            first = first->same_hash;
        first->same_hash = e->same_hash;
    }
}

void *names_remove(struct names *n, struct bytes name)
{
    struct names_entry *e = find_entry(n, hash64(name, n->seed), name);

    if (e == NULL)
        return NULL;

    void *value = e->value;

    unchain(n, e);
    list_remove(&e->link);
    mem_free(e);
    n->count--;
    return value;
}

size_t names_count(const struct names *n)
{
    return n->count;
}

struct names_entry *names_first(const struct names *n)
{
    return entry_of(list_first(&n->order));
}

struct names_entry *names_next(const struct names *n, const struct names_entry *e)
{
    ASSERT(list_linked(&e->link));
    return e->link.next == &n->order.head ? NULL : entry_of(e->link.next);
}

void names_check(const struct names *n)
{
    size_t count = 0;

    map_check(&n->by_hash);
    for (struct names_entry *e = names_first(n); e != NULL; e = names_next(n, e)) {
        ASSERT(find_entry(n, e->hash, e->name) == e);
        ASSERT(e->value != NULL);
        count++;
    }
    ASSERT(count == n->count);
    ASSERT(map_count(&n->by_hash) <= count);
}
