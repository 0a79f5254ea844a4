/* The loop that loads a broker: one thread, one event loop, where the broker is, and the first
 * thing that went wrong.
 *
 * What is done here is written in sequence: start something, then load_wait() turns the loop
 * until a condition holds. Whoever changes what a condition may look at calls load_look().
 *
 *     client_open(&client, ...);
 *     rv = load_wait(&load, client_is_ready, &client, LOAD_PATIENCE_NS);
 *
 * Owner: one thread. */
#ifndef TOOLS_BENCH_AMQP_LOAD_H
#define TOOLS_BENCH_AMQP_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"
#include "base/err.h"
#include "io/io.h"
#include "tools/bench/amqp/uri.h"

struct real;

/* How long a broker may take to answer. */
#define LOAD_PATIENCE_NS (UINT64_C(60) * 1000 * 1000 * 1000)

enum {
    LOAD_READ_SIZE = 256 << 10,          /* of one read */
    LOAD_FRAME_MAX = 128 << 10,          /* what is negotiated at most */
    LOAD_REST_MAX = LOAD_FRAME_MAX + 64, /* a frame that is not whole yet */
};

typedef bool load_done_fn(void *owner);

struct load {
    struct real *real;
    struct io *io;
    struct uri uri;   /* its host is numeric */
    uint8_t *inbox;   /* where every client reads: LOAD_REST_MAX and LOAD_READ_SIZE bytes */
    uint64_t traffic; /* bytes that came and went: while it grows, the broker works */
    int error;        /* the first one */
    struct err_note note;
    struct io_timer timer; /* ends the wait */
    bool is_late;          /* it has */
    bool is_running;       /* load_wait() is on the stack */
    load_done_fn *is_done;
    void *owner;
};

/* Makes the loop. SIGINT and SIGTERM from now on fail the load. Errors: those of the system and
 * of uri_resolve(), with a note. load_close() is due after them too. */
MUST_USE int load_open(struct load *l, const struct uri *uri, struct err_note *note);

/* All clients must be gone. May be called on a zeroed struct. */
void load_close(struct load *l);

/* Notes what went wrong, when it is the first, and ends the wait. */
void load_fail(struct load *l, int err, const char *format, ...) PRINTF_LIKE(3, 4);

/* Forgets what went wrong, so that what was declared can be taken away. */
void load_forgive(struct load *l);

/* Something has changed: the wait ends when its condition holds now. */
void load_look(struct load *l);

/* Turns the loop until `is_done(owner)`. Returns 0, ERR_AGAIN when `patience_ns` went by first,
 * or the load's error. */
MUST_USE int load_wait(struct load *l, load_done_fn *is_done, void *owner, uint64_t patience_ns);

/* The same, but the patience begins anew whenever bytes came or went meanwhile. */
MUST_USE int load_wait_while_busy(struct load *l, load_done_fn *is_done, void *owner,
                                  uint64_t patience_ns);

/* Turns the loop for so long; returns 0 or the load's error. */
MUST_USE int load_pass(struct load *l, uint64_t duration_ns);

#endif
