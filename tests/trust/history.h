/* What clients saw of a broker, one event after the other, in memory and as text.
 *
 *     trust-history 1                                      the first line
 *     # a comment
 *     12 queue name=q dead=d ttl=500                       milliseconds, a verb, its facts
 *     15 publish message=1 channel=7 routes=q,r body=9f
 *     16 confirm message=1
 *     20 consume session=3 queue=q
 *     21 deliver session=3 message=1 body=9f redelivered
 *
 * A fact is key=value, or the key alone. Messages, channels, sessions and transactions are numbers
 * that their recorder gives; a session is one subscription, or one who gets, from its beginning to
 * the end of what it holds. README.md has every verb with what it says.
 *
 * Owner: one thread. */
#ifndef TESTS_TRUST_HISTORY_H
#define TESTS_TRUST_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/names.h"

/* X(constant, text) */
#define VERB_LIST(X)                                                                               \
    X(VERB_WINDOW, "window")     /* how long before a death acks may be lost */                    \
    X(VERB_START, "start")       /* the broker serves */                                           \
    X(VERB_STOP, "stop")         /* it ended in order */                                           \
    X(VERB_CRASH, "crash")       /* it was killed, or the power failed */                          \
    X(VERB_QUEUE, "queue")       /* declared and answered */                                       \
    X(VERB_DEFINE, "define")     /* anything else, the same */                                     \
    X(VERB_DELETE, "delete")     /* deleted and answered */                                        \
    X(VERB_UNSURE, "unsure")     /* asked to declare or to delete, not answered */                 \
    X(VERB_FOUND, "found")       /* somebody looked: it is there */                                \
    X(VERB_MISSING, "missing")   /* somebody looked: it is not */                                  \
    X(VERB_PURGE, "purge")       /* what is in the queue may go */                                 \
    X(VERB_REPLAY, "replay")     /* what another queue was sent comes into this one */             \
    X(VERB_PUBLISH, "publish")   /* sent */                                                        \
    X(VERB_CONFIRM, "confirm")   /* basic.ack of the broker */                                     \
    X(VERB_REFUSE, "refuse")     /* basic.nack of the broker */                                    \
    X(VERB_RETURN, "return")     /* basic.return of the broker */                                  \
    X(VERB_COMMIT, "commit")     /* tx.commit-ok */                                                \
    X(VERB_ROLLBACK, "rollback") /* tx.rollback-ok */                                              \
    X(VERB_CONSUME, "consume")   /* a session begins */                                            \
    X(VERB_DELIVER, "deliver")   /* a message came */                                              \
    X(VERB_ACK, "ack")           /* sent */                                                        \
    X(VERB_REQUEUE, "requeue")   /* given back, sent */                                            \
    X(VERB_DROP, "drop")         /* rejected for good, sent */                                     \
    X(VERB_LEAVE, "leave")       /* it asked to be no consumer any more */                         \
    X(VERB_GONE, "gone")         /* what the session holds goes back */                            \
    X(VERB_DAMAGED, "damaged")   /* the broker says that bytes of its files are damaged */         \
    X(VERB_DRAINED, "drained")   /* all that was in the queue has come out */

