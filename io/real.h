/* The real world: one process, its loops (one a shard), its worker threads, its disk.
 *
 *     struct real ----- worker threads (take jobs of all loops, in the order submitted)
 *        |---- struct io (shard 0): event loop, timers, sockets     one thread runs it
 *        '---- struct io (shard 1): ...
 *
 * What io.h, disk.h and net.h promise is kept here on Linux: epoll through libevent, eventfd,
 * timerfd, signalfd, pread and pwritev. The clock of a turn is read when it is first asked for, and
 * then stands still until something is read from a socket or the turn ends (W3).
 *
 * Owner: struct real belongs to the thread that opened it; a loop to the thread that runs it. */
#ifndef IO_REAL_H
#define IO_REAL_H

#include <stdint.h>

#include "base/check.h"
#include "base/err.h"
#include "base/setting.h"

struct disk;
struct io;
struct real;

enum { REAL_WORKERS_MAX = 64 };

struct real_options {
    int64_t worker_count; /* threads for work that may block; 1 to REAL_WORKERS_MAX */
};

extern const struct setting real_settings[];

/* Starts the worker threads. Makes the process ignore SIGPIPE and SIGXFSZ: a gone peer and a file
 * size limit are errors of one call, not the end of the program. Errors: ERR_NO_MEMORY,
 * ERR_NO_FILES. */
MUST_USE int real_open(const struct real_options *options, struct real **out,
                       struct err_note *note);

/* Ends the worker threads. All loops must be closed before. NULL is allowed. */
void real_close(struct real *r);

/* Makes the loop of one shard. Errors: ERR_NO_FILES, ERR_NO_MEMORY, ERR_IO. */
MUST_USE int real_io_open(struct real *r, struct io **out, struct err_note *note);

/* Turns the loop until real_io_stop(); the calling thread is the shard. May be called again. */
void real_io_run(struct io *io);

/* From any thread: real_io_run() returns at the end of the turn that hears of it, which is the next
 * one when a callback of the loop asks. A stop asked for while nobody runs the loop ends the next
 * run after one turn. */
void real_io_stop(struct io *io);

/* Frees the loop. Its sockets and listeners are closed, its jobs done, its timers stopped before.
 * NULL is allowed. */
void real_io_close(struct io *io);

typedef void real_signal_fn(void *owner);

/* Calls `fn` from the loop each time the process gets this signal, until the loop is closed. Blocks
 * the signal in the calling thread for good, so call it before other threads start; worker threads
 * take no signals anyway. Errors: ERR_NO_FILES, ERR_IO. */
MUST_USE int real_on_signal(struct io *io, int number, real_signal_fn *fn, void *owner);

/* The files of this machine. There is one, usable from any thread, without a struct real too. A
 * symbolic link in place of a file is ERR_INVALID; in place of a directory it is followed. */
struct disk *real_disk(void);

/* The path with every symbolic link in it followed, as new memory: for files that a person names
 * and may well have linked. Errors: ERR_NOT_FOUND, ERR_DENIED, ERR_INVALID, ERR_IO. */
MUST_USE int real_path(const char *path, char **out);

/* Sends the text as one datagram to the unix socket at that place, a path or, behind an @, a name
 * that is no file; never waits. Errors: ERR_INVALID, and those of a disk. */
MUST_USE int real_notify(const char *place, const char *text);

/* Writes the text to standard output, whole. Errors: those of a disk. */
MUST_USE int real_print(const char *text);

/* Writes the text to standard error, as far as it goes. */
void real_print_error(const char *text);

#endif
