/* Looking at the hot row: what each segment must hold is told by its neighbours, and where the
 * last one ends by what is proven to have been durable.
 *
 *     hot-0            hot-120          hot-300                    reach: up to where positions
 *     [0, 120)         [120, 300)       [300, ?)                          must be readable
 *     reach 120        reach 300        reach = what is proven durable
 *
 * Up to `reach` what cannot be read is a problem (a wound); behind it is the tail, of which a
 * crash may leave anything. */
#include <inttypes.h>
#include <string.h>

#include "log/inspect_batches.h"

struct row {
    struct inspection *log;
    struct batch_walk walk;
    struct inspect_segment shown;
    struct site_path path;
    struct batches_header header;
    struct batches_header next_header; /* of the segment that follows */
    uint64_t reach;
    /* What the segment before leaves; the next position is that of the name. */
    bool is_chain_known;
    uint32_t chain;
    uint64_t bytes;
    uint64_t epoch;
    uint64_t durable;
    int64_t time_ms;
};

static struct site_path hot_path(const struct inspection *l, uint64_t first)
{
    return site_path(&l->site, "hot-%016" PRIx64 ".seg", first);
}

/* A problem about positions that were there once: from walk.next up to `end`, at least one. */
static void lost(struct row *row, uint64_t at, const char *why, uint64_t end)
{
    uint64_t last = end > row->walk.next ? end - 1 : row->walk.next;

    row->shown.is_damaged = true;
    if (row->shown.is_last)
        row->shown.bytes = at == INSPECT_NOWHERE ? 0 : at;
    inspect_problem(row->log->in, row->shown.path, at,
                    "%s; positions %" PRIu64 " to %" PRIu64
                    " cannot be read; put the file back from a backup",
                    why, row->walk.next, last);
}

/* ---- Headers ---- */

/* Reads the header of the segment behind this one; a file that cannot be read says nothing. */
static void read_next_header(struct row *row, uint64_t first)
{
    struct site_path path = hot_path(row->log, first);
    struct disk_file *f = NULL;
    int rv = disk_open(row->log->in->disk, path.text, DISK_READ, &f);

    if (rv == 0)
        rv = batches_header(row->log, f, SEGMENT_HOT, &row->next_header);
    if (rv == 0 && row->next_header.why == NULL && row->next_header.first != first)
        row->next_header.why = "the header is that of another segment";
    if (rv != 0)
        row->next_header = (struct batches_header){.why = err_text(rv)};
    disk_close(f);
}

/* The header against what the segment before says. */
static void judge_header(struct row *row)
{
    const struct batches_header *h = &row->header;
    struct inspect *in = row->log->in;

    if (h->why != NULL && !row->shown.is_last)
        inspect_problem(in, row->shown.path, 0,
                        "%s; what it says is found again by reading the file before", h->why);
    if (h->why != NULL)
        return;
    inspect_prove(row->log, 0, h->epoch);
    if (row->is_chain_known && (h->chain_before != row->chain || h->bytes_before != row->bytes))
        inspect_problem(in, row->shown.path, 0,
                        "the header says that the segment before ends at byte %" PRIu64
                        ", and it ends at %" PRIu64 ", or with another chain",
                        h->bytes_before, row->bytes);
}

/* A header may be missing only as long as nothing in the segment was durable. */
static void judge_last_header(struct row *row)
{
    struct inspect *in = row->log->in;

    if (row->header.why == NULL)
        return;
    if (row->log->is_alone || row->reach > row->shown.first || row->walk.durable > row->shown.first)
        inspect_problem(in, row->shown.path, 0, "%s; it is written anew at the next opening",
                        row->header.why);
    else
        inspect_note(
            in, row->shown.path, 0,
            "%s; nothing in this segment was durable yet, so it may never have been written",
            row->header.why);
}

/* ---- Batches ---- */

static const char newer_version[] = "the batch here was written by a newer version";
static const char not_next[] = "the batch here is not the next one";

/* True when this batch is the next one beyond doubt, as an opening will judge it. */
static bool follows(const struct batch_walk *w, const struct batch_head *head)
{
    return head->epoch >= w->epoch && (head->chain == w->chain || !w->is_chain_known);
}

/* Looks at what lies behind the tail's end: a batch that calls a position at or above it durable
 * proves that the log once went on. Such a proof raises the reach. */
