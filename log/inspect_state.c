/* Looking at state files: format, manifest, checkpoints. Their checks are made here once more,
 * step by step, because a person wants to know which of them failed; content is read in pieces
 * (I3). */
#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "log/inspect_parts.h"
#include "log/statefile.h"

enum { PIECE = 64 << 10, CRC_FROM = 12, VERSION_MAX = 1, SEGMENT_ID_AT = 16 };

const char inspect_manifest_magic[] = "MRMANI01";
const char inspect_checkpoint_magic[] = "MRCHECK1";
const char inspect_format_magic[] = "MRFORMAT";

/* Adds bytes [at, end) of the file to a CRC. */
static int crc_of_file(struct disk_file *f, uint64_t at, uint64_t end, uint32_t *crc)
{
    uint8_t *piece = mem_alloc(PIECE);
    int rv = 0;

    while (rv == 0 && at < end) {
        size_t size = end - at < PIECE ? (size_t)(end - at) : PIECE;

        rv = disk_read_all(f, piece, size, at);
        if (rv == 0)
            *crc = crc32c_extend(*crc, piece, size);
        at += size;
    }
    mem_free(piece);
    return rv;
}

static int bad(struct inspect_state *out, int err, const char *why)
{
    ASSERT(err != 0);
    out->why = why;
    return err;
}

/* Checks an open file of `length` bytes. */
static int check_file(struct disk_file *f, uint64_t length, struct inspect_state *out)
{
    uint8_t head[STATEFILE_HEADER_SIZE];
    uint32_t crc;
    int rv;

    if (length < sizeof(head))
        return bad(out, ERR_CORRUPT, length == 0 ? "it is empty" : "it ends within its header");
    rv = disk_read_all(f, head, sizeof(head), 0);
    if (rv != 0)
        return rv;
    memcpy(out->magic, head, INSPECT_MAGIC_SIZE);
    out->crc = get_le32(head + 8);
    out->version = get_le32(head + 12);
    memcpy(out->id, head + 16, INSPECT_ID_SIZE);
    out->generation = get_le64(head + 32);
    out->content_bytes = get_le64(head + 40);
    if (out->content_bytes != length - sizeof(head))
        return bad(out, ERR_CORRUPT, "its size is not the one its header tells");
    crc = crc32c(head + CRC_FROM, sizeof(head) - CRC_FROM);
    rv = crc_of_file(f, sizeof(head), length, &crc);
    if (rv != 0)
        return rv;
    if (crc != out->crc)
        return bad(out, ERR_CORRUPT, "its checksum is wrong");
    if (out->version > VERSION_MAX)
        return bad(out, ERR_VERSION, "it was written by a newer version");
    return 0;
}

int inspect_state_read(struct inspect *in, const char *path, struct inspect_state *out)
{
    struct disk_file *f = NULL;
    uint64_t length = 0;
    int rv = disk_open(in->disk, path, DISK_READ, &f);

    memset(out, 0, sizeof(*out));
    out->path = path;
    if (rv == 0)
        rv = disk_size(f, &length);
    if (rv == 0)
        rv = check_file(f, length, out);
    disk_close(f);
    if (rv != 0 && out->why == NULL)
        out->why = err_text(rv);
    return rv;
}

int inspect_state_expect(struct inspect *in, const char *path, const char *magic,
                         struct inspect_state *out)
{
    int rv = inspect_state_read(in, path, out);

    if (rv == 0 && memcmp(out->magic, magic, INSPECT_MAGIC_SIZE) != 0)
        return bad(out, ERR_CORRUPT, "it is a state file of another kind");
    return rv;
}

/* ---- Format ---- */

void inspect_format(struct inspect *in, const char *path, bool has_partitions)
{
    struct inspect_state s;
    int rv = inspect_state_expect(in, path, inspect_format_magic, &s);

    if (in->visitor.on_format != NULL && rv != ERR_NOT_FOUND)
        in->visitor.on_format(in->visitor.owner, &s);
    if (rv == ERR_NOT_FOUND && !has_partitions)
        inspect_note(in, path, INSPECT_NOWHERE,
                     "it does not exist; the data directory was never completed");
    else if (rv == ERR_NOT_FOUND)
        inspect_problem(
            in, path, INSPECT_NOWHERE,
            "it does not exist although there are partitions; the node refuses to start");
    else if (rv != 0)
        inspect_problem(in, path, INSPECT_NOWHERE, "%s; the node refuses to start", s.why);
}

