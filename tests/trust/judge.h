/* The inside of a judgement: what is known of messages, their copies, sessions and queues at each
 * event. Private to verdict.c and the judge_ files.
 *
 * A *copy* is a message in a queue: each queue it was routed to has one, and so has each queue that
 * it came to as a dead letter, for each queue it died in; a group of a stream has its own of what
 * it was given.
 *
 *     open --deliver--> held --ack, drop--> settled
 *        ^                 |
 *        '--requeue, gone--'
 *
 * Owner: one judgement. */
#ifndef TESTS_TRUST_JUDGE_H
#define TESTS_TRUST_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"
#include "base/list.h"
#include "base/map.h"
#include "tests/trust/verdict.h"

enum { RETURNS_KEPT = 16 };

#define NOWHERE UINT64_MAX /* no queue, no offset */
#define NEVER   SIZE_MAX   /* no event */

/* From a start to its end. */
struct life {
    bool is_crashed;
    bool is_over;
    uint64_t ended_ms;
    uint64_t proven_ms; /* what was sent well before this was safe: a later publish is confirmed */
};

/* Something that a client said and nobody answered. */
struct moment {
    uint64_t at_ms;
    uint64_t life;
    const struct session *session; /* NULL: the broker did it */
};

enum fate { FATE_OPEN, FATE_CONFIRMED, FATE_REFUSED };

struct letter {
    size_t published; /* event */
    uint64_t life;
    size_t answered; /* the event of its fate */
    enum fate fate;
    bool is_again; /* it was sent more than once */
    bool is_returned;
    struct deal *deal; /* its transaction */
};

enum deal_state { DEAL_OPEN, DEAL_COMMITTED, DEAL_ROLLED_BACK };

struct deal {
    uint64_t number;
    enum deal_state state;
};

struct place {
    uint64_t name;
    const struct event *queue; /* how it was declared last; NULL: nobody did */
    size_t cleared;            /* purged or deleted at this event; NEVER: not */
    size_t deleted;            /* the same */
    size_t last_return;        /* the last event that may have given anything back; NEVER: none */
    uint64_t return_count;     /* such events */
    uint64_t haunted_ms;       /* until then the broker may still notice that somebody is gone */
    size_t haunted;            /* an event before or at that time */
    uint64_t ghosts;           /* sessions that went and may not have been noticed */
    struct moment purge;       /* the last one, */
    size_t purge_asked;        /* asked for at this event; NEVER: there was none */
    bool is_replayed;          /* messages of different exchanges overtake one another */
    struct session *owner;     /* of a queue with a single active consumer */
    const struct event *drained;
    uint64_t group;      /* that has read all of it; NOWHERE */
    struct place *front; /* whose partition it is; NULL: of none */
    struct map offsets;  /* of a stream: the copy at each */
    uint64_t hole;       /* of a stream: nothing below is there, as who had a hole there found */
    size_t hole_found;   /* at this event */
};

/* How far a group certainly was in a stream when this life began. */
struct claim_mark {
    const struct place *place;
    uint64_t group;
    uint64_t offset;
};

struct session {
    uint64_t number;
    const struct event *consume;
    size_t begun;
    struct place *place;
    struct list held;
    bool is_leaving;
    bool is_gone;
    bool is_lost;
    uint64_t gone_ms;
    uint64_t held_count;
    uint64_t quiet_ms;   /* since then nothing has happened to it */
    uint64_t skipped_ms; /* then another one got what it could have had; 0: that did not happen */
};

struct copy {
    struct list_link link; /* in the holder's */
    struct place *place;
    uint64_t source; /* where it died, or its group; NOWHERE */
    uint64_t message;
    size_t arrived;          /* event, at the earliest */
    uint64_t returns_before; /* place->return_count then */
    struct session *holder;
    uint64_t deliveries;
    struct moment last; /* delivery */
    size_t came;        /* the event of that */
    size_t returned;    /* the last event that gave this one back; NEVER */
    struct moment returns[RETURNS_KEPT];
    uint64_t return_count; /* requeues that count */
    bool is_settled;
    bool is_dropped; /* by a rejection */
    bool is_unsure;  /* it may be settled: in a transaction that nobody answered */
    struct deal *deal;
    struct moment settled;
    uint64_t offset;
};

