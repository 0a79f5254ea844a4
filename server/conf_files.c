/* Reads configuration files, and folders of them, through the disk. */
#include "server/conf_files.h"

#include <string.h>

#include "base/mem.h"
#include "io/disk.h"
#include "io/real.h"
#include "server/folder.h"

/* Takes the bytes. */
static void push(struct conf_files *out, const char *name, uint8_t *data, size_t size)
{
    out->texts = mem_grow(out->texts, out->count + 1, sizeof(out->texts[0]));
    out->texts[out->count++] =
        (struct conf_text){.name = mem_text(name), .text = bytes_of(data, size)};
}

static int read_file(struct disk *d, const char *path, struct conf_files *out)
{
    struct disk_file *f = NULL;
    uint8_t *data = NULL;
    char *real = NULL;
    size_t size = 0;
    int rv = real_path(path, &real);

    if (rv == 0)
        rv = disk_open(d, real, DISK_READ, &f);
    if (rv == 0) {
        data = mem_alloc(CONF_SIZE_MAX + 1);
        rv = disk_read(f, data, CONF_SIZE_MAX + 1, 0, &size);
    }
    disk_close(f);
    mem_free(real);
    if (rv == 0)
        push(out, path, data, size);
    else
        mem_free(data);
    return rv;
}

static int read_named(struct disk *d, const char *path, struct conf_files *out,
                      struct err_note *note)
{
    int rv = out->count < CONF_FILES_MAX ? read_file(d, path, out) : ERR_FULL;

    if (rv == ERR_FULL)
        return err_note(note, rv, "there are more than %d configuration files", CONF_FILES_MAX);
    if (rv != 0)
        return err_note(note, rv, "cannot read the configuration '%s': %s", path,
                        rv == ERR_INVALID ? "it is not a plain file" : err_text(rv));
    return 0;
}

int conf_files_read(struct disk *d, const char *path, struct conf_files *out, struct err_note *note)
{
    struct folder f;
    int rv = 0;

    folder_list(d, path, ".conf", &f);
    for (size_t i = 0; i < f.count && rv == 0; i++)
        rv = read_named(d, f.paths[i], out, note);
    folder_release(&f);
    return rv;
}

void conf_files_add(struct conf_files *out, const char *name, const char *text)
{
    size_t size = strlen(text);

    push(out, name, (uint8_t *)mem_text(text), size);
}

void conf_files_release(struct conf_files *f)
{
    for (size_t i = 0; i < f->count; i++) {
        mem_free((void *)(uintptr_t)f->texts[i].name);
        mem_free((void *)(uintptr_t)f->texts[i].text.data);
    }
    mem_free(f->texts);
    *f = (struct conf_files){0};
}
