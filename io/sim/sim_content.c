/* See sim_content.h for the picture and the invariants C1 to C5. */
#include "io/sim/sim_content.h"

#include <string.h>

#include "base/mem.h"

static const uint8_t zero_sector[SIM_SECTOR];

static size_t min_size(uint64_t a, uint64_t b)
{
    return (size_t)(a < b ? a : b);
}

static size_t pages_for(uint64_t size)
{
    return (size_t)((size + SIM_PAGE - 1) / SIM_PAGE);
}

struct sim_page *sim_page_ref(struct sim_page *p)
{
    if (p != NULL)
        p->refs++;
    return p;
}

void sim_page_unref(struct sim_page *p)
{
    if (p == NULL)
        return;
    ASSERT(p->refs > 0);
    if (--p->refs == 0)
        mem_free(p);
}

const uint8_t *sim_page_sector(const struct sim_page *p, unsigned sector)
{
    ASSERT(sector < PAGE_SECTORS);
    return p == NULL ? zero_sector : p->bytes + (size_t)sector * SIM_SECTOR;
}

struct sim_page *sim_page_own(struct sim_page *p)
{
    struct sim_page *copy = NULL;

    if (p != NULL && p->refs == 1)
        return p;
    if (p == NULL) {
        copy = MEM_NEW(struct sim_page);
    } else {
        copy = (struct sim_page *)mem_alloc(sizeof(*copy));
        memcpy(copy->bytes, p->bytes, SIM_PAGE);
        sim_page_unref(p);
    }
    copy->refs = 1;
    return copy;
}

static void page_put_sector(struct sim_page *p, unsigned sector, const uint8_t *bytes)
{
    ASSERT(p->refs == 1 && sector < PAGE_SECTORS);
    memcpy(p->bytes + (size_t)sector * SIM_SECTOR, bytes, SIM_SECTOR);
}

/* A page with the sectors of `set` from one page and all others from another. */
static struct sim_page *page_mixed(struct sim_page *chosen, struct sim_page *others, uint8_t set)
{
    struct sim_page *p = NULL;

    if (set == 0xff || chosen == others)
        return sim_page_ref(chosen);
    p = sim_page_own(sim_page_ref(others));
    for (unsigned i = 0; i < PAGE_SECTORS; i++)
        if ((set & 1u << i) != 0)
            page_put_sector(p, i, sim_page_sector(chosen, i));
    return p;
}

void sim_content_init(struct sim_content *c)
{
    *c = (struct sim_content){0};
}

void sim_content_release(struct sim_content *c)
{
    for (size_t i = 0; i < c->slot_count; i++) {
        sim_page_unref(c->slots[i].cached);
        sim_page_unref(c->slots[i].durable);
        sim_page_unref(c->slots[i].older);
    }
    mem_free(c->slots);
    sim_content_init(c);
}

void sim_content_copy(struct sim_content *to, const struct sim_content *from)
{
    *to = *from;
    to->slots = NULL;
    if (from->slot_count == 0)
        return;
    to->slots = (struct sim_slot *)mem_alloc(from->slot_count * sizeof(*to->slots));
    memcpy(to->slots, from->slots, from->slot_count * sizeof(*to->slots));
    for (size_t i = 0; i < to->slot_count; i++) {
        sim_page_ref(to->slots[i].cached);
        sim_page_ref(to->slots[i].durable);
        sim_page_ref(to->slots[i].older);
    }
}

void sim_content_check(const struct sim_content *c)
{
    uint64_t allocated = 0;

    ASSERT(c->durable_size <= c->size); /* C4 */
    ASSERT(pages_for(c->size) == c->slot_count);
    for (size_t i = 0; i < c->slot_count; i++) {
        const struct sim_slot *s = &c->slots[i];
        unsigned open = (unsigned)s->dirty | s->lost;
        ASSERT((s->dirty & s->lost) == 0);                                     /* C2 */
        ASSERT(s->dirty == 0 || (c->dirty_from <= i && i < c->dirty_to));      /* C5 */
        for (unsigned k = 0; s->cached != s->durable && k < PAGE_SECTORS; k++) /* C1 */
            ASSERT((open & 1u << k) != 0 ||
                   memcmp(sim_page_sector(s->cached, k), sim_page_sector(s->durable, k),
                          SIM_SECTOR) == 0);
        allocated += s->is_allocated;
    }
    ASSERT(allocated == c->allocated_pages);
}

