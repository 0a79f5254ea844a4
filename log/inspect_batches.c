/* The batches of one segment under inspection; see inspect_batches.h. */
#include "log/inspect_batches.h"

#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "log/compress.h"

enum { WINDOW = 256 << 10, BASE_AT = 16, MARK_AT = 60 };

static const char batch_magic[4] = {'M', 'R', 'B', '1'};
static const char index_magic[8] = {'M', 'R', 'I', 'N', 'D', 'E', 'X', '1'};

int batches_open(struct batch_walk *w, struct inspection *l, struct inspect_segment *shown)
{
    int rv;

    ASSERT(shown->path != NULL && shown->batches == 0);
    memset(w, 0, sizeof(*w));
    w->log = l;
    w->shown = shown;
    w->next = shown->first;
    rv = disk_open(l->in->disk, shown->path, DISK_READ, &w->file);
    if (rv == 0)
        rv = disk_size(w->file, &shown->file_bytes);
    if (rv != 0) {
        disk_close(w->file);
        return rv;
    }
    scan_init(&w->scan, w->file, site_mark(&l->site), WINDOW);
    return 0;
}

void batches_close(struct batch_walk *w)
{
    ASSERT(w->file != NULL);
    scan_release(&w->scan);
    index_free(w->index);
    disk_close(w->file);
}

/* ---- Header ---- */

int batches_header(const struct inspection *l, struct disk_file *f, uint8_t kind,
                   struct batches_header *out)
{
    uint8_t sector[SEGMENT_SECTOR_SIZE] = {0};
    struct segment found = {0};
    size_t done = 0;
    int rv = disk_read(f, sector, sizeof(sector), 0, &done);

    if (rv != 0)
        return rv;
    *out = (struct batches_header){0};
    rv = segment_header_decode(&l->site, sector, &found, &out->epoch);
    if (done < sizeof(sector))
        out->why = "the file ends within its header";
    else if (rv == ERR_VERSION)
        out->why = "the header was written by a newer version";
    else if (rv != 0)
        out->why = "the header is damaged";
    else if (found.kind != kind)
        out->why = "the header is that of another kind of segment";
    out->id = found.id;
    out->destination = found.destination;
    out->first = found.first;
    out->bytes_before = found.bytes_before;
    out->chain_before = found.chain_before;
    return 0;
}

/* ---- Index ---- */

bool batches_index(struct batch_walk *w, const struct index_span *span)
{
    const struct inspect_visitor *v = &w->log->in->visitor;
    int rv = ERR_CORRUPT;

    ASSERT(w->index == NULL);
    if (span->at < w->shown->file_bytes)
        rv = index_read(w->file, &w->log->site, span, &w->index);
    w->shown->is_index_good = rv == 0;
    if (rv != 0)
        return false;
    w->shown->index_count = w->index->count;
    for (size_t i = 0; v->on_index_entry != NULL && i < w->index->count; i++) {
        struct inspect_index_entry e = {.path = w->shown->path,
                                        .number = w->index->entries[i].number,
                                        .at = w->index->entries[i].at,
                                        .time_ms = w->index->entries[i].time_ms};
        v->on_index_entry(v->owner, &e);
    }
    return true;
}

/* The index is wrong about a place; it is not looked at any more. */
static void blame_index(struct batch_walk *w, uint64_t at, const char *what)
{
    inspect_problem(w->log->in, w->shown->path, at,
                    "the index %s; records may not be found although they are there", what);
    w->shown->is_index_good = false;
    index_free(w->index);
    w->index = NULL;
}

/* Compares the batch at `at` with the entry that is due. */
static void check_entry(struct batch_walk *w, uint64_t at, const struct batch_head *head)
{
    const struct index_entry *e;

    if (w->index == NULL || w->entry == w->index->count)
        return;
    e = &w->index->entries[w->entry];
    if (e->at < at)
        blame_index(w, e->at, "names this place, where no batch begins");
    else if (w->entry == 0 && e->at > at)
        blame_index(w, at, "does not begin with the first batch");
    else if (e->at == at && (e->number != head->base || e->time_ms != head->time_ms))
        blame_index(w, at, "tells another number or time than the batch here");
    else if (e->at == at)
        w->entry++;
}

/* Entries of a damaged stretch cannot be compared. */
static void skip_entries(struct batch_walk *w, uint64_t to)
{
    while (w->index != NULL && w->entry < w->index->count && w->index->entries[w->entry].at < to)
        w->entry++;
}

void batches_index_end(struct batch_walk *w)
{
    if (w->index != NULL && w->entry < w->index->count)
        blame_index(w, w->index->entries[w->entry].at, "names this place, where no batch begins");
}

/* ---- Records ---- */

/* The payload as it was before compression. Errors: ERR_CORRUPT, ERR_NO_MEMORY. */
static int open_payload(struct inspection *l, const struct batch_head *head, const uint8_t *bytes,
                        struct bytes *out)
{
    const uint8_t *stored = bytes + BATCH_HEADER_SIZE;
    int rv;

