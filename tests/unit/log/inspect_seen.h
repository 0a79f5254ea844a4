/* What an inspection tells a visitor, kept for tests: as text, and all of it. */
#ifndef TESTS_UNIT_LOG_INSPECT_SEEN_H
#define TESTS_UNIT_LOG_INSPECT_SEEN_H

#include "base/crc32c.h"
#include "base/hash.h"
#include "base/mem.h"
#include "log/inspect.h"
#include "tests/lib/leaks.h"
#include "tests/unit/log/inspect_log.h"

enum { SEEN_MAX = 512, TOLD_TEXT_MAX = 1 << 16 };

/* ---- As text ---- */

/* What an inspection told, as text, one line for each thing; and a digest of all records. */
struct told {
    char text[TOLD_TEXT_MAX];
    size_t size;
    uint64_t records;
    uint64_t digest;
    struct inspect_log log;
    struct inspect_segment last; /* the last segment told of */
    struct inspect in;
};

static inline void PRINTF_LIKE(2, 3) told_add(struct told *t, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(t->text + t->size, sizeof(t->text) - t->size, format, args);
    va_end(args);
    if (n > 0 && (size_t)n < sizeof(t->text) - t->size)
        t->size += (size_t)n;
}

static inline void told_finding(void *owner, const struct inspect_finding *f)
{
    struct told *t = owner;

    assert_true(f->path[0] != '\0' && f->text[0] != '\0');
    told_add(t, "%s %s", f->severity == INSPECT_PROBLEM ? "problem" : "note", f->path);
    if (f->at != INSPECT_NOWHERE)
        told_add(t, ":%" PRIu64, f->at);
    told_add(t, ": %s\n", f->text);
}

static inline void told_record(void *owner, const struct record *r)
{
    struct told *t = owner;

    t->records++;
    t->digest += r->number * 3 + (uint64_t)r->time_ms * 5 + r->kind;
    t->digest = t->digest * 7 + hash64(r->key, 0);
    t->digest = t->digest * 7 + hash64(r->body, 0);
}

static inline void told_segment_end(void *owner, const struct inspect_segment *g)
{
    struct told *t = owner;

    t->last = *g;
    t->last.path = NULL;
}

static inline void told_log_end(void *owner, const struct inspect_log *l)
{
    struct told *t = owner;

    t->log = *l;
    t->log.path = NULL;
}

/* Prepares to look at a disk with --verify. */
static inline void told_init(struct told *t, struct sim_disk *disk)
{
    memset(t, 0, sizeof(*t));
    t->in = (struct inspect){.disk = sim_disk_as_disk(disk),
                             .verifies = true,
                             .count = UINT64_MAX,
                             .visitor = {.owner = t,
                                         .on_finding = told_finding,
                                         .on_record = told_record,
                                         .on_segment_end = told_segment_end,
                                         .on_log_end = told_log_end}};
}

/* Verifies the directory "log". */
static inline void demo_inspect(struct sim_disk *disk, struct told *t)
{
    struct err_note note = {{0}};

    told_init(t, disk);
    assert_int_equal(inspect_directory(&t->in, "log", &note), 0);
    assert_int_equal(sim_disk_open_files(disk), 0);
}

/* ---- All of it ---- */

/* Everything a visitor can see of a log. */
struct seen {
    struct told told;
    struct inspect_batch batches[SEEN_MAX];
    size_t batch_count;
    struct inspect_segment segments[SEEN_MAX];
    size_t segment_count;
    size_t entries;
    size_t slots;
    size_t checkpoints;
    size_t copies;
    size_t index_entries;
    size_t formats;
    size_t logs;
    size_t others[INSPECT_FOREIGN + 1];
    char names[SEEN_MAX][64];
};

static inline void on_batch(void *owner, const struct inspect_batch *b)
{
    struct seen *s = owner;

    assert_true(s->batch_count < SEEN_MAX);
    (void)snprintf(s->names[s->batch_count], sizeof(s->names[0]), "%s", b->path);
    s->batches[s->batch_count] = *b;
    s->batches[s->batch_count].path = s->names[s->batch_count];
    s->batch_count++;
}

static inline void on_segment_end(void *owner, const struct inspect_segment *g)
{
    struct seen *s = owner;

    assert_true(s->segment_count < SEEN_MAX);
    s->segments[s->segment_count++] = *g;
}

