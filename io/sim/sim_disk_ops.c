/* The operations of io/disk.h on a simulated disk. Each passes the gate first, which may stop it or
 * make it fail; then it answers as a real file system would. */
#include <string.h>

#include "base/crc32c.h"
#include "base/err.h"
#include "base/mem.h"
#include "io/sim/sim_disk_parts.h"
#include "io/sim/sim_trace.h"

enum { UNLIMITED_DISK = 1 }; /* terabytes that a disk without a capacity claims to have */

static struct sim_open_file *open_file_of(struct disk_file *f)
{
    return CONTAINER_OF(f, struct sim_open_file, base);
}

static bool no_files_left(const struct sim_disk *d)
{
    return d->options.open_limit != 0 && d->open_count >= d->options.open_limit;
}

/* ---- open and close ---- */

static struct sim_open_file *open_file_new(struct sim_disk *d, struct sim_inode *inode,
                                           unsigned flags, const char *path)
{
    struct sim_open_file *f = MEM_NEW(struct sim_open_file);

    f->base.disk = &d->base;
    f->inode = inode;
    f->flags = flags;
    f->path = mem_text(path);
    sim_inode_ref(inode);
    sim_inode_use(inode);
    list_push(&d->files, &f->link);
    d->open_count++;
    return f;
}

/* The file at `path`, made when it is missing and `flags` ask for that. */
static int find_or_make(struct sim_disk *d, const char *path, unsigned flags,
                        struct sim_inode **out)
{
    struct sim_place at;
    int rv = sim_tree_find(&d->tree, path, &at);

    if (rv != 0)
        return rv;
    if (at.inode != NULL && (flags & DISK_EXCLUSIVE) != 0)
        return ERR_EXISTS;
    if (at.inode != NULL && at.inode->is_dir)
        return ERR_INVALID;
    if (at.inode == NULL && (flags & DISK_CREATE) == 0)
        return ERR_NOT_FOUND;
    *out = at.inode != NULL ? at.inode : sim_tree_make(&d->tree, &at, false);
    return 0;
}

static int sim_open(struct disk *disk, const char *path, unsigned flags, struct disk_file **out)
{
    struct sim_disk *d = sim_disk_of(disk);
    struct sim_verdict v =
        sim_disk_gate(d, (struct sim_disk_call){.op = SIM_OP_OPEN, .path = path});
    struct sim_inode *inode = NULL;
    int rv = v.err;

    if (rv == 0 && no_files_left(d))
        rv = ERR_NO_FILES;
    if (rv == 0)
        rv = find_or_make(d, path, flags, &inode);
    if (rv == 0)
        *out = &open_file_new(d, inode, flags, path)->base;
    return sim_disk_trace_end(d, rv, flags);
}

static void open_file_kill(struct sim_disk *d, struct sim_open_file *f)
{
    if (f->inode == NULL)
        return;
    sim_inode_unuse(f->inode);
    sim_inode_unref(f->inode);
    f->inode = NULL;
    d->open_count--;
}

static void sim_close(struct disk_file *file)
{
    struct sim_open_file *f = open_file_of(file);

    open_file_kill(sim_disk_of(file->disk), f);
    list_remove(&f->link);
    mem_free(f->path);
    mem_free(f);
}

/* ---- bytes ---- */

/* The gate for an operation on an open file; a dead one answers ERR_IO (K6). */
static struct sim_verdict file_gate(struct sim_open_file *f, struct sim_disk_call call)
{
    struct sim_verdict v;

    call.path = f->path;
    v = sim_disk_gate(sim_disk_of(f->base.disk), call);
    if (f->inode == NULL)
        return (struct sim_verdict){.err = ERR_IO};
    return v;
}

