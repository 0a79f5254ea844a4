/* What a replay is made of. Private to the room.
 *
 *     replay_begin (bind), replay_restore (start) --> RUNNING --all read--> live, and over
 *                                                       | the queue, the exchange or the log goes,
 *                                                       '--or somebody cancels it--> over
 *
 * What is over is freed at the end of the turn: consumers must not go while they are served. */
#ifndef BROKER_REPLAY_PARTS_H
#define BROKER_REPLAY_PARTS_H

#include "broker/parts.h"
#include "broker/replay.h"
#include "queue/queue.h"
#include "queue/stream_args.h"
#include "queue/streams.h"

struct define_binding;

enum {
    REPLAY_TURN_MAX = 1 << 14,       /* what one reads in a turn, while it is far behind, as work */
    REPLAY_SEAM = 4096,              /* so near to the end it goes on without a pause */
    REPLAY_ALONE_BYTES = 8 << 20,    /* copied and not yet committed, when nobody publishes; */
    REPLAY_CHASE_BYTES = 1 << 20,    /* beside others whom it follows, if they do not write more; */
    REPLAY_COPY_COST = 15,           /* records of others, for a copy beside them, for each */
    REPLAY_COPY_BYTES = 2 << 10,     /* so many bytes of it; */
    REPLAY_LOOK_COST = 2,            /* and for a look at a message */
    REPLAY_COMMIT_CREDIT = 64,       /* as many records more, for each commit, */
    REPLAY_CREDIT_MAX = 1 << 13,     /* and at most so many that wait to be used */
    REPLAY_BURST_BYTES = 64 << 10,   /* copied before the first commit since others have written */
    REPLAY_QUIET_NS = 250000,        /* the log is idle for so long at least before it is alone, */
    REPLAY_QUIET_MAX_NS = 100000000, /* and need not be for longer, however slow the disk */
    REPLAY_RECORD_BYTES = 128,       /* what a copy takes beside its body, about */
    REPLAY_RETRY_MS = 100,           /* a queue that is full is tried again */
    REPLAYS_MAX = 1024,              /* of a broker at the same time */
};

/* One stream of the log. */
struct replay_part {
    struct replay *replay;
    struct queue *stream;      /* NULL: it is gone */
    struct consumer *consumer; /* NULL: it has ended */
    struct stream_start start; /* as it was asked for */
    uint64_t next;             /* offset: everything below was looked at */
    uint64_t end;              /* nothing at or above is copied; UINT64_MAX: no limit */
    bool is_done;
    bool is_stalled; /* it said that it can take no more */
    bool is_asked;   /* whether it takes a message */
};

/* How much it may write, which follows from what others have written.
 *
 * One that has TIME (its end is known) leaves the log to them: each record of theirs is credit, of
 * which it pays for copies and looks, and it writes in the same turn as they do (replay_ride()), so
 * that it never makes them wait for a sync of its own. When all of theirs is committed and the log
 * was then idle for as long as that took, it is the replay's own: what it writes before a commit
 * doubles each time, until somebody publishes.
 *
 * One that has to FOLLOW them takes, of each commit, half as much again as they do, so that it gets
 * nearer to them. */
struct replay_pace {
    uint64_t from;      /* position: what others wrote before was looked at */
    uint64_t newest;    /* position of the last copy */
    uint64_t copies;    /* since `from` */
    uint64_t bytes;     /* not committed yet */
    uint64_t burst;     /* how many of them there may be while it has time and is alone */
    uint64_t granted;   /* position: its commit brings credit */
    uint64_t theirs_ns; /* when others have written */
    uint64_t idle_ns;   /* when that was committed; 0: it is not */
    uint64_t quiet_ns;  /* so long the log must be idle */
    int64_t credit;
    bool is_alone; /* nobody else had written anything before `from` */
};

struct replay {
    struct list_link link; /* broker->replays */
    struct broker *broker;
    struct vhost *vhost;
    uint64_t id;
    uint64_t queue;      /* the id of the target */
    uint64_t exchange;   /* the id that it was declared with */
    struct bytes source; /* these lie in `texts` */
    struct bytes key;
    struct table arguments; /* without x-replay-... */
    uint8_t *texts;
    bool is_durable; /* there is a definition of it */
    bool is_one_off;
    bool is_bound; /* its binding is live, and its queue held */
    bool is_over;
    bool is_riding;   /* what it writes now goes with what others have written in this turn */
    int64_t until_ms; /* messages from then on are not copied; INT64_MAX: no limit */
    struct exchange_table *filter; /* one exchange with one binding: what matches */
    struct exchange *filter_exchange;
    struct held held;      /* publishing is held back */
    struct io_timer retry; /* the queue is full */
    unsigned turn_count;   /* messages looked at in this turn */
    uint64_t turn;         /* its number */
    struct replay_pace pace;
    uint64_t looked_at;
    uint64_t copied;
    size_t part_count;
    struct replay_part parts[];
};

/* ---- replay_args.c ---- */

/* What the arguments of a binding ask for. */
struct replay_wish {
    bool is_on; /* x-replay-from is there */
    struct stream_start from;
    bool is_one_off;
    bool until_now;
    uint64_t until_offset; /* UINT64_MAX: none */
    int64_t until_ms;      /* INT64_MAX: none */
};
/* Refused: 406, the exchange has no log or a type that cannot be replayed, a value is wrong. */
MUST_USE int replay_read_wish(struct visit *v, const struct define_binding *d,
                              const struct exchange *source, struct replay_wish *out,
                              struct refusal *refusal);
/* The arguments without those of replays, in the buffer. */
struct table replay_strip(struct table arguments, struct buf *out);

/* ---- replay.c ---- */

/* What a replay is about. `arguments` are sorted, without those of replays. */
struct replay_spec {
    struct vhost *vhost;
    uint64_t queue;
    uint64_t exchange;
    struct bytes source;
    struct bytes key;
    struct table arguments;
};

/* The one that is on its way for that binding, or NULL. */
struct replay *replay_find(const struct broker *b, const struct replay_spec *spec);
/* Begins it. Refused with 406 when there are too many. */
MUST_USE int replay_begin(struct visit *v, const struct replay_spec *spec,
                          const struct replay_wish *wish, bool is_durable, struct refusal *refusal);
/* Goes on with those that were on their way, after a start. */
void replay_restore_all(struct broker *b);
/* Ends it, at the end of the turn; its definition goes now. */
void replay_end(struct replay *r);
/* The queue or the exchange is gone. */
void replay_end_of_queue(struct broker *b, uint64_t queue);
/* Ends those of the exchange; it may have been declared anew. */
void replay_end_of_exchange(struct vhost *v, struct bytes name);
/* Somebody publishes in this turn. */
void replay_ride(struct io_task *t);
/* The end of a turn. */
void replay_step(struct broker *b);
/* Ends all without forgetting them: the broker closes. */
void replay_stop(struct broker *b);

/* ---- replay_copy.c ---- */

extern const struct consumer_ops replay_consumer_ops;

/* Makes the filter. ERR_INVALID. */
MUST_USE int replay_open_filter(struct replay *r, struct bytes type, struct err_note *note);
void replay_close_filter(struct replay *r);
/* Makes its binding. */
void replay_go_live(struct replay *r);
/* Whether its end is known: it need not be faster than those who publish. */
static inline bool replay_has_time(const struct replay *r)
{
    return r->is_bound || r->is_one_off;
}
/* Whether one that has time leaves the log to those who publish, for now. */
bool replay_must_wait(struct replay *r);
/* Looks whether all is read; then it goes live, if it is not, and is over. */
void replay_look(struct replay *r);

#endif
