/* What comes out of a queue: is it what went in, may it come now, to him, so marked? */
#include <inttypes.h>
#include <string.h>

#include "tests/trust/judge.h"

/* ---- which copy is it ---- */

/* Whether the copy died where it was in a way that the queue and its consumers allow. */
static void check_death(struct judge *j, const struct copy *from, const struct letter *l)
{
    const struct event *e = judge_event(j);
    const struct event *q = from->place->queue;
    const char *reason = judge_word(j, event_get(e, FACT_REASON, NOWHERE));
    uint64_t ttl = event_get(judge_publish(j, l), FACT_TTL, UINT64_MAX);
    uint64_t own = q == NULL ? UINT64_MAX : event_get(q, FACT_TTL, UINT64_MAX);
    bool is_lawful = false;

    ttl = own < ttl ? own : ttl;
    if (strcmp(reason, "expired") == 0) {
        is_lawful = ttl != UINT64_MAX;
        if (is_lawful && e->at_ms - judge_publish(j, l)->at_ms < ttl)
            judge_breach(j, BREACH_EARLY,
                         "message %" PRIu64 " expired in '%s' before %" PRIu64 " ms", from->message,
                         judge_word(j, from->place->name), ttl);
    } else if (strcmp(reason, "rejected") == 0) {
        is_lawful = from->is_dropped;
    } else if (strcmp(reason, "maxlen") == 0) {
        is_lawful = place_is(from->place, FACT_BOUNDED);
    } else if (strcmp(reason, "delivery_limit") == 0) {
        is_lawful = place_is(from->place, FACT_LIMIT) &&
                    from->place->return_count - from->returns_before >= event_get(q, FACT_LIMIT, 0);
    }
    if (!is_lawful)
        judge_breach(j, BREACH_BURIED, "message %" PRIu64 " is a dead letter of '%s' for '%s'",
                     from->message, judge_word(j, from->place->name), reason);
}

/* It died once more: an earlier death was undone by a crash. */
static void bury_again(struct judge *j, uint64_t source, uint64_t message)
{
    struct copy *from = judge_find_copy(j, source, NOWHERE, message);

    if (from == NULL || from->is_settled || from->holder != NULL)
        return;
    from->is_settled = true;
    from->settled = (struct moment){judge_event(j)->at_ms, j->life, NULL};
}

/* A dead letter: the copy where it died ends with it, and one begins here. */
static struct copy *bury(struct judge *j, struct place *p, const struct letter *l)
{
    const struct event *e = judge_event(j);
    uint64_t source = event_get(e, FACT_SOURCE, NOWHERE);
    uint64_t message = event_get(e, FACT_MESSAGE, 0);
    struct copy *c = judge_find_copy(j, p->name, source, message);
    struct copy *from = NULL;

    if (c != NULL) {
        bury_again(j, source, message);
        return c;
    }
    for (size_t i = 0; i < j->row_count && from == NULL; i++)
        if (j->row[i]->message == message && j->row[i]->place->name == source)
            from = j->row[i];
    if (from == NULL || !place_is(from->place, FACT_DEAD) ||
        from->place->queue->values[FACT_DEAD] != p->name)
        return NULL;
    check_death(j, from, l);
    if (from->is_settled && !from->is_dropped && moment_is_sure(j, &from->settled))
        judge_breach(j, BREACH_RESURRECTED, "message %" PRIu64 " was acked, and is a dead letter",
                     message);
    from->is_settled = true;
    from->settled = (struct moment){e->at_ms, j->life, NULL};
    c = judge_add_copy(j, p, source, message);
    c->arrived = from->arrived; /* it came here at any time since */
    return c;
}

static struct copy *find_copy(struct judge *j, struct place *p, const struct letter *l)
{
    const struct event *e = judge_event(j);
    uint64_t message = event_get(e, FACT_MESSAGE, 0);
    struct copy *c =
        event_has(e, FACT_SOURCE) ? bury(j, p, l) : judge_find_copy(j, p->name, NOWHERE, message);

    if (c == NULL)
        judge_breach(j, BREACH_MISROUTED, "message %" PRIu64 " came out of '%s'", message,
                     judge_word(j, p->name));
    return c;
}

/* ---- is it right ---- */

