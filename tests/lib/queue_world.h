/* Queues on a partition of tiny sizes in a simulated world; everything is a text.
 *
 *     struct queue_world w;
 *     queue_world_init(&w, tell, owner);
 *     queue_world_open(&w);
 *     queue_world_declare(&w, &(struct world_queue){.name = "q", .arguments = "x-max-length=3"});
 *     queue_world_publish(&w, &(struct world_publish){.queues = "q", .body = "m1"});
 *     queue_world_consume(&w, &(struct world_consume){.queue = "q", .tag = "c"});
 *     queue_world_run_ms(&w, 1);                       tell: "c gets m1"
 *     queue_world_settle(&w, "c", "m1", WORLD_ACK);
 *     queue_world_crash(&w);                           durable queues are there again
 *     queue_world_close(&w);
 *     queue_world_release(&w);
 *
 * A stream with x-partitions N is declared with its partitions, "s-0" and so on; what it is
 * published goes to one of them. A delivery of a stream is told with its offset: "c gets m1 @0".
 *
 * A consumer keeps what it got until it is settled. What happens is told as one line without its
 * end. Owner: a test. */
#ifndef TESTS_LIB_QUEUE_WORLD_H
#define TESTS_LIB_QUEUE_WORLD_H

#include "queue/queue.h"
#include "queue/stream_args.h"
#include "queue/streams.h"
#include "tests/lib/partition_world.h"

enum { WORLD_QUEUES_MAX = 64, WORLD_NAME_SIZE = 64, WORLD_TEXT_SIZE = 512, WORLD_ROUTES_MAX = 8 };

/* What a queue was declared with; it is declared so again after a restart. */
struct world_queue {
    const char *name;
    const char *arguments; /* tests/lib/table_text.h; NULL: none */
    bool is_transient;
    bool is_auto_delete;
    bool is_delayed; /* a holder: what is due goes where its exchange is routed to */
};

struct world_defined {
    char name[WORLD_NAME_SIZE];
    char arguments[WORLD_TEXT_SIZE];
    bool is_durable;
    bool is_auto_delete;
    bool is_delayed;
    uint64_t id;
    uint32_t partitions; /* of a front: those that follow it */
    struct queue *queue; /* NULL: deleted */
};

/* A fan-out for dead letters. Exchange "" is the default one: the routing key names the queue. */
struct world_route {
    char exchange[WORLD_NAME_SIZE];
    char queues[WORLD_TEXT_SIZE]; /* with commas */
};

struct world_publish {
    const char *queues; /* with commas */
    const char *body;
    size_t size;            /* the body is followed by so many dots; 0: by none */
    const char *exchange;   /* NULL: "" */
    const char *key;        /* NULL: the first queue */
    const char *expiration; /* NULL: none */
    const char *headers;    /* tests/lib/table_text.h; NULL: none */
    int priority;
    bool has_priority;
    bool is_transient;
};

struct world_consume {
    const char *queue;
    const char *tag;
    struct credit *shared;
    uint64_t timeout_ms; /* 0: as the queue's */
    int64_t priority;
    uint32_t prefetch;
    bool is_no_ack;
    bool is_exclusive;
    const char *arguments; /* of a consumer of a stream, tests/lib/table_text.h; NULL: none */
};

struct world_consumer {
    struct list_link link;
    struct queue_world *world;
    struct consumer *consumer; /* NULL: cancelled */
    char tag[WORLD_NAME_SIZE];
    struct list deliveries; /* struct delivery */
    bool is_stalled;        /* deliver() answers false */
    bool is_no_ack;
    uint64_t got;
};

enum world_settle { WORLD_ACK, WORLD_REJECT, WORLD_REQUEUE, WORLD_RETURN };

typedef void world_tell_fn(void *owner, const char *line);

struct queue_world {
    struct partition_world p;
    struct queues_options options;
    struct queues *queues;
    struct world_defined defined[WORLD_QUEUES_MAX];
    size_t defined_count;
    uint64_t last_id;
    struct world_route routes[WORLD_ROUTES_MAX];
    size_t route_count;
    struct list consumers; /* struct world_consumer */
    world_tell_fn *tell;
    void *tell_owner;
    struct buf area; /* for tables and properties */
    struct buf props;
    bool is_pressed;
};

/* `tell` may be NULL. Nothing is open. */
void queue_world_init(struct queue_world *w, world_tell_fn *tell, void *owner);
void queue_world_release(struct queue_world *w);

/* Opens the partition with the queues that are defined. */
void queue_world_open(struct queue_world *w);
/* Ends consumers, stops and closes in peace. */
void queue_world_close(struct queue_world *w);
/* The power fails and comes back; all is open again but for the consumers. Transient queues are
 * gone. */
void queue_world_crash(struct queue_world *w);
/* The same, and the disk keeps what `crash` says. */
void queue_world_crash_as(struct queue_world *w, const struct sim_crash *crash);
/* The same by a clean stop. */
void queue_world_restart(struct queue_world *w);

void queue_world_run_ms(struct queue_world *w, uint64_t ms);
/* Runs until nothing is planned any more but alarms, and all that was appended is committed. */
void queue_world_commit(struct queue_world *w);

/* Declares the queue. What queue_args_read() returned; the note is told. */
int queue_world_declare(struct queue_world *w, const struct world_queue *q);
struct queue *queue_world_find(struct queue_world *w, const char *name);
void queue_world_delete(struct queue_world *w, const char *name);
void queue_world_route(struct queue_world *w, const char *exchange, const char *queues);

/* What queues_publish() returned. */
int queue_world_publish(struct queue_world *w, const struct world_publish *p,
                        struct queues_published *out);

int queue_world_consume(struct queue_world *w, const struct world_consume *c);
struct world_consumer *queue_world_consumer(struct queue_world *w, const char *tag);
void queue_world_cancel(struct queue_world *w, const char *tag);
/* Settles the first delivery of that body that the consumer holds; "all": every one, in the order
 * they came. Returns how many. */
size_t queue_world_settle(struct queue_world *w, const char *tag, const char *body,
                          enum world_settle how);
/* basic.get; the answer is told. What was got is held by a consumer of that tag. */
void queue_world_get(struct queue_world *w, const char *queue, const char *tag, bool is_no_ack);

/* The same of a stream, at a place as stream_start_parse() reads it; a bad one is told. */
void queue_world_get_at(struct queue_world *w, const char *stream, const char *place,
                        bool is_no_ack);

/* Every queue is whole. */
void queue_world_check(struct queue_world *w);

#endif
