/* What somebody who read a stream to its end must have seen: what he wants of all that is there,
 * and of what a stream does not keep for ever only the oldest may be gone, or what is not the
 * latest of its key. */
#include <inttypes.h>

#include "tests/trust/judge.h"

/* ---- filters ---- */

/* The end of the first word. */
static const char *word_end(const char *at)
{
    while (*at != '\0' && *at != '.')
        at++;
    return at;
}

static const char *next_word(const char *end)
{
    return *end == '.' ? end + 1 : NULL;
}

/* A pattern of a topic exchange, word by word; NULL: no more words. */
static bool fits(const char *pattern, const char *key)
{
    const char *end;

    if (pattern == NULL)
        return key == NULL;
    end = word_end(pattern);
    if (*pattern == '#')
        return fits(next_word(end), key) ||
               (key != NULL && fits(pattern, next_word(word_end(key))));
    if (key == NULL)
        return false;
    if (*pattern != '*') {
        const char *at = pattern;

        while (at < end && *at == *key)
            at++, key++;
        if (at < end || (*key != '\0' && *key != '.'))
            return false;
    }
    return fits(next_word(end), next_word(word_end(key)));
}

bool judge_wants(const struct judge *j, const struct session *s, const struct letter *l)
{
    const struct event *p = judge_publish(j, l);
    const struct event *w = s->consume;

    if (event_has(w, FACT_PATTERN) && !fits(judge_word(j, w->values[FACT_PATTERN]),
                                            judge_word(j, event_get(p, FACT_KEY, NOWHERE))))
        return false;
    if (!event_has(w, FACT_LABEL))
        return true;
    if (!event_has(p, FACT_LABEL))
        return event_has(w, FACT_UNLABELLED);
    return p->values[FACT_LABEL] == w->values[FACT_LABEL];
}

/* ---- what was read ---- */

/* What a session saw of a stream. */
struct reading {
    const struct session *session;
    const struct place *place;
    uint64_t first;      /* retention may have taken what is below; NOWHERE: all */
    uint64_t last;       /* the highest offset */
    uint64_t bytes;      /* of all that was ever published to the stream, at most */
    struct map channels; /* of each: the first publish that is there, and one */
    struct map keys;     /* of each: the copy with the highest offset */
};

static const struct letter *letter_of(const struct judge *j, const struct copy *c)
{
    return (const struct letter *)map_find(&j->letters, c->message);
}

static const struct copy *find_seen(const struct judge *j, const struct reading *r, uint64_t offset)
{
    uint64_t key = judge_key(r->place->name, r->session->number, offset);

    return (const struct copy *)map_find(&j->seen, key);
}

static bool is_seen(const struct judge *j, const struct reading *r, const struct copy *c)
{
    return c->offset != NOWHERE && find_seen(j, r, c->offset) == c;
}

/* Retention takes the oldest, and does so under a slow reader, too: what was there when he came to
 * the end begins behind the last hole in what he saw; whoever comes after him must not find more.
 * Filters and compaction make holes of their own. */
static void find_first(const struct judge *j, struct reading *r)
{
    if (r->last == NOWHERE || event_has(r->session->consume, FACT_FILTERED) ||
        place_is(r->place, FACT_COMPACTED))
        return;
    r->first = r->last;
    while (r->first > 0 && find_seen(j, r, r->first - 1) != NULL)
        r->first--;
}

static void note_seen(const struct judge *j, struct reading *r, struct copy *c)
{
    const struct letter *l = letter_of(j, c);
    const struct event *p = judge_publish(j, l);
    uint64_t channel = event_get(p, FACT_CHANNEL, 0);
    uint64_t key = event_get(p, FACT_KEY, 0);
    size_t first = (uintptr_t)map_find(&r->channels, channel);
    const struct copy *latest = (const struct copy *)map_find(&r->keys, key);

    if (c->offset >= r->first && !l->is_again && (first == 0 || l->published + 1 < first))
        map_put(&r->channels, channel, (void *)(uintptr_t)(l->published + 1));
    if (latest == NULL || latest->offset < c->offset)
        map_put(&r->keys, key, c);
}

