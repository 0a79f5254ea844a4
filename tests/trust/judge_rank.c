/* Priorities of consumers: who has room, and for a while before and after nothing to do, was passed
 * over when one of a lower priority got a message. */
#include <inttypes.h>

#include "tests/trust/judge.h"

enum { QUIET_MS = 200 }; /* longer than anything is on its way */

static uint64_t priority_of(const struct session *s)
{
    return event_get(s->consume, FACT_PRIORITY, 0);
}

static bool has_room(const struct session *s)
{
    return event_has(s->consume, FACT_CREDIT) && s->held_count < s->consume->values[FACT_CREDIT] &&
           !s->is_gone && !s->is_leaving;
}

void judge_rank_look(struct judge *j, struct session *s)
{
    uint64_t now_ms = judge_event(j)->at_ms;

    if (s->skipped_ms > 0 && now_ms > s->skipped_ms + QUIET_MS)
        judge_breach(j, BREACH_OVERTAKEN,
                     "session %" PRIu64
                     " had room, and one of lower priority got messages at %" PRIu64
                     ", before this",
                     s->number, s->skipped_ms);
    s->skipped_ms = 0;
    s->quiet_ms = now_ms;
}

void judge_rank(struct judge *j, const struct session *s)
{
    uint64_t now_ms = judge_event(j)->at_ms;

    if (!event_has(s->consume, FACT_CREDIT))
        return;
    MAP_FOREACH (w, &j->sessions) {
        struct session *above = (struct session *)w.value;

        if (above->place == s->place && above->skipped_ms == 0 && has_room(above) &&
            priority_of(above) > priority_of(s) && above->quiet_ms + QUIET_MS < now_ms)
            above->skipped_ms = now_ms;
    }
}