static void check_content(struct judge *j, const struct letter *l)
{
    const struct event *e = judge_event(j);
    const struct event *p = judge_publish(j, l);
    bool has_same_body = event_get(e, FACT_BODY, 0) == event_get(p, FACT_BODY, 0);
    bool has_same_where =
        !event_has(e, FACT_WHERE) || e->values[FACT_WHERE] == event_get(p, FACT_WHERE, 0);

    if (!has_same_body || !has_same_where)
        judge_breach(j, BREACH_ALTERED, "message %" PRIu64 " is not what was published",
                     e->values[FACT_MESSAGE]);
    if (event_has(p, FACT_DELAY) && e->at_ms < p->at_ms + p->values[FACT_DELAY])
        judge_breach(j, BREACH_EARLY, "message %" PRIu64 " came before its delay of %" PRIu64 " ms",
                     e->values[FACT_MESSAGE], p->values[FACT_DELAY]);
    if (l->deal != NULL && l->deal->state == DEAL_ROLLED_BACK)
        judge_breach(j, BREACH_TORN, "message %" PRIu64 " was rolled back and came",
                     e->values[FACT_MESSAGE]);
}

/* What was confirmed before somebody asked for a purge, and does not look as if a consumer had it
 * then. */
static void check_purge(struct judge *j, const struct session *s, const struct copy *c,
                        const struct letter *l)
{
    const struct place *p = c->place;

    /* what was on its way to a consumer before is not called back */
    if (p->purge_asked == NEVER || s->begun < p->cleared ||
        event_has(judge_event(j), FACT_REDELIVERED) || l->answered == NEVER ||
        l->answered > p->purge_asked || !moment_is_sure(j, &p->purge))
        return;
    judge_breach(j, BREACH_RESURRECTED, "message %" PRIu64 " of '%s' was purged at %" PRIu64,
                 c->message, judge_word(j, p->name), p->purge.at_ms);
}

/* It was rejected, and had not become a dead letter yet when the broker ended. */
static bool is_unburied(const struct judge *j, const struct copy *c)
{
    const struct copy *dead;

    if (!c->is_dropped || !place_is(c->place, FACT_DEAD) || c->settled.life == j->life)
        return false;
    dead = judge_find_copy(j, c->place->queue->values[FACT_DEAD], c->place->name, c->message);
    return dead == NULL || dead->deliveries == 0;
}

static void check_holder(struct judge *j, const struct copy *c)
{
    if (c->holder != NULL)
        judge_breach(j, BREACH_DUPLICATED,
                     "message %" PRIu64 " of '%s' came while session %" PRIu64 " has it",
                     c->message, judge_word(j, c->place->name), c->holder->number);
    if (c->is_settled && moment_is_sure(j, &c->settled) && !judge_is_reread(j, c) &&
        !is_unburied(j, c))
        judge_breach(j, BREACH_RESURRECTED,
                     "message %" PRIu64 " of '%s' came again, settled at %" PRIu64, c->message,
                     judge_word(j, c->place->name), c->settled.at_ms);
}

/* The last event up to which anything may have been brought back; NEVER: none. */
static size_t last_return(const struct judge *j, struct place *p)
{
    const struct event *events = j->history->events;

    if (p->last_return == NEVER)
        return NEVER;
    if (p->haunted < p->last_return)
        p->haunted = p->last_return;
    while (p->haunted < j->at && events[p->haunted + 1].at_ms <= p->haunted_ms)
        p->haunted++;
    return p->haunted;
}

/* Whether the broker may have moved the message here a second time: as a dead letter, out of a
 * delay, or by a replay, and the first time was not safe yet when it died. What a group was given
 * is not known any more when the broker starts again. */
static bool may_be_reborn(const struct judge *j, const struct copy *c, const struct letter *l)
{
    bool is_moved =
        c->source != NOWHERE || c->place->is_replayed || event_has(judge_publish(j, l), FACT_DELAY);

    if (place_is(c->place, FACT_STREAM))
        return c->last.life != j->life;
    /* it was lost, and is sent again */
    is_moved |= l->is_again && c->last.life != j->life;
    return is_moved && c->deliveries > 0 && !moment_is_sure(j, &c->last);
}

