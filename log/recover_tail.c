/* The end of the last segment: torn tail or wound, and making durable what only looks it
 * (V2, V3). */
#include <inttypes.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/zoo.h"
#include "log/recovery.h"
#include "log/scan.h"

/* Where a batch of the last segment starts. */
struct place {
    uint64_t base;
    uint64_t at;
};

struct tail {
    struct recovery *r;
    struct segment *g;
    struct disk_file *file;
    struct scan scan;
    struct place *places;
    size_t count;
    size_t capacity;
    uint64_t next;
    uint64_t durable; /* what the last good batch says */
    uint32_t chain;
    uint64_t epoch;
    int64_t time_ms;
};

static void place_add(struct tail *t, uint64_t base, uint64_t at)
{
    if (t->count == t->capacity) {
        t->capacity = t->capacity > 0 ? t->capacity * 2 : 64;
        t->places = mem_grow(t->places, t->capacity, sizeof(*t->places));
    }
    t->places[t->count++] = (struct place){base, at};
}

/* Time never goes back, whatever the clock does. */
static void see_time(struct tail *t, int64_t time_ms)
{
    if (time_ms > t->time_ms)
        t->time_ms = time_ms;
}

/* True when the batch was written before the last opening that ended well, at or behind the
 * place where that opening found the end: it was cut off then (V4). */
static bool was_cut_off(const struct tail *t, const struct batch_head *head)
{
    const struct watermark *w = &t->r->watermark;

    return head->base >= w->position && head->epoch < w->epoch;
}

/* A lost header leaves the first link unknown, unless the segment before has told it. */
static bool is_link_known(const struct tail *t)
{
    return t->count > 0 || segment_knows_chain(t->g);
}

/* True when a good batch is the one that comes next. */
static bool follows(const struct tail *t, const struct batch_head *head)
{
    return head->base == t->next && head->epoch >= t->epoch && head->attributes == 0 &&
           (head->chain == t->chain || !is_link_known(t) || ZOO(CHAIN_IGNORED)) &&
           !was_cut_off(t, head) && !(ZOO(SMALL_BATCH_TORN) && head->count == 1);
}

/* Takes batches as long as they are good and follow. Errors: those of the disk, ERR_VERSION. */
static int take_batches(struct tail *t)
{
    struct batch_head head;
    const uint8_t *bytes;
    int rv;

    for (;;) {
        uint64_t here = scan_at(&t->scan);

        rv = scan_next(&t->scan, &head, &bytes);
        if (rv != 0 || !follows(t, &head)) {
            scan_seek(&t->scan, here, t->scan.end);
            break;
        }
        if (!is_link_known(t))
            t->g->chain_before = head.chain;
        place_add(t, head.base, here);
        index_add(t->g->index, head.base, here, head.time_ms);
        t->next = head.base + head.count;
        t->chain = head.crc;
        t->epoch = head.epoch;
        t->durable = head.durable;
        see_time(t, head.time_ms);
    }
    return rv == ERR_NOT_FOUND ? 0 : rv;
}

static int wound(const struct tail *t, uint64_t at, uint64_t durable)
{
    return err_note(t->r->note, ERR_CORRUPT,
                    "'%s' is damaged at byte %" PRIu64 ": positions %" PRIu64 " to %" PRIu64
                    " were durable and cannot be read; put the file back from a backup",
                    segment_path(t->r->site, t->g).text, at, t->next, durable - 1);
}

/* Below this everything was durable once, as others say. */
static uint64_t known_durable(const struct recovery *r)
{
    uint64_t position = r->watermark.position;

    return r->manifest.durable > position && !ZOO(LAST_WORDS_CUT) ? r->manifest.durable : position;
}

/* Neither behind the end of the tail nor anywhere else may anything prove that it once went on
 * (V2). */
static int look_for_wound(struct tail *t)
{
    uint64_t known = known_durable(t->r);
    uint64_t end = scan_at(&t->scan);
    struct batch_head head;
    const uint8_t *bytes;
    int rv;

    if (ZOO(WOUND_CUT))
        return 0;
    if (known > t->next)
        return wound(t, end, known);
    while ((rv = scan_resync(&t->scan)) == 0) {
        rv = scan_next(&t->scan, &head, &bytes);
        if (rv != 0)
            break;
        if (head.durable > t->next)
            return wound(t, end, head.durable);
    }
    return rv == ERR_NOT_FOUND ? 0 : rv;
}

/* The place of the first batch that may be in the page cache only. */
static uint64_t doubt_at(const struct tail *t, uint64_t end)
{
    size_t i = t->count;

    while (i > 0 && t->places[i - 1].base >= t->durable)
        i--;
    return i < t->count ? t->places[i].at : end;
}

/* The time of the last batch before the last segment. */
static int time_before(struct tail *t)
{
    const struct hot *h = t->r->hot;
    const struct segment *g = h->segments[h->segment_count - 2];
    const struct index_entry *entry = &g->index->entries[g->index->count - 1];
    struct disk_file *f = NULL;
    struct batch_head head;
    const uint8_t *bytes;
    struct scan scan;
    int rv = segment_open(t->r->site, g, &f);

    if (rv != 0)
        return err_note(t->r->note, rv, "cannot open '%s': %s", segment_path(t->r->site, g).text,
                        err_text(rv));
    scan_init(&scan, f, site_mark(t->r->site), (size_t)t->r->site->options.block_bytes);
    scan_seek(&scan, entry->at, g->bytes);
    see_time(t, entry->time_ms);
    while ((rv = scan_next(&scan, &head, &bytes)) == 0)
        see_time(t, head.time_ms);
    scan_release(&scan);
    disk_close(f);
    if (rv == ERR_NOT_FOUND || rv == ERR_VERSION)
        return 0; /* what is damaged there is for others to meet */
    return err_note(t->r->note, rv, "cannot read '%s': %s", segment_path(t->r->site, g).text,
                    err_text(rv));
}

