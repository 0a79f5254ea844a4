/* The threads that do what may block. Jobs start as threads become free, the most urgent first
 * (job_queue.h).
 *
 *     shard --workers_submit--> [queue] --> worker: job->work() --> the job's loop: job->done()
 *
 * Owner: the thread that opened them; workers_submit() is for any thread. */
#ifndef IO_REAL_WORKERS_H
#define IO_REAL_WORKERS_H

#include "base/check.h"
#include "base/err.h"

struct io_job;
struct workers;

/* What a worker calls when a job's work is over: it brings the job home. Returns the job that this
 * worker does next, or NULL: whichever waits. */
typedef struct io_job *workers_finish_fn(struct io_job *j);

/* Starts `count` threads. Errors: ERR_NO_MEMORY when the system starts no more of them. */
MUST_USE int workers_open(int count, workers_finish_fn *finish, struct workers **out,
                          struct err_note *note);

/* Ends the threads; no job may be waiting or running. */
void workers_close(struct workers *w);

/* Queues the job. It is the workers' until `finish` is called with it. */
void workers_submit(struct workers *w, struct io_job *j);

#endif