static void check_mark(struct judge *j, const struct copy *c, const struct letter *l)
{
    bool is_marked = event_has(judge_event(j), FACT_REDELIVERED);
    size_t last = last_return(j, place_home(c->place));
    bool may_be_known = c->deliveries > 0 || (last != NEVER && last >= c->arrived);

    if (c->deliveries > 0 && !is_marked && !may_be_reborn(j, c, l))
        judge_breach(j, BREACH_UNMARKED, "message %" PRIu64 " of '%s' came again without the mark",
                     c->message, judge_word(j, c->place->name));
    if (is_marked && !may_be_known)
        judge_breach(j, BREACH_MARKED, "message %" PRIu64 " of '%s' came with the mark at first",
                     c->message, judge_word(j, c->place->name));
}

/* A death was undone with the life in which it happened: nobody is owed the dead letter. */
static void undo_death(struct judge *j, const struct copy *c)
{
    struct copy *dead;

    if (!c->is_settled || !place_is(c->place, FACT_DEAD))
        return;
    if (c->settled.session != NULL && c->settled.life == j->life)
        return; /* nobody heard that it was rejected */
    dead = judge_find_copy(j, c->place->queue->values[FACT_DEAD], c->place->name, c->message);
    if (dead != NULL)
        dead->is_unsure = true;
}

static void check_count(struct judge *j, const struct copy *c)
{
    uint64_t most = c->place->return_count - c->returns_before;
    uint64_t count = event_get(judge_event(j), FACT_RETURNS, 0);
    uint64_t least = 0;

    if (!place_is(c->place, FACT_COUNTS))
        return;
    for (uint64_t i = 0; i < c->return_count && i < RETURNS_KEPT; i++)
        least += moment_is_sure(j, &c->returns[i]);
    if (count < least || count > most)
        judge_breach(j, BREACH_MISCOUNTED,
                     "message %" PRIu64 " of '%s' came back %" PRIu64 " to %" PRIu64
                     " times, not %" PRIu64,
                     c->message, judge_word(j, c->place->name), least, most, count);
}

/* What keeps its order in a session: a channel's messages of one priority, and where a replay
 * brings history, of one exchange. */
static uint64_t line_of(const struct session *s, const struct place *p, const struct event *publish)
{
    uint64_t most = place_is(p, FACT_PRIORITIES) ? p->queue->values[FACT_PRIORITIES] : 0;
    uint64_t priority = event_get(publish, FACT_PRIORITY, 0);
    uint64_t line = s->number << 32 | event_get(publish, FACT_CHANNEL, 0) << 8;

    return (line | (priority < most ? priority : most)) ^
           (p->is_replayed ? event_get(publish, FACT_WHERE, 0) : 0);
}

/* What came back since the session began comes when it can, and so does what was delayed or is
 * dead. */
static void check_order(struct judge *j, const struct session *s, const struct copy *c,
                        const struct letter *l)
{
    const struct event *p = judge_publish(j, l);
    uint64_t line = line_of(s, c->place, p);
    size_t last = (uintptr_t)map_find(&j->lines, line);
    size_t back = last_return(j, place_home(c->place));
    /* what was sent again has an order of its own, and that of a group are its offsets */
    bool is_ordered = c->source == NOWHERE && !event_has(p, FACT_DELAY);
    bool came_back = c->returned != NEVER && c->returned > s->begun;

    if (!is_ordered || came_back)
        return;
    /* a session elsewhere may have had it and not have told */
    if (back != NEVER && back > s->begun && event_has(judge_event(j), FACT_REDELIVERED))
        return;
    if (l->published + 1 < last)
        judge_breach(j, BREACH_REORDERED,
                     "message %" PRIu64 " of '%s' came behind message %" PRIu64, c->message,
                     judge_word(j, c->place->name),
                     event_get(&j->history->events[last - 1], FACT_MESSAGE, 0));
    else
        map_put(&j->lines, line, (void *)(uintptr_t)(l->published + 1));
}

bool judge_is_told_late(const struct judge *j, const struct session *s)
{
    const struct history *h = j->history;

    for (size_t i = j->at + 1;
         i < h->count && h->events[i].at_ms < judge_event(j)->at_ms + j->late_ms; i++) {
        const struct event *e = &h->events[i];
        bool is_over = e->verb == VERB_CRASH || e->verb == VERB_STOP;
        bool is_its = e->verb == VERB_GONE && event_get(e, FACT_SESSION, 0) == s->number;

        if (is_over || is_its)
            return true;
    }
    return false;
}