static int sim_read(struct disk_file *file, void *buf, size_t size, uint64_t at, size_t *done)
{
    struct sim_disk *d = sim_disk_of(file->disk);
    struct sim_open_file *f = open_file_of(file);
    struct sim_verdict v =
        file_gate(f, (struct sim_disk_call){.op = SIM_OP_READ, .at = at, .size = size});
    size_t n = 0;

    ASSERT((f->flags & DISK_READ) != 0);
    if (v.err != 0)
        return sim_disk_trace_end(d, v.err, 0);
    n = sim_content_read(&f->inode->content, buf,
                         v.partial_bytes < size ? (size_t)v.partial_bytes : size, at);
    *done = n;
    return sim_disk_trace_end(d, 0, sim_trace_mix_bytes(0, buf, n));
}

static uint64_t free_pages(const struct sim_disk *d)
{
    uint64_t capacity = d->options.capacity_bytes / SIM_PAGE;

    if (d->options.capacity_bytes == 0)
        return UINT64_MAX;
    return d->tree.used_pages >= capacity ? 0 : capacity - d->tree.used_pages;
}

/* How many of the bytes find room, counted from the first. */
static uint64_t bytes_with_room(const struct sim_disk *d, const struct sim_content *c, uint64_t at,
                                uint64_t size)
{
    uint64_t room = free_pages(d);
    uint64_t done = 0;

    while (done < size) {
        uint64_t part = SIM_PAGE - (at + done) % SIM_PAGE;
        uint64_t missing = sim_content_pages_missing(c, at + done, 1);
        if (missing > room)
            return done;
        room -= missing;
        done += part;
    }
    return size;
}

static uint64_t parts_size(const struct iovec *parts, int count)
{
    uint64_t size = 0;

    for (int i = 0; i < count; i++)
        size += parts[i].iov_len;
    return size;
}

/* Writes the first `size` bytes of the parts. */
static void write_parts(struct sim_inode *n, const struct iovec *parts, uint64_t at, uint64_t size)
{
    for (int i = 0; size > 0; i++) {
        size_t part = parts[i].iov_len < size ? parts[i].iov_len : (size_t)size;
        sim_content_write(&n->content, parts[i].iov_base, part, at);
        at += part;
        size -= part;
    }
}

static uint64_t parts_hash(const struct iovec *parts, int count)
{
    uint32_t crc = 0;

    for (int i = 0; i < count; i++)
        crc = crc32c_extend(crc, parts[i].iov_base, parts[i].iov_len);
    return crc;
}

static int sim_write(struct disk_file *file, const struct iovec *parts, int count, uint64_t at)
{
    struct sim_disk *d = sim_disk_of(file->disk);
    struct sim_open_file *f = open_file_of(file);
    uint64_t size = parts_size(parts, count);
    struct sim_verdict v =
        file_gate(f, (struct sim_disk_call){.op = SIM_OP_WRITE, .at = at, .size = size});
    uint64_t allowed = v.err != 0 && v.partial_bytes < size ? v.partial_bytes : size;
    uint64_t pages_before = 0;

    ASSERT((f->flags & DISK_WRITE) != 0);
    if (f->inode == NULL)
        return sim_disk_trace_end(d, ERR_IO, 0);
    if (bytes_with_room(d, &f->inode->content, at, allowed) < allowed) {
        allowed = bytes_with_room(d, &f->inode->content, at, allowed);
        v.err = v.err != 0 ? v.err : ERR_NO_SPACE;
    }
    pages_before = f->inode->content.allocated_pages;
    sim_last_write_keep(d, f->inode, at, allowed);
    write_parts(f->inode, parts, at, allowed);
    sim_inode_recount(f->inode, pages_before);
    return sim_disk_trace_end(d, v.err, parts_hash(parts, count));
}

static int sim_sync(struct disk_file *file)
{
    struct sim_disk *d = sim_disk_of(file->disk);
    struct sim_open_file *f = open_file_of(file);
    struct sim_verdict v = file_gate(f, (struct sim_disk_call){.op = SIM_OP_SYNC});

    if (f->inode == NULL)
        return sim_disk_trace_end(d, ERR_IO, 0);
    if (v.err == 0)
        sim_content_sync(&f->inode->content);
    else
        sim_content_sync_failed(&f->inode->content, v.sync_failure);
    if (d->last_write.inode == f->inode && !sim_content_is_dirty(&f->inode->content))
        sim_last_write_forget(d);
    return sim_disk_trace_end(d, v.err, 0);
}

