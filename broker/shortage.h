/* Short of memory, short of disk: publishers are held back until it is over.
 *
 * While there are visits, a timer looks at the memory and lets a worker look at the disk.
 *
 * Owner: the shard of the broker. */
#ifndef BROKER_SHORTAGE_H
#define BROKER_SHORTAGE_H

#include <stdbool.h>
#include <stdint.h>

struct shortage;
struct broker;

struct shortage *shortage_new(struct broker *b, const char *data_dir);
/* No job may be running. */
void shortage_free(struct shortage *a);

/* Looking starts, with the first visit, and stops, with the last one. */
void shortage_start(struct shortage *a);
/* The same, and it goes on when nobody is there. */
void shortage_keep(struct shortage *a);
/* Nobody is there any more. */
void shortage_rest(struct shortage *a);
void shortage_stop(struct shortage *a);
/* Whether a worker is looking just now; shortage_stop() then ends with `stopped`. */
bool shortage_are_busy(const struct shortage *a);
void shortage_on_idle(struct shortage *a, void (*idle)(void *owner), void *owner);

/* As connection.blocked says it, or NULL. */
const char *shortage_reason(const struct shortage *a);
bool shortage_of_memory(const struct shortage *a);
bool shortage_of_disk(const struct shortage *a);
uint64_t shortage_disk_free(const struct shortage *a);

#endif