/* The same for a log of which everything is in lanes. */
static void time_in_lanes(struct tail *t)
{
    const struct cold *c = t->r->cold;

    for (size_t i = 0; i < c->count; i++) {
        const struct cold_lane *lane = c->lanes[i];

        see_time(t, lane->segments[lane->count - 1]->last_time_ms);
    }
}

static int tail_steps(struct tail *t)
{
    struct recovery *r = t->r;
    struct site_path path = segment_path(r->site, t->g);
    uint64_t end = SEGMENT_HEADER_SIZE;
    int rv;

    scan_seek(&t->scan, SEGMENT_HEADER_SIZE, t->g->file_bytes);
    time_in_lanes(t);
    rv = r->hot->segment_count > 1 ? time_before(t) : 0;
    if (rv != 0)
        return rv;
    rv = take_batches(t);
    if (rv == ERR_VERSION)
        return err_note(r->note, rv, "'%s' was written by a newer version; start that version",
                        path.text);
    end = scan_at(&t->scan);
    if (rv == 0)
        rv = look_for_wound(t);
    if (rv == ERR_CORRUPT)
        return rv;
    if (rv != 0)
        return err_note(r->note, rv, "cannot read '%s': %s", path.text, err_text(rv));
    t->g->bytes = end;
    r->doubt_at = doubt_at(t, end);
    return 0;
}

/* The row goes on where the tail ends. */
static void ready(struct tail *t)
{
    struct hot *h = t->r->hot;
    struct segment *g = t->g;

    g->end = t->next;
    g->written = g->end;
    g->records = g->end - g->first;
    g->live = g->records;
    g->chain_end = t->chain;
    h->next = t->next;
    h->durable = t->next;
    h->sync.written = t->next;
    h->chain = t->chain;
    h->time_ms = t->time_ms;
    h->tail.at = g->bytes;
    t->r->epoch = t->epoch > t->r->epoch ? t->epoch : t->r->epoch;
}

int recover_tail(struct recovery *r)
{
    struct tail t = {.r = r, .g = r->hot->segments[r->hot->segment_count - 1]};
    struct site_path path = segment_path(r->site, t.g);
    int rv = disk_open(r->site->disk, path.text, DISK_READ, &t.file);

    if (rv != 0)
        return err_note(r->note, rv, "cannot open '%s': %s", path.text, err_text(rv));
    t.next = t.g->first;
    t.durable = t.g->first;
    t.chain = t.g->chain_before;
    t.g->index = index_new(r->site->options.block_bytes / 8);
    scan_init(&t.scan, t.file, site_mark(r->site), (size_t)r->site->options.block_bytes);
    rv = tail_steps(&t);
    scan_release(&t.scan);
    disk_close(t.file);
    if (rv == 0)
        ready(&t);
    mem_free(t.places);
    return rv;
}

/* ---- Making it durable ---- */

/* Writes [from, to) of the file again as it is read (V3). */
static int rewrite(const struct recovery *r, struct disk_file *f, uint64_t from, uint64_t to)
{
    size_t step = (size_t)r->site->options.block_bytes;
    uint8_t *bytes = mem_alloc(step);
    int rv = 0;

    while (rv == 0 && from < to) {
        struct iovec part = {.iov_base = bytes, .iov_len = step};

        if (to - from < step)
            part.iov_len = (size_t)(to - from);
        rv = disk_read_all(f, bytes, part.iov_len, from);
        if (rv == 0)
            rv = disk_write(f, &part, 1, from);
        from += part.iov_len;
    }
    mem_free(bytes);
    return rv;
}

/* The header is in doubt like the batches; one that was lost is made anew. */
static int rewrite_header(const struct recovery *r, const struct segment *g, struct disk_file *f)
{
    uint8_t sector[SEGMENT_SECTOR_SIZE];
    struct iovec part = {.iov_base = sector, .iov_len = sizeof(sector)};

    if (!g->is_header_lost)
        return rewrite(r, f, 0, SEGMENT_SECTOR_SIZE);
    segment_header_encode(r->site, g, r->epoch, sector);
    return disk_write(f, &part, 1, 0);
}

/* A segment without a batch that was cut, or made when segments were smaller, gets its full size:
 * the next record must fit. */
static int make_room(const struct recovery *r, struct segment *g, struct disk_file *f)
{
    uint64_t size = r->site->options.segment_bytes;
    int rv;

    if (g->bytes > SEGMENT_HEADER_SIZE || g->file_bytes >= size)
        return 0;
    rv = disk_allocate(f, size);
    if (rv == 0)
        g->file_bytes = size;
    return rv;
}

int recover_settle(struct recovery *r)
{
    struct segment *g = r->hot->segments[r->hot->segment_count - 1];
    struct site_path path = segment_path(r->site, g);
    struct disk_file *f = NULL;
    int rv = disk_open(r->site->disk, path.text, DISK_READ | DISK_WRITE, &f);

    if (rv == 0)
        rv = make_room(r, g, f);
    if (rv == 0)
        rv = rewrite_header(r, g, f);
    if (rv == 0)
        rv = rewrite(r, f, r->doubt_at, g->bytes < g->file_bytes ? g->bytes : g->file_bytes);
    if (rv == 0 && !ZOO(TAIL_NOT_SETTLED))
        rv = disk_sync(f);
    disk_close(f);
    if (rv == 0)
        rv = disk_sync_dir(r->site->disk, r->site->dir);
    if (rv != 0)
        return err_note(r->note, rv, "cannot recover '%s': %s", path.text, err_text(rv));
    g->is_header_lost = false;
    return 0;
}
