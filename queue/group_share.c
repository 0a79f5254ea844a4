/* Who of a group is to have which claims, and how they change hands; see group_parts.h.
 *
 * Everybody is heir of as many claims as the others, or of one more. Who comes gets from those who
 * have most, what one leaves goes to those who have least; nothing else moves. */
#include "queue/group_parts.h"

#include "base/zoo.h"
#include "queue/queues_parts.h"

static struct member *member_at(struct list_link *link)
{
    return CONTAINER_OF(link, struct member, link);
}

/* ---- handing over ---- */

static bool is_readable(const struct claim *c)
{
    const struct partition *p = c->stream->home->partition;

    return p != NULL && partition_failed(p) == 0;
}

void claim_hand_over(struct claim *c)
{
    struct bookmark *p = c->bookmark;

    if (c->holder == c->heir)
        return;
    if (c->holder != NULL)
        bookmark_pause(p);
    if (!list_empty(&p->held) && !ZOO(OWNER_NOT_ALONE))
        return;
    if (c->holder != NULL)
        bookmark_detach(p);
    c->holder = NULL;
    if (c->heir == NULL || !is_readable(c))
        return;
    c->holder = c->heir;
    bookmark_attach(p, c->heir->consumer);
}

/* ---- who is to have what ---- */

static void count_for(struct member *m, int more)
{
    struct group *g = m->group;

    m->count += (uint32_t)more;
    list_remove(&m->link);
    list_push(m->count > 0 ? &g->members : &g->waiting, &m->link);
}

static void set_heir(struct claim *c, struct member *heir)
{
    if (c->heir != NULL)
        count_for(c->heir, -1);
    c->heir = heir;
    if (heir != NULL)
        count_for(heir, 1);
}

void claim_abandon(struct claim *c)
{
    set_heir(c, NULL);
    if (c->holder != NULL)
        bookmark_detach(c->bookmark);
    c->holder = NULL;
}

static struct member *find_poorest(const struct group *g)
{
    struct list_link *first = list_first(&g->waiting);
    struct member *poorest = first != NULL ? member_at(first) : NULL;

    if (poorest != NULL)
        return poorest;
    LIST_FOREACH (link, &g->members)
        if (poorest == NULL || member_at(link)->count < poorest->count)
            poorest = member_at(link);
    return poorest;
}

static struct member *find_richest(const struct group *g)
{
    struct member *richest = NULL;

    LIST_FOREACH (link, &g->members)
        if (richest == NULL || member_at(link)->count > richest->count)
            richest = member_at(link);
    return richest;
}

/* How little it costs to give this one away. */
static int ease_of(const struct claim *c, const struct member *from, const struct member *to)
{
    if (c->holder == to)
        return 3; /* it has not left him yet */
    if (c->holder != from)
        return 2; /* it is on its way to one who has not begun */
    return list_empty(&c->bookmark->held);
}

/* The claim of `from` that `to` gets. */
static struct claim *choose(const struct group *g, const struct member *from,
                            const struct member *to)
{
    struct claim *best = NULL;

    for (uint32_t i = 0; i < g->count; i++) {
        struct claim *c = g->claims[i];

        if (c == NULL || c->heir != from)
            continue;
        if (best == NULL || ease_of(c, from, to) >= ease_of(best, from, to))
            best = c;
    }
    ASSERT(best != NULL);
    return best;
}

/* What nobody is heir of goes to those who have least. */
static void give_free(struct group *g)
{
    for (uint32_t i = 0; i < g->count; i++) {
        struct claim *c = g->claims[i];

        if (c != NULL && c->heir == NULL)
            set_heir(c, find_poorest(g));
    }
}

static void follow(struct group *g)
{
    for (uint32_t i = 0; i < g->count; i++) {
        struct claim *c = g->claims[i];

        if (c == NULL)
            continue;
        claim_hand_over(c);
        if (c->holder != NULL && c->holder == c->heir)
            bookmark_resume(c->bookmark); /* it was on its way to another one */
    }
}

void group_take_in(struct group *g, struct member *m)
{
    struct member *richest;

    give_free(g);
    while ((richest = find_richest(g)) != NULL && richest->count > m->count + 1)
        set_heir(choose(g, richest, m), m);
    follow(g);
}

void group_let_go(struct group *g, struct member *m)
{
    for (uint32_t i = 0; i < g->count; i++) {
        struct claim *c = g->claims[i];

        if (c == NULL)
            continue;
        if (c->heir == m)
            set_heir(c, NULL);
        if (c->holder == m) {
            bookmark_detach(c->bookmark);
            c->holder = NULL;
        }
    }
    list_remove(&m->link);
    give_free(g);
    follow(g);
}
