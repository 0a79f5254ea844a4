/* Slabs to the scratch file and back; see spill.h. */
#include "store/spill.h"

#include "base/crc32c.h"
#include "base/diag.h"
#include "base/err.h"
#include "base/mem.h"
#include "io/disk.h"
#include "store/slab_move.h"

enum {
    RETRY_NS = 1000 * 1000 * 1000,
    AGAIN_NS = 50 * 1000 * 1000,
    KEPT_NS = 1000 * 1000 * 1000, /* a slab that was waited for stays so long for the one who did */
    AHEAD = 4,                    /* slabs read at once where only the first is wanted */
    EXTENT_LOOKS = 256,           /* free places looked at before the file grows */
};

enum spill_work { SPILL_WRITE, SPILL_READ, SPILL_CLOSE };

/* A slab in a job. */
struct spill_item {
    struct slab *slab;
    uint8_t *data;
    uint32_t capacity;
    uint32_t size;
    uint32_t crc;
    uint64_t at; /* byte in the file */
    int err;
};

struct spill_job {
    struct io_job job;
    struct spill *spill; /* NULL: the store is gone, the memory is the job's */
    struct disk *disk;
    char *dir;
    struct disk_file *file;
    enum spill_work what;
    int err; /* for all items */
    uint32_t count;
    struct spill_item items[SPILL_BATCH];
};

/* ---- On a worker ---- */

static char *scratch_path(const char *dir)
{
    return mem_format("%s/transient.spill", dir);
}

/* Opens the file, and takes its name away. */
static int open_scratch(struct spill_job *j)
{
    char *path;
    int rv;

    if (j->file != NULL)
        return 0;
    path = scratch_path(j->dir);
    rv = disk_open(j->disk, path, DISK_READ | DISK_WRITE | DISK_CREATE, &j->file);
    if (rv == 0)
        (void)!disk_remove(j->disk, path); /* when it stays the next start removes it */
    mem_free(path);
    return rv;
}

static int check_space(const struct spill_job *j)
{
    uint64_t free_bytes, total_bytes, needed = SPILL_DISK_RESERVE;
    int rv;

    for (uint32_t i = 0; i < j->count; i++)
        needed += j->items[i].size;
    rv = disk_space(j->disk, j->dir, &free_bytes, &total_bytes);
    if (rv != 0)
        return rv;
    return free_bytes < needed ? ERR_NO_SPACE : 0;
}

static void write_items(struct spill_job *j)
{
    for (uint32_t i = 0; i < j->count && j->err == 0; i++) {
        struct spill_item *item = &j->items[i];
        struct iovec part = {.iov_base = item->data, .iov_len = item->size};

        item->crc = crc32c(item->data, item->size);
        j->err = disk_write(j->file, &part, 1, item->at);
    }
}

static void read_items(struct spill_job *j)
{
    for (uint32_t i = 0; i < j->count; i++) {
        struct spill_item *item = &j->items[i];

        item->err = disk_read_all(j->file, item->data, item->size, item->at);
        if (item->err == 0 && crc32c(item->data, item->size) != item->crc)
            item->err = ERR_CORRUPT;
    }
}

static void spill_work(struct io_job *job)
{
    struct spill_job *j = CONTAINER_OF(job, struct spill_job, job);

    switch (j->what) {
    case SPILL_WRITE:
        j->err = open_scratch(j);
        if (j->err == 0)
            j->err = check_space(j);
        if (j->err == 0)
            write_items(j);
        break;
    case SPILL_READ:
        read_items(j);
        break;
    case SPILL_CLOSE:
        disk_close(j->file);
        j->file = NULL;
        break;
    }
}

/* ---- Places in the file ---- */

static uint32_t units_of(uint32_t size)
{
    return (size + SLAB_BYTES - 1) / SLAB_BYTES;
}

static bool take_extent(struct spill *s, uint32_t units, uint64_t *at)
{
    struct span span = {0};

    if ((s->units + units) * SLAB_BYTES > s->disk_max)
        return false;
    s->units += units;
    for (int i = 0; i < EXTENT_LOOKS && spans_next(&s->free, span.to, &span); i++) {
        if (span.to - span.from < units)
            continue;
        *at = span.from;
        (void)spans_remove_range(&s->free, span.from, span.from + units);
        return true;
    }
    *at = s->end;
    s->end += units;
    return true;
}

static void give_extent(struct spill *s, uint64_t at, uint32_t units)
{
    ASSERT(units > 0 && units <= s->units);
    (void)spans_add_range(&s->free, at, at + units);
    s->units -= units;
}

/* ---- Jobs ---- */

