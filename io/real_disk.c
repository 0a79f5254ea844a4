/* The real disk: plain system calls on plain files, every one of them blocking.
 *
 * A path may be anything by the time it is opened. So it is opened without waiting (O_NONBLOCK, for
 * fifos), without following a link in place of the file (O_NOFOLLOW), and looked at afterwards. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/disk.h"
#include "io/real.h"
#include "io/real_errno.h"

enum {
    FILE_MODE = 0600,
    DIR_MODE = 0700,
    ZEROS_SIZE = 64 * 1024, /* one write of the slow way to reserve room */
};

struct real_file {
    struct disk_file base;
    int fd;
};

struct real_lock {
    struct disk_lock base;
    int fd;
};

static struct real_file *real_file_of(struct disk_file *f)
{
    ASSERT(f->disk == real_disk());
    return CONTAINER_OF(f, struct real_file, base);
}

/* Closes without losing the errno that the caller is about to report. */
static void close_quietly(int fd)
{
    int number = errno;

    close(fd);
    errno = number;
}

/* Opens a plain file; anything else there is ERR_INVALID. */
static int open_plain(const char *path, int flags, int *out)
{
    struct stat st;
    int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, FILE_MODE);

    if (fd == -1)
        return real_errno(errno);
    if (fstat(fd, &st) == -1) {
        close_quietly(fd);
        return real_errno(errno);
    }
    if (!S_ISREG(st.st_mode)) {
        close(fd);
        return ERR_INVALID;
    }
    *out = fd;
    return 0;
}

static int system_flags(unsigned flags)
{
    int result = 0;

    if ((flags & DISK_READ) != 0 && (flags & DISK_WRITE) != 0)
        result = O_RDWR;
    else if ((flags & DISK_WRITE) != 0)
        result = O_WRONLY;
    else
        result = O_RDONLY;
    if ((flags & DISK_CREATE) != 0)
        result |= O_CREAT;
    if ((flags & DISK_EXCLUSIVE) != 0)
        result |= O_EXCL;
    return result;
}

static int real_open_file(struct disk *d, const char *path, unsigned flags, struct disk_file **out)
{
    struct real_file *f = NULL;
    int fd = -1;
    int rv = 0;

    ASSERT((flags & (DISK_READ | DISK_WRITE)) != 0);
    ASSERT((flags & DISK_EXCLUSIVE) == 0 || (flags & DISK_CREATE) != 0);

    rv = open_plain(path, system_flags(flags), &fd);
    if (rv != 0)
        return rv;
    f = MEM_NEW(struct real_file);
    f->base.disk = d;
    f->fd = fd;
    *out = &f->base;
    return 0;
}

static void real_close_file(struct disk_file *base)
{
    struct real_file *f = real_file_of(base);

    /* What close() reports about earlier writes, disk_sync() has reported or nobody asked. */
    close(f->fd);
    mem_free(f);
}

static int real_read(struct disk_file *base, void *buf, size_t size, uint64_t at, size_t *done)
{
    struct real_file *f = real_file_of(base);
    size_t got = 0;

    while (got < size) {
        ssize_t n = pread(f->fd, (char *)buf + got, size - got, (off_t)(at + got));
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return real_errno(errno);
        if (n == 0)
            break;
        got += (size_t)n;
    }
    *done = got;
    return 0;
}

/* Writes one run of bytes to its end. */
static int write_run(int fd, const char *bytes, size_t size, uint64_t at)
{
    while (size > 0) {
        ssize_t n = pwrite(fd, bytes, size, (off_t)at);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return real_errno(errno);
        if (n == 0)
            return ERR_IO; /* no progress and no reason: not to be tried for ever */
        bytes += n;
        size -= (size_t)n;
        at += (uint64_t)n;
    }
    return 0;
}

/* Writes as many parts at once as the system takes, and finishes a part that was cut in two. */
static int real_write(struct disk_file *base, const struct iovec *parts, int count, uint64_t at)
{
    struct real_file *f = real_file_of(base);
    const struct iovec *end = parts + count;

    ASSERT(count > 0);
    while (parts < end) {
        int batch = end - parts < IOV_MAX ? (int)(end - parts) : IOV_MAX;
        ssize_t n = pwritev(f->fd, parts, batch, (off_t)at);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return real_errno(errno);

        size_t left = (size_t)n;
        at += left;
        while (parts < end && left >= parts->iov_len)
            left -= (parts++)->iov_len;
        if (parts == end || (left == 0 && n > 0))
            continue;

        size_t rest = parts->iov_len - left;
        int rv = write_run(f->fd, (const char *)parts->iov_base + left, rest, at);
        if (rv != 0)
            return rv;
        at += rest;
        parts++;
    }
    return 0;
}

/* Tried once: a failed sync may have dropped the bytes and would succeed the second time (D3). */
static int real_sync(struct disk_file *base)
{
    return fdatasync(real_file_of(base)->fd) == 0 ? 0 : real_errno(errno);
}

/* A file system that cannot do that does not promise less: only the sync promises. */
static int send_range(int fd, uint64_t at, uint64_t size, unsigned how)
{
    if (sync_file_range(fd, (off_t)at, (off_t)size, how) == 0)
        return 0;
    return errno == ENOSYS || errno == EINVAL || errno == ESPIPE ? 0 : real_errno(errno);
}

static int real_write_back(struct disk_file *base, uint64_t at, uint64_t size)
{
    int fd = real_file_of(base)->fd;
    int rv = at > 0 ? send_range(fd, 0, at, SYNC_FILE_RANGE_WAIT_BEFORE) : 0;

    return rv == 0 ? send_range(fd, at, size, SYNC_FILE_RANGE_WRITE) : rv;
}

