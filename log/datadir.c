/* The data directory: lock, format, partitions; see datadir.h. */
#include "log/datadir.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/parse.h"
#include "io/disk.h"
#include "io/io.h"
#include "log/statefile.h"

enum { NAME_ROOM = 256 };

static const char format_magic[] = "MRFORMAT";

struct datadir {
    struct disk *disk;
    struct disk_lock *lock;
    char *path;
    uint8_t id[DATADIR_ID_SIZE];
};

static struct datadir_path inside(const char *path, const char *name)
{
    struct datadir_path out;
    int n = snprintf(out.text, sizeof(out.text), "%s/%s", path, name);

    ASSERT(n > 0 && (size_t)n < sizeof(out.text));
    return out;
}

/* The directory that holds the last part of a path, whose name must be made durable. */
static struct datadir_path parent_of(const char *path)
{
    struct datadir_path out;
    const char *slash = strrchr(path, '/');
    size_t n = slash == NULL ? 0 : (size_t)(slash - path);

    if (slash == NULL)
        return (struct datadir_path){"."};
    if (n == 0)
        return (struct datadir_path){"/"};
    ASSERT(n < sizeof(out.text));
    memcpy(out.text, path, n);
    out.text[n] = '\0';
    return out;
}

static void pass_over(void *owner, const char *name, bool is_dir)
{
    (void)owner;
    (void)name;
    (void)is_dir;
}

/* Takes a directory that was there. Its name is made durable too: whoever made it may not have
 * come that far. A parent that may not be read, or cannot be synced, had it made for us. */
static int adopt(struct disk *disk, const char *path, const char *parent)
{
    int rv = disk_list(disk, path, pass_over, NULL);

    if (rv != 0)
        return rv;
    rv = disk_sync_dir(disk, parent);
    return rv == ERR_DENIED || rv == ERR_INVALID ? 0 : rv;
}

/* Makes a directory durably; one that is there is fine. */
static int make(struct disk *disk, const char *path, struct err_note *note)
{
    struct datadir_path parent = parent_of(path);
    int rv = disk_make_dir(disk, path);

    if (rv == 0)
        rv = disk_sync_dir(disk, parent.text);
    else if (rv == ERR_EXISTS)
        rv = adopt(disk, path, parent.text);
    if (rv == ERR_INVALID)
        return err_note(note, rv, "'%s' is not a directory", path);
    return rv == 0 ? 0
                   : err_note(note, rv, "cannot make the directory '%s': %s", path, err_text(rv));
}

static int make_format(struct datadir *d, struct io *io, struct err_note *note)
{
    struct statefile head = {.magic = format_magic, .version = DATADIR_FORMAT, .generation = 1};
    int rv;

    put_le64(d->id, io_random(io));
    put_le64(d->id + 8, io_random(io));
    memcpy(head.id, d->id, sizeof(head.id));
    rv = statefile_write(d->disk, d->path, "format", &head, bytes_of(NULL, 0));
    return rv == 0 ? 0 : err_note(note, rv, "cannot write '%s/format': %s", d->path, err_text(rv));
}

static void on_name(void *owner, const char *name, bool is_dir)
{
    bool *has_partitions = owner;

    if (is_dir && strncmp(name, "partition-", 10) == 0)
        *has_partitions = true;
}

/* No format file: right for a new directory, wrong for one that has partitions. */
static int begin_format(struct datadir *d, struct io *io, struct err_note *note)
{
    bool has_partitions = false;
    int rv = disk_list(d->disk, d->path, on_name, &has_partitions);

    if (rv != 0)
        return err_note(note, rv, "cannot list '%s': %s", d->path, err_text(rv));
    if (has_partitions)
        return err_note(note, ERR_CORRUPT,
                        "'%s' has partitions but no file 'format'; put it back from a backup",
                        d->path);
    return make_format(d, io, note);
}

