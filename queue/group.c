/* Groups: made, joined, left, looked at; see group.h. */
#include "queue/group.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "queue/group_parts.h"
#include "queue/queues_parts.h"
#include "queue/stream.h"

static struct group *group_at(struct list_link *link)
{
    return link == NULL ? NULL : CONTAINER_OF(link, struct group, of_queue);
}

struct bytes group_name(const struct group *g)
{
    return bytes_of(g->name, g->name_size);
}

/* ---- made ---- */

static struct group *find_used(const struct queue *q, struct bytes name)
{
    LIST_FOREACH (link, &q->stream->groups)
        if (bytes_equal(group_name(group_at(link)), name))
            return group_at(link);
    return NULL;
}

/* Each that it has not is found, or made. */
static void take_claims(struct group *g)
{
    uint64_t owner = g->queue->identity->id;

    for (uint32_t i = 0; i < g->count; i++) {
        struct queue *stream = queue_stream_at(g->queue, i);

        if (g->claims[i] != NULL)
            continue;
        g->claims[i] = claim_find(stream, owner, group_name(g));
        if (g->claims[i] == NULL)
            g->claims[i] = claim_new(stream, owner, group_name(g));
        g->claims[i]->group = g;
    }
}

static struct group *group_new(struct queue *q, struct bytes name)
{
    struct group *g = (struct group *)mem_zero(1, sizeof(struct group) + name.size);

    g->queue = q;
    g->name_size = name.size;
    memcpy(g->name, name.data, name.size);
    list_init(&g->members);
    list_init(&g->waiting);
    list_init(&g->resets);
    g->count = (uint32_t)queue_stream_count(q);
    g->claims = MEM_NEW_ARRAY(struct claim *, g->count);
    take_claims(g);
    list_push(&q->stream->groups, &g->of_queue);
    return g;
}

static void group_free(struct group *g)
{
    ASSERT(list_empty(&g->members) && list_empty(&g->waiting));
    group_end_resets(g, ERR_NOT_FOUND);
    for (uint32_t i = 0; i < g->count; i++) {
        struct claim *c = g->claims[i];

        if (c == NULL)
            continue;
        c->group = NULL;
        if (c->bookmark != NULL)
            bookmark_free(c->bookmark);
        c->bookmark = NULL;
    }
    list_remove(&g->of_queue);
    mem_free(g->claims);
    mem_free(g);
}

void groups_release(struct queue *q)
{
    struct list_link *link;

    while ((link = list_first(&q->stream->groups)) != NULL)
        group_free(group_at(link));
}

/* Groups that only their claims tell of, out of a log, are there too. */
static void find_all(struct queue *q)
{
    if (q->stream->has_all_groups)
        return;
    q->stream->has_all_groups = true;
    for (size_t i = 0; i < queue_stream_count(q); i++)
        LIST_FOREACH (link, &queue_stream_at(q, i)->stream->claims) {
            const struct claim *c = CONTAINER_OF(link, struct claim, of_stream);

            if (c->owner == q->identity->id && c->group == NULL)
                (void)group_new(q, claim_name(c));
        }
}

struct group *queue_find_group(struct queue *q, struct bytes name)
{
    find_all(q);
    return find_used(q, name);
}

struct group *queue_groups_next(struct queue *q, struct group *g)
{
    struct list_link *next = NULL;

    find_all(q);
    next = g == NULL ? list_first(&q->stream->groups) : g->of_queue.next;
    return next == &q->stream->groups.head ? NULL : group_at(next);
}

bool queue_has_room_for_group(struct queue *q, struct bytes name)
{
    size_t count = 0;

    if (queue_find_group(q, name) != NULL)
        return true;
    LIST_FOREACH (link, &q->stream->groups)
        count++;
    return count < GROUPS_MAX;
}

/* ---- joined and left ---- */

static void changed(struct bookmark_watch *w, struct bookmark *p)
{
    struct claim *c = CONTAINER_OF(w, struct claim, watch);
    uint64_t low = p->is_seeking ? 0 : bookmark_low(p);

    ASSERT(c->bookmark == p);
    if (low > c->next)
        claim_move(c, low, c->next == 0);
    claim_hand_over(c);
}

static void begin_to_read(struct claim *c, const struct stream_start *start)
{
    if (c->bookmark != NULL)
        return;
    c->watch.changed = changed;
    c->bookmark = bookmark_new(c->stream, start, &c->watch);
    c->bookmark->maybe_seen = c->maybe_seen;
    if (c->next != 0)
        bookmark_seek(c->bookmark, c->next);
    else if (!c->bookmark->is_seeking)
        claim_move(c, c->bookmark->next, true);
}