struct judge {
    const struct history *history;
    struct verdict *verdict;
    size_t at; /* the event */
    uint64_t life;
    struct life *lives;
    bool is_damaged; /* and the broker said so */
    uint64_t window_ms;
    uint64_t slack_ms;
    uint64_t late_ms;
    struct map letters;
    struct map deals;
    struct map sessions;
    struct map places;
    struct map copies;
    struct map lines;  /* of each session, channel and priority: the last publish, and one */
    struct map owners; /* of each group and queue: the session */
    struct map claims; /* of the same: a struct claim_mark */
    struct map ends;   /* of each session and stream: the last offset, and one */
    struct map seen;   /* of each session and stream: the copy at each offset that came */
    struct map states; /* of each definition, enum known */
    struct copy **row; /* all copies, in the order in which they came to be known */
    size_t row_count;
    size_t row_capacity;
};

void judge_breach(struct judge *j, enum breach_kind kind, const char *format, ...)
    PRINTF_LIKE(3, 4);

static inline const struct event *judge_event(const struct judge *j)
{
    return &j->history->events[j->at];
}

static inline uint64_t judge_key(uint64_t a, uint64_t b, uint64_t c)
{
    return (a & 0xffff) << 48 | (b & 0xffff) << 32 | (c & 0xffffffff);
}

/* The event of the publish. */
const struct event *judge_publish(const struct judge *j, const struct letter *l);
const char *judge_word(const struct judge *j, uint64_t number);

struct place *judge_place(struct judge *j, uint64_t name);
bool place_is(const struct place *p, enum fact fact);
/* A stream that does not keep everything: judge_read.c. */
bool place_forgets(const struct place *p);
/* Where consumers come and go: of a partition that is its front. */
static inline struct place *place_home(struct place *p)
{
    return p->front != NULL ? p->front : p;
}
struct copy *judge_find_copy(const struct judge *j, uint64_t queue, uint64_t source,
                             uint64_t message);
struct copy *judge_add_copy(struct judge *j, struct place *p, uint64_t source, uint64_t message);

/* Whether what was said then has certainly taken effect, and is not forgotten. */
bool moment_is_sure(const struct judge *j, const struct moment *m);

/* ---- judge_deliver.c ---- */

void judge_deliver(struct judge *j, struct session *s);
/* The session has no claim on the copy any more. */
void copy_return(struct judge *j, struct copy *c, struct session *by);
/* The session is over by now, perhaps: its client reads many connections, and may hear of the end
 * behind what followed from it. */
bool judge_is_told_late(const struct judge *j, const struct session *s);

/* ---- judge_rank.c ---- */

/* Something happens to the session: had it been passed over? */
void judge_rank_look(struct judge *j, struct session *s);
/* It got a message that consumers above it may have had a claim on. */
void judge_rank(struct judge *j, const struct session *s);

/* ---- judge_stream.c ---- */

void judge_stream(struct judge *j, struct session *s, struct copy *c);
/* The same of a group, with the copy that it has. */
void judge_group(struct judge *j, struct session *s, struct copy *c);
/* A life is over. */
void judge_keep_marks(struct judge *j);
/* Whether a group may get again what it has settled: the broker died since, and something before
 * it was open. */
bool judge_is_reread(struct judge *j, const struct copy *c);

/* ---- judge_read.c ---- */

/* Whether the session wants to see the message. */
bool judge_wants(const struct judge *j, const struct session *s, const struct letter *l);
/* The session has read all of the stream: has it seen what must be there? */
void judge_read(struct judge *j, const struct session *s, struct place *p);

/* ---- judge_end.c ---- */

/* All is said: what is missing? */
void judge_end(struct judge *j);

#endif
