/* The thread that writes lines. It takes all that waits in one swap, so those who speak hold the
 * lock for a copy and never for a write. */
#include "base/diag_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/err.h"

enum {
    STOP_MS = 1000,   /* what is left at the end may take so long */
    RETRY_S = 1,      /* a file that cannot be opened is tried again after that */
    FILE_MODE = 0640, /* the operator's group may read it */
    NAME_MAX_SIZE = DIAG_PATH_MAX + 16,
};

/* Before each line in a buffer. */
struct entry {
    uint16_t size;
    uint16_t target;
};

STATIC_ASSERT(DIAG_LINE_MAX < UINT16_MAX, "a size fits into an entry");

struct lines {
    char bytes[DIAG_BUFFER_SIZE];
    size_t size;
};

/* What is known about the file, by who sets it and by who writes it. */
struct file_plan {
    char path[DIAG_PATH_MAX + 1];
    uint64_t rotation_bytes;
    enum diag_period period;
    uint64_t count;
    uint64_t turn; /* rises with each plan and each wish to open it again */
};

static struct {
    pthread_mutex_t lock; /* guards all here; no other lock is taken while it is held */
    pthread_cond_t changed;
    struct lines buffers[2];
    struct lines *front;
    uint64_t lost;
    struct file_plan plan;
    bool is_running;
    bool is_stopping;
    bool has_ended;
    atomic_bool is_given_up; /* what is left is not written any more */
    pthread_t thread;
} writer = {.lock = PTHREAD_MUTEX_INITIALIZER,
            .changed = PTHREAD_COND_INITIALIZER,
            .front = &writer.buffers[0]};

/* The thread's own. */
static struct {
    struct file_plan plan;
    int fd; /* -1: not open */
    uint64_t size;
    int64_t period; /* the day or hour of the last line */
    time_t tried;   /* when opening failed the last time; 0: it did not */
} file = {.fd = -1};

static void lock(void)
{
    int rv = pthread_mutex_lock(&writer.lock);
    ASSERT(rv == 0);
}

static void unlock(void)
{
    int rv = pthread_mutex_unlock(&writer.lock);
    ASSERT(rv == 0);
}

/* ---- the file ---- */

static void write_all(int fd, const char *bytes, size_t size, int *error)
{
    size_t done = 0;

    *error = 0;
    while (done < size) {
        ssize_t n = write(fd, bytes + done, size - done);
        if (n == -1 && errno == EINTR)
            continue;
        if (n <= 0) {
            *error = n == 0 ? EIO : errno;
            return;
        }
        done += (size_t)n;
    }
}

/* To standard error; a failure of that has nowhere to be reported. */
static void complain(const char *what, int error)
{
    char text[NAME_MAX_SIZE + 128];
    int ignored = 0;
    int size =
        snprintf(text, sizeof(text), "millrace: cannot %s the file of diagnostics '%s': %s\n", what,
                 file.plan.path, strerrordesc_np(error));

    if (size > 0 && (size_t)size < sizeof(text))
        write_all(STDERR_FILENO, text, (size_t)size, &ignored);
}

static int64_t period_of(time_t seconds)
{
    static const int64_t lengths[] = {[DIAG_DAILY] = 86400, [DIAG_HOURLY] = 3600};

    return file.plan.period == DIAG_NEVER ? 0 : (int64_t)seconds / lengths[file.plan.period];
}

static void close_file(void)
{
    if (file.fd >= 0 && close(file.fd) != 0 && errno != EINTR)
        complain("close", errno);
    file.fd = -1;
}

/* A failure is said once, until it worked again. */
static void fail_file(const char *what, int error)
{
    if (file.tried == 0)
        complain(what, error);
    file.tried = time(NULL);
    close_file();
}

static bool open_file(void)
{
    struct stat st;

    if (file.fd >= 0)
        return true;
    if (file.plan.path[0] == '\0' || (file.tried != 0 && time(NULL) < file.tried + RETRY_S))
        return false;
    file.fd =
        open(file.plan.path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, FILE_MODE);
    if (file.fd < 0 || fstat(file.fd, &st) != 0) {
        fail_file("open", errno);
        return false;
    }
    if (!S_ISREG(st.st_mode)) {
        fail_file("open", EINVAL);
        return false;
    }
    file.tried = 0;
    file.size = (uint64_t)st.st_size;
    file.period = period_of(st.st_size > 0 ? st.st_mtime : time(NULL));
    return true;
}

static void name_file(char out[NAME_MAX_SIZE], uint64_t number)
{
    int size = snprintf(out, NAME_MAX_SIZE, "%s.%u", file.plan.path, (unsigned)number);

    ASSERT(size > 0 && size < NAME_MAX_SIZE);
}

/* path.1 to path.2, path.0 to path.1, path to path.0. What cannot be moved stays, and goes on. */
static void rotate_file(void)
{
    char from[NAME_MAX_SIZE];
    char to[NAME_MAX_SIZE];

    for (uint64_t i = file.plan.count; i > 1; i--) {
        name_file(from, i - 2);
        name_file(to, i - 1);
        if (rename(from, to) != 0 && errno != ENOENT)
            complain("rotate", errno);
    }
    name_file(to, 0);
    if (file.plan.count > 0 ? rename(file.plan.path, to) != 0 : unlink(file.plan.path) != 0)
        complain("rotate", errno);
    close_file();
}

static bool must_rotate(size_t more)
{
    if (file.size == 0)
        return false;
    if (file.plan.rotation_bytes > 0 && file.size + more > file.plan.rotation_bytes)
        return true;
    return period_of(time(NULL)) != file.period;
}