/* ---- Manifest ---- */

bool inspect_take_id(struct inspection *l, const char *path)
{
    uint8_t sector[SEGMENT_SECTOR_SIZE] = {0};
    struct segment found = {0};
    struct disk_file *f = NULL;
    uint64_t epoch = 0;
    size_t done = 0;
    int rv = disk_open(l->in->disk, path, DISK_READ, &f);

    if (rv == 0)
        rv = disk_read(f, sector, sizeof(sector), 0, &done);
    disk_close(f);
    memcpy(l->site.id, sector + SEGMENT_ID_AT, SITE_ID_SIZE);
    return rv == 0 && segment_header_decode(&l->site, sector, &found, &epoch) == 0;
}

/* Whose log it is, by the first segment of these that says so. */
static bool find_id_in(struct inspection *l, const struct listing_numbers *n, const char *kind)
{
    for (size_t i = 0; i < n->count; i++) {
        struct site_path path = site_path(&l->site, "%s-%016" PRIx64 ".seg", kind, n->items[i]);

        if (inspect_take_id(l, path.text))
            return true;
    }
    return false;
}

/* Whose log it is, by the first file that says so and is good. */
static bool find_id(struct inspection *l)
{
    struct listing_numbers *c = &l->listing.checkpoint;
    struct inspect_state s;

    for (size_t i = 0; i < c->count; i++) {
        struct site_path path = site_path(&l->site, "checkpoint-%016" PRIx64, c->items[i]);

        if (inspect_state_expect(l->in, path.text, inspect_checkpoint_magic, &s) == 0) {
            memcpy(l->site.id, s.id, SITE_ID_SIZE);
            return true;
        }
    }
    return find_id_in(l, &l->listing.hot, "hot") || find_id_in(l, &l->listing.cold, "cold");
}

/* Shows one copy. Returns 0 when it is good as a file. */
static int look_at_copy(struct inspection *l, const char *name, struct inspect_state *s,
                        struct site_path *path)
{
    struct inspect *in = l->in;
    int rv;

    *path = site_path(&l->site, "%s", name);
    rv = inspect_state_expect(in, path->text, inspect_manifest_magic, s);
    if (in->visitor.on_manifest_copy != NULL && rv != ERR_NOT_FOUND)
        in->visitor.on_manifest_copy(in->visitor.owner, s);
    return rv;
}

static void show_manifest(struct inspection *l)
{
    const struct inspect_visitor *v = &l->in->visitor;
    struct inspect_manifest m = {.generation = l->manifest.generation,
                                 .hot_first = l->manifest.hot_first,
                                 .next_id = l->manifest.next_id,
                                 .durable = l->manifest.durable,
                                 .count = l->manifest.count};

    if (v->on_manifest != NULL)
        v->on_manifest(v->owner, &m);
    for (size_t i = 0; v->on_entry != NULL && i < l->manifest.count; i++) {
        const struct manifest_entry *from = &l->manifest.entries[i];
        struct inspect_entry e = {.id = from->id,
                                  .destination = from->destination,
                                  .first = from->first,
                                  .end = from->end,
                                  .records = from->records,
                                  .live = from->live,
                                  .file_bytes = from->file_bytes,
                                  .first_time_ms = from->first_time_ms,
                                  .last_time_ms = from->last_time_ms};
        v->on_entry(v->owner, &e);
    }
}

/* Says what is wrong with one copy while the other may be good. */
static void judge_copy(struct inspection *l, int rv, const struct inspect_state *s,
                       bool is_other_good)
{
    const char *so = is_other_good
                         ? "the other copy rules, and this one is made anew at the next opening"
                         : "the log cannot be opened";

    if (rv == ERR_VERSION)
        so = "the log cannot be opened by this version";
    if (rv == 0)
        return;
    /* A log that was never completed may have one copy, before its first segment. */
    if (rv == ERR_NOT_FOUND && l->listing.hot.count == 0 && l->listing.cold.count == 0)
        inspect_note(l->in, s->path, INSPECT_NOWHERE,
                     "it does not exist; the log is not complete yet");
    else
        inspect_problem(l->in, s->path, INSPECT_NOWHERE, "%s; %s", s->why, so);
}