/* What of it reaches the disk is decided by chance when there is a crash, as of all dirty bytes. */
static int sim_write_back(struct disk_file *file, uint64_t at, uint64_t size)
{
    struct sim_disk *d = sim_disk_of(file->disk);
    struct sim_open_file *f = open_file_of(file);
    struct sim_verdict v =
        file_gate(f, (struct sim_disk_call){.op = SIM_OP_WRITE_BACK, .at = at, .size = size});

    ASSERT((f->flags & DISK_WRITE) != 0);
    return sim_disk_trace_end(d, f->inode == NULL ? ERR_IO : v.err, 0);
}

static int sim_allocate(struct disk_file *file, uint64_t size)
{
    struct sim_disk *d = sim_disk_of(file->disk);
    struct sim_open_file *f = open_file_of(file);
    struct sim_verdict v =
        file_gate(f, (struct sim_disk_call){.op = SIM_OP_ALLOCATE, .size = size});
    uint64_t pages_before = 0;

    ASSERT((f->flags & DISK_WRITE) != 0);
    if (v.err == 0 && sim_content_pages_missing(&f->inode->content, 0, size) > free_pages(d))
        v.err = ERR_NO_SPACE;
    if (v.err != 0)
        return sim_disk_trace_end(d, v.err, 0);
    pages_before = f->inode->content.allocated_pages;
    sim_content_allocate(&f->inode->content, size);
    sim_inode_recount(f->inode, pages_before);
    return sim_disk_trace_end(d, 0, 0);
}

static int sim_size(struct disk_file *file, uint64_t *out)
{
    struct sim_disk *d = sim_disk_of(file->disk);
    struct sim_open_file *f = open_file_of(file);
    struct sim_verdict v = file_gate(f, (struct sim_disk_call){.op = SIM_OP_SIZE});

    if (v.err != 0)
        return sim_disk_trace_end(d, v.err, 0);
    *out = f->inode->content.size;
    return sim_disk_trace_end(d, 0, *out);
}

/* ---- names ---- */

/* Whether the rename is allowed, and whether it changes anything. */
static int check_rename(const struct sim_place *from, const struct sim_place *to)
{
    if (from->inode == NULL)
        return ERR_NOT_FOUND;
    if (from->dir == NULL || to->dir == NULL)
        return ERR_BUSY; /* the root */
    if (from->inode->is_dir && sim_tree_is_below(from->inode, to->dir))
        return ERR_INVALID;
    if (to->inode == NULL || to->inode == from->inode)
        return 0;
    if (to->inode->is_dir != from->inode->is_dir)
        return ERR_INVALID;
    return to->inode->is_dir && to->inode->live.count > 0 ? ERR_EXISTS : 0;
}

static int do_rename(struct sim_disk *d, const char *from, const char *to)
{
    struct sim_place source;
    struct sim_place target;
    int rv = sim_tree_find(&d->tree, from, &source);

    if (rv == 0)
        rv = sim_tree_find(&d->tree, to, &target);
    if (rv == 0)
        rv = check_rename(&source, &target);
    if (rv == 0 && source.inode != target.inode)
        sim_tree_rename(&d->tree, &source, &target);
    return rv;
}

static int sim_rename(struct disk *disk, const char *from, const char *to)
{
    struct sim_disk *d = sim_disk_of(disk);
    struct sim_verdict v =
        sim_disk_gate(d, (struct sim_disk_call){.op = SIM_OP_RENAME, .path = from, .to = to});

    return sim_disk_trace_end(d, v.err != 0 ? v.err : do_rename(d, from, to), 0);
}

