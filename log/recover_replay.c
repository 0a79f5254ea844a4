/* Giving the owner its state back: a checkpoint, then the records above it. */
#include <inttypes.h>

#include "base/diag.h"
#include "base/mem.h"
#include "log/checkpoint.h"
#include "log/recovery.h"
#include "log/run.h"
#include "log/scan.h"

/* Hands the records of one batch to the owner. */
static int replay_batch(struct recovery *r, const struct batch_head *head, const uint8_t *bytes,
                        uint64_t from)
{
    struct bytes payload = bytes_of(bytes + BATCH_HEADER_SIZE, head->raw_size);
    struct record record;
    size_t at = 0;
    int rv = 0;

    for (uint32_t i = 0; rv == 0 && i < head->count; i++) {
        rv = record_read(head, payload, &at, i, &record);
        if (rv == 0 && record.number >= from)
            rv = r->owner->replay(r->owner->owner, &record);
        if (rv != 0)
            return err_note(r->note, rv, "position %" PRIu64 " in '%s' cannot be replayed: %s",
                            head->base + i, r->site->dir, err_text(rv));
    }
    return 0;
}

static int damaged(struct recovery *r, const struct segment *g, uint64_t at, uint64_t position)
{
    return err_note(r->note, ERR_CORRUPT,
                    "'%s' is damaged at byte %" PRIu64 ": position %" PRIu64
                    " was durable and cannot be read; put the file back from a backup",
                    segment_path(r->site, g).text, at, position);
}

/* True when a batch is the next one; whether the first is right the one behind it will tell. */
static bool follows(const struct batch_head *head, uint64_t next, bool is_first, uint32_t chain)
{
    return head->base == next && head->attributes == 0 && (is_first || head->chain == chain);
}

/* Replays a segment's records from position `from` on; all of them were durable. Each batch names
 * the CRC of the one before it, and the segment knows that of its last one: nothing can be another
 * than it was. */
static int replay_segment(struct recovery *r, const struct segment *g, uint64_t from)
{
    struct site_path path = segment_path(r->site, g);
    size_t i = index_find(g->index, from > g->first ? from : g->first);
    uint64_t start = g->index->entries[i].at, here = start, next = g->index->entries[i].number;
    struct batch_head head = {0};
    struct disk_file *f = NULL;
    const uint8_t *bytes;
    struct scan scan;
    uint32_t chain = 0;
    int rv = segment_open(r->site, g, &f);

    if (rv != 0)
        return err_note(r->note, rv, "cannot open '%s': %s", path.text, err_text(rv));
    scan_init(&scan, f, site_mark(r->site), (size_t)r->site->options.block_bytes);
    scan_seek(&scan, start, g->bytes);
    while (rv == 0 && next < g->end) {
        here = scan_at(&scan);
        rv = scan_next(&scan, &head, &bytes);
        if (rv == ERR_NOT_FOUND || (rv == 0 && !follows(&head, next, here == start, chain))) {
            rv = damaged(r, g, here, next);
        } else if (rv != 0) {
            rv = err_note(r->note, rv, "cannot read '%s': %s", path.text, err_text(rv));
        } else {
            rv = replay_batch(r, &head, bytes, from);
            chain = head.crc;
            next = head.base + head.count;
        }
    }
    if (rv == 0 && chain != g->chain_end)
        rv = damaged(r, g, here, head.base);
    scan_release(&scan);
    disk_close(f);
    return rv;
}

static int replay_from(struct recovery *r, uint64_t from)
{
    int rv = 0;

    for (size_t i = 0; rv == 0 && i < r->hot->segment_count; i++) {
        const struct segment *g = r->hot->segments[i];
        if (g->end > from && g->end > g->first)
            rv = replay_segment(r, g, from);
    }
    return rv;
}

/* ---- Checkpoints ---- */

/* Reads the checkpoint at `position`; when it is no good it is passed over and *state stays
 * NULL. */
static int try_checkpoint(struct recovery *r, uint64_t position, uint8_t **state, size_t *size)
{
    struct site_path path = site_path(r->site, "checkpoint-%016" PRIx64, position);
    int rv;

    if (position > r->hot->next || position < hot_first(r->hot)) {
        diag(DIAG_WARNING, "log", "'%s' does not belong to this log and is passed over", path.text);
        return 0;
    }
    rv = checkpoint_read(r->site, position, state, size);
    if (rv == ERR_CORRUPT) {
        diag(DIAG_ERROR, "log", "'%s' is damaged and is passed over; the log does as well",
             path.text);
        return 0;
    }
    if (rv == ERR_VERSION)
        return err_note(r->note, rv, "'%s' was written by a newer version; start that version",
                        path.text);
    return rv == 0 ? 0 : err_note(r->note, rv, "cannot read '%s': %s", path.text, err_text(rv));
}

