/* The broker as a whole, for main.c: each step of starting has its step of stopping.
 *
 *     new --read_conf--> configured --open_world--> with threads and a loop --open_data-->
 *         the data are ours --open_broker--> restored --load_definitions, open_doors--> ready
 *                                                                       |
 *         SIGTERM or SIGINT <------------------------------------------ run: visitors leave, the
 *                 '--> close_broker --> close_data --> close_world --> free   broker closes
 *
 * A step that fails leaves a note with one sentence for the operator; the closing steps allow for
 * what was never opened. Owner: the main thread, which is also the first shard. */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "base/check.h"
#include "base/err.h"

struct arguments;
struct server;

/* Borrows the arguments for its life. Never NULL. */
struct server *server_new(const struct arguments *a);
void server_free(struct server *s);

/* Reads files and environment, and starts diagnostics as they say; server_close_world() ends them.
 * Errors: ERR_INVALID, and those of reading the files. */
MUST_USE int server_read_conf(struct server *s, struct err_note *note);

/* Starts worker threads and the loop, and listens to signals from here on. */
MUST_USE int server_open_world(struct server *s, struct err_note *note);
void server_close_world(struct server *s);

/* Opens the data directory, which nobody else may use meanwhile. */
MUST_USE int server_open_data(struct server *s, struct err_note *note);
void server_close_data(struct server *s);

/* Opens the partitions, and restores what they know. Closing is done by server_run() when it is
 * told to stop; here it is for a later step of starting that failed. */
MUST_USE int server_open_broker(struct server *s, struct err_note *note);
void server_close_broker(struct server *s);

/* Imports the file of definitions that the settings name, if they do. Turns the loop meanwhile.
 * Errors: those of reading it; ERR_INVALID; ERR_CLOSED when it was told to stop. */
MUST_USE int server_load_definitions(struct server *s, struct err_note *note);

/* Lets clients in. */
MUST_USE int server_open_doors(struct server *s, struct err_note *note);

/* Says that it is ready and runs until it is told to stop. */
void server_run(struct server *s);

/* For --check-conf: reads the configuration, writes all that is wrong to standard error, or that
 * nothing is to standard output. Errors: as server_read_conf(); no note is needed any more. */
MUST_USE int server_check_conf(struct server *s);

/* For --print-conf: writes the sample file to standard output. Errors: those of a disk. */
MUST_USE int server_print_conf(struct server *s, struct err_note *note);
/* For --print-man: the same for the manual page of the settings. */
MUST_USE int server_print_man(struct server *s, struct err_note *note);

#endif
