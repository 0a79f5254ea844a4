/* Looking at a simulated disk from outside: nothing here counts as an operation. */
#include <stdio.h>
#include <string.h>

#include "io/sim/sim_disk_parts.h"
#include "io/sim/sim_trace.h"

enum { WALK_PATH_MAX = 4096 };

/* A walk through the tree; `path` grows and shrinks with the depth. */
struct walk {
    sim_disk_walk_fn *fn;
    void *owner;
    char path[WALK_PATH_MAX];
};

static void walk_dir(struct walk *w, const struct sim_inode *dir, size_t length)
{
    for (size_t i = 0; i < dir->live.count; i++) {
        const struct sim_entry *e = &dir->live.entries[i];
        size_t longer = length + strlen(e->name) + (length > 0 ? 1 : 0);
        ASSERT(longer < WALK_PATH_MAX);
        (void)snprintf(w->path + length, sizeof(w->path) - length, "%s%s", length > 0 ? "/" : "",
                       e->name);
        w->fn(w->owner, w->path, e->inode->is_dir, e->inode->content.size);
        if (e->inode->is_dir)
            walk_dir(w, e->inode, longer);
        w->path[length] = '\0';
    }
}

void sim_disk_walk(const struct sim_disk *d, sim_disk_walk_fn *fn, void *owner)
{
    struct walk w = {.fn = fn, .owner = owner};

    walk_dir(&w, d->tree.root, 0);
}

bool sim_disk_has(const struct sim_disk *d, const char *path)
{
    struct sim_place at;

    return sim_tree_find(&d->tree, path, &at) == 0 && at.inode != NULL;
}

static const struct sim_content *content_at(const struct sim_disk *d, const char *path)
{
    struct sim_place at;
    int rv = sim_tree_find(&d->tree, path, &at);

    ASSERT(rv == 0 && at.inode != NULL && !at.inode->is_dir);
    return &at.inode->content;
}

uint64_t sim_disk_file_size(const struct sim_disk *d, const char *path)
{
    return content_at(d, path)->size;
}

void sim_disk_peek(const struct sim_disk *d, const char *path, uint64_t at, void *buf, size_t size)
{
    size_t got = sim_content_read(content_at(d, path), buf, size, at);

    ASSERT(got == size);
}

/* One name, its size and its bytes. */
struct digest {
    const struct sim_disk *disk;
    uint64_t value;
};

static void digest_name(void *owner, const char *path, bool is_dir, uint64_t size)
{
    struct digest *g = (struct digest *)owner;

    g->value = sim_trace_mix_bytes(g->value, path, strlen(path));
    g->value = sim_trace_mix(g->value, is_dir);
    for (uint64_t at = 0; at < size; at += SIM_PAGE) {
        uint8_t page[SIM_PAGE];
        size_t n = sim_content_read(content_at(g->disk, path), page, sizeof(page), at);
        g->value = sim_trace_mix_bytes(g->value, page, n);
    }
}

uint64_t sim_disk_digest(const struct sim_disk *d)
{
    struct digest g = {.disk = d};

    sim_disk_walk(d, digest_name, &g);
    return g.value;
}

void sim_disk_check(const struct sim_disk *d)
{
    size_t alive = 0;

    sim_tree_check(&d->tree);
    LIST_FOREACH (link, &d->files)
        alive += CONTAINER_OF(link, struct sim_open_file, link)->inode != NULL;
    LIST_FOREACH (link, &d->locks)
        alive += CONTAINER_OF(link, struct sim_held_lock, link)->inode != NULL;
    ASSERT(alive == d->open_count);
    ASSERT(d->tree.durable_change <= d->tree.next_change);
}
