/* What a service manager that asks for it is told: that the broker is ready, that it is well, that
 * it stops. The words are those of systemd's notifications (Type=notify, WatchdogSec).
 *
 *     NOTIFY_SOCKET   where to say it; without it nothing is said
 *     WATCHDOG_USEC   how long silence is taken for health, in microseconds
 *
 * Owner: the shard of the server. */
#ifndef SERVER_SERVICE_H
#define SERVER_SERVICE_H

#include <stdint.h>

#include "io/io.h"

struct service {
    struct io *io;
    const char *place; /* borrowed from the environment; NULL: nobody asks */
    uint64_t period_ns;
    struct io_timer timer;
};

/* Clients may come. From here on it says so again and again, if it was asked to. */
void service_ready(struct service *s, struct io *io);
/* It was told to stop: says so, and goes on saying that it is well. */
void service_stopping(struct service *s);
/* The loop ends. */
void service_close(struct service *s);

#endif
