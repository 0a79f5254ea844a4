/* Words to a service manager. */
#include "server/service.h"

#include <stdlib.h>

#include "base/diag.h"
#include "base/err.h"
#include "base/parse.h"
#include "io/real.h"

#define US_NS UINT64_C(1000)

static void say(struct service *s, const char *text)
{
    int rv = s->place == NULL ? 0 : real_notify(s->place, text);

    if (rv == 0)
        return;
    diag(DIAG_WARNING, "server", "cannot tell the service manager at '%s': %s", s->place,
         err_text(rv));
    s->place = NULL; /* once is enough */
}

/* The loop turns, so it is well. */
static void on_timer(struct io_timer *t)
{
    struct service *s = CONTAINER_OF(t, struct service, timer);

    say(s, "WATCHDOG=1");
    io_timer_start(s->io, &s->timer, s->period_ns);
}

/* Half of the time that is allowed, as systemd recommends; 0: nobody watches. */
static uint64_t watch_period_ns(void)
{
    const char *text = getenv("WATCHDOG_USEC");
    uint64_t us = 0;

    if (text == NULL || parse_u64(bytes_text(text), 1, UINT64_MAX / US_NS, &us) != 0)
        return 0;
    return us * US_NS / 2;
}

void service_ready(struct service *s, struct io *io)
{
    s->io = io;
    s->place = getenv("NOTIFY_SOCKET");
    s->period_ns = watch_period_ns();
    io_timer_init(&s->timer, on_timer);
    if (s->place != NULL && s->place[0] == '\0')
        s->place = NULL;
    say(s, "READY=1");
    if (s->place != NULL && s->period_ns > 0)
        io_timer_start(io, &s->timer, s->period_ns);
}

void service_stopping(struct service *s)
{
    say(s, "STOPPING=1");
}

void service_close(struct service *s)
{
    if (s->io != NULL)
        io_timer_stop(s->io, &s->timer);
}
