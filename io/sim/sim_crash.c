/* What a power cut leaves: from cached and durable state to one legal image, K1 to K6 of
 * sim_disk.h.
 *
 * Names first (sim_pending.c), then each file by itself: a size, then for each sector in doubt
 * one of four sources. Sectors not in doubt keep their page, shared with the disk the image came
 * from. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "io/sim/sim_disk_parts.h"

/* Where a sector of the image comes from. */
enum source { SOURCE_OLD, SOURCE_NEW, SOURCE_ZERO, SOURCE_GARBAGE };

/* One crash while it is carried out. */
struct crash {
    const struct sim_crash *order;
    struct rand rand;
    struct sim_inode **inodes; /* all of the disk: stale sectors of others make good garbage */
    size_t inode_count;
    uint32_t mood; /* RANDOM: how many of 8 sectors of the present file are new */
};

/* ---- the last write ---- */

void sim_last_write_forget(struct sim_disk *d)
{
    struct sim_last_write *w = &d->last_write;

    for (size_t i = 0; i < w->page_count; i++)
        sim_page_unref(w->pages[i]);
    mem_free(w->pages);
    if (w->inode != NULL)
        sim_inode_unref(w->inode);
    *w = (struct sim_last_write){0};
}

void sim_last_write_keep(struct sim_disk *d, struct sim_inode *inode, uint64_t at, uint64_t size)
{
    struct sim_last_write *w = &d->last_write;
    size_t first = (size_t)(at / SIM_PAGE);

    sim_last_write_forget(d);
    if (size == 0)
        return;
    *w = (struct sim_last_write){
        .inode = inode, .at = at, .size = size, .size_before = inode->content.size};
    sim_inode_ref(inode);
    w->page_count = (size_t)((at + size - 1) / SIM_PAGE) - first + 1;
    w->pages = MEM_NEW_ARRAY(struct sim_page *, w->page_count);
    for (size_t i = 0; i < w->page_count && first + i < inode->content.slot_count; i++)
        w->pages[i] = sim_page_ref(inode->content.slots[first + i].cached);
}

uint64_t sim_disk_torn_max(const struct sim_disk *d)
{
    const struct sim_last_write *w = &d->last_write;

    if (w->inode == NULL)
        return 0;
    return (w->at + w->size - 1) / SIM_SECTOR - w->at / SIM_SECTOR + 1;
}

/* ---- garbage ---- */

/* Some sector that is or was on this disk: a block that was freed and used again. */
static const uint8_t *stale_sector(struct crash *c)
{
    const struct sim_inode *n = c->inodes[rand_below(&c->rand, c->inode_count)];
    const struct sim_slot *s = NULL;
    const struct sim_page *p = NULL;

    if (n->content.slot_count == 0)
        return NULL;
    s = &n->content.slots[rand_below(&c->rand, n->content.slot_count)];
    p = s->older != NULL ? s->older : s->cached;
    return p == NULL ? NULL : sim_page_sector(p, (unsigned)rand_below(&c->rand, PAGE_SECTORS));
}

static void put_garbage(struct crash *c, uint8_t sector[SIM_SECTOR])
{
    const uint8_t *stale = rand_chance(&c->rand, 1, 2) ? stale_sector(c) : NULL;

    if (stale != NULL)
        memmove(sector, stale, SIM_SECTOR);
    else
        rand_fill(&c->rand, sector, SIM_SECTOR);
}

/* ---- a torn write ---- */

/* Takes one sector of the last write back, in the cache. */
static void untear_sector(struct crash *c, struct sim_last_write *w, uint64_t sector)
{
    uint64_t at = sector * SIM_SECTOR;
    size_t index = (size_t)(at / SIM_PAGE);
    unsigned inside = (unsigned)(at % SIM_PAGE / SIM_SECTOR);
    struct sim_slot *s = sim_content_slot(&w->inode->content, index);
    uint8_t *to = NULL;

    s->cached = sim_page_own(s->cached);
    to = s->cached->bytes + (size_t)inside * SIM_SECTOR;
    if (at >= w->size_before && c->order->fill == SIM_FILL_GARBAGE)
        put_garbage(c, to);
    else
        memcpy(to, sim_page_sector(w->pages[index - w->at / SIM_PAGE], inside), SIM_SECTOR);
}

