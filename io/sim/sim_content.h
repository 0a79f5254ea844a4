/* The bytes of one simulated file, twice: as the cache shows them and as the disk keeps them.
 *
 * Private to io/sim. A file is an array of slots, one for each 4 KiB; a slot holds up to three
 * pages and some sets of sectors (one bit each):
 *
 *     cached   what reads see                  NULL is a page of zeros
 *     durable  what a power cut leaves for sure
 *     older    what `durable` replaced last, for stale sectors
 *
 * Invariants, checked by sim_content_check():
 *   C1  a sector in neither `dirty` nor `lost` has the same bytes in cached and durable;
 *   C2  `dirty` and `lost` have no sector in common;
 *   C3  bytes past the end of the file are zero in cached, those past the durable end in
 *       durable;
 *   C4  durable_size <= size: files are never cut by the rooms;
 *   C5  slots with dirty sectors lie within [dirty_from, dirty_to).
 *
 * A page is written only while nobody else refers to it; otherwise it is copied first. */
#ifndef IO_SIM_SIM_CONTENT_H
#define IO_SIM_SIM_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io/sim/sim_disk.h"

enum { PAGE_SECTORS = SIM_PAGE / SIM_SECTOR };

struct sim_page {
    uint32_t refs;
    uint8_t bytes[SIM_PAGE];
};

struct sim_slot {
    struct sim_page *cached;
    struct sim_page *durable;
    struct sim_page *older;
    uint8_t dirty;     /* the next sync makes these durable */
    uint8_t lost;      /* a failed sync called these clean: the disk has other bytes */
    uint8_t saved;     /* these were made durable at least once */
    uint8_t has_older; /* `older` means something for these */
    bool is_allocated; /* counts as space taken */
};

struct sim_content {
    struct sim_slot *slots;
    size_t slot_count; /* those that exist; further ones are zeros */
    size_t dirty_from;
    size_t dirty_to;
    uint64_t size;
    uint64_t durable_size;
    uint64_t allocated_pages;
};

/* Pages. NULL stands for zeros in all of these. */
struct sim_page *sim_page_ref(struct sim_page *p);
void sim_page_unref(struct sim_page *p);
const uint8_t *sim_page_sector(const struct sim_page *p, unsigned sector);
/* The page as one that nobody else sees; takes the caller's reference and gives one back. */
struct sim_page *sim_page_own(struct sim_page *p);

void sim_content_init(struct sim_content *c);
void sim_content_release(struct sim_content *c);
/* Makes `to`, which is not initialised, the same as `from`; pages are shared. */
void sim_content_copy(struct sim_content *to, const struct sim_content *from);
void sim_content_check(const struct sim_content *c);

/* How many bytes were read: less than `size` only at the end. */
size_t sim_content_read(const struct sim_content *c, void *buf, size_t size, uint64_t at);

/* How many pages a write there would newly take. */
uint64_t sim_content_pages_missing(const struct sim_content *c, uint64_t at, uint64_t size);

void sim_content_write(struct sim_content *c, const void *bytes, size_t size, uint64_t at);
/* Takes space for the first `size` bytes and grows to them. */
void sim_content_allocate(struct sim_content *c, uint64_t size);

void sim_content_sync(struct sim_content *c);
void sim_content_sync_failed(struct sim_content *c, enum sim_sync_failure how);
void sim_content_drop_cache(struct sim_content *c);
bool sim_content_is_dirty(const struct sim_content *c);

/* For crashes and damage: makes the slot's cached and durable page `p` (whose reference it
 * takes). The `changed` sectors differ from the durable ones of before, which become older ones. */
void sim_content_settle_slot(struct sim_slot *s, struct sim_page *p, uint8_t changed);
/* For crashes and damage: sets both sizes, with zeros behind the end (C3). */
void sim_content_settle_size(struct sim_content *c, uint64_t size);
/* The slot for page `index`, made when missing. */
struct sim_slot *sim_content_slot(struct sim_content *c, size_t index);

#endif