static int look_behind(struct row *row, uint64_t at)
{
    struct batch_walk *w = &row->walk;
    struct batch_head head;
    const uint8_t *bytes;
    uint64_t base = 0;
    int rv = 0;

    while (rv == 0 && at % BATCH_ALIGN == 0) {
        rv = batches_resync(w, at, 0, UINT64_MAX, &base);
        if (rv == 0)
            rv = batches_next(w, &head, &bytes);
        if (rv == 0 && head.durable > row->reach && head.durable > w->next)
            row->reach = head.durable;
        at = batches_at(w) - BATCH_ALIGN; /* go on behind this one, not in it */
    }
    return rv == ERR_NOT_FOUND ? 0 : rv;
}

/* Says what is wrong at `at`, below the reach, and finds the place to go on from. False when
 * there is none. `why` is NULL when no batch can be read there. */
static bool step_over(struct row *row, uint64_t at, const char *why)
{
    struct batch_walk *w = &row->walk;
    struct index_span span = {.first = row->shown.first, .end = w->next, .at = at};
    uint64_t base = row->reach;
    int rv = ERR_NOT_FOUND;

    ASSERT(w->next < row->reach);
    if (why == NULL)
        why = batches_explain(w, at);
    if (!row->shown.is_last && w->index == NULL && w->next > span.first &&
        batches_index(w, &span)) {
        inspect_problem(row->log->in, row->shown.path, at,
                        "the segment ends here as it should, but 'hot-%016" PRIx64
                        ".seg' is missing: positions %" PRIu64 " to %" PRIu64
                        " cannot be read; put it back from a backup",
                        w->next, w->next, row->reach - 1);
        return false;
    }
    if (at % BATCH_ALIGN == 0)
        rv = batches_resync(w, at, w->next + 1, row->reach, &base);
    if (rv != 0 && rv != ERR_NOT_FOUND)
        why = err_text(rv);
    lost(row, at, why, base);
    w->next = base;
    return rv == 0;
}

/* The batches end at `at`, where `rv` came instead of the next one. True when something behind
 * proves that they once went on. */
static bool reach_tail(struct row *row, uint64_t at, int rv)
{
    struct batch_walk *w = &row->walk;

    ASSERT(row->shown.is_last && w->next >= row->reach);
    row->shown.bytes = at;
    row->shown.tail = rv == 0 ? INSPECT_TAIL_OLD : batches_tail(w, at);
    if (rv == ERR_VERSION) {
        row->shown.tail = INSPECT_TAIL_OLD;
        inspect_problem(row->log->in, row->shown.path, at, "%s; this version cannot open the log",
                        newer_version);
    }
    rv = look_behind(row, at);
    if (rv != 0)
        inspect_problem(row->log->in, row->shown.path, at, "behind the last batch: %s",
                        err_text(rv));
    return w->next < row->reach;
}

/* Reads batches as long as there must be some, and then as long as they follow. */
static void read_batches(struct row *row)
{
    struct batch_walk *w = &row->walk;
    struct batch_head head;
    const uint8_t *bytes;

    while (row->shown.is_last || w->next < row->reach) {
        uint64_t at = batches_at(w);
        int rv = batches_next(w, &head, &bytes);
        bool is_next = rv == 0 && head.base == w->next && head.attributes == 0;

        if (rv != 0 && rv != ERR_NOT_FOUND && rv != ERR_VERSION) {
            lost(row, at, err_text(rv), row->reach);
            return;
        }
        if (is_next && (w->next < row->reach || follows(w, &head))) {
            batches_take(w, at, &head, bytes);
            continue;
        }
        if (w->next >= row->reach && !reach_tail(row, at, rv))
            return;
        if (!step_over(row, at, rv == 0 ? not_next : rv == ERR_VERSION ? newer_version : NULL))
            return;
    }
}

/* ---- Ends ---- */

/* The index of a sealed segment; where it starts is said by the header behind. False when that
 * is not known before the batches are read. */
static bool read_index(struct row *row)
{
    uint64_t bytes = row->next_header.bytes_before;
    struct index_span span = {.first = row->shown.first, .end = row->shown.end, .at = bytes};

    if (row->next_header.why != NULL || bytes <= SEGMENT_HEADER_SIZE || bytes % BATCH_ALIGN != 0)
        return false;
    row->shown.bytes = bytes;
    return batches_index(&row->walk, &span);
}

