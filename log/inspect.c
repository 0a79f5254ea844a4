/* The order in which a directory is looked at; see inspect.h. */
#include "log/inspect.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "log/inspect_parts.h"

enum { NAME_ROOM = 128, DEEP_NAME_ROOM = 256, TEXT_SIZE = 512, BLOCK_BYTES = 1 << 20 };

/* ---- Findings ---- */

static void PRINTF_LIKE(3, 0)
    tell(const struct inspect *in, struct inspect_finding f, const char *format, va_list args)
{
    char text[TEXT_SIZE];

    ASSERT(f.path != NULL);
    (void)vsnprintf(text, sizeof(text), format, args);
    f.text = text;
    if (in->visitor.on_finding != NULL)
        in->visitor.on_finding(in->visitor.owner, &f);
}

void inspect_problem(struct inspect *in, const char *path, uint64_t at, const char *format, ...)
{
    va_list args;

    in->problems++;
    va_start(args, format);
    tell(in, (struct inspect_finding){INSPECT_PROBLEM, path, at, NULL}, format, args);
    va_end(args);
}

void inspect_note(struct inspect *in, const char *path, uint64_t at, const char *format, ...)
{
    va_list args;

    in->notes++;
    va_start(args, format);
    tell(in, (struct inspect_finding){INSPECT_NOTE, path, at, NULL}, format, args);
    va_end(args);
}

bool inspect_reads_records(const struct inspection *l)
{
    return l->is_alone || l->in->verifies || l->in->visitor.on_record != NULL;
}

bool inspect_reads_batches(const struct inspection *l)
{
    return inspect_reads_records(l) || l->in->visitor.on_batch != NULL;
}

void inspect_prove(struct inspection *l, uint64_t position, uint64_t epoch)
{
    l->proven = position > l->proven ? position : l->proven;
    l->shown.epoch = epoch > l->shown.epoch ? epoch : l->shown.epoch;
}

/* ---- One log ---- */

struct inspection *inspection_new(struct inspect *in, const char *dir)
{
    struct inspection *l = MEM_NEW(struct inspection);

    ASSERT(strlen(dir) + NAME_ROOM <= SITE_PATH_SIZE);
    l->in = in;
    l->site.disk = in->disk;
    l->site.dir = dir;
    l->site.options.block_bytes = BLOCK_BYTES;
    l->watermark_epoch = INSPECT_NOWHERE;
    l->shown.path = dir;
    return l;
}

void inspection_free(struct inspection *l)
{
    listing_release(&l->listing);
    manifest_release(&l->manifest);
    mem_free(l->raw);
    mem_free(l);
}

/* A batch of an epoch that the watermark has never seen: the watermark came back from the past. */
static void judge_epochs(struct inspection *l)
{
    struct site_path path = site_path(&l->site, "watermark");

    if (l->watermark_epoch < l->shown.epoch)
        inspect_problem(l->in, path.text, INSPECT_NOWHERE,
                        "it knows epochs up to %" PRIu64 ", and the log has epoch %" PRIu64
                        "; an old version of it has come back",
                        l->watermark_epoch, l->shown.epoch);
}

/* True when nothing says that there ever was a log here. */
static bool is_untouched(const struct inspection *l)
{
    struct site_path path = site_path(&l->site, "manifest");
    struct site_path copy = site_path(&l->site, "manifest.copy");
    struct inspect_state s;

    return l->listing.hot.count == 0 && l->listing.cold.count == 0 &&
           l->listing.checkpoint.count == 0 &&
           inspect_state_read(l->in, path.text, &s) == ERR_NOT_FOUND &&
           inspect_state_read(l->in, copy.text, &s) == ERR_NOT_FOUND;
}

static void look_at_parts(struct inspection *l)
{
    inspect_manifest(l);
    if (!l->is_id_known)
        inspect_problem(l->in, l->site.dir, INSPECT_NOWHERE,
                        "no file tells which log this is; nothing in the segments can be checked");
    inspect_watermark(l);
    inspect_checkpoints(l);
    inspect_prove(l, l->newest_checkpoint, 0);
    if (l->is_id_known) {
        inspect_row(l);
        inspect_checkpoints_end(l);
        inspect_lanes(l);
        judge_epochs(l);
    }
}

