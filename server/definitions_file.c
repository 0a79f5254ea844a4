/* Imports files of definitions. */
#include "server/definitions_file.h"

#include <inttypes.h>

#include "base/diag.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/units.h"
#include "broker/parameters.h"
#include "io/disk.h"
#include "io/real.h"
#include "server/folder.h"
#include "transfer/transfer.h"

enum { PIECE_SIZE = MIB, HASH_SIZE = 32 };
#define FILE_SIZE_MAX ((size_t)1 << 30)

/* Where it is kept which file was imported last, as RabbitMQ keeps it. */
static const char hash_name[] = "imported_definition_hash_value";

struct loading {
    struct io *io;
    bool is_done;
    int err;
    struct err_note note;
};

/* ---- read ---- */

static int read_whole(struct disk_file *f, struct buf *out)
{
    size_t got = PIECE_SIZE;

    while (got == PIECE_SIZE) {
        uint8_t *piece = buf_extend(out, PIECE_SIZE);
        int rv = piece == NULL ? buf_error(out)
                               : disk_read(f, piece, PIECE_SIZE, out->size - PIECE_SIZE, &got);

        if (rv != 0)
            return rv;
        out->size -= PIECE_SIZE - got;
    }
    return 0;
}

static int read_file(const char *path, struct buf *out, struct err_note *note)
{
    struct disk_file *f = NULL;
    char *real = NULL;
    int rv = real_path(path, &real);

    if (rv == 0)
        rv = disk_open(real_disk(), real, DISK_READ, &f);
    if (rv == 0)
        rv = read_whole(f, out);
    disk_close(f);
    mem_free(real);
    return rv == 0 ? 0
                   : err_note(note, rv, "cannot read the definitions in '%s': %s", path,
                              rv == ERR_INVALID ? "it is not a plain file" : err_text(rv));
}

/* ---- was it imported before? ---- */

/* Of all the files, one after the other. */
static int hash_files(const struct folder *files, char out[HASH_SIZE], struct err_note *note)
{
    uint64_t hash = 0;
    int used = 0;
    int rv = 0;

    for (size_t i = 0; i < files->count && rv == 0; i++) {
        struct buf text;

        buf_init(&text, FILE_SIZE_MAX);
        rv = read_file(files->paths[i], &text, note);
        hash = hash64(buf_view(&text), hash);
        buf_release(&text);
    }
    used = snprintf(out, HASH_SIZE, "\"%016" PRIx64 "\"", hash);
    ASSERT(used > 0 && used < HASH_SIZE);
    return rv;
}

static bool is_unchanged(const struct definitions_file *f, const char *hash)
{
    struct global_parameter p;

    return broker_find_global(f->broker, bytes_text(hash_name), &p) &&
           bytes_equal(p.value, bytes_text(hash));
}

/* ---- import ---- */

static void on_done(void *owner, int err, const struct err_note *note)
{
    struct loading *l = (struct loading *)owner;

    l->is_done = true;
    l->err = err;
    l->note = *note;
    real_io_stop(l->io);
}

static int import(const struct definitions_file *f, const char *path, const json_t *document,
                  struct err_note *note)
{
    struct loading l = {.io = f->io};
    struct transfer_import *im = transfer_import(&(struct transfer_import_open){
        .broker = f->broker, .document = document, .owner = &l, .done = on_done});

    real_io_run(f->io);
    if (!l.is_done) {
        transfer_import_cancel(im);
        return err_note(note, ERR_CLOSED,
                        "it was told to stop before the definitions in '%s' were imported", path);
    }
    if (l.err == 0)
        return 0;
    return err_note(note, l.err, "cannot import the definitions in '%s': %s", path, l.note.text);
}

static int import_text(const struct definitions_file *f, const char *path, struct bytes text,
                       struct err_note *note)
{
    json_error_t error;
    json_t *document = json_loadb((const char *)text.data, text.size, 0, &error);
    int rv = 0;

    if (document == NULL)
        return err_note(note, ERR_INVALID,
                        "the definitions in '%s' are not valid JSON: line %d: %s", path, error.line,
                        error.text);
    if (json_is_object(document))
        rv = import(f, path, document, note);
    else
        rv = err_note(note, ERR_INVALID, "the definitions in '%s' are not an object of JSON", path);
    json_decref(document);
    return rv;
}

static int import_file(const struct definitions_file *f, const char *path, struct err_note *note)
{
    struct buf text;
    int rv = 0;

    buf_init(&text, FILE_SIZE_MAX);
    rv = read_file(path, &text, note);
    if (rv == 0)
        rv = import_text(f, path, buf_view(&text), note);
    buf_release(&text);
    if (rv == 0)
        diag(DIAG_INFO, "server", "definitions are imported file=%s", path);
    return rv;
}

/* ---- all of them ---- */

static int load_files(const struct definitions_file *f, const struct folder *files,
                      struct err_note *note)
{
    struct global_parameter mark = {.name = bytes_text(hash_name)};
    char hash[HASH_SIZE];
    int rv = 0;

    if (f->skips_unchanged)
        rv = hash_files(files, hash, note);
    if (rv != 0)
        return rv;
    if (f->skips_unchanged && is_unchanged(f, hash)) {
        diag(DIAG_INFO, "server",
             "definitions are not imported again: they have not changed file=%s", files->paths[0]);
        return 0;
    }
    for (size_t i = 0; i < files->count && rv == 0; i++)
        rv = import_file(f, files->paths[i], note);
    if (rv != 0 || !f->skips_unchanged)
        return rv;
    mark.value = bytes_text(hash);
    return broker_put_global(f->broker, &mark, note);
}

/* Adds what a path names; takes the paths of its files. */
static int gather(const char *path, struct folder *out, struct err_note *note)
{
    struct folder more;

    folder_list(real_disk(), path, ".json", &more);
    out->paths = mem_grow(out->paths, out->count + more.count + 1, sizeof(out->paths[0]));
    for (size_t i = 0; i < more.count; i++)
        out->paths[out->count++] = more.paths[i];
    mem_free(more.paths);
    if (more.count > FOLDER_FILES_MAX)
        return err_note(note, ERR_FULL, "there are more than %d files of definitions in '%s'",
                        FOLDER_FILES_MAX, path);
    if (more.count == 0)
        diag(DIAG_WARNING, "server", "there are no definitions, *.json, in the folder '%s'", path);
    return 0;
}

int definitions_file_load(const struct definitions_file *f, struct err_note *note)
{
    struct folder files = {.count = 0};
    int rv = 0;

    for (size_t i = 0; i < DEFINITIONS_SOURCES && rv == 0; i++)
        if (f->paths[i][0] != '\0')
            rv = gather(f->paths[i], &files, note);
    if (rv == 0 && files.count > 0)
        rv = load_files(f, &files, note);
    folder_release(&files);
    return rv;
}