static void tear_last_write(struct crash *c, struct sim_disk *d)
{
    struct sim_last_write *w = &d->last_write;
    uint64_t count = sim_disk_torn_max(d);
    uint64_t first = w->at / SIM_SECTOR;
    uint64_t kept = c->order->torn_sectors < count ? c->order->torn_sectors : count;
    uint64_t end = (first + kept) * SIM_SECTOR;

    for (uint64_t i = 0; i < count; i++) {
        bool survives = c->order->keeps_tail ? i >= count - kept : i < kept;
        if (!survives)
            untear_sector(c, w, first + i);
    }
    if (count == 0 || kept == count || !c->order->is_cut || c->order->keeps_tail)
        return;
    end = end > w->size_before ? end : w->size_before;
    if (end < w->inode->content.size)
        w->inode->content.size = end;
}

/* ---- files ---- */

static uint64_t choose_size(struct crash *c, const struct sim_content *f)
{
    uint64_t span = f->size - f->durable_size;

    switch (c->order->kind) {
    case SIM_CRASH_NOTHING:
    case SIM_CRASH_DATA_ONLY:
        return f->durable_size;
    case SIM_CRASH_RANDOM:
        break;
    default:
        return f->size;
    }
    switch (rand_below(&c->rand, 4)) {
    case 0:
        return f->durable_size;
    case 1:
        return f->durable_size + rand_below(&c->rand, span + 1);
    default:
        return f->size;
    }
}

/* RANDOM, a sector that was written: K2. */
static enum source draw_written(struct crash *c, bool is_lost, bool was_saved)
{
    if (rand_chance(&c->rand, is_lost ? 1 : c->mood, 8))
        return SOURCE_NEW;
    if (was_saved || rand_chance(&c->rand, 1, 2))
        return SOURCE_OLD;
    return rand_chance(&c->rand, 1, 2) ? SOURCE_ZERO : SOURCE_GARBAGE;
}

/* RANDOM, a sector past the durable end that was not written: K3. */
static enum source draw_unwritten(struct crash *c)
{
    return rand_chance(&c->rand, 3, 4) ? SOURCE_ZERO : SOURCE_GARBAGE;
}

static enum source choose_written(struct crash *c, bool is_lost, bool was_saved)
{
    switch (c->order->kind) {
    case SIM_CRASH_EVERYTHING:
    case SIM_CRASH_DATA_ONLY:
    case SIM_CRASH_TORN:
        return is_lost ? SOURCE_OLD : SOURCE_NEW;
    case SIM_CRASH_METADATA_ONLY:
        return !was_saved && c->order->fill == SIM_FILL_GARBAGE ? SOURCE_GARBAGE : SOURCE_OLD;
    case SIM_CRASH_RANDOM:
        return draw_written(c, is_lost, was_saved);
    default:
        return SOURCE_OLD;
    }
}

static enum source choose_unwritten(struct crash *c)
{
    if (c->order->kind == SIM_CRASH_RANDOM)
        return draw_unwritten(c);
    if (c->order->kind == SIM_CRASH_METADATA_ONLY && c->order->fill == SIM_FILL_GARBAGE)
        return SOURCE_GARBAGE;
    return SOURCE_ZERO;
}

static enum source choose_source(struct crash *c, const struct sim_content *f, size_t index,
                                 unsigned sector)
{
    const struct sim_slot *s = &f->slots[index];
    uint64_t at = (uint64_t)index * SIM_PAGE + (uint64_t)sector * SIM_SECTOR;
    uint8_t bit = (uint8_t)(1u << sector);

    if (((s->dirty | s->lost) & bit) != 0)
        return choose_written(c, (s->lost & bit) != 0, (s->saved & bit) != 0);
    return at < f->durable_size ? SOURCE_OLD : choose_unwritten(c);
}

static void put_source(struct crash *c, const struct sim_slot *s, unsigned sector,
                       enum source source, uint8_t *to)
{
    switch (source) {
    case SOURCE_OLD:
        memcpy(to, sim_page_sector(s->durable, sector), SIM_SECTOR);
        break;
    case SOURCE_NEW:
        memcpy(to, sim_page_sector(s->cached, sector), SIM_SECTOR);
        break;
    case SOURCE_ZERO:
        memset(to, 0, SIM_SECTOR);
        break;
    case SOURCE_GARBAGE:
        put_garbage(c, to);
        break;
    }
}

static void crash_slot(struct crash *c, struct sim_content *f, size_t index, uint64_t size)
{
    struct sim_slot *s = &f->slots[index];
    struct sim_page *p = sim_page_own(sim_page_ref(s->durable));
    uint8_t changed = 0;

    for (unsigned i = 0; i < PAGE_SECTORS; i++) {
        uint64_t at = (uint64_t)index * SIM_PAGE + (uint64_t)i * SIM_SECTOR;
        enum source source = SOURCE_OLD;
        if (at >= size)
            break; /* zeros already: the durable end is before this (C3) */
        source = choose_source(c, f, index, i);
        put_source(c, s, i, source, p->bytes + (size_t)i * SIM_SECTOR);
        if (source != SOURCE_OLD)
            changed = (uint8_t)(changed | 1u << i);
    }
    if (!s->is_allocated) {
        s->is_allocated = true;
        f->allocated_pages++;
    }
    sim_content_settle_slot(s, p, changed);
}

