/* Looking at the lanes: each cold file against its entry in the manifest, and the entries
 * against one another. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "log/inspect_batches.h"

/* ---- The entries together ---- */

static int by_lane(const void *a, const void *b)
{
    const struct manifest_entry *const *x = a, *const *y = b;

    if ((*x)->destination != (*y)->destination)
        return (*x)->destination < (*y)->destination ? -1 : 1;
    return ((*x)->first > (*y)->first) - ((*x)->first < (*y)->first);
}

static int by_id(const void *a, const void *b)
{
    const struct manifest_entry *const *x = a, *const *y = b;

    return ((*x)->id > (*y)->id) - ((*x)->id < (*y)->id);
}

static struct site_path cold_path(const struct inspection *l, uint64_t id)
{
    return site_path(&l->site, "cold-%016" PRIx64 ".seg", id);
}

/* Two neighbours in the order of their lanes. */
static void judge_lane(struct inspection *l, const struct manifest_entry *a,
                       const struct manifest_entry *b)
{
    struct site_path path = cold_path(l, b->id);

    if (a->destination == b->destination && a->end > b->first)
        inspect_problem(l->in, path.text, INSPECT_NOWHERE,
                        "it overlaps with 'cold-%016" PRIx64 ".seg' in lane %" PRIu64
                        ": one ends at %" PRIu64 ", the other begins at %" PRIu64
                        "; the log cannot be opened",
                        a->id, a->destination, a->end, b->first);
}

static void judge_ids(struct inspection *l, const struct manifest_entry *a,
                      const struct manifest_entry *b)
{
    struct site_path path = cold_path(l, b->id);

    if (a != NULL && a->id == b->id)
        inspect_problem(l->in, path.text, INSPECT_NOWHERE, "the manifest names it twice");
    if (b->id >= l->manifest.next_id)
        inspect_problem(l->in, path.text, INSPECT_NOWHERE,
                        "the manifest names it, and calls its number free");
}

static void judge_entries(struct inspection *l)
{
    size_t n = l->manifest.count;
    const struct manifest_entry **entries =
        MEM_NEW_ARRAY(const struct manifest_entry *, n > 0 ? n : 1);

    for (size_t i = 0; i < n; i++)
        entries[i] = &l->manifest.entries[i];
    qsort(entries, n, sizeof(*entries), by_lane);
    for (size_t i = 1; i < n; i++)
        judge_lane(l, entries[i - 1], entries[i]);
    qsort(entries, n, sizeof(*entries), by_id);
    for (size_t i = 0; i < n; i++)
        judge_ids(l, i > 0 ? entries[i - 1] : NULL, entries[i]);
    mem_free(entries);
}

/* ---- One file ---- */

struct lane_file {
    struct inspection *log;
    const struct manifest_entry *entry; /* NULL when the file is looked at alone */
    struct batch_walk walk;
    struct inspect_segment shown;
    struct batches_header header;
};

static void problem(struct lane_file *c, uint64_t at, const char *why)
{
    inspect_problem(c->log->in, c->shown.path, at, "%s", why);
}

/* Numbers from walk.next on, up to `end`, cannot be read. */
static void lost(struct lane_file *c, uint64_t at, const char *why, uint64_t end)
{
    ASSERT(c->walk.next < end && c->entry != NULL);
    c->shown.is_damaged = true;
    inspect_problem(c->log->in, c->shown.path, at,
                    "%s; records of lane %" PRIu64 " with numbers from %" PRIu64 " to %" PRIu64
                    " cannot be read; put the file back from a backup",
                    why, c->shown.destination, c->walk.next, end - 1);
}

static void judge_header(struct lane_file *c)
{
    const struct manifest_entry *e = c->entry;
    const struct batches_header *h = &c->header;

    c->shown.is_header_good = h->why == NULL;
    if (h->why != NULL) {
        problem(c, 0, h->why);
        return;
    }
    inspect_prove(c->log, 0, h->epoch);
    if (e != NULL && (h->id != e->id || h->destination != e->destination || h->first != e->first))
        problem(c, 0, "the header is that of another file than the one the manifest names");
}

/* The file's size against the entry. */
static void judge_size(struct lane_file *c)
{
    const struct manifest_entry *e = c->entry;

    if (e != NULL && c->shown.file_bytes != e->file_bytes)
        inspect_problem(c->log->in, c->shown.path,
                        c->shown.file_bytes < e->file_bytes ? c->shown.file_bytes : e->file_bytes,
                        "the file has %" PRIu64 " bytes, and the manifest says %" PRIu64,
                        c->shown.file_bytes, e->file_bytes);
}

/* Says what is wrong at `at`, where `rv` came instead of a batch (0: one that is out of place),
 * and finds the place to go on from. False when there is none. */
static bool step_over(struct lane_file *c, uint64_t at, int rv)
{
    struct batch_walk *w = &c->walk;
    uint64_t base = c->shown.end;
    const char *why = rv == 0 ? "the batch here does not belong here" : err_text(rv);

    if (rv == ERR_NOT_FOUND)
        why = batches_explain(w, at);
    if (w->next >= c->shown.end) {
        c->shown.is_damaged = true;
        problem(c, at, "the records go on to a number behind the last one that the manifest says");
        return false;
    }
    if (rv == 0 || rv == ERR_NOT_FOUND || rv == ERR_VERSION)
        rv = at % BATCH_ALIGN == 0 ? batches_resync(w, at, w->next, c->shown.end, &base)
                                   : ERR_NOT_FOUND;
    if (base > w->next)
        lost(c, at, why, base);
    else
        problem(c, at, why); /* what comes next is there all the same */
    return rv == 0;
}