/* Makes slots exist up to `count`. */
static void reserve_slots(struct sim_content *c, size_t count)
{
    if (count <= c->slot_count)
        return;
    c->slots = (struct sim_slot *)mem_grow(c->slots, count, sizeof(*c->slots));
    memset(c->slots + c->slot_count, 0, (count - c->slot_count) * sizeof(*c->slots));
    c->slot_count = count;
}

struct sim_slot *sim_content_slot(struct sim_content *c, size_t index)
{
    reserve_slots(c, index + 1);
    return &c->slots[index];
}

size_t sim_content_read(const struct sim_content *c, void *buf, size_t size, uint64_t at)
{
    uint8_t *to = (uint8_t *)buf;
    size_t total = at >= c->size ? 0 : min_size(size, c->size - at);

    for (size_t done = 0; done < total;) {
        uint64_t place = at + done;
        size_t index = (size_t)(place / SIM_PAGE);
        size_t inside = (size_t)(place % SIM_PAGE);
        size_t part = min_size(total - done, SIM_PAGE - inside);
        const struct sim_page *p = index < c->slot_count ? c->slots[index].cached : NULL;
        if (p == NULL)
            memset(to + done, 0, part);
        else
            memcpy(to + done, p->bytes + inside, part);
        done += part;
    }
    return total;
}

uint64_t sim_content_pages_missing(const struct sim_content *c, uint64_t at, uint64_t size)
{
    uint64_t missing = 0;

    if (size == 0)
        return 0;
    for (size_t i = (size_t)(at / SIM_PAGE); i < pages_for(at + size); i++)
        missing += i >= c->slot_count || !c->slots[i].is_allocated;
    return missing;
}

static void take_space(struct sim_content *c, struct sim_slot *s)
{
    if (s->is_allocated)
        return;
    s->is_allocated = true;
    c->allocated_pages++;
}

static void mark_dirty(struct sim_content *c, size_t index, size_t inside, size_t size)
{
    struct sim_slot *s = &c->slots[index];
    unsigned first = (unsigned)(inside / SIM_SECTOR);
    unsigned last = (unsigned)((inside + size - 1) / SIM_SECTOR);
    unsigned set = (0xffu >> (PAGE_SECTORS - 1 - last)) & (0xffu << first);

    s->dirty = (uint8_t)(s->dirty | set);
    s->lost = (uint8_t)(s->lost & ~set); /* a whole sector goes out again (C2) */
    if (c->dirty_from == c->dirty_to) {
        c->dirty_from = index;
        c->dirty_to = index + 1;
    }
    c->dirty_from = index < c->dirty_from ? index : c->dirty_from;
    c->dirty_to = index >= c->dirty_to ? index + 1 : c->dirty_to;
}

void sim_content_write(struct sim_content *c, const void *bytes, size_t size, uint64_t at)
{
    const uint8_t *from = (const uint8_t *)bytes;

    ASSERT(at + size >= at);
    if (size == 0)
        return;
    reserve_slots(c, pages_for(at + size));
    for (size_t done = 0; done < size;) {
        uint64_t place = at + done;
        size_t index = (size_t)(place / SIM_PAGE);
        size_t inside = (size_t)(place % SIM_PAGE);
        size_t part = min_size(size - done, SIM_PAGE - inside);
        struct sim_slot *s = &c->slots[index];
        s->cached = sim_page_own(s->cached);
        memcpy(s->cached->bytes + inside, from + done, part);
        take_space(c, s);
        mark_dirty(c, index, inside, part);
        done += part;
    }
    if (at + size > c->size)
        c->size = at + size;
}

void sim_content_allocate(struct sim_content *c, uint64_t size)
{
    size_t pages = pages_for(size);

    reserve_slots(c, pages);
    for (size_t i = 0; i < pages; i++)
        take_space(c, &c->slots[i]);
    if (size > c->size)
        c->size = size;
}