static void spill_done(struct io_job *job);

static struct spill_job *job_new(struct spill *s, enum spill_work what)
{
    struct spill_job *j = MEM_NEW(struct spill_job);

    ASSERT(s->job == NULL);
    j->job.work = spill_work;
    j->job.done = spill_done;
    j->job.urgency = what == SPILL_CLOSE ? IO_BACKGROUND : IO_WANTED;
    j->spill = s;
    j->disk = s->io->disk;
    j->dir = s->dir;
    j->what = what;
    return j;
}

static void job_start(struct spill *s, struct spill_job *j)
{
    j->file = s->file;
    s->file = NULL;
    s->job = j;
    io_submit(s->io, &j->job);
}

/* Everybody who waits for the slab will be told. */
static void gather_waiters(struct spill *s, struct slab *b)
{
    struct list_link *link;

    while ((link = list_take(&b->waiters)) != NULL)
        list_push(&s->told, link);
}

static void tell_waiters(struct spill *s)
{
    struct list_link *link;

    while ((link = list_take(&s->told)) != NULL) {
        struct slab_waiter *w = CONTAINER_OF(link, struct slab_waiter, link);

        w->ready(w->owner);
    }
}

/* ---- Writing ---- */

/* Counts move from the items to holds, so that the memory changes no more. False when memory for
 * them is refused; then it is tried again another time. */
static bool freeze(struct spill *s, struct slab *b)
{
    const uint64_t slab_place = STORE_TRANSIENT | (uint64_t)b->slot << SLAB_SLOT_SHIFT;

    for (uint32_t at = 0; at < b->used;) {
        struct slab_item *item = (struct slab_item *)(void *)(b->data + at);

        if (item->refs > 1 && item->refs != SLAB_HELD) {
            struct hold *hold = hold_new(s->holds);

            if (hold == NULL)
                return false;
            hold->refs = item->refs;
            hold_add(s->holds, slab_place | at / SLAB_ALIGN, hold);
            item->refs = SLAB_HELD;
        }
        at += item->size;
    }
    b->is_frozen = true;
    return true;
}

/* The slab leaves memory; its copy stays. */
static void leave_memory(struct slab *b)
{
    slab_drop_data(b);
    list_remove(&b->link);
    b->state = SLAB_SPILLED;
}

static bool add_victim(struct spill *s, struct spill_job *j, struct slab *b)
{
    struct spill_item *item = &j->items[j->count];
    uint32_t units = units_of(b->used);
    uint64_t at;

    if (!b->is_frozen && !freeze(s, b))
        return false;
    if (!take_extent(s, units, &at))
        return false;
    *item = (struct spill_item){.slab = b, .data = b->data, .size = b->used, .at = at * SLAB_BYTES};
    b->state = SLAB_WRITING;
    j->count++;
    return true;
}

/* The slab gives its memory back, now or when it is written. False: neither is possible now. */
static bool let_go(struct spill *s, struct spill_job *j, struct slab *b)
{
    if (b->copy.units > 0) {
        leave_memory(b);
        return true;
    }
    if (!b->is_frozen && slab_is_sparse(b))
        return slab_move(s->slabs, s->holds, b);
    return add_victim(s, j, b);
}

/* The youngest slab that may go. */
static struct list_link *first_victim(const struct spill *s)
{
    struct list_link *link = s->slabs->sealed.head.prev;
    uint64_t young = s->memory_max / 4;

    while (link != &s->slabs->sealed.head) {
        const struct slab *b = CONTAINER_OF(link, struct slab, link);

        if (b->capacity > young)
            break;
        young -= b->capacity;
        link = link->prev;
    }
    return link;
}

static void start_write(struct spill *s)
{
    uint64_t excess = s->slabs->bytes - s->memory_max / 16 * 15, chosen = 0;
    struct list_link *link = first_victim(s);
    struct spill_job *j = job_new(s, SPILL_WRITE);
    bool is_held = false;

    while (link != &s->slabs->sealed.head && chosen < excess && j->count < SPILL_BATCH) {
        struct slab *b = CONTAINER_OF(link, struct slab, link);

        link = link->prev;
        if (b->state != SLAB_SEALED || b->pins > 0 || b->kept_until_ns > io_now_ns(s->io)) {
            is_held = true;
            continue;
        }
        if (let_go(s, j, b)) {
            chosen += b->capacity;
            continue;
        }
        if (spill_is_full(s))
            break;
        is_held = true; /* memory for counts, or a place large enough, may be there later */
    }
    if (j->count > 0) {
        job_start(s, j);
        return;
    }
    mem_free(j);
    if (chosen > 0)
        s->slabs->calls.changed(s->slabs->calls.owner); /* it may be enough, or not */
    else if (is_held)
        io_timer_start(s->io, &s->again, AGAIN_NS);
}

