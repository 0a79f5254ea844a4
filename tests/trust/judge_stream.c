/* What comes out of a stream: the same at the same offset for everybody, and nothing is missed. */
#include <inttypes.h>

#include "base/mem.h"
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

/* Whoever reads several streams has come so far in each. What a group was given back comes when it
 * can; what members do not get, others have. */
static void check_next(struct judge *j, struct session *s, const struct copy *c, uint64_t offset)
{
    const struct place *p = c->place;
    uint64_t key = judge_key(p->name, s->number, 0);
    uint64_t wanted = (uintptr_t)map_find(&j->ends, key);
    bool has_first = event_has(s->consume, FACT_FIRST);
    bool may_miss = event_has(s->consume, FACT_FILTERED) || event_has(s->consume, FACT_GROUP) ||
                    place_is(p, FACT_KEEP) || place_is(p, FACT_AGE) || place_is(p, FACT_COMPACTED);

    if (event_has(s->consume, FACT_GROUP) && event_has(judge_event(j), FACT_REDELIVERED))
        return;
    if (offset < wanted)
        judge_breach(j, BREACH_REORDERED, "offset %" PRIu64 " of '%s' came behind %" PRIu64, offset,
                     judge_word(j, p->name), wanted - 1);
    else if (offset > wanted && !may_miss && (wanted > 0 || has_first))
        judge_breach(j, BREACH_SKIPPED, "offset %" PRIu64 " of '%s' came instead of %" PRIu64,
                     offset, judge_word(j, p->name), wanted);
    map_put(&j->ends, key, (void *)(uintptr_t)(offset + 1));
}

void judge_stream(struct judge *j, struct session *s, struct copy *c)
{
    uint64_t offset = event_get(judge_event(j), FACT_OFFSET, NOWHERE);

    if (offset == NOWHERE) {
        judge_breach(j, BREACH_MALFORMED, "a message of a stream has an offset");
        return;
    }
    check_offset(j, c, offset);
    check_next(j, s, c, offset);
    if (offset < c->place->hole && s->begun > c->place->hole_found)
        judge_breach(j, BREACH_SKIPPED,
                     "offset %" PRIu64 " of '%s' is there, and who read all before missed others "
                     "below %" PRIu64,
                     offset, judge_word(j, c->place->name), c->place->hole);
    if (event_has(s->consume, FACT_GROUP))
        return;
    map_put(&j->seen, judge_key(c->place->name, s->number, offset), c);
    c->deliveries++;
    c->last = (struct moment){judge_event(j)->at_ms, j->life, NULL};
}

static struct claim_mark *mark_of(struct judge *j, const struct copy *c)
{
    uint64_t key = judge_key(c->place->name, c->source, 0);
    struct claim_mark *mark = (struct claim_mark *)map_find(&j->claims, key);

    if (mark == NULL) {
        mark = MEM_NEW(struct claim_mark);
        mark->place = c->place;
        mark->group = c->source;
        map_put(&j->claims, key, mark);
    }
    return mark;
}

/* What was settled above the mark is forgotten with the life in which it was. */
void judge_keep_marks(struct judge *j)
{
    MAP_FOREACH (w, &j->claims) {
        struct claim_mark *mark = (struct claim_mark *)w.value;
        const struct copy *at;

        while ((at = (const struct copy *)map_find(&mark->place->offsets, mark->offset)) != NULL) {
            at = judge_find_copy(j, mark->place->name, mark->group, at->message);
            if (at == NULL || !at->is_settled || at->settled.life != j->life ||
                !moment_is_sure(j, &at->settled))
                break;
            mark->offset++;
        }
    }
}

bool judge_is_reread(struct judge *j, const struct copy *c)
{
    return place_is(c->place, FACT_STREAM) && c->settled.life != j->life &&
           event_get(judge_event(j), FACT_OFFSET, 0) >= mark_of(j, c)->offset;
}

/* What one member has of a partition keeps all others from it. */
void judge_group(struct judge *j, struct session *s, struct copy *c)
{
    uint64_t key = judge_key(c->place->name, c->source, 0);
    const struct session *owner = (const struct session *)map_find(&j->owners, key);
    bool has_some = false;

    (void)mark_of(j, c);
    if (owner != NULL && owner != s && !owner->is_gone) {
        LIST_FOREACH (link, &owner->held)
            has_some |= CONTAINER_OF(link, struct copy, link)->place == c->place;
    }
    if (has_some && !judge_is_told_late(j, owner))
        judge_breach(j, BREACH_SHARED,
                     "session %" PRIu64 " gets messages of '%s', which session %" PRIu64 " has",
                     s->number, judge_word(j, c->place->name), owner->number);
    map_put(&j->owners, key, s);
}