static int do_remove(struct sim_disk *d, const char *path)
{
    struct sim_place at;
    int rv = sim_tree_find(&d->tree, path, &at);

    if (rv != 0)
        return rv;
    if (at.inode == NULL)
        return ERR_NOT_FOUND;
    if (at.inode->is_dir)
        return ERR_INVALID;
    sim_tree_remove(&d->tree, &at);
    return 0;
}

static int sim_remove(struct disk *disk, const char *path)
{
    struct sim_disk *d = sim_disk_of(disk);
    struct sim_verdict v =
        sim_disk_gate(d, (struct sim_disk_call){.op = SIM_OP_REMOVE, .path = path});

    return sim_disk_trace_end(d, v.err != 0 ? v.err : do_remove(d, path), 0);
}

static int do_make_dir(struct sim_disk *d, const char *path)
{
    struct sim_place at;
    int rv = sim_tree_find(&d->tree, path, &at);

    if (rv != 0)
        return rv;
    if (at.inode != NULL)
        return ERR_EXISTS;
    sim_tree_make(&d->tree, &at, true);
    return 0;
}

static int sim_make_dir(struct disk *disk, const char *path)
{
    struct sim_disk *d = sim_disk_of(disk);
    struct sim_verdict v =
        sim_disk_gate(d, (struct sim_disk_call){.op = SIM_OP_MAKE_DIR, .path = path});

    return sim_disk_trace_end(d, v.err != 0 ? v.err : do_make_dir(d, path), 0);
}

/* A directory that must exist; looking into it takes a file descriptor for a while. */
static int find_dir(struct sim_disk *d, const char *path, struct sim_inode **out)
{
    struct sim_place at;
    int rv = no_files_left(d) ? ERR_NO_FILES : sim_tree_find(&d->tree, path, &at);

    if (rv != 0)
        return rv;
    if (at.inode == NULL)
        return ERR_NOT_FOUND;
    if (!at.inode->is_dir)
        return ERR_INVALID;
    *out = at.inode;
    return 0;
}

static int sim_sync_dir(struct disk *disk, const char *path)
{
    struct sim_disk *d = sim_disk_of(disk);
    struct sim_verdict v =
        sim_disk_gate(d, (struct sim_disk_call){.op = SIM_OP_SYNC_DIR, .path = path});
    struct sim_inode *dir = NULL;
    int rv = find_dir(d, path, &dir);

    if (rv == 0 && v.err == 0)
        sim_tree_sync_dir(&d->tree, dir);
    if (rv == 0 && v.err != 0 && v.sync_failure != SIM_SYNC_KEPT)
        sim_tree_lose_dir(&d->tree, dir);
    return sim_disk_trace_end(d, v.err != 0 ? v.err : rv, 0);
}

/* The names as they are now, in an order by chance: nobody may rely on one. */
static struct sim_entry *copy_shuffled(struct sim_disk *d, const struct sim_table *t)
{
    struct sim_entry *copy = MEM_NEW_ARRAY(struct sim_entry, t->count);

    for (size_t i = 0; i < t->count; i++) {
        size_t other = (size_t)rand_below(&d->rand, i + 1);
        copy[i] = copy[other];
        copy[other] = t->entries[i];
        copy[other].name = mem_text(t->entries[i].name);
        sim_inode_ref(copy[other].inode);
    }
    return copy;
}

static int sim_list(struct disk *disk, const char *path, disk_list_fn *fn, void *owner)
{
    struct sim_disk *d = sim_disk_of(disk);
    struct sim_verdict v =
        sim_disk_gate(d, (struct sim_disk_call){.op = SIM_OP_LIST, .path = path});
    struct sim_inode *dir = NULL;
    struct sim_entry *entries = NULL;
    size_t count = 0;
    int rv = v.err != 0 ? v.err : find_dir(d, path, &dir);

    sim_disk_trace_end(d, rv, 0); /* before the callbacks: they may use the disk */
    if (rv != 0)
        return rv;
    count = dir->live.count;
    entries = copy_shuffled(d, &dir->live);
    for (size_t i = 0; i < count; i++) {
        fn(owner, entries[i].name, entries[i].inode->is_dir);
        sim_inode_unref(entries[i].inode);
        mem_free(entries[i].name);
    }
    mem_free(entries);
    return 0;
}

