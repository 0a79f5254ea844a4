/* The floor: the least program that can do a broker's job, so that a broker can be measured against
 * what the machine can do at all.
 *
 * It speaks AMQP 0-9-1, takes every declaration for granted, and hands each published message to
 * every consumer there is. No queue, no routing, no index, no prefetch, no check:
 *
 *     publisher -> read -> find the ends of the frames
 *                   |-> copy them behind a basic.deliver into each consumer's block
 *                   |      -> one write a turn
 *                   '-> with a folder: copy them into a batch, in a file written before
 *                          -> one write and one fdatasync at a time -> one basic.ack for all of it
 *
 * A stream's consumer (x-stream-offset) gets the file again from the start of the stream.
 *
 * Owner: the thread that calls floor_serve(). */
#ifndef TOOLS_BENCH_FLOOR_FLOOR_H
#define TOOLS_BENCH_FLOOR_FLOOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"
#include "base/err.h"

struct floor_options {
    uint16_t port;        /* on 127.0.0.1; 0: any */
    const char *data_dir; /* where the file is made, and removed at the end; NULL: no file */
    bool with_parent;     /* end when the process that started this one does */
};

/* Serves until SIGINT or SIGTERM. Prints one line when it listens. Errors: those of listener_open()
 * and of the disk, with a note. */
MUST_USE int floor_serve(const struct floor_options *o, struct err_note *note);

#endif
