/* Batches to the file, and chunks out of it, by jobs. */
#include "tools/bench/floor/keep.h"

#include "base/mem.h"
#include "io/disk.h"
#include "io/real.h"

enum { STEP = 1 << 20 };

/* Gives the file its blocks and writes them. */
static int fill(struct keep *k)
{
    uint8_t *zeros = mem_zero(1, STEP);
    int rv = disk_allocate(k->file, KEEP_FILE_SIZE);

    for (uint64_t at = 0; rv == 0 && at < KEEP_FILE_SIZE; at += STEP) {
        struct iovec part = {.iov_base = zeros, .iov_len = STEP};
        rv = disk_write(k->file, &part, 1, at);
    }
    mem_free(zeros);
    return rv == 0 ? disk_sync(k->file) : rv;
}

static void commit_work(struct io_job *j)
{
    struct keep *k = CONTAINER_OF(j, struct keep, commit);
    struct iovec part = {.iov_base = k->batches[1 - k->filling], .iov_len = k->committing};

    k->result = disk_write(k->file, &part, 1, k->at);
    if (k->result == 0)
        k->result = disk_sync(k->file);
}

static void commit_done(struct io_job *j)
{
    struct keep *k = CONTAINER_OF(j, struct keep, commit);

    k->at += k->committing;
    k->committing = 0;
    k->on_commit(k);
    keep_commit(k);
}

int keep_open(struct keep *k, struct io *io, const char *dir, struct err_note *note)
{
    int rv;

    k->io = io;
    if (dir == NULL)
        return 0;
    k->path = mem_format("%s/floor-%llx", dir, (unsigned long long)io_random(io));
    k->batches[0] = mem_zero(1, KEEP_BATCH_MAX);
    k->batches[1] = mem_zero(1, KEEP_BATCH_MAX);
    k->commit = (struct io_job){.work = commit_work, .done = commit_done, .io = io};
    rv = disk_open(real_disk(), k->path, DISK_READ | DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE,
                   &k->file);
    if (rv == 0)
        rv = fill(k);
    return rv == 0 ? 0 : err_note(note, rv, "cannot make '%s': %s", k->path, err_text(rv));
}

void keep_close(struct keep *k)
{
    ASSERT(k->committing == 0);
    disk_close(k->file);
    if (k->file != NULL)
        (void)!disk_remove(real_disk(), k->path);
    mem_free(k->path);
    mem_free(k->batches[0]);
    mem_free(k->batches[1]);
    *k = (struct keep){0};
}

bool keep_has_room(const struct keep *k, size_t size)
{
    return k->file == NULL || size <= KEEP_BATCH_MAX - k->size;
}

void keep_add(struct keep *k, struct bytes message)
{
    if (k->file == NULL)
        return;
    ASSERT(keep_has_room(k, message.size));
    memcpy(k->batches[k->filling] + k->size, message.data, message.size);
    k->size += message.size;
}

void keep_commit(struct keep *k)
{
    if (k->file == NULL || k->size == 0 || k->committing > 0)
        return;
    if (k->at + k->size > KEEP_FILE_SIZE)
        k->at = 0;
    k->committing = k->size;
    k->size = 0;
    k->filling = 1 - k->filling;
    k->on_begin(k);
    io_submit(k->io, &k->commit);
}

void keep_restart(struct keep *k)
{
    if (k->committing == 0)
        k->at = 0;
}

/* ---- reading ---- */

static void replay_work(struct io_job *j)
{
    struct replay *r = CONTAINER_OF(j, struct replay, job);
    uint64_t left = r->keep->at - r->at;

    r->result =
        disk_read(r->keep->file, r->chunk, left < KEEP_CHUNK ? left : KEEP_CHUNK, r->at, &r->size);
}

static void replay_done(struct io_job *j)
{
    struct replay *r = CONTAINER_OF(j, struct replay, job);

    r->is_running = false;
    r->keep->replays--;
    r->on_chunk(r);
}

bool replay_next(struct replay *r)
{
    if (r->keep->file == NULL || r->at >= r->keep->at || r->is_running)
        return false;
    if (r->chunk == NULL)
        r->chunk = mem_alloc(KEEP_CHUNK);
    r->job = (struct io_job){.work = replay_work, .done = replay_done, .io = r->keep->io};
    r->is_running = true;
    r->keep->replays++;
    io_submit(r->keep->io, &r->job);
    return true;
}
