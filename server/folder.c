/* Lists folders. */
#include "server/folder.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/disk.h"

/* What a listing looks for. */
struct search {
    struct folder *found;
    const char *path;
    const char *ending;
};

/* Takes the path. */
static void add(struct folder *f, char *path)
{
    f->paths = mem_grow(f->paths, f->count + 1, sizeof(f->paths[0]));
    f->paths[f->count++] = path;
}

static void take_name(void *owner, const char *name, bool is_dir)
{
    const struct search *s = owner;
    size_t size = strlen(name);
    size_t ending = strlen(s->ending);

    if (is_dir || s->found->count > FOLDER_FILES_MAX || size <= ending ||
        strcmp(name + size - ending, s->ending) != 0)
        return;
    add(s->found, mem_format("%s/%s", s->path, name));
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void folder_list(struct disk *d, const char *path, const char *ending, struct folder *out)
{
    struct search s = {.found = out, .path = path, .ending = ending};

    *out = (struct folder){.count = 0};
    if (disk_list(d, path, take_name, &s) != 0)
        add(out, mem_text(path)); /* a file, or its error is the one to say */
    else if (out->count > 0)
        qsort(out->paths, out->count, sizeof(out->paths[0]), compare);
}

void folder_release(struct folder *f)
{
    for (size_t i = 0; i < f->count; i++)
        mem_free(f->paths[i]);
    mem_free(f->paths);
    *f = (struct folder){.count = 0};
}