static void finish_write(struct spill *s, const struct spill_job *j)
{
    for (uint32_t i = 0; i < j->count; i++) {
        const struct spill_item *item = &j->items[i];
        struct slab *b = item->slab;

        ASSERT(b->state == SLAB_WRITING && b->copy.units == 0);
        b->state = SLAB_SEALED;
        if (j->err != 0)
            give_extent(s, item->at / SLAB_BYTES, units_of(b->used));
        else
            b->copy = (struct slab_copy){item->at / SLAB_BYTES, units_of(b->used), item->crc};
        if (b->live == 0 && b->pins == 0)
            slab_end(b);
        else if (j->err == 0 && b->pins == 0)
            leave_memory(b);
    }
    if (j->err == 0)
        return;
    diag(DIAG_WARNING, "queue",
         "cannot put transient messages into '%s': %s; they stay in memory, it is tried again",
         s->dir, err_text(j->err));
    io_timer_start(s->io, &s->retry, RETRY_NS);
}

/* ---- Reading ---- */

static bool add_wanted(struct spill *s, struct spill_job *j, struct slab *b)
{
    uint8_t *data = slab_new_data(s->slabs, b->capacity);

    if (data == NULL)
        return false;
    if (list_linked(&b->link))
        list_remove(&b->link);
    b->state = SLAB_READING;
    j->items[j->count++] = (struct spill_item){
        .slab = b,
        .data = data,
        .capacity = b->capacity,
        .size = b->used,
        .crc = b->copy.crc,
        .at = b->copy.at * SLAB_BYTES,
    };
    return true;
}

/* What comes behind a wanted slab will be wanted soon, when there is memory for it. */
static void add_neighbours(struct spill *s, struct spill_job *j, const struct slab *b)
{
    uint64_t bytes = s->slabs->bytes + b->capacity;
    struct list_link *link = b->order.next;

    while (j->count < AHEAD && link != &s->slabs->order.head) {
        struct slab *next = CONTAINER_OF(link, struct slab, order);

        bytes += next->capacity;
        if (next->state != SLAB_SPILLED || next->is_lost || bytes > s->memory_max ||
            !add_wanted(s, j, next))
            return;
        link = link->next;
    }
}

static void start_read(struct spill *s)
{
    struct spill_job *j = job_new(s, SPILL_READ);
    struct list_link *link;
    const struct slab *last = NULL;

    while (j->count < SPILL_BATCH && (link = list_first(&s->wanted)) != NULL) {
        last = CONTAINER_OF(link, struct slab, link);
        if (!add_wanted(s, j, CONTAINER_OF(link, struct slab, link)))
            break;
    }
    if (j->count == 0) {
        mem_free(j);
        io_timer_start(s->io, &s->retry, RETRY_NS);
        return;
    }
    if (last->state == SLAB_READING)
        add_neighbours(s, j, last);
    job_start(s, j);
}

static void finish_read(struct spill *s, const struct spill_job *j)
{
    for (uint32_t i = 0; i < j->count; i++) {
        const struct spill_item *item = &j->items[i];
        struct slab *b = item->slab;

        ASSERT(b->state == SLAB_READING);
        b->kept_until_ns = list_empty(&b->waiters) ? 0 : io_now_ns(s->io) + KEPT_NS;
        gather_waiters(s, b);
        if (item->err != 0) {
            diag(DIAG_ERROR, "queue", "transient messages are lost, their scratch file says: %s",
                 err_text(item->err));
            slab_free_data(s->slabs, item->data, b->capacity);
            b->state = SLAB_SPILLED;
            b->is_lost = true;
        } else {
            b->data = item->data;
            b->state = SLAB_SEALED;
            s->slabs->bytes += b->capacity;
            list_push(&s->slabs->sealed, &b->link);
        }
        if (b->live == 0)
            slab_end(b);
    }
}

/* ---- Both ---- */

static void job_end(struct spill_job *j)
{
    for (uint32_t i = 0; i < j->count; i++)
        mem_free(j->items[i].data);
    disk_close(j->file);
    mem_free(j->dir);
    mem_free(j);
}

static void spill_done(struct io_job *job)
{
    struct spill_job *j = CONTAINER_OF(job, struct spill_job, job);
    struct spill *s = j->spill;

    if (s == NULL) {
        job_end(j);
        return;
    }
    s->job = NULL;
    s->file = j->file;
    if (j->what == SPILL_WRITE)
        finish_write(s, j);
    else if (j->what == SPILL_READ)
        finish_read(s, j);
    mem_free(j);
    s->slabs->calls.changed(s->slabs->calls.owner);
    tell_waiters(s);
}

