/* Looking at one file alone: its first bytes tell what it is, and it tells itself whose it is. */
#include <string.h>

#include "base/bytes.h"
#include "log/batch.h"
#include "log/inspect_parts.h"
#include "log/segment.h"

enum { MAGIC = INSPECT_MAGIC_SIZE, KIND_AT = 14, MARK_AT = 60 };

/* The start of a file, and the header of the batch that a segment begins with; zeros where it
 * ends. */
struct start {
    uint8_t file[BATCH_HEADER_SIZE];
    uint8_t batch[BATCH_HEADER_SIZE];
};

static int read_start(struct inspect *in, const char *path, struct start *out)
{
    struct disk_file *f = NULL;
    size_t done = 0;
    int rv = disk_open(in->disk, path, DISK_READ, &f);

    memset(out, 0, sizeof(*out));
    if (rv == 0)
        rv = disk_read(f, out->file, sizeof(out->file), 0, &done);
    if (rv == 0)
        rv = disk_read(f, out->batch, sizeof(out->batch), SEGMENT_HEADER_SIZE, &done);
    disk_close(f);
    return rv;
}

static bool begins_with(const uint8_t *bytes, const char *magic, size_t size)
{
    return memcmp(bytes, magic, size) == 0;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

/* A segment whose header is lost is known by its name, and its log by the first batch. */
static int look_at_segment(struct inspection *l, const char *path, const struct start *s)
{
    uint64_t id = 0;
    bool is_cold = s->file[KIND_AT] == SEGMENT_COLD;

    if (!inspect_take_id(l, path)) {
        memset(l->site.id, 0, sizeof(l->site.id));
        memcpy(l->site.id, s->batch + MARK_AT, sizeof(uint32_t));
        is_cold = site_parse_name(last_part(path), "cold", ".seg", &id);
    }
    l->is_id_known = true;
    return is_cold ? inspect_cold_file(l, path) : inspect_hot_file(l, path);
}

static int look_at_state(struct inspection *l, const char *path, const char *magic,
                         void (*show)(void *owner, const struct inspect_state *s))
{
    struct inspect_state s;
    int rv = inspect_state_expect(l->in, path, magic, &s);

    if (show != NULL)
        show(l->in->visitor.owner, &s);
    if (rv != 0)
        inspect_problem(l->in, path, INSPECT_NOWHERE, "%s", s.why);
    return 0;
}

/* Errors: ERR_INVALID when nothing tells what it is, those of the disk. */
static int look_at_file(struct inspection *l, const char *path)
{
    const struct inspect_visitor *v = &l->in->visitor;
    struct start s;
    int rv = read_start(l->in, path, &s);

    if (rv != 0)
        return rv;
    if (begins_with(s.file, "MRSEGM01", MAGIC) || begins_with(s.batch, "MRB1", 4))
        return look_at_segment(l, path, &s);
    if (begins_with(s.file, "MRMARK01", MAGIC))
        return inspect_watermark_file(l, path);
    if (begins_with(s.file, inspect_manifest_magic, MAGIC))
        return look_at_state(l, path, inspect_manifest_magic, v->on_manifest_copy);
    if (begins_with(s.file, inspect_checkpoint_magic, MAGIC))
        return look_at_state(l, path, inspect_checkpoint_magic, v->on_checkpoint);
    if (begins_with(s.file, inspect_format_magic, MAGIC))
        return look_at_state(l, path, inspect_format_magic, v->on_format);
    return ERR_INVALID;
}

int inspect_file(struct inspect *in, const char *path, struct err_note *note)
{
    struct inspection *l = inspection_new(in, "");
    int rv;

    l->is_alone = true;
    rv = look_at_file(l, path);
    inspection_free(l);
    if (rv == ERR_INVALID)
        return err_note(note, rv, "'%s' is no file of a log: nothing in it tells what it is", path);
    return rv == 0 ? 0 : err_note(note, rv, "cannot read '%s': %s", path, err_text(rv));
}