static void check_owner(struct judge *j, struct session *s)
{
    struct place *p = s->place;

    if (!place_is(p, FACT_SINGLE))
        return;
    /* who has a higher priority takes over */
    bool is_above = p->owner != NULL && event_get(s->consume, FACT_PRIORITY, 0) >
                                            event_get(p->owner->consume, FACT_PRIORITY, 0);
    if (p->owner != NULL && p->owner != s && !p->owner->is_leaving && !p->owner->is_gone &&
        !s->is_leaving && !is_above && !judge_is_told_late(j, p->owner))
        judge_breach(j, BREACH_SHARED,
                     "session %" PRIu64 " of '%s' gets messages, and so does %" PRIu64, s->number,
                     judge_word(j, p->name), p->owner->number);
    if (!s->is_leaving)
        p->owner = s;
}

/* ---- it came ---- */

/* A queue that is made anew does not know what the former one had: what is sent again is new. */
static void forget_former(struct copy *c, const struct letter *l)
{
    const struct place *p = c->place;

    if (!l->is_again || c->deliveries == 0 || c->holder != NULL || p->deleted == NEVER ||
        p->deleted < c->came)
        return;
    c->arrived = p->deleted;
    c->returns_before = p->return_count;
    c->deliveries = c->return_count = 0;
    c->returned = NEVER;
    c->is_settled = c->is_dropped = c->is_unsure = false;
    c->deal = NULL;
}

static void deliver_copy(struct judge *j, struct session *s, struct copy *c, const struct letter *l)
{
    forget_former(c, l);
    check_holder(j, c);
    check_purge(j, s, c, l);
    check_mark(j, c, l);
    check_count(j, c);
    check_order(j, s, c, l);
    undo_death(j, c);
    if (c->holder != NULL) {
        list_remove(&c->link);
        c->holder->held_count--;
    }
    c->deliveries++;
    c->last = (struct moment){judge_event(j)->at_ms, j->life, NULL};
    c->came = j->at;
    c->is_settled = c->is_unsure = false;
    c->holder = s;
    list_push(&s->held, &c->link);
    s->held_count++;
}

void judge_deliver(struct judge *j, struct session *s)
{
    const struct event *e = judge_event(j);
    struct place *p = event_has(e, FACT_QUEUE) ? judge_place(j, e->values[FACT_QUEUE]) : s->place;
    uint64_t message = event_get(e, FACT_MESSAGE, 0);
    const struct letter *l = (const struct letter *)map_find(&j->letters, message);
    struct copy *c;

    j->verdict->deliveries++;
    j->verdict->redeliveries += event_has(e, FACT_REDELIVERED);
    if (s->is_gone)
        judge_breach(j, BREACH_MALFORMED, "session %" PRIu64 " is over", s->number);
    if (l == NULL) {
        judge_breach(j, BREACH_INVENTED, "message %" PRIu64 " was never published", message);
        return;
    }
    c = find_copy(j, p, l);
    if (c == NULL)
        return;
    check_content(j, l);
    check_owner(j, s);
    judge_rank(j, s);
    if (!place_is(p, FACT_STREAM)) {
        deliver_copy(j, s, c, l);
        return;
    }
    judge_stream(j, s, c);
    if (!judge_wants(j, s, l))
        judge_breach(j, BREACH_UNWANTED, "session %" PRIu64 " did not ask for message %" PRIu64,
                     s->number, message);
    if (event_has(s->consume, FACT_GROUP)) {
        size_t arrived = c->arrived;

        c = judge_add_copy(j, p, s->consume->values[FACT_GROUP], message);
        c->arrived = arrived;
        judge_group(j, s, c);
        deliver_copy(j, s, c, l);
    }
}

void copy_return(struct judge *j, struct copy *c, struct session *by)
{
    list_remove(&c->link);
    c->holder->held_count--;
    c->holder = NULL;
    c->returned = j->at;
    if (by == NULL || !event_has(judge_event(j), FACT_FAILED))
        return;
    if (c->return_count < RETURNS_KEPT)
        c->returns[c->return_count] = (struct moment){judge_event(j)->at_ms, j->life, by};
    c->return_count++;
}
