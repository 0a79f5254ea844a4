/* Jobs that wait for a worker thread, and which of them is next.
 *
 *     urgent      any thread
 *     wanted      all threads but one, where there are three or more
 *     background  all threads but two; always one
 *
 * So a commit waits for no read, and a read for no sorting. A world keeps one queue for its
 * threads; whoever calls sees to it that nobody else does at the same time. */
#ifndef IO_JOB_QUEUE_H
#define IO_JOB_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "io/io.h"

struct job_queue {
    struct list waiting[IO_URGENCY_COUNT]; /* by urgency, first in, first out */
    uint32_t others;                       /* jobs taken that are not urgent, and not ended */
    uint32_t others_max;
    uint32_t background; /* of these */
    uint32_t background_max;
};

void job_queue_init(struct job_queue *q, uint32_t thread_count);

void job_queue_push(struct job_queue *q, struct io_job *j);

/* The job that a free thread starts now, or NULL. */
struct io_job *job_queue_take(struct job_queue *q);

/* A job of this urgency that was taken has ended. */
void job_queue_end(struct job_queue *q, enum io_urgency urgency);

/* True when none waits. */
bool job_queue_is_empty(const struct job_queue *q);

#endif