/* X(constant, text, kind): a number, a digest in hexadecimal, a flag, a name, or names */
#define FACT_LIST(X)                                                                               \
    X(FACT_MESSAGE, "message", FACT_NUMBER)                                                        \
    X(FACT_CHANNEL, "channel", FACT_NUMBER)                                                        \
    X(FACT_SESSION, "session", FACT_NUMBER)                                                        \
    X(FACT_TRANSACTION, "transaction", FACT_NUMBER)                                                \
    X(FACT_NAME, "name", FACT_WORD)                                                                \
    X(FACT_QUEUE, "queue", FACT_WORD)                                                              \
    X(FACT_DEAD, "dead", FACT_WORD)     /* where the dead of the queue go */                       \
    X(FACT_SOURCE, "source", FACT_WORD) /* of a replay; of a dead message: where it died */        \
    X(FACT_GROUP, "group", FACT_WORD)                                                              \
    X(FACT_ROUTES, "routes", FACT_WORDS)                                                           \
    X(FACT_BODY, "body", FACT_DIGEST)                                                              \
    X(FACT_WHERE, "where", FACT_DIGEST) /* exchange and key */                                     \
    X(FACT_TTL, "ttl", FACT_NUMBER)                                                                \
    X(FACT_DELAY, "delay", FACT_NUMBER)                                                            \
    X(FACT_PRIORITY, "priority", FACT_NUMBER)                                                      \
    X(FACT_OFFSET, "offset", FACT_NUMBER)                                                          \
    X(FACT_RETURNS, "returns", FACT_NUMBER) /* how often it came back, says the broker */          \
    X(FACT_LIMIT, "limit", FACT_NUMBER)     /* how often it may come back */                       \
    X(FACT_MS, "ms", FACT_NUMBER)                                                                  \
    X(FACT_REASON, "reason", FACT_WORD) /* of a death */                                           \
    X(FACT_BOUNDED, "bounded", FACT_FLAG)                                                          \
    X(FACT_PRIORITIES, "priorities", FACT_NUMBER)                                                  \
    X(FACT_COUNTS, "counts", FACT_FLAG)                                                            \
    X(FACT_SINGLE, "single", FACT_FLAG)                                                            \
    X(FACT_STREAM, "stream", FACT_FLAG)                                                            \
    X(FACT_TRANSIENT, "transient", FACT_FLAG)                                                      \
    X(FACT_FILTERED, "filtered", FACT_FLAG)                                                        \
    X(FACT_REDELIVERED, "redelivered", FACT_FLAG)                                                  \
    X(FACT_LOST, "lost", FACT_FLAG) /* the connection broke; what was on its way may be lost */    \
    X(FACT_FAILED, "failed", FACT_FLAG) /* a requeue that counts */                                \
    X(FACT_FIRST, "first", FACT_FLAG)                                                              \
    X(FACT_FRONT, "front", FACT_WORD)         /* the stream that this is a partition of */         \
    X(FACT_KEEP, "keep", FACT_NUMBER)         /* bytes that a stream keeps at least */             \
    X(FACT_AGE, "age", FACT_NUMBER)           /* ms that it keeps a message at least */            \
    X(FACT_COMPACTED, "compacted", FACT_FLAG) /* of each key it keeps the latest */                \
    X(FACT_KEY, "key", FACT_WORD)                                                                  \
    X(FACT_LABEL, "label", FACT_WORD) /* what filters look at */                                   \
    X(FACT_PATTERN, "pattern", FACT_WORD)                                                          \
    X(FACT_UNLABELLED, "unlabelled", FACT_FLAG) /* wanted too */                                   \
    X(FACT_SIZE, "size", FACT_NUMBER)           /* bytes that it takes at most */                  \
    X(FACT_AGAIN, "again", FACT_FLAG)           /* sent once more, with its number */              \
    X(FACT_MANDATORY, "mandatory", FACT_FLAG)                                                      \
    X(FACT_CREDIT, "credit", FACT_NUMBER) /* how many the session may hold */                      \
    X(FACT_LATE, "late", FACT_NUMBER)     /* ms after which a client has heard of its end */

enum verb {
#define X(constant, text) constant,
    VERB_LIST(X)
#undef X
        VERB_COUNT
};

enum fact {
#define X(constant, text, kind) constant,
    FACT_LIST(X)
#undef X
        FACT_COUNT
};

enum { HISTORY_ROUTES_MAX = 16 };

struct event {
    enum verb verb;
    uint64_t at_ms;
    uint64_t facts; /* a set of 1 << enum fact */
    uint64_t values[FACT_COUNT];
    uint64_t routes[HISTORY_ROUTES_MAX]; /* values[FACT_ROUTES] of them; names */
};

struct history {
    struct event *events;
    size_t count;
    size_t capacity;
    struct names numbers; /* of each word: its place in `words`, and one */
    const char **words;
    size_t word_count;
};

void history_init(struct history *h);
void history_release(struct history *h);

/* One more event, borrowed until the next one is added. */
struct event *history_add(struct history *h, uint64_t at_ms, enum verb verb);

/* The number of a word, for facts that are names. */
uint64_t history_number(struct history *h, struct bytes word);
const char *history_word(const struct history *h, uint64_t number);

void event_set(struct event *e, enum fact fact, uint64_t value);
void event_add_route(struct event *e, uint64_t queue);

static inline bool event_has(const struct event *e, enum fact fact)
{
    return (e->facts & UINT64_C(1) << fact) != 0;
}

/* The value of a fact, or what it is when it is not said. */
static inline uint64_t event_get(const struct event *e, enum fact fact, uint64_t otherwise)
{
    return event_has(e, fact) ? e->values[fact] : otherwise;
}

/* As text. Event by event too, for messages of tests. */
void history_write(const struct history *h, struct buf *out);
void history_write_event(const struct history *h, const struct event *e, struct buf *out);

/* Adds what the text says. ERR_INVALID with a note that names the line. */
MUST_USE int history_read(struct history *h, struct bytes text, struct err_note *note);

#endif
