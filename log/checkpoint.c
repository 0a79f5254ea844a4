/* Checkpoint files; see checkpoint.h. */
#include "log/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "log/statefile.h"

enum { VERSION = 1, NAME_SIZE = 64 };

static const char checkpoint_magic[] = "MRCHECK1";

int checkpoint_write(const struct site *s, uint64_t position, struct bytes content)
{
    struct statefile head = {.magic = checkpoint_magic, .version = VERSION};
    char name[NAME_SIZE];

    memcpy(head.id, s->id, SITE_ID_SIZE);
    head.generation = position;
    (void)snprintf(name, sizeof(name), "checkpoint-%016" PRIx64, position);
    return statefile_write(s->disk, s->dir, name, &head, content);
}

int checkpoint_read(const struct site *s, uint64_t position, uint8_t **content, size_t *size)
{
    struct statefile head = {.magic = checkpoint_magic, .version = VERSION};
    struct site_path path = site_path(s, "checkpoint-%016" PRIx64, position);
    int rv = statefile_read(s->disk, path.text, &head, content, size);

    if (rv != 0)
        return rv;
    if (head.generation != position || memcmp(head.id, s->id, SITE_ID_SIZE) != 0) {
        mem_free(*content);
        *content = NULL;
        return ERR_CORRUPT;
    }
    return 0;
}

int checkpoint_remove(const struct site *s, uint64_t position)
{
    struct site_path path = site_path(s, "checkpoint-%016" PRIx64, position);
    int rv = disk_remove(s->disk, path.text);

    return rv == ERR_NOT_FOUND ? 0 : rv;
}
