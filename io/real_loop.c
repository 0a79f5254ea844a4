/* One shard's loop.
 *
 * libevent waits and calls the sockets; timers, jobs and tasks are ours, so that their order within
 * a turn is the one that io.h draws. A timerfd wakes us for the first timer, an eventfd for what
 * other threads have left. */
#include "io/real_loop.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/real.h"
#include "io/real_errno.h"
#include "io/real_parts.h"
#include "io/real_workers.h"

enum { NS_PER_S = 1000 * 1000 * 1000, NS_PER_MS = 1000 * 1000, MS_PER_S = 1000 };

/* ---- clock and chance ---- */

static struct timespec read_clock(clockid_t clock)
{
    struct timespec ts;
    int rv = clock_gettime(clock, &ts);

    ASSERT(rv == 0);
    return ts;
}

/* Within a run the clocks are read once a turn; outside of it, each time. */
static void know_time(struct real_io *r)
{
    struct timespec ts;

    if (r->is_time_known)
        return;
    ts = read_clock(CLOCK_MONOTONIC);
    r->now_ns = (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
    ts = read_clock(CLOCK_REALTIME);
    r->wall_ms = (int64_t)ts.tv_sec * MS_PER_S + ts.tv_nsec / NS_PER_MS;
    r->is_time_known = r->is_running;
}

static uint64_t real_now_ns(struct io *io)
{
    struct real_io *r = real_io_of(io);

    know_time(r);
    return r->now_ns;
}

static int64_t real_wall_ms(struct io *io)
{
    struct real_io *r = real_io_of(io);

    know_time(r);
    return r->wall_ms;
}

static void fetch_chance(struct real_io *r)
{
    size_t done = 0;

    while (done < sizeof(r->chance)) {
        ssize_t n = getrandom((char *)r->chance + done, sizeof(r->chance) - done, 0);
        ASSERT(n > 0 || errno == EINTR); /* with these arguments it fails in no other way */
        done += n > 0 ? (size_t)n : 0;
    }
    r->chance_left = LOOP_CHANCE_COUNT;
}

static uint64_t real_random(struct io *io)
{
    struct real_io *r = real_io_of(io);
    uint64_t result = 0;

    if (r->chance_left == 0)
        fetch_chance(r);
    r->chance_left--;
    result = r->chance[r->chance_left];
    r->chance[r->chance_left] = 0; /* a number once given is nobody else's business */
    return result;
}

/* ---- timers ---- */

/* Empties an eventfd or timerfd, which has fired; how often does not matter. A timerfd set anew
 * since then has nothing to read. */
static void read_count(int fd)
{
    uint64_t count = 0;
    ssize_t n = read(fd, &count, sizeof(count));

    ASSERT(n == (ssize_t)sizeof(count) || (n == -1 && errno == EAGAIN));
}

static void real_timer_stop(struct io *io, struct io_timer *t)
{
    if (heap_holds(&t->node))
        heap_remove(&real_io_of(io)->timers, &t->node);
}

static void real_timer_start(struct io *io, struct io_timer *t, uint64_t delay_ns)
{
    struct real_io *r = real_io_of(io);
    uint64_t now = real_now_ns(io);

    ASSERT(t->fn != NULL);
    real_timer_stop(io, t);
    t->node.order = delay_ns < UINT64_MAX - now ? now + delay_ns : UINT64_MAX;
    t->node.tie = r->timer_number++;
    heap_push(&r->timers, &t->node);
}

/* Whether the first timer was due by the time of the last turn; then there is no need to wait. */
static bool is_timer_due(const struct real_io *r)
{
    const struct heap_node *first = heap_first(&r->timers);

    return first != NULL && first->order <= r->now_ns;
}

/* Makes the timerfd fire for the first timer. One that was stopped leaves it armed too early: a
 * turn for nothing then costs less than a system call for each stop. */
static void arm_timers(struct real_io *r)
{
    const struct heap_node *first = heap_first(&r->timers);
    struct itimerspec at = {0};
    int rv = 0;

    if (first == NULL || first->order >= r->armed_ns)
        return;
    at.it_value.tv_sec = (time_t)(first->order / NS_PER_S);
    at.it_value.tv_nsec = (long)(first->order % NS_PER_S);
    rv = timerfd_settime(r->timer_fd, TFD_TIMER_ABSTIME, &at, NULL);
    ASSERT(rv == 0);
    r->armed_ns = first->order;
}

static void on_timer_fd(evutil_socket_t fd, short events, void *owner)
{
    struct real_io *r = owner;

    (void)events;
    read_count(fd);
    r->armed_ns = UINT64_MAX;
}

/* Calls what is due. A timer started meanwhile has to wait for the next turn, or a timer that
 * starts itself without delay would hold the turn for ever. */
static void run_timers(struct real_io *r)
{
    uint64_t limit = r->timer_number;
    struct heap_node *n = NULL;

    while ((n = heap_first(&r->timers)) != NULL && n->tie < limit &&
           n->order <= real_now_ns(&r->base)) {
        struct io_timer *t = CONTAINER_OF(n, struct io_timer, node);
        heap_remove(&r->timers, n);
        t->fn(t);
    }
}

/* ---- tasks ---- */

static void real_later(struct io *io, struct io_task *t)
{
    ASSERT(t->fn != NULL);
    if (!list_linked(&t->link))
        list_push(&real_io_of(io)->tasks, &t->link);
}

static void run_tasks(struct real_io *r)
{
    struct list_link *link = NULL;

    while ((link = list_take(&r->tasks)) != NULL) {
        struct io_task *t = CONTAINER_OF(link, struct io_task, link);
        t->fn(t);
    }
}

/* ---- jobs, and what else other threads leave ---- */

/* Lets go of the mail's lock and, when the loop does not know yet, wakes it (M1). The write comes
 * after the lock: a loop on the same processor would wake up only to wait for it. */
static void seal_mail(struct real_io *r)
{
    uint64_t one = 1;
    ssize_t n = 0;
    bool was_told = r->mail.is_told;

    r->mail.is_told = true;
    pthread_mutex_unlock(&r->mail.lock);
    if (was_told)
        return;
    n = write(r->mail_fd, &one, sizeof(one)); /* M2 */
    ASSERT(n == (ssize_t)sizeof(one));
}

/* M3 */
struct io_job *loop_finish_job(struct io_job *j)
{
    struct real_io *r = real_io_of(j->io);
    struct io_job *then = NULL;

    pthread_mutex_lock(&r->mail.lock);
    then = j->then;
    j->then = NULL;
    j->is_over = true;
    list_push(&r->mail.finished, &j->link);
    seal_mail(r);
    return then;
}

static void real_submit(struct io *io, struct io_job *j)
{
    struct real_io *r = real_io_of(io);

    ASSERT(j->io == io);
    r->job_count++;
    workers_submit(r->workers, j);
}

static void real_follow(struct io *io, struct io_job *j, struct io_job *first)
{
    struct real_io *r = real_io_of(io);
    bool is_late = false;

    r->job_count++;
    pthread_mutex_lock(&r->mail.lock);
    ASSERT(first->then == NULL);
    is_late = first->is_over;
    if (!is_late)
        first->then = j;
    pthread_mutex_unlock(&r->mail.lock);
    if (is_late)
        workers_submit(r->workers, j);
}

static bool real_recall(struct io *io, struct io_job *j, struct io_job *first)
{
    struct real_io *r = real_io_of(io);
    bool is_back = false;

    pthread_mutex_lock(&r->mail.lock);
    is_back = first->then == j;
    if (is_back)
        first->then = NULL;
    pthread_mutex_unlock(&r->mail.lock);
    r->job_count -= is_back ? 1 : 0;
    return is_back;
}

static void real_wake(struct io *io)
{
    struct real_io *r = real_io_of(io);

    pthread_mutex_lock(&r->mail.lock);
    r->mail.is_woken = true;
    seal_mail(r);
}

void real_io_stop(struct io *io)
{
    struct real_io *r = real_io_of(io);

    pthread_mutex_lock(&r->mail.lock);
    r->mail.is_stopping = true;
    seal_mail(r);
}

static void on_mail_fd(evutil_socket_t fd, short events, void *owner)
{
    struct real_io *r = owner;

    (void)events;
    read_count(fd);
    r->has_mail = true;
}

static void finish_jobs(struct real_io *r, struct list *finished)
{
    struct list_link *link = NULL;

    while ((link = list_take(finished)) != NULL) {
        struct io_job *j = CONTAINER_OF(link, struct io_job, link);
        ASSERT(r->job_count > 0);
        r->job_count--;
        j->done(j);
    }
}

static void read_mail(struct real_io *r)
{
    struct list finished;
    struct list_link *link = NULL;
    bool is_woken = false;

    if (!r->has_mail)
        return;
    r->has_mail = false;
    list_init(&finished);

    pthread_mutex_lock(&r->mail.lock);
    while ((link = list_take(&r->mail.finished)) != NULL)
        list_push(&finished, link);
    is_woken = r->mail.is_woken;
    r->is_stopped = r->mail.is_stopping;
    r->mail.is_woken = false;
    r->mail.is_stopping = false;
    r->mail.is_told = false;
    pthread_mutex_unlock(&r->mail.lock);

    finish_jobs(r, &finished);
    if (is_woken && r->base.on_wake != NULL)
        r->base.on_wake(r->base.on_wake_owner);
}

/* ---- open, run, close ---- */

static const struct io_ops real_io_ops = {
    .now_ns = real_now_ns,
    .wall_ms = real_wall_ms,
    .random = real_random,
    .timer_start = real_timer_start,
    .timer_stop = real_timer_stop,
    .later = real_later,
    .submit = real_submit,
    .follow = real_follow,
    .recall = real_recall,
    .wake = real_wake,
};

/* Whether there are as many more descriptors as libevent wants for a loop, one and a pair: it ends
 * the process when there is none for the pair. */
static bool has_room_for_events(int fd)
{
    int copies[3];
    int count = 0;
    bool has_room = true;

    while (has_room && count < 3) {
        copies[count] = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        has_room = copies[count] != -1;
        count += has_room;
    }
    int error = errno;
    while (count > 0)
        close(copies[--count]);
    errno = error;
    return has_room;
}

static struct event_base *open_events(void)
{
    struct event_config *config = event_config_new();
    struct event_base *events = NULL;

    if (config == NULL)
        return NULL;
    /* One thread turns a loop, so libevent needs no locks; nor does it need the environment. */
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV |
                                      EVENT_BASE_FLAG_NO_CACHE_TIME);
    event_config_require_features(config, EV_FEATURE_O1);
    events = event_base_new_with_config(config);
    event_config_free(config);
    return events;
}