void group_join(struct consumer *consumer, struct bytes name, const struct stream_start *start)
{
    struct queue *q = consumer->queue;
    struct group *g = queue_find_group(q, name);
    struct member *m = MEM_NEW(struct member);

    if (g == NULL)
        g = group_new(q, name);
    for (uint32_t i = 0; i < g->count; i++)
        if (g->claims[i] != NULL)
            begin_to_read(g->claims[i], start);
    m->group = g;
    m->consumer = consumer;
    consumer->stream->member = m;
    list_push(&g->waiting, &m->link);
    group_take_in(g, m);
}

void group_leave(struct member *m)
{
    m->consumer->stream->member = NULL;
    group_let_go(m->group, m);
    mem_free(m);
}

void group_lose_claim(struct claim *c)
{
    struct group *g = c->group;

    if (g == NULL)
        return;
    group_end_resets(g, ERR_NOT_FOUND);
    claim_abandon(c);
    for (uint32_t i = 0; i < g->count; i++)
        if (g->claims[i] == c)
            g->claims[i] = NULL;
    c->group = NULL;
}

int group_delete(struct group *g)
{
    int rv = 0;

    if (group_member_count(g) > 0)
        return ERR_BUSY;
    for (uint32_t i = 0; i < g->count && rv == 0; i++) {
        struct claim *c = g->claims[i];

        if (c == NULL)
            continue;
        c->group = NULL;
        g->claims[i] = NULL;
        rv = claim_forget(c);
    }
    if (rv == 0)
        group_free(g);
    else
        take_claims(g);
    return rv;
}

size_t group_settle_size(const struct delivery *d)
{
    const struct bookmark *p = CONTAINER_OF(d, struct inflight, d)->bookmark;

    if (p == NULL || p->watch == NULL)
        return 0;
    return claim_record_size(CONTAINER_OF(p->watch, struct claim, watch));
}

/* ---- look ---- */

struct queue *group_queue(const struct group *g)
{
    return g->queue;
}

size_t group_member_count(const struct group *g)
{
    size_t count = 0;

    LIST_FOREACH (link, &g->members)
        count++;
    LIST_FOREACH (link, &g->waiting)
        count++;
    return count;
}

struct consumer *group_members_next(const struct group *g, const struct consumer *c)
{
    const struct list *l = &g->members;
    struct list_link *next = list_first(l);

    if (c != NULL) {
        l = c->stream->member->count > 0 ? &g->members : &g->waiting;
        next = c->stream->member->link.next;
    }
    if ((next == NULL || next == &l->head) && l == &g->members) {
        l = &g->waiting;
        next = list_first(l);
    }
    return next == NULL || next == &l->head ? NULL
                                            : CONTAINER_OF(next, struct member, link)->consumer;
}

size_t group_share_count(const struct group *g)
{
    return g->count;
}

void group_get_share(const struct group *g, size_t i, struct group_share *out)
{
    const struct claim *c = NULL;
    uint64_t from = 0;

    ASSERT(i < g->count);
    c = g->claims[i];
    *out = (struct group_share){.stream = queue_stream_at(g->queue, i)};
    out->end = queue_next_offset(out->stream);
    if (c == NULL)
        return;
    out->owner = c->holder != NULL ? c->holder->consumer : NULL;
    out->is_moving = c->holder != c->heir;
    out->unacked = c->bookmark != NULL ? bookmark_held_count(c->bookmark) : 0;
    out->has_offset = c->next != 0;
    if (c->next == 0)
        return;
    out->offset = c->next - 1;
    from = queue_first_offset(out->stream);
    from = out->offset > from ? out->offset : from;
    out->lag = out->end > from ? out->end - from : 0;
}

void group_check(const struct group *g)
{
    uint32_t least = UINT32_MAX, most = 0;

    LIST_FOREACH (link, &g->members) {
        uint32_t count = CONTAINER_OF(link, struct member, link)->count;

        ASSERT(count > 0);
        least = count < least ? count : least;
        most = count > most ? count : most;
    }
    least = list_empty(&g->waiting) ? least : 0;
    ASSERT(most <= 1 || most - least <= 1); /* G2 */
    for (uint32_t i = 0; i < g->count; i++) {
        const struct claim *c = g->claims[i];

        if (c == NULL)
            continue;
        ASSERT(c->group == g);
        ASSERT((c->heir != NULL) == (most > 0)); /* G3 */
        if (c->bookmark == NULL)
            continue;
        ASSERT(c->bookmark->consumer == (c->holder != NULL ? c->holder->consumer : NULL)); /* G1 */
        ASSERT(c->bookmark->is_seeking || bookmark_low(c->bookmark) <= c->next);
    }
}