static int check_format(struct datadir *d, struct io *io, struct err_note *note)
{
    struct statefile head = {.magic = format_magic, .version = DATADIR_FORMAT};
    struct datadir_path path = inside(d->path, "format");
    uint8_t *content = NULL;
    size_t size = 0;
    int rv = statefile_read(d->disk, path.text, &head, &content, &size);

    if (rv == ERR_NOT_FOUND)
        return begin_format(d, io, note);
    if (rv == ERR_VERSION)
        return err_note(note, rv,
                        "'%s' was written by a newer version; this program knows formats up to %d",
                        d->path, DATADIR_FORMAT);
    if (rv == ERR_CORRUPT)
        return err_note(note, rv, "'%s' is damaged; put it back from a backup", path.text);
    if (rv != 0)
        return err_note(note, rv, "cannot read '%s': %s", path.text, err_text(rv));
    mem_free(content);
    memcpy(d->id, head.id, sizeof(d->id));
    return 0;
}

static int take_lock(struct datadir *d, struct err_note *note)
{
    struct datadir_path path = inside(d->path, "LOCK");
    int rv = disk_lock(d->disk, path.text, &d->lock);

    if (rv == ERR_BUSY)
        return err_note(note, rv,
                        "the data directory '%s' is in use by another process; stop it or choose "
                        "another directory with --data-dir",
                        d->path);
    return rv == 0 ? 0 : err_note(note, rv, "cannot lock '%s': %s", path.text, err_text(rv));
}

/* The path without slashes at its end, as new memory: what comes before the last one is then the
 * directory that holds its name. */
static char *without_slashes(const char *path)
{
    char *out = mem_text(path);

    for (size_t n = strlen(out); n > 1 && out[n - 1] == '/'; n--)
        out[n - 1] = '\0';
    return out;
}

int datadir_open(struct io *io, const char *path, struct datadir **out, struct err_note *note)
{
    struct datadir *d;
    int rv;

    if (path[0] == '\0')
        return err_note(note, ERR_RANGE, "the data directory has no path");
    if (strlen(path) + NAME_ROOM > DATADIR_PATH_SIZE)
        return err_note(note, ERR_RANGE, "the path of the data directory is too long: '%s'", path);
    d = MEM_NEW(struct datadir);
    d->disk = io->disk;
    d->path = without_slashes(path);
    rv = make(d->disk, d->path, note);
    if (rv == 0)
        rv = take_lock(d, note);
    if (rv == 0)
        rv = check_format(d, io, note);
    if (rv != 0) {
        datadir_close(d);
        return rv;
    }
    *out = d;
    return 0;
}

void datadir_close(struct datadir *d)
{
    if (d == NULL)
        return;
    if (d->lock != NULL)
        disk_unlock(d->lock);
    mem_free(d->path);
    mem_free(d);
}

int datadir_partition(struct datadir *d, unsigned n, struct datadir_path *out,
                      struct err_note *note)
{
    char name[NAME_ROOM];
    int rv;

    (void)snprintf(name, sizeof(name), "partition-%u", n);
    *out = inside(d->path, name);
    rv = make(d->disk, out->text, note);
    return rv;
}

/* What counting the partitions has met. */
struct met {
    uint64_t count;
    uint64_t end; /* behind the highest number */
};

static void on_partition(void *owner, const char *name, bool is_dir)
{
    struct met *m = owner;
    uint64_t number = 0;

    if (!is_dir || strncmp(name, "partition-", 10) != 0 ||
        parse_u64(bytes_text(name + 10), 0, UINT32_MAX - 1, &number) != 0)
        return;
    m->count++;
    m->end = number >= m->end ? number + 1 : m->end;
}

int datadir_count_partitions(struct datadir *d, unsigned *count, struct err_note *note)
{
    struct met met = {0};
    int rv = disk_list(d->disk, d->path, on_partition, &met);

    if (rv != 0)
        return err_note(note, rv, "cannot list '%s': %s", d->path, err_text(rv));
    if (met.count != met.end)
        return err_note(note, ERR_CORRUPT,
                        "'%s' has a partition-%" PRIu64 " but not all before it; put them back "
                        "from a backup",
                        d->path, met.end - 1);
    *count = (unsigned)met.end;
    return 0;
}

const uint8_t *datadir_id(const struct datadir *d)
{
    return d->id;
}
