/* Making and keeping spare segment files; see spares.h. */
#include "log/spares.h"

#include <inttypes.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"

enum {
    RETRY_NS = 1000 * 1000 * 1000,
    HURRY_NS = 1000 * 1000 * 1000, /* between two segments */
    FILL_STEP = 1 << 20,
};

struct site_path spares_path(const struct site *site, uint64_t id)
{
    return site_path(site, "spare-%016" PRIx64 ".seg", id);
}

/* Overwrites the whole file with zeros, so that later writes meet written blocks. */
static int fill_with_zeros(struct disk_file *f, uint64_t size)
{
    uint64_t step = size < FILL_STEP ? size : FILL_STEP;
    uint8_t *zeros = mem_zero(1, step);
    int rv = 0;

    for (uint64_t at = 0; rv == 0 && at < size; at += step) {
        uint64_t left = size - at;
        struct iovec part = {.iov_base = zeros, .iov_len = left < step ? left : step};
        rv = disk_write(f, &part, 1, at);
        if (rv == 0)
            rv = disk_write_back(f, at, part.iov_len); /* or commits wait behind the sync */
    }
    mem_free(zeros);
    return rv;
}

int spares_check_space(const struct site *site, uint64_t bytes)
{
    uint64_t free_bytes = 0, total_bytes = 0;
    int rv = disk_space(site->disk, site->dir, &free_bytes, &total_bytes);

    return rv == 0 && free_bytes < bytes + spares_leave_bytes(site) ? ERR_NO_SPACE : rv;
}

/* Makes one spare file, durable but for its name: losing the name loses nothing. */
static int make_file(const struct site *site, uint64_t id, bool is_filled)
{
    struct site_path path = spares_path(site, id);
    struct disk_file *f = NULL;
    int rv = spares_check_space(site, site->options.segment_bytes);

    if (rv == 0)
        rv = disk_open(site->disk, path.text, DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE, &f);
    if (rv != 0)
        return rv;
    rv = disk_allocate(f, site->options.segment_bytes);
    if (rv == 0 && is_filled)
        rv = fill_with_zeros(f, site->options.segment_bytes);
    if (rv == 0)
        rv = disk_sync(f);
    disk_close(f);
    if (rv != 0)
        (void)!disk_remove(site->disk, path.text);
    return rv;
}

static void make_work(struct io_job *job)
{
    struct spares *s = CONTAINER_OF(job, struct spares, job);

    s->err = make_file(s->site, s->making, s->is_filled);
}

static void make_done(struct io_job *job)
{
    struct spares *s = CONTAINER_OF(job, struct spares, job);

    s->is_busy = false;
    if (s->err == 0) {
        spares_add(s, s->making);
        return;
    }
    if (!s->is_short && !s->is_closed)
        diag(DIAG_WARNING, "log",
             "cannot prepare a segment in '%s': %s; publishers are held back until it succeeds",
             s->site->dir, err_text(s->err));
    s->is_short = true;
    if (!s->is_closed)
        io_timer_start(s->site->io, &s->retry, RETRY_NS);
    s->on_change(s->owner);
}

static void retry(struct io_timer *t)
{
    spares_fill(CONTAINER_OF(t, struct spares, retry));
}

void spares_init(struct spares *s, const struct site *site)
{
    memset(s, 0, sizeof(*s));
    s->site = site;
    s->next_id = 1;
    s->job.work = make_work;
    s->job.done = make_done;
    s->job.urgency = IO_BACKGROUND;
    io_timer_init(&s->retry, retry);
}

/* Whether there is time to write a segment before it is written. When one is wanted badly, filling
 * takes too long; and while segments are used up fast, zeros would take half of the disk from what
 * is published. */
static bool has_time_to_fill(const struct spares *s)
{
    return s->count > SPARES_RESERVE && io_now_ns(s->site->io) >= s->hurry_ns;
}

/* One spare less. */
static void note_taken(struct spares *s)
{
    uint64_t now_ns = io_now_ns(s->site->io);

    if (s->taken_ns > 0 && now_ns - s->taken_ns < HURRY_NS)
        s->hurry_ns = now_ns + HURRY_NS;
    s->taken_ns = now_ns;
}

void spares_fill(struct spares *s)
{
    if (s->is_busy || s->is_closed || s->count >= (size_t)s->site->options.spare_segments)
        return;
    s->is_busy = true;
    s->making = s->next_id++;
    s->is_filled = has_time_to_fill(s);
    io_submit(s->site->io, &s->job);
}

int spares_make_now(struct spares *s, uint64_t *id)
{
    uint64_t fresh = s->next_id++;
    int rv = make_file(s->site, fresh, false);

    if (rv == 0)
        *id = fresh;
    return rv;
}

bool spares_can_take(const struct spares *s, bool may_use_reserve)
{
    return s->count > (may_use_reserve ? 0 : SPARES_RESERVE);
}

bool spares_take(struct spares *s, bool may_use_reserve, uint64_t *id)
{
    if (!spares_can_take(s, may_use_reserve))
        return false;
    *id = s->ready[0];
    s->count--;
    memmove(&s->ready[0], &s->ready[1], s->count * sizeof(s->ready[0]));
    note_taken(s);
    spares_fill(s);
    return true;
}

bool spares_are_welcome(const struct spares *s)
{
    size_t made = (size_t)s->site->options.spare_segments;
    size_t kept = s->is_short || made > SPARES_MAX / 2 ? made : 2 * made;

    return !s->is_closed && s->count < kept;
}

bool spares_want(struct spares *s, uint64_t *id)
{
    if (!spares_are_welcome(s))
        return false;
    *id = s->next_id++;
    return true;
}

void spares_add(struct spares *s, uint64_t id)
{
    ASSERT(id < s->next_id);
    if (s->count == SPARES_MAX)
        return; /* the file stays and is found at the next opening */
    s->ready[s->count++] = id;
    s->is_short = false;
    if (s->on_change != NULL)
        s->on_change(s->owner);
    spares_fill(s);
}

void spares_close(struct spares *s)
{
    s->is_closed = true;
    io_timer_stop(s->site->io, &s->retry);
}
