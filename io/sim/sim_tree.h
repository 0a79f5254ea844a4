/* The names of a simulated disk: files and directories, live and durable, and what lies between.
 *
 * Private to io/sim. Each directory has two tables of names: `live` is what calls see, `durable`
 * what a power cut leaves for sure. Every change of names goes into `live` at once and into the
 * tree's list of pending operations, which sim_tree_sync_dir() or a crash carries over:
 *
 *     create, make_dir   to = (directory, name), inode
 *     remove             from = (directory, name)
 *     rename             both
 *
 * Invariants:
 *   T1  a table is sorted by name, each name once;
 *   T2  pending operations stand in the order in which they happened;
 *   T3  a inode lives as long as `refs`: names in tables, pending operations, open files, the
 *       root;
 *   T4  its pages count as used while `uses` > 0: live names and open files. */
#ifndef IO_SIM_SIM_TREE_H
#define IO_SIM_SIM_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/rand.h"
#include "io/sim/sim_content.h"

enum { SIM_NAME_MAX = 255 };

struct sim_tree;
struct sim_inode;

struct sim_entry {
    char *name;
    struct sim_inode *inode;
};

struct sim_table {
    struct sim_entry *entries;
    size_t count;
    size_t capacity;
};

/* A file or a directory. */
struct sim_inode {
    struct list_link link; /* in tree->inodes, in order of creation */
    struct sim_tree *tree;
    uint64_t id;
    uint32_t refs;
    uint32_t uses;
    bool is_dir;
    bool is_locked;
    struct sim_content content; /* file */
    struct sim_table live;      /* directory */
    struct sim_table durable;   /* directory */
    struct sim_inode *copy;     /* only while the tree is being copied */
};

/* A name in a directory; `dir` is NULL where there is none. Counts a reference on `dir`. */
struct sim_name {
    struct sim_inode *dir;
    char *name;
};

/* One change of names that is not durable yet. */
struct sim_change {
    struct list_link link;
    uint64_t number;         /* running, over the whole tree */
    struct sim_name from;    /* this name goes */
    struct sim_name to;      /* this name becomes ... */
    struct sim_inode *inode; /* ... this inode */
    bool moves_dir;          /* a directory was renamed */
    bool is_lost;            /* a failed sync of the directory dropped it */
    bool is_chosen;          /* only during a crash */
};

struct sim_tree {
    struct sim_inode *root;
    struct list inodes;
    struct list pending;
    uint64_t next_id;
    uint64_t next_change;
    uint64_t durable_change; /* the highest number that was made durable */
    uint64_t used_pages;
};

/* Where a path leads. */
struct sim_place {
    struct sim_inode
        *dir; /* the directory that has or would have the name; NULL for the root itself */
    struct sim_inode *inode; /* what has the name; NULL when nothing has */
    char name[SIM_NAME_MAX + 1];
};

void sim_tree_init(struct sim_tree *t);
void sim_tree_release(struct sim_tree *t);
/* Makes `to`, which is not initialised, the same as `from`, without uses by open files. */
void sim_tree_copy(struct sim_tree *to, const struct sim_tree *from);
void sim_tree_check(const struct sim_tree *t);

void sim_inode_ref(struct sim_inode *n);
void sim_inode_unref(struct sim_inode *n);
/* An open file holds its inode with these (T3, T4). */
void sim_inode_use(struct sim_inode *n);
void sim_inode_unuse(struct sim_inode *n);
/* Tells the tree that the inode's content now has other pages than the `before` it had (T4). */
void sim_inode_recount(struct sim_inode *n, uint64_t before);

/* Finds the place. Errors: ERR_NOT_FOUND (a directory on the way), ERR_INVALID (a file on the
 * way, a name too long, ".."). */
MUST_USE int sim_tree_find(const struct sim_tree *t, const char *path, struct sim_place *out);

/* Makes a file or directory at a place without a inode, live and pending; returns it, borrowed. */
struct sim_inode *sim_tree_make(struct sim_tree *t, const struct sim_place *at, bool is_dir);
/* Both places exist, as far as they must; the caller checked that the change is allowed. */
void sim_tree_remove(struct sim_tree *t, const struct sim_place *at);
void sim_tree_rename(struct sim_tree *t, const struct sim_place *from, const struct sim_place *to);

/* Whether `n` is `dir` or is somewhere below it, by live names. */
bool sim_tree_is_below(const struct sim_inode *dir, const struct sim_inode *n);

/* Makes the directory's names durable (K4, K5). */
void sim_tree_sync_dir(struct sim_tree *t, struct sim_inode *dir);
/* The changes of the directory's names will not become durable by later syncs. */
void sim_tree_lose_dir(struct sim_tree *t, struct sim_inode *dir);
/* Whether an operation is pending that touches this directory's names. */
bool sim_tree_is_dirty(const struct sim_tree *t);

/* Decides which pending changes a crash keeps and carries them out; afterwards every directory
 * has its durable names and nothing is pending. `rand` is used by SIM_CRASH_RANDOM. */
void sim_tree_crash(struct sim_tree *t, const struct sim_crash *c, struct rand *rand);

/* Makes the newest change durable, and those it needs: for damage, which is there at once. */
void sim_tree_settle_newest(struct sim_tree *t);

/* ---- for sim_pending.c ---- */

enum sim_names_of { NAMES_LIVE, NAMES_DURABLE };

/* Gives the name to `inode`, in place of what had it; or to nobody. */
void sim_dir_set(struct sim_inode *dir, enum sim_names_of which, const char *name,
                 struct sim_inode *inode);
void sim_dir_drop(struct sim_inode *dir, enum sim_names_of which, const char *name);
/* The live names become the durable ones. */
void sim_dir_revert(struct sim_inode *dir);
/* Frees a pending change and what it refers to. */
void sim_change_free(struct sim_change *c);
/* A reference on every inode, so that none goes while names are moved about; back through drop. */
struct sim_inode **sim_tree_hold_all(struct sim_tree *t, size_t *count);
void sim_tree_drop_all(struct sim_inode **inodes, size_t count);

#endif
