/* The two halves of shape backlog, which shape start uses too; private to the shapes. */
#ifndef TOOLS_BENCH_AMQP_RUN_BACKLOG_H
#define TOOLS_BENCH_AMQP_RUN_BACKLOG_H

#include "base/check.h"

struct run;

/* Publishes the work's count; all of it is then in the queues. */
MUST_USE int run_backlog_publish(struct run *r);

/* Consumes all of it. */
MUST_USE int run_backlog_drain(struct run *r);

#endif