    if ((head->attributes & BATCH_ZSTD) == 0) {
        *out = bytes_of(stored, head->raw_size);
        return 0;
    }
    if (l->raw_capacity < head->raw_size) {
        mem_free(l->raw);
        l->raw_capacity = 0;
        l->raw = mem_try(head->raw_size);
        if (l->raw == NULL)
            return ERR_NO_MEMORY;
        l->raw_capacity = head->raw_size;
    }
    rv = decompress_payload(stored, head->length - BATCH_HEADER_SIZE, l->raw, head->raw_size);
    *out = bytes_of(l->raw, head->raw_size);
    return rv;
}

static void show_record(const struct inspect *in, const struct record *r)
{
    if (in->visitor.on_record == NULL || r->number < in->from)
        return;
    if (r->number - in->from < in->count)
        in->visitor.on_record(in->visitor.owner, r);
}

/* What is wrong with a record that could be read, or NULL. */
static const char *judge_record(const struct batch_walk *w, const struct batch_head *head,
                                uint32_t i, const struct record *r)
{
    if ((head->attributes & BATCH_NUMBERED) == 0)
        return NULL;
    if (r->number < w->next)
        return "the numbers of its records do not rise";
    if (r->number >= w->shown->end)
        return "it has records that belong behind the end of the file";
    if (i == 0 && (r->number != head->base || r->time_ms != head->time_ms))
        return "its first record has another number or time than its header says";
    return r->time_ms < w->time_ms ? "the times of its records go back" : NULL;
}

/* Reads the records of a batch; w->next and w->time_ms move with those of a cold one. Says what
 * is wrong with them, or NULL. */
static const char *take_records(struct batch_walk *w, const struct batch_head *head,
                                const uint8_t *bytes)
{
    struct bytes payload = {0};
    struct record r;
    size_t at = 0;
    int rv = open_payload(w->log, head, bytes, &payload);

    if (rv != 0)
        return rv == ERR_NO_MEMORY ? err_text(rv) : "its payload cannot be decompressed";
    for (uint32_t i = 0; i < head->count; i++) {
        const char *why = NULL;

        if (record_read(head, payload, &at, i, &r) != 0)
            return "a record does not fit into its payload";
        why = judge_record(w, head, i, &r);
        if (why != NULL)
            return why;
        show_record(w->log->in, &r);
        if (w->shown->is_cold) {
            w->next = r.number + 1;
            w->time_ms = r.time_ms;
        }
    }
    return at == payload.size ? NULL : "there is something behind its last record";
}

/* ---- Batches ---- */

void batches_seek(struct batch_walk *w, uint64_t from, uint64_t to)
{
    ASSERT(from % BATCH_ALIGN == 0);
    scan_seek(&w->scan, from, to > from ? to : from);
}

uint64_t batches_at(const struct batch_walk *w)
{
    return scan_at(&w->scan);
}

/* Numbers that would not fit are not believed. */
int batches_next(struct batch_walk *w, struct batch_head *head, const uint8_t **bytes)
{
    int rv = scan_next(&w->scan, head, bytes);

    return rv == 0 && head->base >= UINT64_MAX - head->count ? ERR_NOT_FOUND : rv;
}

static void show_batch(const struct batch_walk *w, uint64_t at, const struct batch_head *head)
{
    const struct inspect_visitor *v = &w->log->in->visitor;
    struct inspect_batch b = {.path = w->shown->path,
                              .at = at,
                              .base = head->base,
                              .count = head->count,
                              .length = head->length,
                              .raw_size = head->raw_size,
                              .crc = head->crc,
                              .chain = head->chain,
                              .is_numbered = (head->attributes & BATCH_NUMBERED) != 0,
                              .is_compressed = (head->attributes & BATCH_ZSTD) != 0,
                              .epoch = head->epoch,
                              .durable = head->durable,
                              .time_ms = head->time_ms};

    if (v->on_batch != NULL)
        v->on_batch(v->owner, &b);
}

/* What is wrong between a batch and what came before it, or NULL. */
static const char *judge_batch(const struct batch_walk *w, const struct batch_head *head)
{
    if (w->is_chain_known && head->chain != w->chain)
        return "it does not follow from the batch before it: the chain is broken";
    if (head->epoch < w->epoch)
        return "its epoch is lower than that of the batch before it";
    if (head->durable < w->durable || head->durable > head->base)
        return "what it says about durability cannot be";
    return head->time_ms < w->time_ms ? "its time is before that of the batch before it" : NULL;
}

static void count_batch(struct batch_walk *w, const struct batch_head *head)
{
    struct inspect_segment *g = w->shown;

    if (g->batches == 0) {
        g->first_epoch = head->epoch;
        g->first_time_ms = head->time_ms;
    }
    g->batches++;
    g->records += head->count;
    g->last_epoch = head->epoch;
    g->last_time_ms = w->time_ms;
}