static bool slot_in_doubt(const struct sim_content *f, size_t index, uint64_t size)
{
    const struct sim_slot *s = &f->slots[index];
    bool is_new = size > f->durable_size && (uint64_t)(index + 1) * SIM_PAGE > f->durable_size;

    return s->dirty != 0 || s->lost != 0 || is_new;
}

static void crash_file(struct crash *c, struct sim_inode *n)
{
    static const uint32_t moods[] = {0, 1, 4, 7, 8};
    struct sim_content *f = &n->content;
    uint64_t pages_before = f->allocated_pages;
    uint64_t size = 0;

    if (c->order->kind == SIM_CRASH_RANDOM)
        c->mood = moods[rand_below(&c->rand, ARRAY_SIZE(moods))];
    size = choose_size(c, f);
    ASSERT(f->durable_size <= size && size <= f->size); /* K3 */
    for (size_t i = 0; i < f->slot_count && (uint64_t)i * SIM_PAGE < size; i++)
        if (slot_in_doubt(f, i, size))
            crash_slot(c, f, i, size);
    sim_content_settle_size(f, size);
    sim_inode_recount(n, pages_before);
}

/* ---- whole disks ---- */

void sim_disk_crash(struct sim_disk *d, const struct sim_crash *order)
{
    struct crash c = {.order = order};

    ASSERT(order->kind < SIM_CRASH_KIND_COUNT);
    rand_init(&c.rand, order->seed);
    sim_disk_kill_files(d);
    c.inodes = sim_tree_hold_all(&d->tree, &c.inode_count);
    if (order->kind == SIM_CRASH_TORN)
        tear_last_write(&c, d);
    sim_last_write_forget(d);
    sim_tree_crash(&d->tree, order, &c.rand);
    for (size_t i = 0; i < c.inode_count; i++)
        if (!c.inodes[i]->is_dir)
            crash_file(&c, c.inodes[i]);
    sim_tree_drop_all(c.inodes, c.inode_count);
    d->stop_at = 0;
    sim_disk_set_stalled(d, false);
    ASSERT(!sim_disk_is_dirty(d));
}

struct sim_disk *sim_disk_image(const struct sim_disk *d, const struct sim_crash *c)
{
    struct sim_disk *image = sim_disk_clone(d);

    sim_disk_crash(image, c);
    return image;
}

bool sim_disk_is_dirty(const struct sim_disk *d)
{
    LIST_FOREACH (link, &d->tree.inodes)
        if (sim_content_is_dirty(&CONTAINER_OF(link, struct sim_inode, link)->content))
            return true;
    return sim_tree_is_dirty(&d->tree);
}

/* ---- text ---- */

const char *sim_crash_text(const struct sim_crash *c, char *buf, size_t size)
{
    static const char *const kinds[SIM_CRASH_KIND_COUNT] = {
        [SIM_CRASH_NOTHING] = "nothing",
        [SIM_CRASH_EVERYTHING] = "everything",
        [SIM_CRASH_METADATA_ONLY] = "metadata only",
        [SIM_CRASH_DATA_ONLY] = "data only",
        [SIM_CRASH_TORN] = "torn",
        [SIM_CRASH_RANDOM] = "random",
    };
    const char *fill = c->fill == SIM_FILL_GARBAGE ? "garbage" : "zero";
    unsigned long long seed = c->seed;

    ASSERT(c->kind < SIM_CRASH_KIND_COUNT);
    if (c->kind == SIM_CRASH_RANDOM)
        (void)snprintf(buf, size, "random, names %s, seed=%llu",
                       c->names == SIM_NAMES_ORDERED ? "ordered" : "independent", seed);
    else if (c->kind == SIM_CRASH_TORN)
        (void)snprintf(buf, size, "torn, %s %llu sectors, %s, seed=%llu",
                       c->keeps_tail ? "last" : "first", (unsigned long long)c->torn_sectors,
                       c->is_cut ? "cut" : fill, seed);
    else if (c->kind == SIM_CRASH_METADATA_ONLY)
        (void)snprintf(buf, size, "metadata only, %s, seed=%llu", fill, seed);
    else
        (void)snprintf(buf, size, "%s", kinds[c->kind]);
    return buf;
}
