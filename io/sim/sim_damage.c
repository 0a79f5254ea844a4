/* Damage to a simulated disk: what rot, misdirected writes and careless people do to files. */
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "io/sim/sim_disk_parts.h"

/* The place of a path whose directories exist. */
static struct sim_place place_of(const struct sim_disk *d, const char *path)
{
    struct sim_place at;
    int rv = sim_tree_find(&d->tree, path, &at);

    ASSERT(rv == 0);
    return at;
}

static struct sim_inode *file_at(const struct sim_disk *d, const char *path)
{
    struct sim_place at = place_of(d, path);

    ASSERT(at.inode != NULL && !at.inode->is_dir);
    return at.inode;
}

static uint64_t bytes_in_sector(const struct sim_content *c, uint64_t sector)
{
    uint64_t at = sector * SIM_SECTOR;

    ASSERT(at < c->size);
    return c->size - at < SIM_SECTOR ? c->size - at : SIM_SECTOR;
}

static struct sim_page *page_put(struct sim_page *p, size_t inside, const void *bytes, size_t size)
{
    p = sim_page_own(p);
    memcpy(p->bytes + inside, bytes, size);
    return p;
}

/* Overwrites bytes within one sector, cached and, below the durable end, durable ones. */
static void damage_put(struct sim_content *c, uint64_t at, const void *bytes, size_t size)
{
    struct sim_slot *s = sim_content_slot(c, (size_t)(at / SIM_PAGE));
    size_t inside = (size_t)(at % SIM_PAGE);
    size_t durable_part = size;

    ASSERT(at + size <= c->size && inside % SIM_SECTOR + size <= SIM_SECTOR);
    if (s->cached == s->durable) { /* one page for both; it stays one */
        sim_page_unref(s->durable);
        s->cached = page_put(s->cached, inside, bytes, size);
        s->durable = sim_page_ref(s->cached);
        return;
    }
    s->cached = page_put(s->cached, inside, bytes, size);
    if (at >= c->durable_size)
        return;
    if (durable_part > c->durable_size - at)
        durable_part = (size_t)(c->durable_size - at);
    s->durable = page_put(s->durable, inside, bytes, durable_part);
}

void sim_disk_flip_bit(struct sim_disk *d, const char *path, uint64_t at, unsigned bit)
{
    struct sim_inode *n = file_at(d, path);
    uint8_t byte = 0;
    size_t got = sim_content_read(&n->content, &byte, 1, at);

    ASSERT(got == 1 && bit < 8);
    byte = (uint8_t)(byte ^ 1u << bit);
    damage_put(&n->content, at, &byte, 1);
}

void sim_disk_zero_sector(struct sim_disk *d, const char *path, uint64_t sector)
{
    static const uint8_t zeros[SIM_SECTOR];
    struct sim_inode *n = file_at(d, path);

    damage_put(&n->content, sector * SIM_SECTOR, zeros,
               (size_t)bytes_in_sector(&n->content, sector));
}

void sim_disk_swap_sectors(struct sim_disk *d, const char *path_a, uint64_t sector_a,
                           const char *path_b, uint64_t sector_b)
{
    struct sim_content *a = &file_at(d, path_a)->content;
    struct sim_content *b = &file_at(d, path_b)->content;
    uint64_t in_a = bytes_in_sector(a, sector_a);
    uint64_t in_b = bytes_in_sector(b, sector_b);
    size_t size = (size_t)(in_a < in_b ? in_a : in_b);
    uint8_t from_a[SIM_SECTOR];
    uint8_t from_b[SIM_SECTOR];

    sim_content_read(a, from_a, size, sector_a * SIM_SECTOR);
    sim_content_read(b, from_b, size, sector_b * SIM_SECTOR);
    damage_put(a, sector_a * SIM_SECTOR, from_b, size);
    damage_put(b, sector_b * SIM_SECTOR, from_a, size);
}

bool sim_disk_stale_sector(struct sim_disk *d, const char *path, uint64_t sector)
{
    struct sim_content *c = &file_at(d, path)->content;
    size_t size = (size_t)bytes_in_sector(c, sector);
    const struct sim_slot *s = sim_content_slot(c, (size_t)(sector / PAGE_SECTORS));
    unsigned inside = (unsigned)(sector % PAGE_SECTORS);
    uint8_t bytes[SIM_SECTOR];

    if ((s->has_older & 1u << inside) == 0)
        return false;
    memcpy(bytes, sim_page_sector(s->older, inside), SIM_SECTOR);
    damage_put(c, sector * SIM_SECTOR, bytes, size);
    return true;
}

/* The end of damage that changes a size: the file is durable as it is now, and nothing of it can be
 * torn any more. */
static void settle_file(struct sim_disk *d, struct sim_inode *n, uint64_t size)
{
    uint64_t pages_before = n->content.allocated_pages;

    sim_content_sync(&n->content);
    sim_content_drop_cache(&n->content);
    sim_content_settle_size(&n->content, size);
    sim_inode_recount(n, pages_before);
    if (d->last_write.inode == n)
        sim_last_write_forget(d);
}

void sim_disk_cut(struct sim_disk *d, const char *path, uint64_t size)
{
    struct sim_inode *n = file_at(d, path);

    ASSERT(size <= n->content.size);
    settle_file(d, n, size);
}

static void append(struct sim_disk *d, struct sim_inode *n, const void *bytes, size_t size)
{
    uint64_t pages_before = n->content.allocated_pages;

    sim_content_write(&n->content, bytes, size, n->content.size);
    sim_inode_recount(n, pages_before);
    settle_file(d, n, n->content.size);
}

void sim_disk_append(struct sim_disk *d, const char *path, const void *bytes, size_t size)
{
    append(d, file_at(d, path), bytes, size);
}

static void erase(struct sim_disk *d, const struct sim_place *at)
{
    sim_tree_remove(&d->tree, at);
    sim_tree_settle_newest(&d->tree);
}

void sim_disk_erase(struct sim_disk *d, const char *path)
{
    struct sim_place at = place_of(d, path);

    ASSERT(at.inode != NULL && at.dir != NULL);
    erase(d, &at);
}

/* Makes the directories on the way to the path's last name. */
static void make_dirs(struct sim_disk *d, const char *path)
{
    char *part = mem_text(path);

    for (size_t i = 1; part[i] != '\0'; i++) {
        struct sim_place at;
        if (part[i] != '/')
            continue;
        part[i] = '\0';
        at = place_of(d, part);
        if (at.inode == NULL) {
            sim_tree_make(&d->tree, &at, true);
            sim_tree_settle_newest(&d->tree);
        }
        part[i] = '/';
    }
    mem_free(part);
}

void sim_disk_put(struct sim_disk *d, const char *path, const void *bytes, size_t size)
{
    struct sim_place at;
    struct sim_inode *n = NULL;

    ASSERT(path[0] != '\0');
    make_dirs(d, path);
    at = place_of(d, path);
    if (at.inode != NULL) {
        ASSERT(!at.inode->is_dir);
        erase(d, &at);
        at.inode = NULL;
    }
    n = sim_tree_make(&d->tree, &at, false);
    sim_tree_settle_newest(&d->tree);
    append(d, n, bytes, size);
}

void sim_disk_duplicate(struct sim_disk *d, const char *from, const char *to)
{
    size_t size = (size_t)sim_disk_file_size(d, from);
    uint8_t *bytes = (uint8_t *)mem_alloc(size);

    sim_disk_peek(d, from, 0, bytes, size);
    sim_disk_put(d, to, bytes, size);
    mem_free(bytes);
}
