/* One file, one buffer, two calls in a loop. */
#include "tools/bench/bare.h"

#include "base/mem.h"
#include "base/rand.h"
#include "io/disk.h"
#include "io/real.h"

enum { STEP = 1 << 20, SEED = 3 };

/* Gives the file its blocks and writes them. */
static int fill(struct bare *b)
{
    int rv = disk_allocate(b->file, b->size);

    for (uint64_t at = 0; rv == 0 && at < b->size; at += STEP) {
        struct iovec part = {.iov_base = b->bytes, .iov_len = STEP};
        rv = disk_write(b->file, &part, 1, at);
    }
    return rv == 0 ? disk_sync(b->file) : rv;
}

int bare_open(struct bare *b, const char *dir, uint64_t size, struct err_note *note)
{
    struct rand r;
    int rv;

    ASSERT(size >= BARE_WRITE_MAX && size % STEP == 0);
    *b = (struct bare){
        .path = mem_format("%s/bare", dir),
        .bytes = mem_alloc(BARE_WRITE_MAX),
        .size = size,
    };
    rand_init(&r, SEED);
    rand_fill(&r, b->bytes, BARE_WRITE_MAX);
    rv = disk_open(real_disk(), b->path, DISK_READ | DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE,
                   &b->file);
    if (rv == 0)
        rv = fill(b);
    return rv == 0 ? 0 : err_note(note, rv, "cannot make '%s': %s", b->path, err_text(rv));
}

void bare_close(struct bare *b)
{
    disk_close(b->file);
    if (b->file != NULL)
        (void)!disk_remove(real_disk(), b->path);
    mem_free(b->path);
    mem_free(b->bytes);
    *b = (struct bare){0};
}

int bare_run(struct bare *b, size_t write_bytes, uint64_t duration_ns, struct histogram *latency,
             struct bare_result *out)
{
    struct iovec part = {.iov_base = b->bytes, .iov_len = write_bytes};
    uint64_t start = machine_now_ns();
    uint64_t before = start, now = start;
    struct bare_result result = {0};
    int rv = 0;

    ASSERT(write_bytes > 0 && write_bytes <= BARE_WRITE_MAX);
    while (rv == 0 && now - start < duration_ns) {
        if (b->at + write_bytes > b->size)
            b->at = 0;
        rv = disk_write(b->file, &part, 1, b->at);
        if (rv == 0)
            rv = disk_sync(b->file);
        b->at += write_bytes;
        result.syncs++;
        result.bytes += write_bytes;
        now = machine_now_ns();
        histogram_add(latency, now - before, 1);
        before = now;
    }
    result.elapsed_ns = now - start;
    *out = result;
    return rv;
}

static int copy_to(struct bare *b, struct disk_file *to)
{
    int rv = 0;

    for (uint64_t at = 0; rv == 0 && at < b->size; at += STEP) {
        struct iovec part = {.iov_base = b->bytes, .iov_len = STEP};

        rv = disk_read_all(b->file, b->bytes, STEP, at);
        if (rv == 0)
            rv = disk_write(to, &part, 1, at);
    }
    return rv == 0 ? disk_sync(to) : rv;
}

int bare_copy(struct bare *b, struct machine_usage *used)
{
    struct disk *d = real_disk();
    char *path = mem_format("%s.copy", b->path);
    struct machine_usage from;
    struct disk_file *to = NULL;
    int rv;

    machine_usage(&from);
    rv = disk_open(d, path, DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE, &to);
    if (rv == 0)
        rv = copy_to(b, to);
    *used = machine_usage_since(&from);
    disk_close(to);
    if (to != NULL)
        (void)!disk_remove(d, path);
    mem_free(path);
    return rv;
}
