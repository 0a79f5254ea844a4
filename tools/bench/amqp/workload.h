/* What a run does to a broker: the options of `millrace-bench amqp`, one field each.
 *
 * A workload is the defaults of `workload_settings`, then the options of a scenario, then those of
 * the command line. Times are in milliseconds. Plain value. */
#ifndef TOOLS_BENCH_AMQP_WORKLOAD_H
#define TOOLS_BENCH_AMQP_WORKLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/setting.h"

enum shape {
    SHAPE_FLOW,        /* publish and consume at once */
    SHAPE_BACKLOG,     /* publish `count`, then consume them */
    SHAPE_CONNECTIONS, /* open `objects` connections, each with a channel, and let them be */
    SHAPE_QUEUES,      /* declare `objects` queues one at a time, and let them be */
    SHAPE_CHURN,       /* open a connection with a channel and close it, again and again */
    SHAPE_START,       /* start the broker; kill it with `count` messages; start it again */
    SHAPE_REPLAY,      /* publish, alone and while a queue gets the history; `count` before */
};

enum exchange_kind {
    EXCHANGE_DEFAULT, /* each message to one queue, by its name */
    EXCHANGE_DIRECT,  /* the same through a binding */
    EXCHANGE_FANOUT,  /* each message to all queues */
    EXCHANGE_TOPIC, /* each message to all queues, through one binding of each; there are others */
    EXCHANGE_HEADERS, /* each message to all queues, by a header */
};

struct workload {
    int shape;    /* enum shape */
    int exchange; /* enum exchange_kind */
    int64_t producers;
    int64_t consumers;
    int64_t queues;
    int64_t consumer_connections; /* 0: each consumer has its own */
    uint64_t size;
    bool is_persistent;
    bool is_durable;
    bool is_stream;
    bool is_group; /* of a stream with partitions, which are its queues */
    bool is_mandatory;
    int64_t bindings; /* of a topic exchange, all together */
    int64_t window;
    int64_t ack_every; /* 0: no acks; 1: each; more: each so many at once */
    int64_t prefetch;
    int64_t rate;  /* messages a second, all producers together; 0: as many as go */
    int64_t count; /* messages; 0: by time */
    int64_t ahead; /* published and not yet delivered, at most; 0: chosen by size */
    int64_t objects;
    int64_t clients;   /* how many churn at once */
    uint64_t delay_ms; /* 0: none; all messages are due so long after the beginning */
    uint64_t warmup_ms;
    uint64_t duration_ms;
    uint64_t patience_ms; /* so long without a byte at the end: the rest is lost */
};

extern const struct setting workload_settings[];

/* Sets one option by its name, without the dashes. Errors: ERR_INVALID, ERR_RANGE with a note. */
MUST_USE int workload_set(struct workload *w, const char *name, const char *value,
                          struct err_note *note);

/* Sets all options of a text: "size=16 window=100". Errors: as above. */
MUST_USE int workload_set_all(struct workload *w, const char *text, struct err_note *note);

/* Whether the options agree with each other. Errors: ERR_INVALID with a note. */
MUST_USE int workload_agree(const struct workload *w, struct err_note *note);

/* Whether each message goes to every queue. */
bool workload_is_broadcast(const struct workload *w);

/* Whether each consumer gets all that is in its queue. */
bool workload_reads_all(const struct workload *w);
/* Deliveries that one message causes, when there are consumers. */
uint64_t workload_fan(const struct workload *w);

/* The limit that `ahead` stands for. */
uint64_t workload_ahead(const struct workload *w);

#endif
