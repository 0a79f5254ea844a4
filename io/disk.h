/* Files and directories, as every room sees them: one interface, two worlds behind it.
 *
 * All calls here BLOCK. They run on worker threads (inside a job, io/io.h) or before the
 * shards start; never on a running shard. A disk may be used from several threads; one open
 * file by one thread at a time.
 *
 * What survives a power cut, in both worlds:
 *   D1  bytes written are safe after disk_sync() of the file returned 0;
 *   D2  a created, renamed or removed name is safe after disk_sync_dir() of its directory
 *       returned 0;
 *   D3  a failed disk_sync() says nothing about what is on the disk and must not be tried
 *       again: the system may have dropped the bytes and call them clean.
 *
 * Errors of all calls: ERR_IO, and where they apply ERR_NO_SPACE, ERR_NO_FILES,
 * ERR_NOT_FOUND, ERR_EXISTS, ERR_DENIED. */
#ifndef IO_DISK_H
#define IO_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/check.h"

struct disk;
struct disk_file; /* an open file; goes back through disk_close() */
struct disk_lock; /* a held lock; goes back through disk_unlock() */

enum disk_open_flags {
    DISK_READ = 1,      /* bytes will be read */
    DISK_WRITE = 2,     /* bytes will be written */
    DISK_CREATE = 4,    /* make it when it is missing */
    DISK_EXCLUSIVE = 8, /* with DISK_CREATE: it must be missing, else ERR_EXISTS */
};

/* Called once per name in a directory; `name` is borrowed and has no slash. */
typedef void disk_list_fn(void *owner, const char *name, bool is_dir);

/* A world implements these; the meaning is that of the functions below. */
struct disk_ops {
    int (*open)(struct disk *d, const char *path, unsigned flags, struct disk_file **out);
    void (*close)(struct disk_file *f);
    int (*read)(struct disk_file *f, void *buf, size_t size, uint64_t at, size_t *done);
    int (*write)(struct disk_file *f, const struct iovec *parts, int count, uint64_t at);
    int (*sync)(struct disk_file *f);
    int (*write_back)(struct disk_file *f, uint64_t at, uint64_t size);
    int (*allocate)(struct disk_file *f, uint64_t size);
    int (*size)(struct disk_file *f, uint64_t *out);
    int (*rename)(struct disk *d, const char *from, const char *to);
    int (*remove)(struct disk *d, const char *path);
    int (*make_dir)(struct disk *d, const char *path);
    int (*sync_dir)(struct disk *d, const char *path);
    int (*list)(struct disk *d, const char *path, disk_list_fn *fn, void *owner);
    int (*space)(struct disk *d, const char *path, uint64_t *free_bytes, uint64_t *total_bytes);
    int (*lock)(struct disk *d, const char *path, struct disk_lock **out);
    void (*unlock)(struct disk_lock *l);
};

/* The first field of a world's own struct. */
struct disk {
    const struct disk_ops *ops;
};

/* The first field of a world's own open file, and of its own lock. */
struct disk_file {
    struct disk *disk;
};
struct disk_lock {
    struct disk *disk;
};

/* Opens a plain file; anything else at that path (directory, fifo, dangling link) is
 * ERR_INVALID. */
MUST_USE int disk_open(struct disk *d, const char *path, unsigned flags, struct disk_file **out);

/* Closes; bytes not synced may be lost. NULL is allowed. */
void disk_close(struct disk_file *f);

/* Reads up to `size` bytes at `at`. *done is less only at the end of the file. */
MUST_USE int disk_read(struct disk_file *f, void *buf, size_t size, uint64_t at, size_t *done);

/* Reads exactly `size` bytes; ERR_CORRUPT when the file ends before that. */
MUST_USE int disk_read_all(struct disk_file *f, void *buf, size_t size, uint64_t at);

/* Writes all the parts one behind the other at `at`, or fails with any of them written. */
MUST_USE int disk_write(struct disk_file *f, const struct iovec *parts, int count, uint64_t at);

/* Makes every byte written to the file so far durable (D1, D3). */
MUST_USE int disk_sync(struct disk_file *f);

/* Has the bytes of a part of the file brought to the disk, and waits for those before it that were
 * sent so. This promises nothing: only disk_sync() does (D1). Who writes much before a sync does so
 * now and then, or that sync keeps the disk busy for long and those of others wait behind it. A
 * failure is as final as that of a sync (D3). */
MUST_USE int disk_write_back(struct disk_file *f, uint64_t at, uint64_t size);

/* Reserves room for `size` bytes from the start of the file; a shorter file grows to that size, and
 * the new part reads as zeros. */
MUST_USE int disk_allocate(struct disk_file *f, uint64_t size);

MUST_USE int disk_size(struct disk_file *f, uint64_t *out);

/* Gives the file another name in the same file system, replacing what had it. */
MUST_USE int disk_rename(struct disk *d, const char *from, const char *to);

/* Removes a file's name. An open file stays readable until it is closed. */
MUST_USE int disk_remove(struct disk *d, const char *path);

/* Makes one directory, private to the user; ERR_EXISTS when it is there. */
MUST_USE int disk_make_dir(struct disk *d, const char *path);

/* Makes the names in a directory durable (D2). */
MUST_USE int disk_sync_dir(struct disk *d, const char *path);

/* Calls `fn` for each name but "." and "..", in no order one may rely on. */
MUST_USE int disk_list(struct disk *d, const char *path, disk_list_fn *fn, void *owner);

/* Free (for us) and total bytes of the file system that holds `path`. */
MUST_USE int disk_space(struct disk *d, const char *path, uint64_t *free_bytes,
                        uint64_t *total_bytes);

/* Takes the exclusive lock on a file, making it when missing. ERR_BUSY when another holder
 * has it. The lock falls with the process. */
MUST_USE int disk_lock(struct disk *d, const char *path, struct disk_lock **out);
void disk_unlock(struct disk_lock *l);

#endif