static int watch_count(struct real_io *r, struct event *event, int fd, event_callback_fn fn)
{
    int rv = event_assign(event, r->events, fd, EV_READ | EV_PERSIST, fn, r);

    ASSERT(rv == 0);
    return event_add(event, NULL);
}

int real_io_open(struct real *real, struct io **out, struct err_note *note)
{
    struct real_io *r = MEM_NEW(struct real_io);
    int rv = 0;

    r->base = (struct io){.ops = &real_io_ops, .net = &real_net_ops, .disk = real_disk()};
    r->workers = real_workers(real);
    r->armed_ns = UINT64_MAX;
    heap_init(&r->timers);
    list_init(&r->tasks);
    list_init(&r->signals);
    list_init(&r->mail.finished);
    pthread_mutex_init(&r->mail.lock, NULL);
    errno = 0; /* libevent does not always say why it fails */
    r->mail_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    r->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (r->mail_fd == -1 || r->timer_fd == -1 || !has_room_for_events(r->mail_fd))
        goto fail;
    r->events = open_events();
    if (r->events == NULL || watch_count(r, &r->mail_event, r->mail_fd, on_mail_fd) != 0 ||
        watch_count(r, &r->timer_event, r->timer_fd, on_timer_fd) != 0)
        goto fail;
    *out = &r->base;
    return 0;

fail:
    rv = errno != 0 ? real_errno(errno) : ERR_IO;
    err_note(note, rv, "cannot make an event loop: %s", strerror(errno));
    real_io_close(&r->base);
    return rv;
}