void batches_take(struct batch_walk *w, uint64_t at, const struct batch_head *head,
                  const uint8_t *bytes)
{
    struct inspect *in = w->log->in;
    const char *why = judge_batch(w, head);
    const char *why_records = NULL;

    ASSERT(at >= SEGMENT_HEADER_SIZE && at % BATCH_ALIGN == 0);
    ASSERT(head->count > 0 && head->base <= UINT64_MAX - head->count);
    if (why != NULL)
        inspect_problem(in, w->shown->path, at, "number %" PRIu64 ": %s", head->base, why);
    check_entry(w, at, head);
    show_batch(w, at, head);
    w->time_ms = head->time_ms;
    if (inspect_reads_records(w->log))
        why_records = take_records(w, head, bytes);
    if (why_records != NULL) {
        w->shown->is_damaged = true;
        inspect_problem(in, w->shown->path, at,
                        "the batch of number %" PRIu64 " has a good checksum, but %s", head->base,
                        why_records);
    }
    w->next = w->next > head->base + head->count ? w->next : head->base + head->count;
    w->is_chain_known = true;
    w->chain = head->crc;
    w->epoch = head->epoch > w->epoch ? head->epoch : w->epoch;
    w->durable = head->durable > w->durable ? head->durable : w->durable;
    count_batch(w, head);
}

int batches_resync(struct batch_walk *w, uint64_t at, uint64_t lowest, uint64_t below,
                   uint64_t *base)
{
    struct batch_head head;
    const uint8_t *bytes;
    uint64_t end = w->scan.end;
    int rv = ERR_NOT_FOUND;

    ASSERT(at % BATCH_ALIGN == 0 && lowest <= below);
    if (end < BATCH_ALIGN || at > end - BATCH_ALIGN)
        return ERR_NOT_FOUND;
    scan_seek(&w->scan, at + BATCH_ALIGN, end);
    while ((rv = scan_resync(&w->scan)) == 0) {
        uint64_t here = scan_at(&w->scan);

        rv = batches_next(w, &head, &bytes);
        if (rv == 0 && head.base >= lowest && head.base < below) {
            scan_seek(&w->scan, here, end);
            skip_entries(w, here);
            w->is_chain_known = false;
            *base = head.base;
            return 0;
        }
        if (rv != 0 && rv != ERR_NOT_FOUND)
            return rv;
    }
    return rv;
}

/* ---- What is there instead ---- */

/* The bytes where a header would be; *done are there. */
static const char *read_place(const struct batch_walk *w, uint64_t at, uint8_t *bytes, size_t *done)
{
    int rv = disk_read(w->file, bytes, BATCH_HEADER_SIZE, at, done);

    *done = rv == 0 ? *done : 0;
    return rv == 0 ? NULL : err_text(rv);
}

static bool is_all_zero(const uint8_t *bytes, size_t size)
{
    size_t i = 0;

    while (i < size && bytes[i] == 0)
        i++;
    return i == size;
}

const char *batches_explain(const struct batch_walk *w, uint64_t at)
{
    uint8_t bytes[BATCH_HEADER_SIZE] = {0};
    size_t done = 0;
    const char *why = read_place(w, at, bytes, &done);
    uint32_t length = batch_claimed_length(bytes, sizeof(bytes));

    if (why != NULL)
        return why;
    if (done < sizeof(bytes))
        return "the file ends here";
    if (is_all_zero(bytes, sizeof(bytes)))
        return "there are zeros";
    if (memcmp(bytes, batch_magic, sizeof(batch_magic)) != 0)
        return "no batch begins here";
    if (length == 0)
        return "the batch here has an impossible length";
    if (length > w->shown->file_bytes - at)
        return "the batch here goes on behind the end of the file";
    if (get_le32(bytes + MARK_AT) != site_mark(&w->log->site))
        return "the batch here belongs to another log, or is damaged";
    return "the batch here has a wrong checksum";
}

enum inspect_tail batches_tail(const struct batch_walk *w, uint64_t at)
{
    uint8_t bytes[BATCH_HEADER_SIZE] = {0};
    size_t done = 0;

    if (read_place(w, at, bytes, &done) != NULL || is_all_zero(bytes, sizeof(bytes)))
        return INSPECT_TAIL_CLEAN;
    if (done == sizeof(bytes) && memcmp(bytes, index_magic, sizeof(index_magic)) == 0)
        return INSPECT_TAIL_SEALED;
    if (memcmp(bytes, batch_magic, sizeof(batch_magic)) == 0 &&
        get_le64(bytes + BASE_AT) == w->next &&
        get_le32(bytes + MARK_AT) == site_mark(&w->log->site))
        return INSPECT_TAIL_TORN;
    return INSPECT_TAIL_OLD;
}