static int sim_space(struct disk *disk, const char *path, uint64_t *free_bytes,
                     uint64_t *total_bytes)
{
    struct sim_disk *d = sim_disk_of(disk);
    struct sim_verdict v =
        sim_disk_gate(d, (struct sim_disk_call){.op = SIM_OP_SPACE, .path = path});
    uint64_t total = d->options.capacity_bytes;
    struct sim_place at;
    int rv = v.err != 0 ? v.err : sim_tree_find(&d->tree, path, &at);

    if (rv == 0 && at.inode == NULL)
        rv = ERR_NOT_FOUND;
    if (rv != 0)
        return sim_disk_trace_end(d, rv, 0);
    if (total == 0)
        total = (uint64_t)UNLIMITED_DISK << 40;
    *total_bytes = total;
    *free_bytes = total > sim_disk_used_bytes(d) ? total - sim_disk_used_bytes(d) : 0;
    return sim_disk_trace_end(d, 0, *free_bytes);
}

/* ---- locks ---- */

static int do_lock(struct sim_disk *d, const char *path, struct disk_lock **out)
{
    struct sim_inode *inode = NULL;
    struct sim_held_lock *l = NULL;
    int rv = no_files_left(d) ? ERR_NO_FILES : find_or_make(d, path, DISK_CREATE, &inode);

    if (rv != 0)
        return rv;
    if (inode->is_locked)
        return ERR_BUSY;
    inode->is_locked = true;
    sim_inode_ref(inode);
    sim_inode_use(inode);
    l = MEM_NEW(struct sim_held_lock);
    l->base.disk = &d->base;
    l->inode = inode;
    list_push(&d->locks, &l->link);
    d->open_count++;
    *out = &l->base;
    return 0;
}

static int sim_lock(struct disk *disk, const char *path, struct disk_lock **out)
{
    struct sim_disk *d = sim_disk_of(disk);
    struct sim_verdict v =
        sim_disk_gate(d, (struct sim_disk_call){.op = SIM_OP_LOCK, .path = path});

    return sim_disk_trace_end(d, v.err != 0 ? v.err : do_lock(d, path, out), 0);
}

static void lock_kill(struct sim_disk *d, struct sim_held_lock *l)
{
    if (l->inode == NULL)
        return;
    l->inode->is_locked = false;
    sim_inode_unuse(l->inode);
    sim_inode_unref(l->inode);
    l->inode = NULL;
    d->open_count--;
}

static void sim_unlock(struct disk_lock *lock)
{
    struct sim_held_lock *l = CONTAINER_OF(lock, struct sim_held_lock, base);

    lock_kill(sim_disk_of(lock->disk), l);
    list_remove(&l->link);
    mem_free(l);
}

void sim_disk_kill_files(struct sim_disk *d)
{
    LIST_FOREACH (link, &d->files)
        open_file_kill(d, CONTAINER_OF(link, struct sim_open_file, link));
    LIST_FOREACH (link, &d->locks)
        lock_kill(d, CONTAINER_OF(link, struct sim_held_lock, link));
    ASSERT(d->open_count == 0);
}

const struct disk_ops sim_disk_ops = {
    .open = sim_open,
    .close = sim_close,
    .read = sim_read,
    .write = sim_write,
    .sync = sim_sync,
    .write_back = sim_write_back,
    .allocate = sim_allocate,
    .size = sim_size,
    .rename = sim_rename,
    .remove = sim_remove,
    .make_dir = sim_make_dir,
    .sync_dir = sim_sync_dir,
    .list = sim_list,
    .space = sim_space,
    .lock = sim_lock,
    .unlock = sim_unlock,
};
