/* Listens, turns the loop, ends. */
#include "tools/bench/floor/floor.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>

#include "base/mem.h"
#include "io/net.h"
#include "io/real.h"
#include "tools/bench/floor/parts.h"

enum { WORKERS = 2, LINE_SIZE = 64 };

static void on_signal(void *owner)
{
    real_io_stop(owner);
}

static void on_begin(struct keep *k)
{
    relay_begin(CONTAINER_OF(k, struct floor, keep));
}

static void on_commit(struct keep *k)
{
    struct floor *f = CONTAINER_OF(k, struct floor, keep);

    if (k->result == 0)
        relay_confirm(f);
}

static int listen_to_signals(struct io *io)
{
    int rv = real_on_signal(io, SIGINT, on_signal, io);

    return rv == 0 ? real_on_signal(io, SIGTERM, on_signal, io) : rv;
}

static int serve(struct floor *f, const struct floor_options *o, struct err_note *note)
{
    struct listener *listener = NULL;
    char line[LINE_SIZE];
    int rv = keep_open(&f->keep, f->io, o->data_dir, note);

    if (rv == 0)
        rv = listener_open(f->io, "127.0.0.1", o->port, peer_new, f, &listener, note);
    if (rv == 0) {
        (void)snprintf(line, sizeof(line), "the floor listens on 127.0.0.1:%u\n",
                       listener_port(listener));
        rv = o->with_parent ? 0 : real_print(line);
    }
    if (rv == 0)
        real_io_run(f->io);
    if (listener != NULL)
        listener_close(listener);
    return rv;
}

/* Jobs on their way end before anything is freed. */
static void finish_jobs(struct floor *f)
{
    while (!list_empty(&f->peers))
        peer_free(CONTAINER_OF(f->peers.head.next, struct peer, link));
    while (f->keep.committing > 0 || f->keep.replays > 0) {
        real_io_stop(f->io);
        real_io_run(f->io);
    }
}

int floor_serve(const struct floor_options *o, struct err_note *note)
{
    struct real_options options = {.worker_count = WORKERS};
    struct floor f = {.inbox = mem_alloc((size_t)FLOOR_MESSAGE_MAX + FLOOR_READ_SIZE)};
    struct real *real = NULL;
    int rv;

    if (o->with_parent)
        prctl(PR_SET_PDEATHSIG, SIGTERM);
    list_init(&f.peers);
    list_init(&f.sinks);
    f.keep.on_begin = on_begin;
    f.keep.on_commit = on_commit;
    rv = real_open(&options, &real, note);
    if (rv == 0)
        rv = real_io_open(real, &f.io, note);
    if (rv == 0)
        rv = listen_to_signals(f.io);
    if (rv == 0)
        rv = serve(&f, o, note);
    if (f.io != NULL)
        finish_jobs(&f);
    keep_close(&f.keep);
    real_io_close(f.io);
    real_close(real);
    mem_free(f.inbox);
    return rv;
}
