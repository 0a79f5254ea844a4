/* Readers of history leave the loop to others now and then. Private to the room.
 *
 * A reader of history can keep the loop busy without an end. Then whoever is served beside it waits
 * for its turns, and, where processors are few, for the threads and the clients that work for it:
 * a loop that never sleeps has no precedence over them. So while somebody publishes all readers of
 * history together rest for a moment after each PASS_MAX of work. Nobody rests when so much is
 * published that the loop would not be idle anyway: then it is throughput that counts, and readers
 * have to keep up.
 *
 * Owner: one shard. */
#ifndef QUEUE_STREAM_REST_H
#define QUEUE_STREAM_REST_H

#include <stdbool.h>

struct bookmark;
struct queues;

void stream_rest_init(struct queues *qs);
/* Of a bookmark that can go on: whether it reads history and has to rest. Then it is RESTING. */
bool stream_rest_takes(struct bookmark *p);
/* It has read on, with so much work (stream_dispatch()). */
void stream_rest_count(struct bookmark *p, unsigned work);

#endif