static inline void on_entry(void *owner, const struct inspect_entry *e)
{
    assert_true(e->first < e->end && e->records > 0);
    ((struct seen *)owner)->entries++;
}

static inline void on_slot(void *owner, const struct inspect_slot *slot)
{
    assert_int_equal(slot->at % 4096, 0);
    ((struct seen *)owner)->slots += slot->is_good ? 1 : 0;
}

static inline void on_checkpoint(void *owner, const struct inspect_state *st)
{
    ((struct seen *)owner)->checkpoints += st->why == NULL ? 1 : 0;
}

static inline void on_copy(void *owner, const struct inspect_state *st)
{
    ((struct seen *)owner)->copies += st->why == NULL ? 1 : 0;
}

static inline void on_format(void *owner, const struct inspect_state *st)
{
    ((struct seen *)owner)->formats += st->why == NULL ? 1 : 0;
}

static inline void on_index_entry(void *owner, const struct inspect_index_entry *e)
{
    assert_int_equal(e->at % 512, 0);
    ((struct seen *)owner)->index_entries++;
}

static inline void on_log(void *owner, const char *path)
{
    (void)path;
    ((struct seen *)owner)->logs++;
}

static inline void on_other(void *owner, enum inspect_other what, const char *path)
{
    assert_non_null(path);
    ((struct seen *)owner)->others[what]++;
}

/* Prepares to see everything; the findings and records go to s->told, which is the first field. */
static inline void seen_init(struct seen *s, struct sim_disk *disk)
{
    memset(s, 0, sizeof(*s));
    told_init(&s->told, disk);
    s->told.in.visitor.on_batch = on_batch;
    s->told.in.visitor.on_segment_end = on_segment_end;
    s->told.in.visitor.on_entry = on_entry;
    s->told.in.visitor.on_slot = on_slot;
    s->told.in.visitor.on_checkpoint = on_checkpoint;
    s->told.in.visitor.on_manifest_copy = on_copy;
    s->told.in.visitor.on_format = on_format;
    s->told.in.visitor.on_index_entry = on_index_entry;
    s->told.in.visitor.on_log = on_log;
    s->told.in.visitor.on_other = on_other;
}

static inline struct seen *see(struct sim_disk *disk)
{
    struct seen *s = MEM_NEW(struct seen);
    struct err_note note = {{0}};

    seen_init(s, disk);
    assert_int_equal(inspect_directory(&s->told.in, "log", &note), 0);
    return s;
}

/* Asserts that the text has each of the given parts, and frees what was seen. */
static inline void assert_told(struct seen *s, size_t problems, const char *part, const char *more)
{
    if (s->told.in.problems != problems || strstr(s->told.text, part) == NULL ||
        strstr(s->told.text, more) == NULL)
        fail_msg("%" PRIu64 " problems, and not '%s' and '%s' in:\n%s", s->told.in.problems, part,
                 more, s->told.text);
    mem_free(s);
}

/* The batch number `i` of those in hot segments, from the end when negative. */
static inline const struct inspect_batch *hot_batch(const struct seen *s, int i)
{
    size_t from = 0, to = 0;

    while (to < s->batch_count && strstr(s->names[to], "hot-") != NULL)
        to++;
    return &s->batches[i >= 0 ? from + (size_t)i : to - (size_t)-i];
}

/* Puts other bytes into a file. */
static inline void patch(struct demo *d, const char *path, uint64_t at, const void *bytes,
                         size_t size)
{
    uint64_t length = sim_disk_file_size(d->disk, path);
    uint8_t *all = mem_alloc(length);

    assert_true(at + size <= length);
    sim_disk_peek(d->disk, path, 0, all, length);
    memcpy(all + at, bytes, size);
    sim_disk_put(d->disk, path, all, length);
    mem_free(all);
}

/* Replaces a state file by one with other fields and a right checksum. */
static inline void forge(struct demo *d, const char *path, size_t at, uint64_t value)
{
    uint8_t bytes[1024];
    uint64_t size = sim_disk_file_size(d->disk, path);

    assert_true(size <= sizeof(bytes));
    sim_disk_peek(d->disk, path, 0, bytes, size);
    put_le64(bytes + at, value);
    put_le32(bytes + 8, crc32c(bytes + 12, size - 12));
    sim_disk_put(d->disk, path, bytes, size);
}

#endif
