/* See sim_tree.h. Here are the inodes, the tables of names, paths, and changes of live names;
 * what is pending and becomes durable is in sim_pending.c. */
#include "io/sim/sim_tree.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"

/* ---- tables of names ---- */

static struct sim_table *table_of(struct sim_inode *dir, enum sim_names_of which)
{
    ASSERT(dir->is_dir);
    return which == NAMES_LIVE ? &dir->live : &dir->durable;
}

/* Index of the name, or of where it would be (T1). */
static bool table_search(const struct sim_table *t, const char *name, size_t *index)
{
    size_t low = 0;
    size_t high = t->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(t->entries[middle].name, name);
        if (order == 0) {
            *index = middle;
            return true;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *index = low;
    return false;
}

static struct sim_inode *table_find(const struct sim_table *t, const char *name)
{
    size_t i = 0;

    return table_search(t, name, &i) ? t->entries[i].inode : NULL;
}

static void table_insert(struct sim_table *t, size_t index, const char *name,
                         struct sim_inode *inode)
{
    if (t->count == t->capacity) {
        t->capacity = t->capacity == 0 ? 8 : 2 * t->capacity;
        t->entries = (struct sim_entry *)mem_grow(t->entries, t->capacity, sizeof(*t->entries));
    }
    memmove(&t->entries[index + 1], &t->entries[index], (t->count - index) * sizeof(*t->entries));
    t->entries[index] = (struct sim_entry){.name = mem_text(name), .inode = inode};
    t->count++;
}

/* A table's name holds its inode: live ones as a use too (T3, T4). */
static void name_hold(enum sim_names_of which, struct sim_inode *inode)
{
    sim_inode_ref(inode);
    if (which == NAMES_LIVE)
        sim_inode_use(inode);
}

static void name_let_go(enum sim_names_of which, struct sim_inode *inode)
{
    if (which == NAMES_LIVE)
        sim_inode_unuse(inode);
    sim_inode_unref(inode);
}

void sim_dir_set(struct sim_inode *dir, enum sim_names_of which, const char *name,
                 struct sim_inode *inode)
{
    struct sim_table *t = table_of(dir, which);
    struct sim_inode *old = NULL;
    size_t i = 0;

    name_hold(which, inode);
    if (table_search(t, name, &i)) {
        old = t->entries[i].inode;
        t->entries[i].inode = inode;
        name_let_go(which, old);
    } else {
        table_insert(t, i, name, inode);
    }
}

void sim_dir_drop(struct sim_inode *dir, enum sim_names_of which, const char *name)
{
    struct sim_table *t = table_of(dir, which);
    struct sim_inode *old = NULL;
    size_t i = 0;

    if (!table_search(t, name, &i))
        return;
    old = t->entries[i].inode;
    mem_free(t->entries[i].name);
    t->count--;
    memmove(&t->entries[i], &t->entries[i + 1], (t->count - i) * sizeof(*t->entries));
    name_let_go(which, old);
}

static void table_release(struct sim_table *t, enum sim_names_of which)
{
    for (size_t i = 0; i < t->count; i++) {
        mem_free(t->entries[i].name);
        name_let_go(which, t->entries[i].inode);
    }
    mem_free(t->entries);
    *t = (struct sim_table){0};
}

void sim_dir_revert(struct sim_inode *dir)
{
    struct sim_table old = dir->live;

    dir->live = (struct sim_table){0};
    for (size_t i = 0; i < dir->durable.count; i++) {
        const struct sim_entry *e = &dir->durable.entries[i];
        name_hold(NAMES_LIVE, e->inode);
        table_insert(&dir->live, i, e->name, e->inode);
    }
    table_release(&old, NAMES_LIVE);
}

/* ---- inodes ---- */

static struct sim_inode *inode_new(struct sim_tree *t, bool is_dir)
{
    struct sim_inode *n = MEM_NEW(struct sim_inode);

    n->tree = t;
    n->id = ++t->next_id;
    n->is_dir = is_dir;
    sim_content_init(&n->content);
    list_push(&t->inodes, &n->link);
    return n;
}

void sim_inode_ref(struct sim_inode *n)
{
    n->refs++;
}

void sim_inode_unref(struct sim_inode *n)
{
    ASSERT(n->refs > 0);
    if (--n->refs > 0)
        return;
    ASSERT(n->uses == 0);
    table_release(&n->live, NAMES_LIVE);
    table_release(&n->durable, NAMES_DURABLE);
    sim_content_release(&n->content);
    list_remove(&n->link);
    mem_free(n);
}

void sim_inode_use(struct sim_inode *n)
{
    if (n->uses++ == 0)
        n->tree->used_pages += n->content.allocated_pages;
}

void sim_inode_unuse(struct sim_inode *n)
{
    ASSERT(n->uses > 0);
    if (--n->uses == 0)
        n->tree->used_pages -= n->content.allocated_pages;
}

void sim_inode_recount(struct sim_inode *n, uint64_t before)
{
    if (n->uses > 0)
        n->tree->used_pages = n->tree->used_pages - before + n->content.allocated_pages;
}

/* ---- the tree ---- */

void sim_tree_init(struct sim_tree *t)
{
    *t = (struct sim_tree){0};
    list_init(&t->inodes);
    list_init(&t->pending);
    t->root = inode_new(t, true);
    sim_inode_ref(t->root);
}

void sim_tree_release(struct sim_tree *t)
{
    struct list_link *link = NULL;

    while ((link = list_first(&t->pending)) != NULL)
        sim_change_free(CONTAINER_OF(link, struct sim_change, link));
    sim_inode_unref(t->root);
    ASSERT(list_empty(&t->inodes));
    ASSERT(t->used_pages == 0);
}

struct sim_inode **sim_tree_hold_all(struct sim_tree *t, size_t *count)
{
    struct sim_inode **all = NULL;
    size_t n = 0;

    LIST_FOREACH (link, &t->inodes)
        n++;
    all = MEM_NEW_ARRAY(struct sim_inode *, n);
    n = 0;
    LIST_FOREACH (link, &t->inodes) {
        all[n] = CONTAINER_OF(link, struct sim_inode, link);
        sim_inode_ref(all[n++]);
    }
    *count = n;
    return all;
}

void sim_tree_drop_all(struct sim_inode **inodes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sim_inode_unref(inodes[i]);
    mem_free(inodes);
}

static void copy_table(struct sim_inode *to, const struct sim_table *from, enum sim_names_of which)
{
    struct sim_table *t = table_of(to, which);

    if (from->count == 0)
        return;
    t->capacity = from->count;
    t->entries = MEM_NEW_ARRAY(struct sim_entry, t->capacity);
    for (size_t i = 0; i < from->count; i++) {
        name_hold(which, from->entries[i].inode->copy);
        table_insert(t, i, from->entries[i].name, from->entries[i].inode->copy);
    }
}

static struct sim_name copy_name(const struct sim_name *from)
{
    if (from->dir == NULL)
        return (struct sim_name){0};
    sim_inode_ref(from->dir->copy);
    return (struct sim_name){.dir = from->dir->copy, .name = mem_text(from->name)};
}

static void copy_change(struct sim_tree *to, const struct sim_change *from)
{
    struct sim_change *c = MEM_NEW(struct sim_change);

    c->number = from->number;
    c->from = copy_name(&from->from);
    c->to = copy_name(&from->to);
    c->inode = from->inode == NULL ? NULL : from->inode->copy;
    c->moves_dir = from->moves_dir;
    c->is_lost = from->is_lost;
    if (c->inode != NULL)
        sim_inode_ref(c->inode);
    list_push(&to->pending, &c->link);
}

static void copy_inodes(struct sim_tree *to, const struct sim_tree *from)
{
    LIST_FOREACH (link, &from->inodes) {
        struct sim_inode *n = CONTAINER_OF(link, struct sim_inode, link);
        n->copy = inode_new(to, n->is_dir);
        n->copy->id = n->id;
        sim_content_copy(&n->copy->content, &n->content);
    }
}

void sim_tree_copy(struct sim_tree *to, const struct sim_tree *from)
{
    struct sim_inode **all = NULL;
    size_t count = 0;

    *to =
        (struct sim_tree){.next_change = from->next_change, .durable_change = from->durable_change};
    list_init(&to->inodes);
    list_init(&to->pending);
    copy_inodes(to, from);
    to->next_id = from->next_id;
    to->root = from->root->copy;
    sim_inode_ref(to->root);

    all = sim_tree_hold_all(to, &count); /* those that only an open file held go at the end */
    LIST_FOREACH (link, &from->inodes) {
        const struct sim_inode *n = CONTAINER_OF(link, struct sim_inode, link);
        if (n->is_dir) {
            copy_table(n->copy, &n->live, NAMES_LIVE);
            copy_table(n->copy, &n->durable, NAMES_DURABLE);
        }
    }
    LIST_FOREACH (link, &from->pending)
        copy_change(to, CONTAINER_OF(link, struct sim_change, link));
    LIST_FOREACH (link, &from->inodes)
        CONTAINER_OF(link, struct sim_inode, link)->copy = NULL;
    sim_tree_drop_all(all, count);
}

static void check_table(const struct sim_table *t)
{
    for (size_t i = 0; i < t->count; i++) {
        ASSERT(i == 0 || strcmp(t->entries[i - 1].name, t->entries[i].name) < 0); /* T1 */
        ASSERT(t->entries[i].inode->refs > 0);                                    /* T3 */
    }
}

void sim_tree_check(const struct sim_tree *t)
{
    uint64_t used = 0;
    uint64_t last = 0;

    LIST_FOREACH (link, &t->inodes) {
        const struct sim_inode *n = CONTAINER_OF(link, struct sim_inode, link);
        ASSERT(n->uses <= n->refs);
        check_table(&n->live);
        check_table(&n->durable);
        sim_content_check(&n->content);
        used += n->uses > 0 ? n->content.allocated_pages : 0; /* T4 */
    }
    ASSERT(used == t->used_pages);
    LIST_FOREACH (link, &t->pending) {
        const struct sim_change *c = CONTAINER_OF(link, struct sim_change, link);
        ASSERT(c->number > last && c->number <= t->next_change); /* T2 */
        last = c->number;
    }
}

/* ---- paths ---- */

/* Copies the next name of the path and steps over it; the empty name is the end. */
static int next_name(const char **path, char name[SIM_NAME_MAX + 1])
{
    const char *at = *path;
    size_t size = 0;

    for (;;) {
        while (*at == '/')
            at++;
        size = strcspn(at, "/");
        if (size != 1 || at[0] != '.')
            break;
        at++;
    }
    if (size > SIM_NAME_MAX || (size == 2 && at[0] == '.' && at[1] == '.'))
        return ERR_INVALID;
    memcpy(name, at, size);
    name[size] = '\0';
    *path = at + size;
    return 0;
}

int sim_tree_find(const struct sim_tree *t, const char *path, struct sim_place *out)
{
    struct sim_place at = {.inode = t->root};

    for (;;) {
        char name[SIM_NAME_MAX + 1];
        int rv = next_name(&path, name);
        if (rv != 0)
            return rv;
        if (name[0] == '\0')
            break;
        if (at.inode == NULL)
            return ERR_NOT_FOUND;
        if (!at.inode->is_dir)
            return ERR_INVALID;
        at.dir = at.inode;
        at.inode = table_find(&at.dir->live, name);
        memcpy(at.name, name, sizeof(name));
    }
    *out = at;
    return 0;
}

bool sim_tree_is_below(const struct sim_inode *dir, const struct sim_inode *n)
{
    if (dir == n)
        return true;
    for (size_t i = 0; i < dir->live.count; i++)
        if (sim_tree_is_below(dir->live.entries[i].inode, n))
            return true;
    return false;
}

/* ---- changes of live names ---- */

static struct sim_name name_of(const struct sim_place *at)
{
    ASSERT(at->dir != NULL);
    sim_inode_ref(at->dir);
    return (struct sim_name){.dir = at->dir, .name = mem_text(at->name)};
}

static struct sim_change *change_new(struct sim_tree *t)
{
    struct sim_change *c = MEM_NEW(struct sim_change);

    c->number = ++t->next_change;
    list_push(&t->pending, &c->link);
    return c;
}

void sim_change_free(struct sim_change *c)
{
    list_remove(&c->link);
    if (c->from.dir != NULL)
        sim_inode_unref(c->from.dir);
    if (c->to.dir != NULL)
        sim_inode_unref(c->to.dir);
    if (c->inode != NULL)
        sim_inode_unref(c->inode);
    mem_free(c->from.name);
    mem_free(c->to.name);
    mem_free(c);
}

struct sim_inode *sim_tree_make(struct sim_tree *t, const struct sim_place *at, bool is_dir)
{
    struct sim_change *c = change_new(t);

    ASSERT(at->inode == NULL);
    c->to = name_of(at);
    c->inode = inode_new(t, is_dir);
    sim_inode_ref(c->inode);
    sim_dir_set(at->dir, NAMES_LIVE, at->name, c->inode);
    return c->inode;
}

void sim_tree_remove(struct sim_tree *t, const struct sim_place *at)
{
    struct sim_change *c = change_new(t);

    ASSERT(at->inode != NULL);
    c->from = name_of(at);
    sim_dir_drop(at->dir, NAMES_LIVE, at->name);
}

void sim_tree_rename(struct sim_tree *t, const struct sim_place *from, const struct sim_place *to)
{
    struct sim_change *c = change_new(t);

    ASSERT(from->inode != NULL && from->inode != to->inode);
    c->from = name_of(from);
    c->to = name_of(to);
    c->inode = from->inode;
    c->moves_dir = from->inode->is_dir;
    sim_inode_ref(c->inode);
    sim_dir_set(to->dir, NAMES_LIVE, to->name, c->inode);
    sim_dir_drop(from->dir, NAMES_LIVE, from->name);
}