static int look_at_log(struct inspect *in, const char *dir, struct err_note *note)
{
    struct inspection *l = inspection_new(in, dir);
    const struct inspect_visitor *v = &in->visitor;
    int rv = listing_read(&l->site, &l->listing);

    if (rv != 0) {
        inspection_free(l);
        return err_note(note, rv, "cannot list '%s': %s", dir, err_text(rv));
    }
    if (v->on_log != NULL)
        v->on_log(v->owner, dir);
    l->shown.is_begun = !is_untouched(l);
    if (l->shown.is_begun)
        look_at_parts(l);
    else
        inspect_note(in, dir, INSPECT_NOWHERE, "the log was never completed and holds nothing");
    inspect_others(l);
    memcpy(l->shown.id, l->site.id, INSPECT_ID_SIZE);
    l->shown.durable = l->proven;
    if (v->on_log_end != NULL)
        v->on_log_end(v->owner, &l->shown);
    inspection_free(l);
    return 0;
}

/* ---- A data directory ---- */

/* What the names in a directory say about it. */
struct names {
    struct inspect *in;
    const char *path;
    uint64_t *partitions;
    size_t count;
    size_t capacity;
    bool is_log;
    bool is_data;
};

static bool has_prefix(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

static bool is_log_name(const char *name)
{
    uint64_t value = 0;

    return strcmp(name, "manifest") == 0 || strcmp(name, "manifest.copy") == 0 ||
           strcmp(name, "watermark") == 0 || site_parse_name(name, "hot", ".seg", &value) ||
           site_parse_name(name, "cold", ".seg", &value) ||
           site_parse_name(name, "checkpoint", "", &value);
}

/* Partitions are "partition-<n>" as datadir.h writes them: no leading zeros. */
static bool parse_partition(const char *name, uint64_t *out)
{
    const char *digits = name + strlen("partition-");

    return has_prefix(name, "partition-") && (digits[0] != '0' || digits[1] == '\0') &&
           parse_u64(bytes_text(digits), 0, UINT32_MAX, out) == 0;
}

static void on_name(void *owner, const char *name, bool is_dir)
{
    struct names *n = owner;
    uint64_t value = 0;

    if (is_dir && parse_partition(name, &value)) {
        n->is_data = true;
        if (n->count == n->capacity) {
            n->capacity = n->capacity > 0 ? n->capacity * 2 : 8;
            n->partitions = mem_grow(n->partitions, n->capacity, sizeof(*n->partitions));
        }
        n->partitions[n->count++] = value;
    } else if (!is_dir && (strcmp(name, "format") == 0 || strcmp(name, "LOCK") == 0)) {
        n->is_data = true;
    } else if (!is_dir && is_log_name(name)) {
        n->is_log = true;
    }
}

static void on_data_name(void *owner, const char *name, bool is_dir)
{
    struct names *n = owner;
    uint64_t value = 0;
    char *path;

    if (is_dir ? parse_partition(name, &value)
               : strcmp(name, "format") == 0 || strcmp(name, "LOCK") == 0)
        return;
    path = mem_format("%s/%s", n->path, name);
    if (n->in->visitor.on_other != NULL)
        n->in->visitor.on_other(n->in->visitor.owner, INSPECT_FOREIGN, path);
    inspect_note(n->in, path, INSPECT_NOWHERE, "it is none of the data directory's files");
    mem_free(path);
}

static int compare(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static void look_at_data(struct inspect *in, struct names *n)
{
    char *path = mem_format("%s/format", n->path);
    int rv;

    inspect_format(in, path, n->count > 0);
    mem_free(path);
    if (n->count > 1)
        qsort(n->partitions, n->count, sizeof(*n->partitions), compare);
    for (size_t i = 0; i < n->count; i++) {
        path = mem_format("%s/partition-%" PRIu64, n->path, n->partitions[i]);
        rv = look_at_log(in, path, NULL);
        if (rv != 0)
            inspect_problem(in, path, INSPECT_NOWHERE, "it cannot be listed: %s", err_text(rv));
        mem_free(path);
    }
    rv = disk_list(in->disk, n->path, on_data_name, n);
    if (rv != 0)
        inspect_problem(in, n->path, INSPECT_NOWHERE, "it cannot be listed: %s", err_text(rv));
}

int inspect_directory(struct inspect *in, const char *path, struct err_note *note)
{
    struct names n = {.in = in, .path = path};
    int rv;

    if (path[0] == '\0' || strlen(path) + DEEP_NAME_ROOM > SITE_PATH_SIZE)
        return err_note(note, ERR_RANGE, "the path '%s' is too long or empty", path);
    rv = disk_list(in->disk, path, on_name, &n);
    if (rv != 0)
        rv = err_note(note, rv, "cannot list '%s': %s", path, err_text(rv));
    else if (n.count == 0 && n.is_log)
        rv = look_at_log(in, path, note);
    else if (n.is_data)
        look_at_data(in, &n);
    else
        rv = err_note(
            note, ERR_INVALID,
            "'%s' is neither a log nor a data directory: it has no manifest, no segment and no "
            "partition",
            path);
    mem_free(n.partitions);
    return rv;
}
