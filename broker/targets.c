/* From ids of queues to queues. */
#include "broker/targets.h"

#include "base/mem.h"
#include "broker/parts.h"

struct targets *targets_new(void)
{
    return MEM_NEW(struct targets);
}

void targets_free(struct targets *t)
{
    if (t == NULL)
        return;
    mem_free(t->queues);
    mem_free(t);
}

static void make_room(struct targets *t, size_t count)
{
    if (count <= t->capacity)
        return;
    t->queues = (struct queue **)mem_grow(t->queues, count, sizeof(struct queue *));
    t->capacity = count;
}

/* With one home there is nothing to sort by home; ids rise already. */
static void fill_one_home(struct targets *t, const struct vhost *v, const struct route *route)
{
    struct home *home = &v->broker->homes[0];

    for (size_t i = 0; i < route->count; i++)
        t->queues[i] = vhost_find_queue_id(v, route->queues[i])->queue;
    if (t->count > 0)
        t->groups[t->group_count++] = (struct target_group){.home = home, .count = t->count};
}

/* Place by home; within one the ids rise. */
static void fill_homes(struct targets *t, const struct vhost *v, const struct route *route)
{
    size_t at = 0;

    for (unsigned n = 0; n < v->broker->home_count; n++) {
        struct home *home = &v->broker->homes[n];
        size_t first = at;

        for (size_t i = 0; i < route->count; i++) {
            struct named_queue *q = vhost_find_queue_id(v, route->queues[i]);

            if (q->home == home)
                t->queues[at++] = q->queue;
        }
        if (at > first)
            t->groups[t->group_count++] =
                (struct target_group){.home = home, .first = first, .count = at - first};
    }
    ASSERT(at == t->count);
}

static void fill(struct targets *t, const struct vhost *v, const struct route *route)
{
    make_room(t, route->count);
    t->count = route->count;
    t->group_count = 0;
    t->version = v->version;
    t->set = route->set == NULL ? 0 : route->set->id;
    if (v->broker->home_count == 1)
        fill_one_home(t, v, route);
    else
        fill_homes(t, v, route);
}

const struct targets *targets_find(struct vhost *v, const struct route *route)
{
    struct targets **slot = &v->other;

    if (LIKELY(route->set != NULL)) {
        slot = &v->slots[route->set->id % TARGET_SLOTS];
        if (LIKELY(*slot != NULL && (*slot)->set == route->set->id &&
                   (*slot)->version == v->version))
            return *slot;
        if (*slot == NULL)
            *slot = targets_new();
    }
    fill(*slot, v, route);
    return *slot;
}

static void fill_one(struct targets *t, const struct named_queue *q)
{
    make_room(t, 1);
    t->queues[0] = q->queue;
    t->count = 1;
    t->group_count = 1;
    t->groups[0] = (struct target_group){.home = q->home, .count = 1};
}

const struct targets *targets_of_one(struct vhost *v, const struct named_queue *q)
{
    fill_one(v->other, q);
    return v->other;
}

const struct targets *targets_of_name(struct vhost *v, struct bytes name)
{
    struct targets *t = v->by_name;
    const struct named_queue *q = NULL;

    if (LIKELY(t->version == v->version && bytes_equal(bytes_of(t->name, t->name_size), name)))
        return t;
    q = vhost_find_queue(v, name);
    t->count = 0;
    t->group_count = 0;
    if (q != NULL)
        fill_one(t, q);
    ASSERT(name.size <= SHORTSTR_MAX);
    t->version = v->version;
    t->name_size = (uint8_t)name.size;
    if (name.size > 0)
        memcpy(t->name, name.data, name.size);
    return t;
}