static int real_size(struct disk_file *base, uint64_t *out)
{
    struct stat st;

    if (fstat(real_file_of(base)->fd, &st) == -1)
        return real_errno(errno);
    ASSERT(st.st_size >= 0);
    *out = (uint64_t)st.st_size;
    return 0;
}

/* Reserves room by writing zeros from the end of the file to `size`; takes them back on failure. */
static int allocate_by_writing(struct disk_file *base, uint64_t size)
{
    static const char zeros[ZEROS_SIZE];
    struct real_file *f = real_file_of(base);
    uint64_t start = 0;
    int rv = real_size(base, &start);

    for (uint64_t at = start; rv == 0 && at < size; at += ZEROS_SIZE) {
        uint64_t part = size - at < ZEROS_SIZE ? size - at : ZEROS_SIZE;
        rv = write_run(f->fd, zeros, (size_t)part, at);
    }
    if (rv != 0 && ftruncate(f->fd, (off_t)start) == -1)
        return rv; /* the first error is the one that matters; a longer file does no harm */
    return rv;
}

static int real_allocate(struct disk_file *base, uint64_t size)
{
    struct real_file *f = real_file_of(base);

    ASSERT(size > 0);
    while (fallocate(f->fd, 0, 0, (off_t)size) == -1) {
        if (errno == EINTR)
            continue;
        if (errno == EOPNOTSUPP || errno == ENOSYS)
            return allocate_by_writing(base, size);
        return real_errno(errno);
    }
    return 0;
}

static int real_rename(struct disk *d, const char *from, const char *to)
{
    ASSERT(d == real_disk());
    return rename(from, to) == 0 ? 0 : real_errno(errno);
}

static int real_remove(struct disk *d, const char *path)
{
    ASSERT(d == real_disk());
    return unlink(path) == 0 ? 0 : real_errno(errno);
}

static int real_make_dir(struct disk *d, const char *path)
{
    ASSERT(d == real_disk());
    return mkdir(path, DIR_MODE) == 0 ? 0 : real_errno(errno);
}

static int real_sync_dir(struct disk *d, const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rv = 0;

    ASSERT(d == real_disk());
    if (fd == -1)
        return real_errno(errno);
    if (fsync(fd) == -1)
        rv = real_errno(errno);
    close(fd);
    return rv;
}

static bool entry_is_dir(DIR *dir, const struct dirent *entry)
{
    struct stat st;

    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type == DT_DIR;
    /* A file system that does not say; one that vanished meanwhile is no directory. */
    return fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static int real_list(struct disk *d, const char *path, disk_list_fn *fn, void *owner)
{
    DIR *dir = opendir(path);
    struct dirent *entry = NULL;
    int rv = 0;

    ASSERT(d == real_disk());
    if (dir == NULL)
        return real_errno(errno);
    while (errno = 0, (entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            fn(owner, entry->d_name, entry_is_dir(dir, entry));
    }
    if (errno != 0)
        rv = real_errno(errno);
    closedir(dir);
    return rv;
}

static int real_space(struct disk *d, const char *path, uint64_t *free_bytes, uint64_t *total_bytes)
{
    struct statvfs st;

    ASSERT(d == real_disk());
    if (statvfs(path, &st) == -1)
        return real_errno(errno);
    *free_bytes = (uint64_t)st.f_bavail * st.f_frsize;
    *total_bytes = (uint64_t)st.f_blocks * st.f_frsize;
    return 0;
}

/* Leaves the holder's process number in the file, for the message of the one who is refused. That
 * is a courtesy: the lock holds without it, on a full disk too. */
static void write_holder(int fd)
{
    char text[32];
    int size = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

    ASSERT(size > 0 && (size_t)size < sizeof(text));
    if (ftruncate(fd, 0) == 0)
        (void)!pwrite(fd, text, (size_t)size, 0);
}

static int real_lock(struct disk *d, const char *path, struct disk_lock **out)
{
    struct real_lock *l = NULL;
    int fd = -1;
    int rv = open_plain(path, O_RDWR | O_CREAT, &fd);

    ASSERT(d == real_disk());
    if (rv != 0)
        return rv;
    while (flock(fd, LOCK_EX | LOCK_NB) == -1) {
        if (errno == EINTR)
            continue;
        rv = errno == EWOULDBLOCK ? ERR_BUSY : real_errno(errno);
        close(fd);
        return rv;
    }
    write_holder(fd);
    l = MEM_NEW(struct real_lock);
    l->base.disk = d;
    l->fd = fd;
    *out = &l->base;
    return 0;
}

static void real_unlock(struct disk_lock *base)
{
    struct real_lock *l = CONTAINER_OF(base, struct real_lock, base);

    close(l->fd);
    mem_free(l);
}

static const struct disk_ops real_disk_ops = {
    .open = real_open_file,
    .close = real_close_file,
    .read = real_read,
    .write = real_write,
    .sync = real_sync,
    .write_back = real_write_back,
    .allocate = real_allocate,
    .size = real_size,
    .rename = real_rename,
    .remove = real_remove,
    .make_dir = real_make_dir,
    .sync_dir = real_sync_dir,
    .list = real_list,
    .space = real_space,
    .lock = real_lock,
    .unlock = real_unlock,
};

struct disk *real_disk(void)
{
    static struct disk disk = {.ops = &real_disk_ops};

    return &disk;
}

int real_path(const char *path, char **out)
{
    char found[PATH_MAX];

    if (realpath(path, found) == NULL)
        return real_errno(errno);
    *out = mem_text(found);
    return 0;
}
