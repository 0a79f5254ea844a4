/* What comes out of a stream: the same at the same offset for everybody, and nothing is missed. */
#include <inttypes.h>

#include "tests/trust/judge.h"

static void check_offset(struct judge *j, struct copy *c, uint64_t offset)
{
    const struct copy *there = (const struct copy *)map_find(&c->place->offsets, offset);

    if (there != NULL && there != c)
        judge_breach(j, BREACH_SHIFTED,
                     "offset %" PRIu64 " of '%s' was message %" PRIu64 " and is message %" PRIu64,
                     offset, judge_word(j, c->place->name), there->message, c->message);
    else if (c->offset != NOWHERE && c->offset != offset)
        judge_breach(j, BREACH_DUPLICATED,
                     "message %" PRIu64 " of '%s' is at offset %" PRIu64 " and at %" PRIu64,
                     c->message, judge_word(j, c->place->name), c->offset, offset);
    c->offset = offset;
    map_put(&c->place->offsets, offset, c);
}

/* A member of a group reads several streams, each as far as it came. */
static void check_next(struct judge *j, struct session *s, uint64_t offset)
{
    bool is_first = s->offset == NOWHERE;
    uint64_t wanted = is_first ? 0 : s->offset + 1;

    if (!is_first && offset < wanted)
        judge_breach(j, BREACH_REORDERED, "offset %" PRIu64 " of '%s' came behind %" PRIu64, offset,
                     judge_word(j, s->place->name), s->offset);
    else if (offset > wanted && !event_has(s->consume, FACT_FILTERED) &&
             (!is_first || event_has(s->consume, FACT_FIRST)))
        judge_breach(j, BREACH_SKIPPED, "offset %" PRIu64 " of '%s' came instead of %" PRIu64,
                     offset, judge_word(j, s->place->name), wanted);
    s->offset = offset;
}

void judge_stream(struct judge *j, struct session *s, struct copy *c)
{
    uint64_t offset = event_get(judge_event(j), FACT_OFFSET, NOWHERE);

    if (offset == NOWHERE) {
        judge_breach(j, BREACH_MALFORMED, "a message of a stream has an offset");
        return;
    }
    check_offset(j, c, offset);
    if (event_has(s->consume, FACT_GROUP))
        return;
    c->deliveries++;
    c->last = (struct moment){judge_event(j)->at_ms, j->life, NULL};
    check_next(j, s, offset);
}

/* What one member has of a partition keeps all others from it. */
void judge_group(struct judge *j, struct session *s, struct copy *c)
{
    uint64_t key = judge_key(c->place->name, c->source, 0);
    const struct session *owner = (const struct session *)map_find(&j->owners, key);
    bool has_some = false;

    if (owner != NULL && owner != s && !owner->is_gone) {
        LIST_FOREACH (link, &owner->held)
            has_some |= CONTAINER_OF(link, struct copy, link)->place == c->place;
    }
    if (has_some)
        judge_breach(j, BREACH_SHARED,
                     "session %" PRIu64 " gets messages of '%s', which session %" PRIu64 " has",
                     s->number, judge_word(j, c->place->name), owner->number);
    map_put(&j->owners, key, s);
}
