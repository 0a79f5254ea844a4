/* The process side of the real world: the workers, and the signals nobody wants. */
#include "io/real.h"

#include <event2/event.h>
#include <signal.h>
#include <stddef.h>

#include "base/diag.h"
#include "base/mem.h"
#include "io/real_loop.h"
#include "io/real_parts.h"
#include "io/real_workers.h"

struct real {
    struct workers *workers;
};

const struct setting real_settings[] = {
    {
        .name = "millrace.io.workers",
        .kind = SETTING_INT,
        .offset = offsetof(struct real_options, worker_count),
        .fallback = "4",
        .min = 1,
        .max = REAL_WORKERS_MAX,
        .help = "How many threads wait for the disk, so that no connection has to.",
    },
    {0},
};

static void on_libevent_line(int severity, const char *line)
{
    diag(severity == EVENT_LOG_ERR ? DIAG_ERROR : DIAG_WARNING, "io", "libevent: %s", line);
}

int real_open(const struct real_options *options, struct real **out, struct err_note *note)
{
    struct workers *w = NULL;
    struct real *r = NULL;
    int rv = real_keep_standard_files();

    ASSERT(options->worker_count >= 1 && options->worker_count <= REAL_WORKERS_MAX);
    if (rv != 0)
        return err_note(note, rv, "cannot open '/dev/null': %s", err_text(rv));
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    event_set_log_callback(on_libevent_line);
    rv = workers_open((int)options->worker_count, loop_finish_job, &w, note);
    if (rv != 0)
        return rv;
    r = MEM_NEW(struct real);
    r->workers = w;
    *out = r;
    return 0;
}

void real_close(struct real *r)
{
    if (r == NULL)
        return;
    workers_close(r->workers);
    mem_free(r);
}

struct workers *real_workers(struct real *r)
{
    return r->workers;
}