static void write_to_file(const char *line, size_t size)
{
    int error = 0;

    if (!open_file())
        return;
    if (must_rotate(size)) {
        rotate_file();
        if (!open_file())
            return;
    }
    write_all(file.fd, line, size, &error);
    file.size += size;
    file.period = period_of(time(NULL));
    if (error != 0)
        fail_file("write", error);
}

/* ---- the thread ---- */

static void write_lines(const struct lines *l)
{
    struct entry e;
    int ignored = 0;

    for (size_t at = 0; at < l->size && !atomic_load(&writer.is_given_up);
         at += sizeof(e) + e.size) {
        memcpy(&e, l->bytes + at, sizeof(e));
        if (e.target == DIAG_CONSOLE)
            write_all(STDERR_FILENO, l->bytes + at + sizeof(e), e.size, &ignored);
        else
            write_to_file(l->bytes + at + sizeof(e), e.size);
    }
}

/* Waits until there is something to do; takes the lines, and what changed about the file. False
 * when this is the end. */
static bool take(struct lines **out)
{
    bool is_over = false;

    lock();
    while (writer.front->size == 0 && !writer.is_stopping && file.plan.turn == writer.plan.turn) {
        int rv = pthread_cond_wait(&writer.changed, &writer.lock);
        ASSERT(rv == 0);
    }
    is_over = writer.is_stopping && writer.front->size == 0;
    if (file.plan.turn != writer.plan.turn) {
        close_file();
        file.tried = 0;
        file.plan = writer.plan;
    }
    *out = writer.front;
    writer.front = writer.front == &writer.buffers[0] ? &writer.buffers[1] : &writer.buffers[0];
    ASSERT(writer.front->size == 0);
    unlock();
    return !is_over;
}

static void *run(void *unused)
{
    struct lines *l = NULL;

    (void)unused;
    while (take(&l)) {
        write_lines(l);
        lock();
        l->size = 0;
        unlock();
    }
    close_file();
    lock();
    writer.has_ended = true;
    pthread_cond_broadcast(&writer.changed);
    unlock();
    return NULL;
}

int diag_writer_start(void)
{
    sigset_t all;
    sigset_t before;
    int rv = 0;

    ASSERT(!writer.is_running);
    writer.is_stopping = false;
    writer.has_ended = false;
    sigfillset(&all);
    rv = pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the loop's */
    ASSERT(rv == 0);
    rv = pthread_create(&writer.thread, NULL, run, NULL);
    ASSERT(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    if (rv != 0)
        return ERR_NO_MEMORY;
    lock();
    writer.is_running = true;
    unlock();
    return 0;
}

void diag_writer_stop(void)
{
    struct timespec until;
    int rv = 0;

    if (!writer.is_running)
        return;
    rv = clock_gettime(CLOCK_REALTIME, &until);
    ASSERT(rv == 0);
    until.tv_sec += STOP_MS / 1000;
    lock();
    writer.is_running = false;
    writer.is_stopping = true;
    pthread_cond_broadcast(&writer.changed);
    while (!writer.has_ended && rv == 0)
        rv = pthread_cond_timedwait(&writer.changed, &writer.lock, &until);
    unlock();
    atomic_store(&writer.is_given_up, rv != 0);
    rv = rv == 0 ? pthread_join(writer.thread, NULL) : pthread_detach(writer.thread);
    ASSERT(rv == 0);
}

/* ---- from outside ---- */

void diag_writer_put(enum diag_target target, const char *line, size_t size)
{
    const struct entry e = {.size = (uint16_t)size, .target = (uint16_t)target};
    struct lines *l = NULL;
    int ignored = 0;
    bool is_taken = false;

    ASSERT(size > 0 && size <= DIAG_LINE_MAX);
    lock();
    l = writer.front;
    if (writer.is_running && sizeof(e) + size <= DIAG_BUFFER_SIZE - l->size) {
        memcpy(l->bytes + l->size, &e, sizeof(e));
        memcpy(l->bytes + l->size + sizeof(e), line, size);
        l->size += sizeof(e) + size;
        pthread_cond_broadcast(&writer.changed);
        is_taken = true;
    } else if (writer.is_running) {
        writer.lost++;
        is_taken = true;
    }
    unlock();
    if (!is_taken && target == DIAG_CONSOLE)
        write_all(STDERR_FILENO, line, size, &ignored);
}

uint64_t diag_writer_take_lost(void)
{
    uint64_t count = 0;

    lock();
    if (writer.front->size < DIAG_BUFFER_SIZE / 2) {
        count = writer.lost;
        writer.lost = 0;
    }
    unlock();
    return count;
}

void diag_writer_set_file(const struct diag_options *o)
{
    const char *path = o->file.level == DIAG_OFF || o->path == NULL ? "" : o->path;

    ASSERT(strlen(path) <= DIAG_PATH_MAX && o->rotation_count <= DIAG_ROTATIONS_MAX);
    lock();
    memcpy(writer.plan.path, path, strlen(path) + 1);
    writer.plan.rotation_bytes = o->rotation_bytes;
    writer.plan.period = o->rotation_period;
    writer.plan.count = o->rotation_count;
    writer.plan.turn++;
    pthread_cond_broadcast(&writer.changed);
    unlock();
}

void diag_writer_reopen(void)
{
    lock();
    writer.plan.turn++;
    pthread_cond_broadcast(&writer.changed);
    unlock();
}