static int give_state(struct recovery *r, uint64_t position, struct bytes state)
{
    int rv = 0;

    if (r->owner->restore != NULL)
        rv = r->owner->restore(r->owner->owner, position, state);
    return rv == 0
               ? 0
               : err_note(r->note, rv, "the state of position %" PRIu64 " in '%s' is refused: %s",
                          position, r->site->dir, err_text(rv));
}

/* Restores from the newest good checkpoint and finds the one before it. *from is where
 * replay starts. */
static int restore(struct recovery *r, uint64_t *from, bool *is_restored)
{
    const struct listing_numbers *c = &r->listing.checkpoint;
    int rv = 0;

    *is_restored = false;
    for (size_t i = c->count; rv == 0 && i > 0; i--) {
        uint64_t position = c->items[i - 1];
        uint8_t *state = NULL;
        size_t size = 0;

        rv = try_checkpoint(r, position, &state, &size);
        if (rv != 0 || state == NULL)
            continue;
        if (!*is_restored) {
            *is_restored = true;
            *from = position;
            r->out->checkpoints[1] = position;
            rv = give_state(r, position, bytes_of(state, size));
        } else if (r->out->checkpoints[0] == UINT64_MAX) {
            r->out->checkpoints[0] = position;
        }
        mem_free(state);
    }
    return rv;
}

/* ---- Survivors, when every checkpoint was lost ---- */

static int survive_run(struct recovery *r, struct segment *g, struct disk_file *f, size_t i)
{
    struct block *b = cache_new_block(r->hot->cache, g, (size_t)r->site->options.block_bytes);
    size_t room = (size_t)r->site->options.block_bytes;
    struct run_span span;
    struct record record;
    int rv;

    if (b == NULL)
        return ERR_NO_MEMORY;
    b->first = g->first;
    b->end = g->end;
    span = run_span(g, g->index, i, i + 1);
    rv = run_load(b, f, &span);
    for (uint32_t k = 0; rv == 0 && k < b->count; k++) {
        block_record(b, k, &record);
        rv = r->owner->survivor(r->owner->owner, g->destination, &record);
    }
    r->hot->cache->bytes += b->capacity - room;
    block_unref(b);
    return rv;
}

static int survive_segment(struct recovery *r, struct segment *g)
{
    struct site_path path = segment_path(r->site, g);
    struct disk_file *f = NULL;
    int rv = 0;

    if (g->index == NULL)
        rv = segment_load_index(r->site, g, &g->index);
    if (rv == 0)
        rv = segment_open(r->site, g, &f);
    for (size_t i = 0; rv == 0 && i < g->index->count; i++)
        rv = survive_run(r, g, f, i);
    disk_close(f);
    if (rv == ERR_CORRUPT || rv == ERR_NOT_FOUND) {
        diag(DIAG_ERROR, "log", "'%s' cannot be read: %s", path.text, err_text(rv));
        return 0;
    }
    return rv == 0 ? 0 : err_note(r->note, rv, "cannot read '%s': %s", path.text, err_text(rv));
}

static int survivors(struct recovery *r)
{
    int rv = 0;

    diag(DIAG_ERROR, "log",
         "'%s' has no good checkpoint; the state is made from what the files still hold, and "
         "settled "
         "messages may come back",
         r->site->dir);
    for (size_t i = 0; rv == 0 && i < r->cold->count; i++) {
        for (size_t k = 0; rv == 0 && k < r->cold->lanes[i]->count; k++)
            rv = survive_segment(r, r->cold->lanes[i]->segments[k]);
    }
    return rv;
}

int recover_replay(struct recovery *r)
{
    uint64_t from = hot_first(r->hot);
    bool is_restored = false;
    int rv = restore(r, &from, &is_restored);

    if (rv == 0 && !is_restored && from > 0 && r->owner->survivor != NULL)
        rv = survivors(r);
    if (rv == 0 && r->owner->replay != NULL)
        rv = replay_from(r, from);
    return rv;
}