/* The sectors of `changed` get new durable bytes: what they had becomes the older version. */
static void keep_older(struct sim_slot *s, uint8_t changed)
{
    uint8_t set = (uint8_t)(changed & s->saved);
    struct sim_page *older = NULL;

    if (set == 0)
        return;
    if ((s->has_older & ~set) == 0)
        older = sim_page_ref(s->durable);
    else
        older = page_mixed(s->durable, s->older, set);
    sim_page_unref(s->older);
    s->older = older;
    s->has_older = (uint8_t)(s->has_older | set);
}

/* Makes `p`, whose reference it takes, the durable page. */
static void set_durable(struct sim_slot *s, struct sim_page *p, uint8_t changed)
{
    keep_older(s, changed);
    sim_page_unref(s->durable);
    s->durable = p;
    s->saved = (uint8_t)(s->saved | changed);
}

static void all_clean(struct sim_content *c)
{
    c->dirty_from = 0;
    c->dirty_to = 0;
}

void sim_content_sync(struct sim_content *c)
{
    for (size_t i = c->dirty_from; i < c->dirty_to; i++) {
        struct sim_slot *s = &c->slots[i];
        uint8_t set = s->lost == 0 ? 0xff : s->dirty;
        if (s->dirty == 0)
            continue;
        set_durable(s, page_mixed(s->cached, s->durable, set), s->dirty);
        s->dirty = 0;
    }
    all_clean(c);
    c->durable_size = c->size;
}

/* Sectors of `set` read again what the disk has. */
static void revert_sectors(struct sim_slot *s, uint8_t set)
{
    struct sim_page *p = page_mixed(s->durable, s->cached, set);

    sim_page_unref(s->cached);
    s->cached = p;
}

void sim_content_sync_failed(struct sim_content *c, enum sim_sync_failure how)
{
    if (how == SIM_SYNC_KEPT)
        return;
    for (size_t i = c->dirty_from; i < c->dirty_to; i++) {
        struct sim_slot *s = &c->slots[i];
        if (how == SIM_SYNC_CLEAN)
            s->lost = (uint8_t)(s->lost | s->dirty);
        else
            revert_sectors(s, s->dirty);
        s->dirty = 0;
    }
    all_clean(c);
}

void sim_content_drop_cache(struct sim_content *c)
{
    for (size_t i = 0; i < c->slot_count; i++) {
        struct sim_slot *s = &c->slots[i];
        if (s->lost == 0)
            continue;
        revert_sectors(s, s->lost);
        s->lost = 0;
    }
}

bool sim_content_is_dirty(const struct sim_content *c)
{
    return c->dirty_from < c->dirty_to || c->size != c->durable_size;
}

void sim_content_settle_slot(struct sim_slot *s, struct sim_page *p, uint8_t changed)
{
    sim_page_ref(p);
    sim_page_unref(s->cached);
    s->cached = p;
    set_durable(s, p, changed);
    s->dirty = 0;
    s->lost = 0;
}

/* Zeros behind the end of the file in its last page (C3). */
static struct sim_page *page_cut(struct sim_page *p, size_t size)
{
    ASSERT(size <= SIM_PAGE);
    if (p == NULL || size == SIM_PAGE)
        return p;
    p = sim_page_own(p);
    memset(p->bytes + size, 0, SIM_PAGE - size);
    return p;
}

void sim_content_settle_size(struct sim_content *c, uint64_t size)
{
    size_t pages = pages_for(size);
    size_t inside = (size_t)(size % SIM_PAGE);

    for (size_t i = pages; i < c->slot_count; i++) {
        sim_page_unref(c->slots[i].cached);
        sim_page_unref(c->slots[i].durable);
        sim_page_unref(c->slots[i].older);
        c->allocated_pages -= c->slots[i].is_allocated;
    }
    c->slot_count = min_size(c->slot_count, pages);
    if (inside != 0 && c->slot_count == pages) {
        struct sim_slot *s = &c->slots[pages - 1];
        sim_page_unref(s->durable);
        s->cached = page_cut(s->cached, inside);
        s->durable = sim_page_ref(s->cached);
    }
    c->size = size;
    c->durable_size = size;
    all_clean(c);
}