static void end_sealed(struct row *row)
{
    struct batch_walk *w = &row->walk;
    struct index_span span = {.first = row->shown.first, .end = row->shown.end};
    uint64_t at = batches_at(w);

    ASSERT(row->shown.end != INSPECT_NOWHERE);
    if (w->next > row->shown.end)
        inspect_problem(row->log->in, row->shown.path, INSPECT_NOWHERE,
                        "it goes on to position %" PRIu64
                        ", but the next segment begins at %" PRIu64,
                        w->next - 1, row->shown.end);
    if (row->shown.is_damaged || w->next != row->shown.end)
        return;
    row->shown.bytes = at;
    span.at = at;
    if (w->index != NULL)
        batches_index_end(w);
    else if (row->shown.index_count == 0 && !batches_index(w, &span))
        inspect_problem(
            row->log->in, row->shown.path, at,
            "the index is missing or damaged; it is made again by reading the whole file");
}

static void end_last(struct row *row)
{
    struct batch_walk *w = &row->walk;
    struct index_span span = {.first = row->shown.first, .end = w->next, .at = row->shown.bytes};

    judge_last_header(row);
    row->shown.end = w->next;
    if (row->log->is_alone && row->shown.tail == INSPECT_TAIL_SEALED && w->next > span.first &&
        !batches_index(w, &span))
        inspect_problem(row->log->in, row->shown.path, span.at,
                        "the index behind the last batch is damaged");
    if (row->shown.tail == INSPECT_TAIL_TORN)
        inspect_note(row->log->in, row->shown.path, row->shown.bytes,
                     "torn tail: the batch of position %" PRIu64
                     " was not written whole; it was never durable, and the next opening cuts it",
                     w->next);
}

/* ---- One segment ---- */

/* Nobody asked for a record in it, and nothing is compared. */
static bool is_out_of_sight(const struct row *row)
{
    const struct inspect *in = row->log->in;

    if (row->shown.is_last || in->verifies)
        return false;
    return row->shown.end <= in->from ||
           (row->shown.first > in->from && row->shown.first - in->from >= in->count);
}

/* Without a header the first batch must tell where a lone segment begins. */
static void guess_first(struct row *row)
{
    struct batch_head head;
    const uint8_t *bytes;

    if (batches_next(&row->walk, &head, &bytes) == 0) {
        row->shown.first = head.base;
        row->walk.next = head.base;
    }
    batches_seek(&row->walk, SEGMENT_HEADER_SIZE, row->shown.file_bytes);
}

/* Puts the walk where the segment before ended. */
static void begin_walk(struct row *row)
{
    struct batch_walk *w = &row->walk;
    bool is_header_good = row->header.why == NULL;

    w->is_chain_known = row->is_chain_known || is_header_good;
    w->chain = row->is_chain_known ? row->chain : row->header.chain_before;
    w->epoch = row->epoch;
    w->durable = row->durable;
    w->time_ms = row->time_ms;
    batches_seek(w, SEGMENT_HEADER_SIZE, row->shown.file_bytes);
    if (row->log->is_alone && !is_header_good)
        guess_first(row);
}

/* Leaves to the next segment what this one ended with. */
static void end_walk(struct row *row)
{
    const struct batch_walk *w = &row->walk;

    row->shown.is_read = true;
    if (row->shown.is_last)
        end_last(row);
    else
        end_sealed(row);
    row->is_chain_known = w->is_chain_known && !row->shown.is_damaged && w->next == row->shown.end;
    row->chain = w->chain;
    row->bytes = batches_at(w);
    row->epoch = w->epoch;
    row->durable = w->durable;
    row->time_ms = w->time_ms;
    inspect_prove(row->log, w->durable, w->epoch);
}

