/* The hot row: which segments there are, and where each ends. */
#include <inttypes.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "log/recovery.h"
#include "log/scan.h"

/* Reads the header of hot-<first>. *is_good is false when it is not this segment's header. */
static int read_header(struct recovery *r, struct segment *g, bool *is_good)
{
    struct site_path path = segment_path(r->site, g);
    uint8_t sector[SEGMENT_SECTOR_SIZE] = {0};
    struct segment found = {0};
    struct disk_file *f = NULL;
    uint64_t epoch = 0;
    size_t done = 0;
    int rv = segment_open(r->site, g, &f);

    if (rv != 0)
        return err_note(r->note, rv, "cannot open '%s': %s", path.text, err_text(rv));
    rv = disk_read(f, sector, sizeof(sector), 0, &done);
    if (rv == 0)
        rv = disk_size(f, &g->file_bytes);
    disk_close(f);
    if (rv != 0)
        return err_note(r->note, rv, "cannot read '%s': %s", path.text, err_text(rv));
    rv = segment_header_decode(r->site, sector, &found, &epoch);
    if (rv == ERR_VERSION)
        return err_note(r->note, rv, "'%s' was written by a newer version; start that version",
                        path.text);
    *is_good = rv == 0 && found.kind == SEGMENT_HOT && found.first == g->first;
    if (*is_good) {
        g->chain_before = found.chain_before;
        g->bytes_before = found.bytes_before;
        r->epoch = epoch > r->epoch ? epoch : r->epoch;
    }
    return 0;
}

/* Reads a whole sealed segment to find where its batches end, and checks that they lead to the
 * next segment. */
static int scan_sealed(struct recovery *r, struct segment *g, const struct segment *after)
{
    struct site_path path = segment_path(r->site, g);
    struct index *x = index_new(r->site->options.block_bytes / 8);
    struct batch_head head;
    const uint8_t *bytes;
    struct disk_file *f = NULL;
    struct scan scan;
    uint64_t next = g->first;
    uint32_t chain = 0;
    int rv = segment_open(r->site, g, &f);

    if (rv != 0) {
        index_free(x);
        return err_note(r->note, rv, "cannot open '%s': %s", path.text, err_text(rv));
    }
    scan_init(&scan, f, site_mark(r->site), r->site->options.block_bytes);
    scan_seek(&scan, SEGMENT_HEADER_SIZE, g->file_bytes);
    while (next < g->end && (rv = scan_next(&scan, &head, &bytes)) == 0 && head.base == next &&
           (next == g->first || head.chain == chain)) {
        index_add(x, next, scan_at(&scan) - batch_padded(head.length), head.time_ms);
        next = head.base + head.count;
        chain = head.crc;
    }
    g->bytes = scan_at(&scan);
    g->chain_end = chain;
    scan_release(&scan);
    disk_close(f);
    if (next == g->end && (after->is_header_lost || after->chain_before == chain)) {
        g->index = x;
        return 0;
    }
    index_free(x);
    if (rv != 0 && rv != ERR_NOT_FOUND)
        return err_note(r->note, rv, "cannot read '%s': %s", path.text, err_text(rv));
    return err_note(r->note, ERR_CORRUPT,
                    "'%s' is damaged at byte %" PRIu64 " (position %" PRIu64
                    "), or the segment after it "
                    "is missing; put the file back from a backup",
                    path.text, g->bytes, next);
}

/* A sealed segment ends where the next begins; its footer or its batches must agree. */
static int seal(struct recovery *r, struct segment *g, struct segment *next)
{
    struct site_path path = segment_path(r->site, g);
    struct index_span span;
    struct disk_file *f = NULL;
    int rv = ERR_CORRUPT;

    g->end = next->first;
    g->written = g->end;
    g->is_sealed = true;
    g->records = g->end - g->first;
    g->live = g->records;
    if (!next->is_header_lost && next->bytes_before > SEGMENT_HEADER_SIZE &&
        next->bytes_before % BATCH_ALIGN == 0 && next->bytes_before <= g->file_bytes) {
        g->bytes = next->bytes_before;
        g->chain_end = next->chain_before;
        span = segment_span(g);
        rv = segment_open(r->site, g, &f);
        if (rv != 0)
            return err_note(r->note, rv, "cannot open '%s': %s", path.text, err_text(rv));
        rv = index_read(f, r->site, &span, &g->index);
        disk_close(f);
    }
    if (rv != ERR_CORRUPT)
        return rv == 0 ? 0 : err_note(r->note, rv, "cannot read '%s': %s", path.text, err_text(rv));
    rv = scan_sealed(r, g, next);
    if (rv == 0 && next->is_header_lost) {
        next->chain_before = g->chain_end;
        next->bytes_before = g->bytes;
    }
    return rv;
}

/* One segment of the row; the one before it is sealed by it. */
static int add_segment(struct recovery *r, uint64_t first)
{
    struct segment *g = segment_new(SEGMENT_HOT, first, first);
    struct segment *before =
        r->hot->segment_count > 0 ? r->hot->segments[r->hot->segment_count - 1] : NULL;
    bool is_good = false;
    int rv = read_header(r, g, &is_good);

    if (rv == 0 && !is_good)
        diag(DIAG_WARNING, "log", "the header of '%s' is damaged or was never written",
             segment_path(r->site, g).text);
    g->is_header_lost = !is_good;
    if (rv == 0 && before != NULL)
        rv = seal(r, before, g);
    if (rv != 0) {
        segment_free(g);
        return rv;
    }
    hot_add_segment(r->hot, g);
    return 0;
}

int recover_row(struct recovery *r)
{
    const struct listing_numbers *hot = &r->listing.hot;
    uint64_t first = r->manifest.hot_first;
    size_t i = 0;
    int rv = 0;

    while (i < hot->count && hot->items[i] < first)
        i++; /* sorted long ago */
    if (i == hot->count && first == 0 && r->watermark.epoch == 0)
        return recover_make_segment(r, 0); /* no opening ever went through */
    if (i == hot->count || hot->items[i] != first)
        return err_note(r->note, ERR_CORRUPT,
                        "'%s/hot-%016" PRIx64 ".seg' is missing; put it back from a backup",
                        r->site->dir, first);
    for (; rv == 0 && i < hot->count; i++)
        rv = add_segment(r, hot->items[i]);
    return rv;
}
