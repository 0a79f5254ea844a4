/* Alarms: many points in time, one timer. Queues and consumers have alarms of their own; the timer
 * is the partition's.
 *
 * Some times are of the wall clock (a message expires at a date) and some are spans (a consumer is
 * too slow). The wall clock may jump, so while a date is awaited it is looked at every few seconds.
 *
 * Owner: one shard. An alarm is called once, from the loop; it may set any alarm, also itself. */
#ifndef QUEUE_ALARMS_H
#define QUEUE_ALARMS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/heap.h"
#include "io/io.h"

struct alarm {
    struct heap_node node; /* order: when, in the unit of its clock */
    void (*fn)(struct alarm *a);
};

struct alarms {
    struct io *io;
    struct heap spans; /* by io_now_ns() */
    struct heap dates; /* by io_wall_ms() */
    struct io_timer timer;
};

void alarms_init(struct alarms *as, struct io *io);
/* Stops everything; alarms that wait are forgotten. */
void alarms_release(struct alarms *as);

void alarm_init(struct alarm *a, void (*fn)(struct alarm *a));
/* Each sets the alarm anew, whether it waits or not. An alarm always uses the same one of them. */
void alarm_set_after(struct alarms *as, struct alarm *a, uint64_t delay_ns);
void alarm_set_date(struct alarms *as, struct alarm *a, int64_t wall_ms);
/* Allowed for alarms that do not wait. */
void alarm_stop_span(struct alarms *as, struct alarm *a);
void alarm_stop_date(struct alarms *as, struct alarm *a);
bool alarm_waits(const struct alarm *a);
/* Whether any does. */
bool alarms_wait(const struct alarms *as);

#endif
