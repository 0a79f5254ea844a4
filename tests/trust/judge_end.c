/* When all is said: what did not come out that had to? */
#include <inttypes.h>

#include "base/mem.h"
#include "tests/trust/judge.h"

static bool is_transient(const struct judge *j, const struct copy *c, const struct letter *l)
{
    bool is_past = j->lives[l->life].is_over;

    return is_past &&
           (event_has(judge_publish(j, l), FACT_TRANSIENT) || place_is(c->place, FACT_TRANSIENT));
}

/* Whether the copy may be gone by its age. */
static bool is_too_old(const struct judge *j, const struct copy *c, const struct letter *l)
{
    const struct event *p = judge_publish(j, l);
    uint64_t ttl = event_get(p, FACT_TTL, UINT64_MAX);

    if (place_is(c->place, FACT_TTL) && c->place->queue->values[FACT_TTL] < ttl)
        ttl = c->place->queue->values[FACT_TTL];
    return ttl != UINT64_MAX && c->place->drained->at_ms - p->at_ms >= ttl;
}

static bool is_over_limit(const struct copy *c)
{
    return place_is(c->place, FACT_LIMIT) &&
           c->place->return_count - c->returns_before >= c->place->queue->values[FACT_LIMIT];
}

/* The copy that it became when it died; NULL: it did not come out as a dead letter. */
static bool has_dead_letter(const struct judge *j, const struct copy *c)
{
    const struct copy *dead =
        judge_find_copy(j, c->place->queue->values[FACT_DEAD], c->place->name, c->message);

    return dead != NULL && dead->deliveries > 0;
}

/* The queue that the dead go to was not looked at, or emptied by somebody. */
static bool is_dead_end(struct judge *j, const struct copy *c)
{
    const struct place *dead = judge_place(j, c->place->queue->values[FACT_DEAD]);

    return dead->drained == NULL || (dead->cleared != NEVER && dead->cleared > c->arrived);
}

/* It left its queue by a rule, or may have: it must be among the dead, when there is a place. */
static void check_dead(struct judge *j, const struct copy *c)
{
    if (!place_is(c->place, FACT_DEAD) || is_dead_end(j, c) || has_dead_letter(j, c))
        return;
    judge_breach(j, BREACH_LOST, "message %" PRIu64 " left '%s' and never came out of '%s'",
                 c->message, judge_word(j, c->place->name),
                 judge_word(j, c->place->queue->values[FACT_DEAD]));
}

static void check_copy(struct judge *j, const struct copy *c)
{
    const struct letter *l = (const struct letter *)map_find(&j->letters, c->message);
    bool is_cleared = c->place->cleared != NEVER && c->place->cleared > c->arrived;
    /* what was delivered once and came back is as safe as what is confirmed, unless the broker
     * died meanwhile */
    bool is_owed = l->fate == FATE_CONFIRMED ||
                   (c->deliveries > 0 && c->last.life == j->life && c->source == NOWHERE);

    if (c->place->drained == NULL || is_cleared || !is_owed || is_transient(j, c, l))
        return;
    if (place_is(c->place, FACT_STREAM)) {
        if (c->source == NOWHERE && c->offset == NOWHERE && !place_forgets(c->place))
            judge_breach(j, BREACH_LOST, "message %" PRIu64 " is not in the stream '%s'",
                         c->message, judge_word(j, c->place->name));
        if (c->source != NOWHERE && c->source == c->place->group && !c->is_settled && !c->is_unsure)
            judge_breach(j, BREACH_SKIPPED,
                         "the group '%s' did not get message %" PRIu64 " of '%s' again",
                         judge_word(j, c->source), c->message, judge_word(j, c->place->name));
        return;
    }
    if (c->is_settled && c->is_dropped)
        check_dead(j, c);
    else if (!c->is_settled && !c->is_unsure) {
        if (is_too_old(j, c, l) || place_is(c->place, FACT_BOUNDED) || is_over_limit(c))
            check_dead(j, c);
        else
            judge_breach(j, BREACH_LOST,
                         "message %" PRIu64 " of '%s' is confirmed, not settled, and not there",
                         c->message, judge_word(j, c->place->name));
    }
}

/* What a group was given must have reached the end of the stream. */
static void check_group(struct judge *j, const struct place *p)
{
    uint64_t group = p->group;

    if (group == NOWHERE)
        return;
    MAP_FOREACH (w, &p->offsets) {
        const struct copy *c = (const struct copy *)w.value;

        if (judge_find_copy(j, p->name, group, c->message) == NULL)
            judge_breach(j, BREACH_SKIPPED, "the group '%s' never got offset %" PRIu64 " of '%s'",
                         judge_word(j, group), w.key, judge_word(j, p->name));
    }
}

/* A transaction that nobody answered: consumers may have seen some of it when the broker died with
 * it; afterwards it is there or not. */
struct parts {
    size_t there;
    size_t missing;
};

static void count_part(const struct judge *j, const struct copy *c, struct parts *parts)
{
    const struct letter *l = (const struct letter *)map_find(&j->letters, c->message);
    bool is_cleared = c->place->cleared != NEVER && c->place->cleared > c->arrived;

    if (c->place->drained == NULL || c->source != NOWHERE || is_cleared || is_transient(j, c, l) ||
        is_too_old(j, c, l) || place_forgets(c->place))
        return;
    if (place_is(c->place, FACT_STREAM) ? c->offset == NOWHERE : c->deliveries == 0)
        parts->missing++;
    else if (c->last.life != l->life || !j->lives[l->life].is_crashed)
        parts->there++;
}

static void check_deals(struct judge *j)
{
    struct map parts_of; /* of each open transaction, by its number */

    map_init(&parts_of);
    for (size_t i = 0; i < j->row_count; i++) {
        const struct letter *l = (const struct letter *)map_find(&j->letters, j->row[i]->message);

        if (l == NULL || l->deal == NULL || l->deal->state != DEAL_OPEN)
            continue;
        if (map_find(&parts_of, l->deal->number) == NULL)
            map_put(&parts_of, l->deal->number, MEM_NEW(struct parts));
        count_part(j, j->row[i], (struct parts *)map_find(&parts_of, l->deal->number));
    }
    MAP_FOREACH (w, &parts_of) {
        const struct parts *parts = (const struct parts *)w.value;

        if (parts->there > 0 && parts->missing > 0)
            judge_breach(j, BREACH_TORN,
                         "of transaction %" PRIu64 " %zu messages came, %zu did not", w.key,
                         parts->there, parts->missing);
        mem_free(w.value);
    }
    map_release(&parts_of);
}

void judge_end(struct judge *j)
{
    for (size_t i = 0; i < j->row_count; i++)
        check_copy(j, j->row[i]);
    MAP_FOREACH (w, &j->places) {
        const struct place *p = (const struct place *)w.value;

        if (p->drained != NULL)
            check_group(j, p);
    }
    check_deals(j);
}