/* Two good copies must tell one story. */
static void compare_copies(struct inspection *l, const struct inspect_state *a,
                           const struct inspect_state *b)
{
    ASSERT(a->why == NULL && b->why == NULL);
    if (memcmp(a->id, b->id, INSPECT_ID_SIZE) != 0)
        inspect_problem(l->in, b->path, INSPECT_NOWHERE,
                        "it belongs to another log than '%s'; one of them must go", a->path);
    else if (a->generation == b->generation && a->crc != b->crc)
        inspect_problem(l->in, b->path, INSPECT_NOWHERE,
                        "it has the generation of '%s' and says something else", a->path);
}

void inspect_manifest(struct inspection *l)
{
    struct inspect_state a, b;
    struct site_path path_a, path_b;
    int rv_a = look_at_copy(l, "manifest", &a, &path_a);
    int rv_b = look_at_copy(l, "manifest.copy", &b, &path_b);
    bool is_wounded = false;
    int rv = ERR_CORRUPT;

    judge_copy(l, rv_a, &a, rv_b == 0);
    judge_copy(l, rv_b, &b, rv_a == 0);
    if (rv_a == 0 && rv_b == 0)
        compare_copies(l, &a, &b);
    if (rv_a == 0 || rv_b == 0)
        rv = manifest_read(&l->site, &l->manifest, &is_wounded);
    l->has_manifest = rv == 0;
    l->is_id_known = rv == 0 || find_id(l);
    if (l->has_manifest) {
        inspect_prove(l, l->manifest.durable, 0);
        show_manifest(l);
    }
    if (rv_a == 0 && rv_b == 0 && (rv != 0 || is_wounded))
        inspect_problem(l->in, path_a.text, INSPECT_NOWHERE,
                        "it or its copy cannot be used although both checksums are right");
}

/* ---- Checkpoints ---- */

void inspect_checkpoints(struct inspection *l)
{
    const struct inspect_visitor *v = &l->in->visitor;

    for (size_t i = 0; i < l->listing.checkpoint.count; i++) {
        uint64_t position = l->listing.checkpoint.items[i];
        struct site_path path = site_path(&l->site, "checkpoint-%016" PRIx64, position);
        struct inspect_state s;
        int rv = inspect_state_expect(l->in, path.text, inspect_checkpoint_magic, &s);

        if (rv == 0 && l->is_id_known && memcmp(s.id, l->site.id, SITE_ID_SIZE) != 0)
            rv = bad(&s, ERR_CORRUPT, "it belongs to another log");
        if (rv == 0 && s.generation != position)
            rv = bad(&s, ERR_CORRUPT, "its name tells another position than its header");
        if (v->on_checkpoint != NULL)
            v->on_checkpoint(v->owner, &s);
        if (rv == 0) {
            l->good_checkpoints++;
            l->newest_checkpoint = position; /* they come rising */
        } else {
            inspect_problem(l->in, path.text, INSPECT_NOWHERE, "%s; %s", s.why,
                            rv == ERR_VERSION ? "the log cannot be opened by this version"
                                              : "it is passed over, and the one before it must do");
        }
    }
}

void inspect_checkpoints_end(struct inspection *l)
{
    const struct listing_numbers *c = &l->listing.checkpoint;

    for (size_t i = 0; i < c->count; i++) {
        struct site_path path = site_path(&l->site, "checkpoint-%016" PRIx64, c->items[i]);

        if (c->items[i] > l->shown.next)
            inspect_problem(l->in, path.text, INSPECT_NOWHERE,
                            "it is newer than the log, which ends at position %" PRIu64
                            "; it is passed over",
                            l->shown.next);
        else if (c->items[i] < l->shown.first)
            inspect_note(l->in, path.text, INSPECT_NOWHERE,
                         "it ends before the hot log starts and is of no use any more");
    }
    if (l->good_checkpoints == 0 && l->shown.first > 0)
        inspect_problem(
            l->in, l->site.dir, INSPECT_NOWHERE,
            "there is no good checkpoint for the records that were sorted already; the state "
            "is made from the cold files, and settled messages may come back");
}