static void look_at_open_segment(struct row *row)
{
    const struct inspect_visitor *v = &row->log->in->visitor;
    bool has_index = false;

    row->shown.is_header_good = row->header.why == NULL;
    judge_header(row);
    if (v->on_segment != NULL)
        v->on_segment(v->owner, &row->shown);
    if (!row->shown.is_last)
        has_index = read_index(row);
    if (row->shown.is_last || (inspect_reads_batches(row->log) && !is_out_of_sight(row))) {
        begin_walk(row);
        read_batches(row);
        end_walk(row);
    } else {
        row->is_chain_known = false;
        if (!has_index)
            inspect_problem(
                row->log->in, row->shown.path, row->shown.bytes,
                "the index is missing or damaged, or the header of the segment behind is");
    }
    if (v->on_segment_end != NULL)
        v->on_segment_end(v->owner, &row->shown);
}

static int look_at_segment(struct row *row)
{
    int rv = batches_open(&row->walk, row->log, &row->shown);

    if (rv != 0)
        return rv;
    rv = batches_header(row->log, row->walk.file, SEGMENT_HOT, &row->header);
    if (rv == 0) {
        if (row->header.why == NULL && !row->log->is_alone && row->header.first != row->shown.first)
            row->header.why = "the header is that of another segment";
        if (row->log->is_alone && row->header.why == NULL)
            row->shown.first = row->walk.next = row->header.first;
        look_at_open_segment(row);
    }
    batches_close(&row->walk);
    return rv;
}

/* ---- The row ---- */

/* Segment number `i` of those in the listing. */
static void look_at(struct row *row, size_t i)
{
    const struct listing_numbers *hot = &row->log->listing.hot;
    uint64_t first = hot->items[i];
    int rv;

    ASSERT(i < hot->count && (i == 0 || hot->items[i - 1] < first));
    row->path = hot_path(row->log, first);
    row->shown = (struct inspect_segment){.path = row->path.text,
                                          .is_last = i + 1 == hot->count,
                                          .tail = i + 1 == hot->count ? INSPECT_TAIL_CLEAN
                                                                      : INSPECT_TAIL_SEALED,
                                          .id = first,
                                          .first = first,
                                          .end = INSPECT_NOWHERE};
    row->reach = row->log->proven;
    if (!row->shown.is_last) {
        row->shown.end = hot->items[i + 1];
        row->reach = row->shown.end;
        read_next_header(row, row->shown.end);
    }
    rv = look_at_segment(row);
    if (rv != 0) {
        row->walk.next = first;
        row->is_chain_known = false;
        lost(row, INSPECT_NOWHERE, err_text(rv), row->reach);
    }
    row->log->shown.hot_segments++;
    row->log->shown.hot_bytes += row->shown.file_bytes;
}

/* Without any segment: a log in the making, or a loss. */
static void judge_empty_row(struct inspection *l)
{
    uint64_t first = l->has_manifest ? l->manifest.hot_first : 0;
    struct site_path path = hot_path(l, first);

    if (first == 0 && l->shown.epoch == 0 && l->proven == 0)
        inspect_note(l->in, path.text, INSPECT_NOWHERE,
                     "it does not exist; the log was never completed and holds nothing");
    else
        inspect_problem(l->in, path.text, INSPECT_NOWHERE,
                        "it is missing: every record from position %" PRIu64
                        " on cannot be read; put it back from a backup",
                        first);
    l->shown.first = first;
    l->shown.next = first;
}

void inspect_row(struct inspection *l)
{
    const struct listing_numbers *hot = &l->listing.hot;
    struct row row = {.log = l};
    size_t i = 0;

    while (l->has_manifest && i < hot->count && hot->items[i] < l->manifest.hot_first)
        i++;
    if (i == hot->count) {
        judge_empty_row(l);
        return;
    }
    l->shown.first = hot->items[i];
    if (l->has_manifest && hot->items[i] != l->manifest.hot_first) {
        struct site_path path = hot_path(l, l->manifest.hot_first);

        inspect_problem(l->in, path.text, INSPECT_NOWHERE,
                        "it is missing: positions %" PRIu64 " to %" PRIu64
                        " cannot be read; put it back from a backup",
                        l->manifest.hot_first, hot->items[i] - 1);
    }
    for (; i < hot->count; i++)
        look_at(&row, i);
    l->shown.next = row.walk.next;
    l->shown.tail = row.shown.tail;
    l->shown.tail_at = row.shown.bytes;
}

int inspect_hot_file(struct inspection *l, const char *path)
{
    struct row row = {.log = l};

    row.shown = (struct inspect_segment){.path = path, .is_last = true, .end = INSPECT_NOWHERE};
    return look_at_segment(&row);
}
