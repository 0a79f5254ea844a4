/* What is wrong with a history: what no broker that keeps its word can have shown its clients.
 *
 * What is not certain is not judged: a publish without a confirm may come out or not, what was
 * asked and not answered may be there or not, and an ack, which nobody answers, may be lost with
 * the life of the broker or the connection in which it was sent shortly before the end.
 *
 * Owner: one thread. */
#ifndef TESTS_TRUST_VERDICT_H
#define TESTS_TRUST_VERDICT_H

#include <stddef.h>

#include "base/buf.h"
#include "tests/trust/history.h"

/* X(constant, name, the rule that it breaks) */
#define BREACH_LIST(X)                                                                             \
    X(BREACH_LOST, "lost", "confirmed messages come out of their queues until they are settled")   \
    X(BREACH_ALTERED, "altered", "a message comes out byte for byte as it went in")                \
    X(BREACH_INVENTED, "invented", "what comes out was published before")                          \
    X(BREACH_MISROUTED, "misrouted", "a message comes out of no other queue")                      \
    X(BREACH_DUPLICATED, "duplicated", "nobody gets what somebody has, or what he had already")    \
    X(BREACH_UNMARKED, "unmarked", "what was delivered before is marked")                          \
    X(BREACH_MARKED, "marked", "what cannot have been delivered before is not")                    \
    X(BREACH_MISCOUNTED, "miscounted", "how often a message came back is what the broker says")    \
    X(BREACH_REORDERED, "reordered", "in a session a channel's messages keep their order")         \
    X(BREACH_RESURRECTED, "resurrected", "what was settled does not come again")                   \
    X(BREACH_SHARED, "shared", "one single active consumer, one owner in a group")                 \
    X(BREACH_EARLY, "early", "nothing expires, and nothing delayed comes, before its time")        \
    X(BREACH_BURIED, "buried", "nothing is a dead letter without a reason")                        \
    X(BREACH_UNCONFIRMABLE, "unconfirmable", "what is confirmed was published; once")              \
    X(BREACH_TORN, "torn", "of a transaction comes all or nothing")                                \
    X(BREACH_FORGOTTEN, "forgotten", "what was declared and answered is there")                    \
    X(BREACH_UNDEAD, "undead", "what was deleted and answered is not")                             \
    X(BREACH_SHIFTED, "shifted", "an offset of a stream is one message for ever")                  \
    X(BREACH_SKIPPED, "skipped", "a reader of a stream misses nothing")                            \
    X(BREACH_UNWANTED, "unwanted", "a filter lets nothing else pass")                              \
    X(BREACH_UNRETURNED, "unreturned", "what is mandatory and goes nowhere comes back, no other")  \
    X(BREACH_OVERTAKEN, "overtaken", "consumers of lower priority wait for those above")           \
    X(BREACH_MALFORMED, "malformed", "a history does not contradict itself")

enum breach_kind {
#define X(constant, name, rule) constant,
    BREACH_LIST(X)
#undef X
        BREACH_COUNT
};

const char *breach_name(enum breach_kind kind);

struct breach {
    enum breach_kind kind;
    size_t event; /* where it shows; the number of events: at the end */
    char *text;
};

enum { BREACHES_MAX = 100 }; /* that are kept; all are counted */

struct verdict {
    struct breach *breaches;
    size_t kept;
    size_t count;
    size_t counts[BREACH_COUNT];
    /* how much was judged, for who wants to know that it was not nothing */
    size_t messages;
    size_t confirmed;
    size_t deliveries;
    size_t redeliveries;
};

void history_judge(const struct history *h, struct verdict *out);
void verdict_release(struct verdict *v);

/* Each breach with its event, a line each. */
void verdict_write(const struct verdict *v, const struct history *h, struct buf *out);

#endif
