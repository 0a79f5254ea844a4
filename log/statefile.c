/* Reading and replacing of state files; see statefile.h. */
#include "log/statefile.h"

#include <stdio.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/err.h"
#include "base/mem.h"

enum { PATH_SIZE = 4096, CRC_FROM = 12 };

/* Joins dir, name and suffix; false when the result is too long. */
static bool join(char *out, const char *dir, const char *name, const char *suffix)
{
    int n = snprintf(out, PATH_SIZE, "%s/%s%s", dir, name, suffix);

    return n > 0 && n < PATH_SIZE;
}

static void head_write(uint8_t *head, const struct statefile *s, struct bytes content)
{
    uint32_t crc;

    ASSERT(strlen(s->magic) == STATEFILE_MAGIC_SIZE);
    memcpy(head, s->magic, STATEFILE_MAGIC_SIZE);
    put_le32(head + 12, s->version);
    memcpy(head + 16, s->id, STATEFILE_ID_SIZE);
    put_le64(head + 32, s->generation);
    put_le64(head + 40, content.size);
    crc = crc32c(head + CRC_FROM, STATEFILE_HEADER_SIZE - CRC_FROM);
    put_le32(head + 8, crc32c_extend(crc, content.data, content.size));
}

static int write_new(struct disk *d, const char *path, const uint8_t *head, struct bytes content)
{
    struct iovec parts[2] = {
        {.iov_base = (void *)(uintptr_t)head, .iov_len = STATEFILE_HEADER_SIZE},
        {.iov_base = (void *)(uintptr_t)content.data, .iov_len = content.size},
    };
    struct disk_file *f = NULL;
    int rv;

    rv = disk_remove(d, path);
    if (rv != 0 && rv != ERR_NOT_FOUND)
        return rv;
    rv = disk_open(d, path, DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE, &f);
    if (rv != 0)
        return rv;
    rv = disk_write(f, parts, content.size > 0 ? 2 : 1, 0);
    if (rv == 0)
        rv = disk_sync(f);
    disk_close(f);
    return rv;
}

int statefile_write(struct disk *d, const char *dir, const char *name, const struct statefile *s,
                    struct bytes content)
{
    char fresh[PATH_SIZE], final[PATH_SIZE];
    uint8_t head[STATEFILE_HEADER_SIZE];
    int rv;

    if (!join(fresh, dir, name, ".new") || !join(final, dir, name, ""))
        return ERR_RANGE;
    head_write(head, s, content);
    rv = write_new(d, fresh, head, content);
    if (rv == 0)
        rv = disk_rename(d, fresh, final);
    if (rv == 0)
        rv = disk_sync_dir(d, dir);
    return rv;
}

/* Checks header and content that were read as they are; `size` is that of the file. */
static int check_bytes(const uint8_t *bytes, size_t size, const struct statefile *s)
{
    if (memcmp(bytes, s->magic, STATEFILE_MAGIC_SIZE) != 0)
        return ERR_CORRUPT;
    if (get_le64(bytes + 40) != size - STATEFILE_HEADER_SIZE)
        return ERR_CORRUPT;
    if (crc32c(bytes + CRC_FROM, size - CRC_FROM) != get_le32(bytes + 8))
        return ERR_CORRUPT;
    return get_le32(bytes + 12) > s->version ? ERR_VERSION : 0;
}

/* Reads the whole file into new memory of *size bytes, at least a header. */
static int read_whole(struct disk *d, const char *path, uint8_t **out, size_t *size)
{
    struct disk_file *f = NULL;
    uint8_t *bytes = NULL;
    uint64_t length = 0;
    int rv = disk_open(d, path, DISK_READ, &f);

    if (rv != 0)
        return rv == ERR_INVALID ? ERR_CORRUPT : rv;
    rv = disk_size(f, &length);
    if (rv == 0 && length < STATEFILE_HEADER_SIZE)
        rv = ERR_CORRUPT;
    if (rv == 0 && (bytes = mem_try(length)) == NULL)
        rv = ERR_NO_MEMORY;
    if (rv == 0)
        rv = disk_read_all(f, bytes, length, 0);
    disk_close(f);
    if (rv != 0) {
        mem_free(bytes);
        return rv;
    }
    *out = bytes;
    *size = length;
    return 0;
}

int statefile_read(struct disk *d, const char *path, struct statefile *s, uint8_t **content,
                   size_t *size)
{
    uint8_t *bytes = NULL;
    size_t length = 0;
    int rv = read_whole(d, path, &bytes, &length);

    if (rv != 0)
        return rv;
    rv = check_bytes(bytes, length, s);
    if (rv != 0) {
        mem_free(bytes);
        return rv;
    }
    s->version = get_le32(bytes + 12);
    memcpy(s->id, bytes + 16, STATEFILE_ID_SIZE);
    s->generation = get_le64(bytes + 32);
    *size = length - STATEFILE_HEADER_SIZE;
    memmove(bytes, bytes + STATEFILE_HEADER_SIZE, *size);
    *content = bytes;
    return 0;
}
