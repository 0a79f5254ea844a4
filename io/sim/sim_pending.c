/* Pending changes of names: how they become durable by a sync of a directory, or by a crash.
 *
 * Two changes that touch the same name depend on each other: the later one never becomes durable
 * without the earlier one (K5). Renames of directories depend on each other too, so that no
 * crash can put two directories into each other. */
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "io/sim/sim_tree.h"

static struct sim_change *change_at(struct list_link *link)
{
    return CONTAINER_OF(link, struct sim_change, link);
}

static bool same_name(const struct sim_name *a, const struct sim_name *b)
{
    return a->dir != NULL && a->dir == b->dir && strcmp(a->name, b->name) == 0;
}

static bool touches_same(const struct sim_change *a, const struct sim_change *b)
{
    return same_name(&a->from, &b->from) || same_name(&a->from, &b->to) ||
           same_name(&a->to, &b->from) || same_name(&a->to, &b->to) ||
           (a->moves_dir && b->moves_dir);
}

static bool touches_dir(const struct sim_change *c, const struct sim_inode *dir)
{
    return c->from.dir == dir || c->to.dir == dir;
}

/* Carries the change over to the durable names. */
static void apply(struct sim_tree *t, const struct sim_change *c)
{
    if (c->from.dir != NULL)
        sim_dir_drop(c->from.dir, NAMES_DURABLE, c->from.name);
    if (c->to.dir != NULL)
        sim_dir_set(c->to.dir, NAMES_DURABLE, c->to.name, c->inode);
    if (c->number > t->durable_change)
        t->durable_change = c->number;
}

/* The first change before `c` that touches a name of it, or NULL. */
static struct sim_change *first_needed(struct sim_tree *t, const struct sim_change *c)
{
    LIST_FOREACH (link, &t->pending) {
        if (link == &c->link)
            break;
        if (touches_same(change_at(link), c))
            return change_at(link);
    }
    return NULL;
}

/* Makes the change durable, after all that it needs. Lost changes of these names are overtaken. */
static void settle(struct sim_tree *t, struct sim_change *c)
{
    struct sim_change *needed = NULL;

    while ((needed = first_needed(t, c)) != NULL) {
        if (needed->is_lost)
            sim_change_free(needed);
        else
            settle(t, needed);
    }
    apply(t, c);
    sim_change_free(c);
}

static void overtake_lost(struct sim_tree *t, const struct sim_change *c)
{
    LIST_FOREACH_SAFE (link, &t->pending) {
        struct sim_change *earlier = change_at(link);
        if (earlier == c)
            break;
        if (earlier->is_lost &&
            (same_name(&earlier->from, &c->to) || same_name(&earlier->to, &c->to)))
            sim_change_free(earlier);
    }
}

/* Of a rename into the directory from another one, only the new name becomes durable: the
 * removal of the old name stays pending. Earlier changes of the new name are in the same
 * directory, so they are durable already. */
static void settle_arrival(struct sim_tree *t, struct sim_change *c)
{
    overtake_lost(t, c);
    sim_dir_set(c->to.dir, NAMES_DURABLE, c->to.name, c->inode);
    if (c->number > t->durable_change)
        t->durable_change = c->number;
    sim_inode_unref(c->to.dir);
    sim_inode_unref(c->inode);
    mem_free(c->to.name);
    c->to = (struct sim_name){0};
    c->inode = NULL;
}

static struct sim_change *first_of_dir(struct sim_tree *t, const struct sim_inode *dir)
{
    LIST_FOREACH (link, &t->pending) {
        struct sim_change *c = change_at(link);
        if (!c->is_lost && touches_dir(c, dir))
            return c;
    }
    return NULL;
}

void sim_tree_sync_dir(struct sim_tree *t, struct sim_inode *dir)
{
    struct sim_change *c = NULL;

    while ((c = first_of_dir(t, dir)) != NULL) {
        bool only_arrives = c->from.dir != NULL && c->from.dir != dir && !c->moves_dir;
        if (only_arrives)
            settle_arrival(t, c);
        else
            settle(t, c);
    }
}

void sim_tree_lose_dir(struct sim_tree *t, struct sim_inode *dir)
{
    LIST_FOREACH (link, &t->pending)
        if (touches_dir(change_at(link), dir))
            change_at(link)->is_lost = true;
}

bool sim_tree_is_dirty(const struct sim_tree *t)
{
    return !list_empty(&t->pending);
}

void sim_tree_settle_newest(struct sim_tree *t)
{
    struct list_link *link = list_last(&t->pending);

    ASSERT(link != NULL);
    settle(t, change_at(link));
}

/* ---- crashes ---- */

static void choose_all(struct sim_tree *t, uint64_t up_to)
{
    LIST_FOREACH (link, &t->pending) {
        struct sim_change *c = change_at(link);
        c->is_chosen = !c->is_lost && c->number <= up_to;
    }
}

/* As a journal: whatever came before something durable is durable, and perhaps some more. */
static void choose_ordered(struct sim_tree *t, struct rand *rand)
{
    uint64_t span = t->next_change - t->durable_change;

    choose_all(t, t->durable_change + rand_below(rand, span + 1));
}

/* Whether an earlier change that it needs was not chosen. A lost one may be missing. */
static bool is_blocked(struct sim_tree *t, const struct sim_change *c)
{
    LIST_FOREACH (link, &t->pending) {
        const struct sim_change *earlier = change_at(link);
        if (earlier == c)
            break;
        if (!earlier->is_chosen && !earlier->is_lost && touches_same(earlier, c))
            return true;
    }
    return false;
}

/* Any subset that K5 allows; a mood makes few, half or most of them likely. */
static void choose_independent(struct sim_tree *t, struct rand *rand)
{
    static const uint32_t moods[] = {1, 4, 7};
    uint32_t mood = moods[rand_below(rand, ARRAY_SIZE(moods))];

    LIST_FOREACH (link, &t->pending) {
        struct sim_change *c = change_at(link);
        c->is_chosen = rand_chance(rand, mood, 8) && !is_blocked(t, c);
    }
}

static void choose(struct sim_tree *t, const struct sim_crash *c, struct rand *rand)
{
    switch (c->kind) {
    case SIM_CRASH_NOTHING:
    case SIM_CRASH_DATA_ONLY:
        choose_all(t, 0);
        break;
    case SIM_CRASH_RANDOM:
        if (c->names == SIM_NAMES_ORDERED)
            choose_ordered(t, rand);
        else
            choose_independent(t, rand);
        break;
    default:
        choose_all(t, t->next_change);
        break;
    }
}

void sim_tree_crash(struct sim_tree *t, const struct sim_crash *c, struct rand *rand)
{
    struct sim_inode **all = NULL;
    struct list_link *link = NULL;
    size_t count = 0;

    choose(t, c, rand);
    all = sim_tree_hold_all(t, &count);
    while ((link = list_first(&t->pending)) != NULL) {
        struct sim_change *change = change_at(link);
        if (change->is_chosen)
            apply(t, change);
        sim_change_free(change);
    }
    for (size_t i = 0; i < count; i++)
        if (all[i]->is_dir)
            sim_dir_revert(all[i]);
    sim_tree_drop_all(all, count);
    t->durable_change = t->next_change;
}