static void real_turn(struct real_io *r)
{
    /* Tasks can be waiting here before the first turn only. */
    bool may_wait = list_empty(&r->tasks) && !is_timer_due(r);
    int rv = 0;

    if (may_wait)
        arm_timers(r);
    r->is_time_known = false;
    rv = event_base_loop(r->events, may_wait ? EVLOOP_ONCE : EVLOOP_NONBLOCK);
    ASSERT(rv == 0);
    run_timers(r);
    read_mail(r);
    run_tasks(r);
}

void real_io_run(struct io *io)
{
    struct real_io *r = real_io_of(io);

    ASSERT(!r->is_running);
    r->is_running = true;
    r->is_stopped = false;
    while (!r->is_stopped)
        real_turn(r);
    r->is_running = false;
    r->is_time_known = false;
}

void real_io_close(struct io *io)
{
    struct real_io *r = NULL;

    if (io == NULL)
        return;
    r = real_io_of(io);
    ASSERT(!r->is_running);
    ASSERT(r->job_count == 0 && r->socket_count == 0);
    ASSERT(heap_first(&r->timers) == NULL && list_empty(&r->tasks));

    loop_release_signals(r);
    if (r->events != NULL)
        event_base_free(r->events);
    if (r->timer_fd != -1)
        close(r->timer_fd);
    if (r->mail_fd != -1)
        close(r->mail_fd);
    pthread_mutex_destroy(&r->mail.lock);
    heap_release(&r->timers);
    explicit_bzero(r->chance, sizeof(r->chance));
    mem_free(r);
}
