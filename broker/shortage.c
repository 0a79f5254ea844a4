/* Shortages of memory and disk. A shortage ends a little below where it began, so that it does not
 * flicker. */
#include "broker/shortage.h"

#include "base/diag.h"
#include "base/mem.h"
#include "base/units.h"
#include "broker/announce.h"
#include "broker/parts.h"
#include "io/disk.h"

enum {
    LOOK_MS = 500,
    SLACK = 32,      /* a part of the limit */
    CALM_LOOKS = 10, /* before free memory goes back to the system: it may be wanted again */
    RETURN_MIN_BYTES = 32 << 20,
};

struct shortage {
    struct broker *broker;
    struct io_timer timer;
    struct io_job job;
    char *data_dir;
    bool is_started;
    bool is_kept; /* also when nobody is there */
    bool is_busy;
    bool is_memory_short;
    bool is_disk_short;
    bool is_returning;    /* the job's: it gives free memory back */
    uint64_t memory_most; /* in use since that was done last */
    unsigned calm_looks;  /* so many in a row found less than half of it */
    uint64_t disk_free;
    uint64_t found_free; /* the job's */
    int found_rv;
    void (*idle)(void *owner);
    void *idle_owner;
};

const char *shortage_reason(const struct shortage *a)
{
    if (a->is_memory_short && a->is_disk_short)
        return "low on memory & disk";
    if (a->is_memory_short)
        return "low on memory";
    return a->is_disk_short ? "low on disk" : NULL;
}

/* Tells all visitors the reason that holds now. */
static void tell(struct shortage *a)
{
    const char *reason = shortage_reason(a);

    diag(reason == NULL ? DIAG_INFO : DIAG_WARNING, "broker", "%s%s",
         reason == NULL ? "publishers may go on" : "publishers are held back: ",
         reason == NULL ? "" : reason);
    LIST_FOREACH_SAFE (link, &a->broker->visits) { /* one may end when it hears that */
        struct visit *v = CONTAINER_OF(link, struct visit, link);

        if (v->calls.blocked != NULL)
            v->calls.blocked(v->calls.owner, reason);
    }
}

static void set(struct shortage *a, bool *state, bool is_short)
{
    if (*state == is_short)
        return;
    *state = is_short;
    event_tell(
        a->broker, is_short ? "alarm.set" : "alarm.cleared",
        &(struct event_text){"source", bytes_text(state == &a->is_disk_short ? "disk" : "memory")},
        1);
    tell(a);
}

static void look_at_memory(struct shortage *a)
{
    uint64_t high = a->broker->options->memory_max_bytes;
    uint64_t used = mem_used_bytes();

    if (a->is_memory_short)
        high -= high / SLACK;
    set(a, &a->is_memory_short, a->broker->options->memory_max_bytes > 0 && used > high);
}

/* Whether much was in use and has been free for a while; what lies free between small things that
 * stay would else stay with us for ever. */
static bool should_return(struct shortage *a)
{
    uint64_t used = mem_used_bytes();
    bool is_calm;

    if (used > a->memory_most)
        a->memory_most = used;
    is_calm = used < a->memory_most / 2 && a->memory_most - used > RETURN_MIN_BYTES;
    a->calm_looks = is_calm ? a->calm_looks + 1 : 0;
    if (a->calm_looks < CALM_LOOKS)
        return false;
    a->calm_looks = 0;
    a->memory_most = used;
    return true;
}

static void look_at_disk(struct io_job *j)
{
    struct shortage *a = CONTAINER_OF(j, struct shortage, job);
    uint64_t total = 0;

    if (a->is_returning)
        mem_return_free();
    a->found_rv = disk_space(j->io->disk, a->data_dir, &a->found_free, &total);
}

static void disk_looked_at(struct io_job *j)
{
    struct shortage *a = CONTAINER_OF(j, struct shortage, job);
    uint64_t low = a->broker->options->disk_min_bytes;

    a->is_busy = false;
    if (a->idle != NULL) {
        a->idle(a->idle_owner);
        return;
    }
    if (a->found_rv != 0)
        return; /* nothing is known; what was stays */
    a->disk_free = a->found_free;
    if (a->is_disk_short)
        low += low / SLACK;
    set(a, &a->is_disk_short, a->disk_free < low);
}

static void look(struct shortage *a)
{
    look_at_memory(a);
    if (!a->is_busy) {
        a->is_busy = true;
        a->is_returning = should_return(a);
        io_submit(a->broker->io, &a->job);
    }
    io_timer_start(a->broker->io, &a->timer, LOOK_MS * UINT64_C(1000000));
}

static void on_timer(struct io_timer *t)
{
    look(CONTAINER_OF(t, struct shortage, timer));
}

struct shortage *shortage_new(struct broker *b, const char *data_dir)
{
    struct shortage *a = MEM_NEW(struct shortage);

    a->broker = b;
    a->data_dir = mem_text(data_dir);
    a->job =
        (struct io_job){.work = look_at_disk, .done = disk_looked_at, .urgency = IO_BACKGROUND};
    io_timer_init(&a->timer, on_timer);
    return a;
}

void shortage_free(struct shortage *a)
{
    ASSERT(!a->is_busy && !io_timer_is_running(&a->timer));
    mem_free(a->data_dir);
    mem_free(a);
}

void shortage_start(struct shortage *a)
{
    if (a->is_started)
        return;
    a->is_started = true;
    io_timer_start(a->broker->io, &a->timer, 0);
}

void shortage_keep(struct shortage *a)
{
    a->is_kept = true;
    shortage_start(a);
}

void shortage_rest(struct shortage *a)
{
    if (!a->is_kept)
        shortage_stop(a);
}

void shortage_stop(struct shortage *a)
{
    a->is_started = false;
    io_timer_stop(a->broker->io, &a->timer);
}

bool shortage_are_busy(const struct shortage *a)
{
    return a->is_busy;
}

void shortage_on_idle(struct shortage *a, void (*idle)(void *owner), void *owner)
{
    ASSERT(a->is_busy);
    a->idle = idle;
    a->idle_owner = owner;
}

bool shortage_of_memory(const struct shortage *a)
{
    return a->is_memory_short;
}

bool shortage_of_disk(const struct shortage *a)
{
    return a->is_disk_short;
}

uint64_t shortage_disk_free(const struct shortage *a)
{
    return a->disk_free;
}
