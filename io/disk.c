/* The thin front of every disk: what holds in all worlds is asserted here, then the world does
 * it. */
#include "io/disk.h"

#include "base/err.h"

static const unsigned all_open_flags = DISK_READ | DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE;

static bool is_path(const char *path)
{
    return path != NULL && path[0] != '\0';
}

static bool is_result(int rv)
{
    return rv <= 0;
}

int disk_open(struct disk *d, const char *path, unsigned flags, struct disk_file **out)
{
    struct disk_file *f = NULL;
    int rv = 0;

    ASSERT(is_path(path) && out != NULL);
    ASSERT((flags & ~all_open_flags) == 0 && (flags & (DISK_READ | DISK_WRITE)) != 0);
    ASSERT((flags & DISK_EXCLUSIVE) == 0 || (flags & DISK_CREATE) != 0);

    rv = d->ops->open(d, path, flags, &f);
    ASSERT(is_result(rv));
    if (rv != 0)
        return rv;
    ASSERT(f != NULL && f->disk == d);
    *out = f;
    return 0;
}

void disk_close(struct disk_file *f)
{
    if (f != NULL)
        f->disk->ops->close(f);
}

int disk_read(struct disk_file *f, void *buf, size_t size, uint64_t at, size_t *done)
{
    size_t n = 0;
    int rv = 0;

    ASSERT(buf != NULL && done != NULL);
    ASSERT(at <= (uint64_t)INT64_MAX && size <= (uint64_t)INT64_MAX - at);

    rv = f->disk->ops->read(f, buf, size, at, &n);
    ASSERT(is_result(rv));
    if (rv != 0)
        return rv;
    ASSERT(n <= size);
    *done = n;
    return 0;
}

int disk_read_all(struct disk_file *f, void *buf, size_t size, uint64_t at)
{
    size_t done = 0;
    int rv = disk_read(f, buf, size, at, &done);

    if (rv != 0)
        return rv;
    return done == size ? 0 : ERR_CORRUPT;
}

int disk_write(struct disk_file *f, const struct iovec *parts, int count, uint64_t at)
{
    uint64_t size = 0;
    int rv = 0;

    ASSERT(parts != NULL && count > 0);
    for (int i = 0; i < count; i++) {
        ASSERT(parts[i].iov_base != NULL || parts[i].iov_len == 0);
        size += parts[i].iov_len;
    }
    ASSERT(at <= (uint64_t)INT64_MAX && size <= (uint64_t)INT64_MAX - at);

    rv = f->disk->ops->write(f, parts, count, at);
    ASSERT(is_result(rv));
    return rv;
}

int disk_sync(struct disk_file *f)
{
    int rv = f->disk->ops->sync(f);

    ASSERT(is_result(rv));
    return rv;
}

int disk_write_back(struct disk_file *f, uint64_t at, uint64_t size)
{
    int rv = 0;

    ASSERT(size > 0 && at <= (uint64_t)INT64_MAX && size <= (uint64_t)INT64_MAX - at);
    rv = f->disk->ops->write_back(f, at, size);
    ASSERT(is_result(rv));
    return rv;
}

int disk_allocate(struct disk_file *f, uint64_t size)
{
    int rv = 0;

    ASSERT(size > 0 && size <= (uint64_t)INT64_MAX);
    rv = f->disk->ops->allocate(f, size);
    ASSERT(is_result(rv));
    return rv;
}

int disk_size(struct disk_file *f, uint64_t *out)
{
    int rv = 0;

    ASSERT(out != NULL);
    rv = f->disk->ops->size(f, out);
    ASSERT(is_result(rv));
    return rv;
}

int disk_rename(struct disk *d, const char *from, const char *to)
{
    int rv = 0;

    ASSERT(is_path(from) && is_path(to));
    rv = d->ops->rename(d, from, to);
    ASSERT(is_result(rv));
    return rv;
}

int disk_remove(struct disk *d, const char *path)
{
    int rv = 0;

    ASSERT(is_path(path));
    rv = d->ops->remove(d, path);
    ASSERT(is_result(rv));
    return rv;
}

int disk_make_dir(struct disk *d, const char *path)
{
    int rv = 0;

    ASSERT(is_path(path));
    rv = d->ops->make_dir(d, path);
    ASSERT(is_result(rv));
    return rv;
}

int disk_sync_dir(struct disk *d, const char *path)
{
    int rv = 0;

    ASSERT(is_path(path));
    rv = d->ops->sync_dir(d, path);
    ASSERT(is_result(rv));
    return rv;
}

int disk_list(struct disk *d, const char *path, disk_list_fn *fn, void *owner)
{
    int rv = 0;

    ASSERT(is_path(path) && fn != NULL);
    rv = d->ops->list(d, path, fn, owner);
    ASSERT(is_result(rv));
    return rv;
}

int disk_space(struct disk *d, const char *path, uint64_t *free_bytes, uint64_t *total_bytes)
{
    int rv = 0;

    ASSERT(is_path(path) && free_bytes != NULL && total_bytes != NULL);
    rv = d->ops->space(d, path, free_bytes, total_bytes);
    ASSERT(is_result(rv));
    ASSERT(rv != 0 || *free_bytes <= *total_bytes);
    return rv;
}

int disk_lock(struct disk *d, const char *path, struct disk_lock **out)
{
    struct disk_lock *l = NULL;
    int rv = 0;

    ASSERT(is_path(path) && out != NULL);
    rv = d->ops->lock(d, path, &l);
    ASSERT(is_result(rv));
    if (rv != 0)
        return rv;
    ASSERT(l != NULL && l->disk == d);
    *out = l;
    return 0;
}

void disk_unlock(struct disk_lock *l)
{
    if (l != NULL)
        l->disk->ops->unlock(l);
}