static bool is_over_memory(const struct spill *s)
{
    return s->slabs->bytes > s->memory_max && !io_timer_is_running(&s->retry);
}

static bool is_file_idle(const struct spill *s)
{
    return s->file != NULL && s->units == 0;
}

static void work_in_turn(struct io_task *t)
{
    struct spill *s = CONTAINER_OF(t, struct spill, task);

    tell_waiters(s);
    if (s->job != NULL)
        return;
    if (!list_empty(&s->wanted)) {
        start_read(s);
    } else if (is_over_memory(s)) {
        start_write(s);
    } else if (is_file_idle(s)) {
        spans_release(&s->free);
        s->end = 0;
        job_start(s, job_new(s, SPILL_CLOSE));
    }
}

void spill_look(struct spill *s)
{
    if (!list_empty(&s->told) ||
        (s->job == NULL && (!list_empty(&s->wanted) || is_over_memory(s) || is_file_idle(s))))
        io_later(s->io, &s->task);
}

static void try_again(struct io_timer *t)
{
    spill_look(CONTAINER_OF(t, struct spill, retry));
}

static void look_again(struct io_timer *t)
{
    spill_look(CONTAINER_OF(t, struct spill, again));
}

void spill_forget(struct spill *s, struct slab *b)
{
    gather_waiters(s, b);
    if (b->copy.units > 0)
        give_extent(s, b->copy.at, b->copy.units);
    b->copy.units = 0;
    spill_look(s);
}

void spill_want(struct spill *s, struct slab *b, struct slab_waiter *w)
{
    ASSERT(b->state == SLAB_SPILLED || b->state == SLAB_READING);
    if (!list_linked(&w->link))
        list_push(&b->waiters, &w->link);
    if (b->state == SLAB_SPILLED && !list_linked(&b->link))
        list_push(&s->wanted, &b->link);
    spill_look(s);
}

void spill_cancel(struct slab_waiter *w)
{
    if (list_linked(&w->link))
        list_remove(&w->link);
}

/* ---- Life ---- */

void spill_init(struct spill *s, struct io *io, struct slabs *slabs, struct holds *holds,
                const char *dir)
{
    char *path = scratch_path(dir);

    *s = (struct spill){.io = io, .slabs = slabs, .holds = holds, .dir = mem_text(dir)};
    spans_init(&s->free);
    list_init(&s->wanted);
    list_init(&s->told);
    io_task_init(&s->task, work_in_turn);
    io_timer_init(&s->retry, try_again);
    io_timer_init(&s->again, look_again);
    (void)!disk_remove(io->disk, path);
    mem_free(path);
}

/* The job in flight ends by itself: the memory it uses is its own now. */
static void leave_job(struct spill *s)
{
    struct spill_job *j = s->job;

    for (uint32_t i = 0; i < j->count; i++) {
        struct slab *b = j->items[i].slab;

        if (j->what == SPILL_WRITE) {
            b->home->bytes -= b->capacity;
            b->data = NULL;
        }
    }
    j->spill = NULL;
    j->dir = s->dir;
    s->dir = NULL;
}

void spill_release(struct spill *s)
{
    ASSERT(list_empty(&s->told));
    io_task_cancel(&s->task);
    io_timer_stop(s->io, &s->retry);
    io_timer_stop(s->io, &s->again);
    if (s->job != NULL)
        leave_job(s);
    disk_close(s->file);
    spans_release(&s->free);
    mem_free(s->dir);
}

/* ---- Looking ---- */

uint64_t spill_bytes(const struct spill *s)
{
    return s->units * SLAB_BYTES;
}

bool spill_is_full(const struct spill *s)
{
    return (s->units + 1) * SLAB_BYTES > s->disk_max || io_timer_is_running(&s->retry);
}

void spill_check(const struct spill *s)
{
    uint64_t units = 0;

    for (uint32_t i = 0; i < s->slabs->table_size; i++) {
        const struct slab *b = s->slabs->table[i];

        if (b != NULL)
            units += b->copy.units;
    }
    if (s->job != NULL && s->job->what == SPILL_WRITE) {
        for (uint32_t i = 0; i < s->job->count; i++)
            units += units_of(s->job->items[i].size);
    }
    ASSERT(units == s->units && s->units <= s->end);
    ASSERT(spans_count(&s->free) + s->units == s->end);
}