/* Whether anything of the stream may be gone by now, and this message too. */
static bool may_be_dropped(const struct judge *j, const struct reading *r, const struct copy *c)
{
    const struct letter *l = letter_of(j, c);
    const struct event *p = judge_publish(j, l);
    size_t first = (uintptr_t)map_find(&r->channels, event_get(p, FACT_CHANNEL, 0));
    bool is_full = place_is(r->place, FACT_KEEP) && r->bytes > r->place->queue->values[FACT_KEEP];
    bool is_old = place_is(r->place, FACT_AGE) &&
                  judge_event(j)->at_ms - p->at_ms >= r->place->queue->values[FACT_AGE];

    if (!is_full && !is_old)
        return false;
    if (c->offset != NOWHERE)
        return r->first == NOWHERE || c->offset < r->first;
    /* an older one of its channel is still there */
    return l->is_again || first == 0 || l->published + 1 < first;
}

/* Whether there may be a later message of its key. */
static bool may_be_compacted(const struct judge *j, const struct reading *r, const struct copy *c)
{
    const struct letter *l = letter_of(j, c);
    const struct event *p = judge_publish(j, l);
    const struct copy *latest = (const struct copy *)map_find(&r->keys, event_get(p, FACT_KEY, 0));
    const struct letter *other;
    bool is_before;

    if (!place_is(r->place, FACT_COMPACTED) || latest == NULL)
        return false;
    if (c->offset != NOWHERE)
        return latest->offset > c->offset;
    other = letter_of(j, latest);
    is_before = !other->is_again &&
                (other->answered < l->published ||
                 (judge_publish(j, other)->values[FACT_CHANNEL] == p->values[FACT_CHANNEL] &&
                  other->published < l->published));
    return !is_before;
}

/* A message that the session did not see. */
static void judge_unseen(struct judge *j, const struct reading *r, const struct copy *c)
{
    const struct letter *l = letter_of(j, c);
    bool is_transient = event_has(judge_publish(j, l), FACT_TRANSIENT) && l->life != j->life;
    bool is_owed = c->offset != NOWHERE || (l->fate == FATE_CONFIRMED && !is_transient);

    if (!is_owed || !judge_wants(j, r->session, l))
        return;
    if (may_be_dropped(j, r, c) || may_be_compacted(j, r, c))
        return;
    if (c->offset != NOWHERE)
        judge_breach(j, BREACH_SKIPPED,
                     "session %" PRIu64 " has read all of '%s' and not seen offset %" PRIu64,
                     r->session->number, judge_word(j, r->place->name), c->offset);
    else if (place_forgets(r->place))
        judge_breach(j, BREACH_LOST, "message %" PRIu64 " is not in '%s', and must be", c->message,
                     judge_word(j, r->place->name));
}

void judge_read(struct judge *j, const struct session *s, struct place *p)
{
    struct reading r = {.session = s, .place = p, .first = NOWHERE, .last = NOWHERE};
    uint64_t lowest;

    map_init(&r.channels);
    map_init(&r.keys);
    for (size_t i = 0; i < j->row_count; i++) {
        struct copy *c = j->row[i];

        if (c->place != p || c->source != NOWHERE)
            continue;
        r.bytes += event_get(judge_publish(j, letter_of(j, c)), FACT_SIZE, 0);
        if (!is_seen(j, &r, c))
            continue;
        if (r.first == NOWHERE || c->offset < r.first)
            r.first = c->offset;
        if (r.last == NOWHERE || c->offset > r.last)
            r.last = c->offset;
    }
    lowest = r.first;
    find_first(j, &r);
    if (r.first != lowest) {
        p->hole = r.first;
        p->hole_found = j->at;
    }
    for (size_t i = 0; i < j->row_count; i++)
        if (j->row[i]->place == p && j->row[i]->source == NOWHERE && is_seen(j, &r, j->row[i]))
            note_seen(j, &r, j->row[i]);
    for (size_t i = 0; i < j->row_count; i++)
        if (j->row[i]->place == p && j->row[i]->source == NOWHERE && !is_seen(j, &r, j->row[i]))
            judge_unseen(j, &r, j->row[i]);
    map_release(&r.channels);
    map_release(&r.keys);
}
