/* Signals as events of a loop, by signalfd: they come between callbacks and interrupt none. */
#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/real.h"
#include "io/real_errno.h"
#include "io/real_loop.h"

struct real_signal {
    struct list_link link;
    int fd;
    real_signal_fn *fn;
    void *owner;
    struct event event;
};

static void on_signal_fd(evutil_socket_t fd, short events, void *arg)
{
    struct real_signal *s = arg;
    struct signalfd_siginfo unused;

    (void)events;
    while (read(fd, &unused, sizeof(unused)) == (ssize_t)sizeof(unused))
        s->fn(s->owner);
}

int real_on_signal(struct io *io, int number, real_signal_fn *fn, void *owner)
{
    struct real_io *r = real_io_of(io);
    struct real_signal *s = NULL;
    sigset_t set;
    int rv = 0;
    int fd = -1;

    ASSERT(fn != NULL);
    sigemptyset(&set);
    rv = sigaddset(&set, number);
    ASSERT(rv == 0);
    fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd == -1)
        return real_errno(errno);

    s = MEM_NEW(struct real_signal);
    s->fd = fd;
    s->fn = fn;
    s->owner = owner;
    rv = event_assign(&s->event, r->events, fd, EV_READ | EV_PERSIST, on_signal_fd, s);
    ASSERT(rv == 0);
    list_push(&r->signals, &s->link);
    if (event_add(&s->event, NULL) != 0)
        return ERR_IO;
    rv = pthread_sigmask(SIG_BLOCK, &set, NULL);
    ASSERT(rv == 0);
    return 0;
}

void loop_release_signals(struct real_io *r)
{
    struct list_link *link = NULL;

    while ((link = list_take(&r->signals)) != NULL) {
        struct real_signal *s = CONTAINER_OF(link, struct real_signal, link);
        event_del(&s->event);
        close(s->fd);
        mem_free(s);
    }
}
