/* A real world with one loop. */
#include "tools/bench/amqp/load.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"
#include "io/real.h"

enum { WORKERS = 1 };

static void on_signal(void *owner)
{
    load_fail(owner, ERR_FAILED, "interrupted");
}

static void on_late(struct io_timer *t)
{
    struct load *l = CONTAINER_OF(t, struct load, timer);

    l->is_late = true;
    real_io_stop(l->io);
}

int load_open(struct load *l, const struct uri *uri, struct err_note *note)
{
    struct real_options options = {.worker_count = WORKERS};
    int rv;

    *l = (struct load){.uri = *uri};
    io_timer_init(&l->timer, on_late);
    l->inbox = mem_alloc((size_t)LOAD_REST_MAX + LOAD_READ_SIZE);
    rv = uri_resolve(&l->uri, note);
    if (rv == 0)
        rv = real_open(&options, &l->real, note);
    if (rv == 0)
        rv = real_io_open(l->real, &l->io, note);
    if (rv != 0)
        return rv;
    rv = real_on_signal(l->io, SIGINT, on_signal, l);
    if (rv == 0)
        rv = real_on_signal(l->io, SIGTERM, on_signal, l);
    return rv == 0 ? 0 : err_note(note, rv, "cannot listen for signals: %s", err_text(rv));
}

void load_close(struct load *l)
{
    real_io_close(l->io);
    real_close(l->real);
    mem_free(l->inbox);
    *l = (struct load){0};
}

void load_fail(struct load *l, int err, const char *format, ...)
{
    va_list values;

    ASSERT(err < 0);
    if (l->error != 0)
        return;
    l->error = err;
    va_start(values, format);
    (void)vsnprintf(l->note.text, sizeof(l->note.text), format, values);
    va_end(values);
    if (l->is_running)
        real_io_stop(l->io);
}

void load_forgive(struct load *l)
{
    l->error = 0;
    l->note.text[0] = '\0';
}

void load_look(struct load *l)
{
    if (l->is_running && l->is_done != NULL && l->is_done(l->owner))
        real_io_stop(l->io);
}

int load_wait(struct load *l, load_done_fn *is_done, void *owner, uint64_t patience_ns)
{
    bool is_well = false;

    ASSERT(!l->is_running);
    l->is_done = is_done;
    l->owner = owner;
    l->is_late = false;
    l->is_running = true;
    io_timer_start(l->io, &l->timer, patience_ns);
    while (l->error == 0 && !l->is_late) {
        is_well = is_done != NULL && is_done(owner);
        if (is_well)
            break;
        real_io_run(l->io);
    }
    io_timer_stop(l->io, &l->timer);
    l->is_running = false;
    l->is_done = NULL;
    if (l->error != 0)
        return l->error;
    return is_well ? 0 : ERR_AGAIN;
}

int load_wait_while_busy(struct load *l, load_done_fn *is_done, void *owner, uint64_t patience_ns)
{
    uint64_t before;
    int rv;

    do {
        before = l->traffic;
        rv = load_wait(l, is_done, owner, patience_ns);
    } while (rv == ERR_AGAIN && l->traffic > before);
    return rv;
}

int load_pass(struct load *l, uint64_t duration_ns)
{
    int rv = load_wait(l, NULL, NULL, duration_ns);

    return rv == ERR_AGAIN ? 0 : rv;
}