/* Reads the batches up to where the entry says they end; a lone file as far as they go. */
static void read_batches(struct lane_file *c)
{
    struct batch_walk *w = &c->walk;
    uint64_t end = c->entry != NULL ? c->entry->bytes : c->shown.file_bytes;
    uint64_t limit = end < c->shown.file_bytes ? end : c->shown.file_bytes;
    struct batch_head head;
    const uint8_t *bytes;

    w->is_chain_known = true;
    w->chain = segment_cold_chain(c->shown.id);
    batches_seek(w, SEGMENT_HEADER_SIZE, limit);
    while (batches_at(w) < limit) {
        uint64_t at = batches_at(w);
        int rv = batches_next(w, &head, &bytes);

        if (rv == 0 && (head.attributes & BATCH_NUMBERED) != 0 && head.base >= w->next &&
            head.base < c->shown.end) {
            batches_take(w, at, &head, bytes);
            continue;
        }
        c->shown.bytes = at;
        if (c->entry == NULL || !step_over(c, at, rv))
            return;
    }
    c->shown.bytes = limit;
    if (limit < end && w->next < c->shown.end)
        lost(c, limit, "the file ends here", c->shown.end);
}

/* What was read against the entry; after damage there is nothing to compare. */
static void judge_records(struct lane_file *c)
{
    const struct manifest_entry *e = c->entry;

    if (e == NULL || c->shown.is_damaged)
        return;
    batches_index_end(&c->walk);
    if (c->shown.records != e->records)
        inspect_problem(c->log->in, c->shown.path, INSPECT_NOWHERE,
                        "it has %" PRIu64 " records, and the manifest says %" PRIu64,
                        c->shown.records, e->records);
    if (!inspect_reads_records(c->log))
        return;
    if (c->walk.chain != e->chain_end)
        problem(c, INSPECT_NOWHERE, "its last batch is not the one that the manifest says");
    if (c->walk.next != e->end)
        inspect_problem(c->log->in, c->shown.path, INSPECT_NOWHERE,
                        "its last number is %" PRIu64 ", and the manifest says %" PRIu64,
                        c->walk.next - 1, e->end - 1);
    if (c->shown.first_time_ms != e->first_time_ms || c->walk.time_ms != e->last_time_ms)
        problem(c, INSPECT_NOWHERE, "its first or last time is not the one that the manifest says");
}

/* The index of a lone file begins where the batches end. */
static void look_at_lone_index(struct lane_file *c)
{
    struct index_span span = {.first = c->shown.first,
                              .end = c->walk.next,
                              .at = c->shown.bytes,
                              .records = c->shown.records};

    c->shown.end = c->walk.next;
    if (!batches_index(&c->walk, &span))
        inspect_problem(c->log->in, c->shown.path, span.at,
                        "%s, nor the index of the batches before",
                        batches_explain(&c->walk, span.at));
}

static bool is_out_of_sight(const struct lane_file *c)
{
    const struct inspect *in = c->log->in;

    if (c->entry == NULL || in->verifies)
        return false;
    return c->shown.end <= in->from ||
           (c->shown.first > in->from && c->shown.first - in->from >= in->count);
}

static void look_at_open_file(struct lane_file *c)
{
    const struct inspect_visitor *v = &c->log->in->visitor;
    struct index_span span = {.first = c->shown.first, .end = c->shown.end};

    judge_header(c);
    judge_size(c);
    if (v->on_segment != NULL)
        v->on_segment(v->owner, &c->shown);
    if (c->entry != NULL) {
        span.at = c->entry->bytes;
        span.records = c->entry->records;
        c->shown.bytes = span.at;
        if (!batches_index(&c->walk, &span))
            problem(c, span.at,
                    "the index is missing or damaged; it is made again by reading the whole file");
    }
    if (inspect_reads_batches(c->log) && !is_out_of_sight(c)) {
        read_batches(c);
        c->shown.is_read = true;
        judge_records(c);
        inspect_prove(c->log, 0, c->walk.epoch);
    }
    if (c->entry == NULL)
        look_at_lone_index(c);
    if (v->on_segment_end != NULL)
        v->on_segment_end(v->owner, &c->shown);
}

static int look_at_file(struct lane_file *c)
{
    int rv = batches_open(&c->walk, c->log, &c->shown);

    if (rv != 0)
        return rv;
    rv = batches_header(c->log, c->walk.file, SEGMENT_COLD, &c->header);
    if (rv == 0 && c->entry == NULL && c->header.why == NULL) {
        c->shown.id = c->header.id;
        c->shown.destination = c->header.destination;
        c->shown.first = c->walk.next = c->header.first;
    }
    if (rv == 0)
        look_at_open_file(c);
    batches_close(&c->walk);
    return rv;
}

static void look_at_entry(struct inspection *l, const struct manifest_entry *e)
{
    struct site_path path = cold_path(l, e->id);
    struct lane_file c = {.log = l,
                          .entry = e,
                          .shown = {.path = path.text,
                                    .is_cold = true,
                                    .id = e->id,
                                    .destination = e->destination,
                                    .first = e->first,
                                    .end = e->end}};
    int rv = look_at_file(&c);

    if (rv != 0) {
        c.walk.next = e->first;
        lost(&c, INSPECT_NOWHERE, err_text(rv), e->end);
    }
    l->shown.cold_segments++;
    l->shown.cold_bytes += c.shown.file_bytes;
}

void inspect_lanes(struct inspection *l)
{
    judge_entries(l);
    for (size_t i = 0; i < l->manifest.count; i++)
        look_at_entry(l, &l->manifest.entries[i]);
}

int inspect_cold_file(struct inspection *l, const char *path)
{
    struct lane_file c = {.log = l,
                          .shown = {.path = path, .is_cold = true, .end = INSPECT_NOWHERE}};

    return look_at_file(&c);
}
