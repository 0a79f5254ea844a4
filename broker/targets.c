/* From ids of queues to queues. */
#include "broker/targets.h"

#include <stdlib.h>

#include "base/mem.h"
#include "broker/parts.h"
#include "exchange/route.h"
#include "queue/queue.h"
#include "queue/streams.h"

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

static const struct named_queue *named(const struct queue *q)
{
    return (const struct named_queue *)queue_owner(q);
}

/* What has partitions gets no messages itself. */
static void look_at_kinds(struct targets *t)
{
    t->has_front = false;
    t->log_count = 0;
    for (size_t i = 0; i < t->count; i++) {
        t->has_front = t->has_front || queue_args(t->queues[i])->partitions > 0;
        t->log_count += named(t->queues[i])->is_log;
    }
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
    look_at_kinds(t);
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
    look_at_kinds(t);
}

const struct targets *targets_of_one(struct vhost *v, const struct named_queue *q)
{
    fill_one(v->other, q);
    return v->other;
}

void targets_count_name(struct vhost *v)
{
    struct targets *t = v->by_name;

    if (t->queue != 0)
        exchange_count_queue(exchange_find(v->table, bytes_text("")), t->queue, t->used);
    t->used = 0;
}

const struct targets *targets_of_name(struct vhost *v, struct bytes name)
{
    struct targets *t = v->by_name;
    const struct named_queue *q = NULL;

    if (LIKELY(t->version == v->version && bytes_equal(bytes_of(t->name, t->name_size), name)))
        return t;
    targets_count_name(v);
    q = vhost_find_queue(v, name);
    t->queue = q == NULL || q->is_log ? 0 : q->id;
    t->count = 0;
    t->group_count = 0;
    t->has_front = false;
    t->log_count = 0;
    if (q != NULL && !q->is_log)
        fill_one(t, q);
    ASSERT(name.size <= SHORTSTR_MAX);
    t->version = v->version;
    t->name_size = (uint8_t)name.size;
    if (name.size > 0)
        memcpy(t->name, name.data, name.size);
    return t;
}

/* ---- partitions ---- */

static int compare_places(const void *a, const void *b)
{
    const struct named_queue *x = named(*(struct queue *const *)a);
    const struct named_queue *y = named(*(struct queue *const *)b);

    if (x->home != y->home)
        return x->home->number < y->home->number ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* One that is named itself, and chosen for its front, gets the message once. */
static size_t leave_out_doubles(struct queue **queues, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++)
        if (kept == 0 || queues[kept - 1] != queues[i])
            queues[kept++] = queues[i];
    return kept;
}

const struct targets *targets_choose(struct vhost *v, const struct targets *t,
                                     const struct message *m)
{
    struct targets *out = v->chosen;

    if (LIKELY(!t->has_front))
        return t;
    make_room(out, t->count);
    for (size_t i = 0; i < t->count; i++)
        out->queues[i] = queue_partition_for(t->queues[i], m);
    qsort(out->queues, t->count, sizeof(struct queue *), compare_places);
    out->count = leave_out_doubles(out->queues, t->count);
    out->log_count = t->log_count;
    out->group_count = 0;
    for (size_t i = 0; i < out->count; i++) {
        struct home *home = named(out->queues[i])->home;

        if (out->group_count == 0 || out->groups[out->group_count - 1].home != home)
            out->groups[out->group_count++] = (struct target_group){.home = home, .first = i};
        out->groups[out->group_count - 1].count++;
    }
    return out;
}
