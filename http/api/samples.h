/* What was counted a little while ago, so that rates can be told: two looks at everything that
 * counts, an interval apart; and further back as far as there is room (past.h).
 *
 * Every interval a round begins: queues, exchanges, connections and channels are visited some a
 * turn, and what was not met in a round is forgotten with the next.
 *
 * Owner: one shard. */
#ifndef HTTP_API_SAMPLES_H
#define HTTP_API_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "queue/queue_args.h"

struct api;
struct broker_counters;
struct past;
struct samples;
struct system_process;

enum { SAMPLE_VALUES = 17 }; /* of what has most: a virtual host */

struct sample {
    uint64_t values[2][SAMPLE_VALUES]; /* before, and last */
    uint64_t times_ns[2];
    int64_t changed_ms; /* when a look last was not as the one before; since 1970 */
    uint32_t round;
    uint8_t kind;
    bool is_idle; /* the last look was as the one before */
    struct samples *owner;
    struct past *past; /* NULL: there is none */
};

/* Where what stands. */
enum sample_queue {
    SAMPLE_PUBLISH,
    SAMPLE_DELIVER,
    SAMPLE_DELIVER_NO_ACK,
    SAMPLE_GET,
    SAMPLE_GET_NO_ACK,
    SAMPLE_REDELIVER,
    SAMPLE_ACK,
    SAMPLE_DELIVER_GET,
    SAMPLE_READY,
    SAMPLE_UNACKED,
    SAMPLE_MESSAGES,
    SAMPLE_QUEUE_GET_EMPTY,
};
enum sample_exchange { SAMPLE_IN, SAMPLE_OUT };
enum sample_connection { SAMPLE_RECEIVED, SAMPLE_SENT };
/* As of a queue from the beginning, and further: */
enum sample_channel {
    SAMPLE_CONFIRM = SAMPLE_READY,
    SAMPLE_RETURN,
    SAMPLE_DROP,
    SAMPLE_GET_EMPTY,
};
/* As of a channel, and further: */
enum sample_vhost {
    SAMPLE_VHOST_READY = SAMPLE_GET_EMPTY + 1,
    SAMPLE_VHOST_UNACKED,
    SAMPLE_VHOST_MESSAGES,
    SAMPLE_VHOST_RECEIVED,
    SAMPLE_VHOST_SENT,
    SAMPLE_VHOST_VALUES,
};
/* What comes and goes. */
enum sample_churn {
    CHURN_CONNECTION_CREATED,
    CHURN_CONNECTION_CLOSED,
    CHURN_CHANNEL_CREATED,
    CHURN_CHANNEL_CLOSED,
    CHURN_QUEUE_DECLARED,
    CHURN_QUEUE_CREATED,
    CHURN_QUEUE_DELETED,
};

enum sample_node { SAMPLE_MEMORY, SAMPLE_DISK, SAMPLE_SOCKETS, SAMPLE_FDS };

struct samples *samples_new(struct api *a);
void samples_free(struct samples *s);

/* Forgets what is further back than two looks. */
void samples_forget(struct samples *s);
/* How much memory that takes. */
uint64_t samples_past_bytes(const struct samples *s);

/* Each NULL: it was not met yet. */
struct sample *samples_queue(const struct samples *s, uint64_t id);
struct sample *samples_exchange(const struct samples *s, struct bytes vhost, struct bytes name);
/* Of what is counted between two ends, known by their names: nobody visits these, so it is kept
 * what they were whenever they were told, and the rate is that between two tellings. */
struct sample *samples_flow(struct samples *s, const struct bytes *names, size_t count,
                            const uint64_t values[SAMPLE_VALUES]);
/* Memory of the indexes of all queues of a type, as of the last round. */
uint64_t samples_index_bytes(const struct samples *s, enum queue_type type);
struct sample *samples_vhost(const struct samples *s, struct bytes name);
struct sample *samples_connection(const struct samples *s, uint64_t id);
struct sample *samples_channel(const struct samples *s, uint64_t connection, unsigned number);
/* The node as a whole: as of a channel, and what is ready and unacked of all queues. */
struct sample *samples_all(struct samples *s);
struct sample *samples_totals(struct samples *s);
struct sample *samples_churn(struct samples *s);
struct sample *samples_node(struct samples *s);
/* As of the last round; all 0: it is not known. */
const struct system_process *samples_process(const struct samples *s);

/* Somebody wants its past: if it has none there will be one from here on. NULL is fine. */
void sample_ask(struct sample *s);

/* Since when nothing has changed, in ms since 1970, as far as looks can tell; 0: it changes, or is
 * not known yet. NULL is fine. */
int64_t sample_idle_since_ms(const struct sample *s);

/* So many a second between the two looks; below zero for what became less. */
double sample_rate(const struct sample *s, size_t place);

#endif
