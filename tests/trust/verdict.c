/* Reads a history, event by event. What comes out is judged in judge_deliver.c, what does not in
 * judge_end.c. */
#include "tests/trust/verdict.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tests/trust/judge.h"

enum { TEXT_SIZE = 300, WINDOW_MS = 2000, SLACK_MS = 100 };

/* What is known of a definition. */
enum known { KNOWN_THERE = 1, KNOWN_GONE };

static const char *const breach_names[] = {
#define X(constant, name, rule) name,
    BREACH_LIST(X)
#undef X
};

const char *breach_name(enum breach_kind kind)
{
    return breach_names[kind];
}

/* ---- what the files of a judgement share ---- */

/* What damaged bytes may do, once the broker has named them: something is missing, or comes again
 * as nobody knows any more that it was settled. Nothing is wrong that comes. */
static bool may_damage(enum breach_kind kind)
{
    return kind == BREACH_LOST || kind == BREACH_SKIPPED || kind == BREACH_FORGOTTEN ||
           kind == BREACH_UNDEAD || kind == BREACH_RESURRECTED || kind == BREACH_TORN ||
           kind == BREACH_MISCOUNTED || kind == BREACH_UNMARKED;
}

void judge_breach(struct judge *j, enum breach_kind kind, const char *format, ...)
{
    struct verdict *v = j->verdict;
    char text[TEXT_SIZE];
    va_list args;

    if (j->is_damaged && may_damage(kind))
        return;
    v->count++;
    v->counts[kind]++;
    if (v->kept == BREACHES_MAX)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    v->breaches[v->kept++] = (struct breach){.kind = kind, .event = j->at, .text = mem_text(text)};
}

const struct event *judge_publish(const struct judge *j, const struct letter *l)
{
    return &j->history->events[l->published];
}

const char *judge_word(const struct judge *j, uint64_t number)
{
    return number == NOWHERE ? "" : history_word(j->history, number);
}

struct place *judge_place(struct judge *j, uint64_t name)
{
    struct place *p = (struct place *)map_find(&j->places, name);

    if (p != NULL)
        return p;
    p = MEM_NEW(struct place);
    p->name = name;
    p->cleared = NEVER;
    p->last_return = NEVER;
    p->group = NOWHERE;
    p->deleted = NEVER;
    p->purge_asked = NEVER;
    map_init(&p->offsets);
    map_put(&j->places, name, p);
    return p;
}

bool place_is(const struct place *p, enum fact fact)
{
    return p->queue != NULL && event_has(p->queue, fact);
}

bool place_forgets(const struct place *p)
{
    return place_is(p, FACT_BOUNDED) || place_is(p, FACT_KEEP) || place_is(p, FACT_AGE) ||
           place_is(p, FACT_COMPACTED);
}

struct copy *judge_find_copy(const struct judge *j, uint64_t queue, uint64_t source,
                             uint64_t message)
{
    return (struct copy *)map_find(&j->copies, judge_key(queue, source, message));
}

struct copy *judge_add_copy(struct judge *j, struct place *p, uint64_t source, uint64_t message)
{
    struct copy *c = judge_find_copy(j, p->name, source, message);

    if (c != NULL)
        return c;
    c = MEM_NEW(struct copy);
    c->place = p;
    c->source = source;
    c->message = message;
    c->arrived = j->at;
    c->returns_before = p->return_count;
    if (judge_event(j)->at_ms <= p->haunted_ms)
        c->returns_before -= p->ghosts;
    c->returned = NEVER;
    c->offset = NOWHERE;
    map_put(&j->copies, judge_key(p->name, source, message), c);
    if (j->row_count == j->row_capacity) {
        j->row_capacity = j->row_capacity > 0 ? j->row_capacity * 2 : 64;
        j->row = (struct copy **)mem_grow((void *)j->row, j->row_capacity, sizeof(*j->row));
    }
    j->row[j->row_count++] = c;
    return c;
}

bool moment_is_sure(const struct judge *j, const struct moment *m)
{
    const struct life *l = &j->lives[m->life];
    bool is_safe = l->proven_ms >= j->slack_ms && m->at_ms <= l->proven_ms - j->slack_ms;

    if (m->session != NULL && m->session->is_lost && m->at_ms + j->window_ms > m->session->gone_ms)
        return false;
    return !l->is_crashed || is_safe || m->at_ms + j->window_ms <= l->ended_ms;
}

/* ---- lives ---- */

static void on_start(struct judge *j)
{
    j->life++;
    j->lives = (struct life *)mem_grow(j->lives, j->life + 1, sizeof(*j->lives));
    memset(&j->lives[j->life], 0, sizeof(*j->lives));
}

static void on_end(struct judge *j, bool is_crash)
{
    struct life *l = &j->lives[j->life];

    l->is_crashed = is_crash;
    l->is_over = true;
    l->ended_ms = judge_event(j)->at_ms;
    judge_keep_marks(j);
    MAP_FOREACH (w, &j->sessions) {
        struct session *s = (struct session *)w.value;

        s->is_gone = true;
        while (!list_empty(&s->held))
            copy_return(j, CONTAINER_OF(list_first(&s->held), struct copy, link), NULL);
    }
    MAP_FOREACH (w, &j->places) {
        struct place *p = (struct place *)w.value;

        p->last_return = j->at;
        p->return_count++;
        p->owner = NULL;
        if (is_crash)
            p->hole = 0; /* files that were let go of may be back */
    }
}

/* ---- definitions ---- */

static void on_defined(struct judge *j, enum known known)
{
    uint64_t name = event_get(judge_event(j), FACT_NAME, 0);

    if (judge_event(j)->verb == VERB_QUEUE)
        judge_place(j, name)->queue = judge_event(j);
    if (event_has(judge_event(j), FACT_FRONT))
        judge_place(j, name)->front = judge_place(j, judge_event(j)->values[FACT_FRONT]);
    if (known == KNOWN_GONE)
        judge_place(j, name)->cleared = judge_place(j, name)->deleted = j->at;
    map_put(&j->states, name, (void *)(uintptr_t)known);
}

static void on_unsure(struct judge *j)
{
    map_remove(&j->states, event_get(judge_event(j), FACT_NAME, 0));
}

static void on_looked(struct judge *j, enum known found)
{
    uint64_t name = event_get(judge_event(j), FACT_NAME, 0);
    enum known known = (enum known)(uintptr_t)map_find(&j->states, name);

    if (known == KNOWN_THERE && found == KNOWN_GONE)
        judge_breach(j, BREACH_FORGOTTEN, "'%s' was declared and is gone", judge_word(j, name));
    if (known == KNOWN_GONE && found == KNOWN_THERE)
        judge_breach(j, BREACH_UNDEAD, "'%s' was deleted and is there", judge_word(j, name));
    map_put(&j->states, name, (void *)(uintptr_t)found);
}

/* ---- publishing ---- */

static struct deal *find_deal(struct judge *j)
{
    uint64_t number = event_get(judge_event(j), FACT_TRANSACTION, 0);
    struct deal *d = (struct deal *)map_find(&j->deals, number);

    if (d != NULL || !event_has(judge_event(j), FACT_TRANSACTION))
        return d;
    d = MEM_NEW(struct deal);
    d->number = number;
    map_put(&j->deals, number, d);
    return d;
}

static void on_publish(struct judge *j)
{
    const struct event *e = judge_event(j);
    uint64_t message = event_get(e, FACT_MESSAGE, 0);
    struct letter *l = (struct letter *)map_find(&j->letters, message);

    if (l != NULL && event_has(e, FACT_AGAIN) && l->fate == FATE_OPEN) {
        l->is_again = true;
        return;
    }
    if (l != NULL) {
        judge_breach(j, BREACH_MALFORMED, "message %" PRIu64 " is published twice", message);
        return;
    }
    l = MEM_NEW(struct letter);
    l->published = j->at;
    l->answered = NEVER;
    l->life = j->life;
    l->deal = find_deal(j);
    map_put(&j->letters, message, l);
    j->verdict->messages++;
    for (uint64_t i = 0; i < event_get(e, FACT_ROUTES, 0); i++)
        judge_add_copy(j, judge_place(j, e->routes[i]), NOWHERE, message);
}

static void set_fate(struct judge *j, struct letter *l, enum fate fate)
{
    struct life *life = &j->lives[l->life];
    uint64_t sent_ms = judge_publish(j, l)->at_ms;

    l->fate = fate;
    l->answered = j->at;
    if (fate != FATE_CONFIRMED)
        return;
    if (event_has(judge_publish(j, l), FACT_MANDATORY) && !l->is_returned &&
        event_get(judge_publish(j, l), FACT_ROUTES, 0) == 0)
        judge_breach(j, BREACH_UNRETURNED,
                     "message %" PRIu64 " went nowhere and is confirmed, but did not come back",
                     judge_publish(j, l)->values[FACT_MESSAGE]);
    j->verdict->confirmed++;
    /* what goes nowhere waits for nothing */
    if (!event_has(judge_publish(j, l), FACT_TRANSIENT) &&
        event_get(judge_publish(j, l), FACT_ROUTES, 0) > 0 && l->life == j->life &&
        sent_ms > life->proven_ms)
        life->proven_ms = sent_ms;
}

static void on_answered(struct judge *j, enum fate fate)
{
    uint64_t message = event_get(judge_event(j), FACT_MESSAGE, 0);
    struct letter *l = (struct letter *)map_find(&j->letters, message);

    if (l == NULL)
        judge_breach(j, BREACH_UNCONFIRMABLE, "message %" PRIu64 " was never published", message);
    else if (l->fate != FATE_OPEN)
        judge_breach(j, BREACH_UNCONFIRMABLE, "message %" PRIu64 " is answered twice", message);
    else
        set_fate(j, l, fate);
}

static void on_returned(struct judge *j)
{
    const struct event *e = judge_event(j);
    uint64_t message = event_get(e, FACT_MESSAGE, 0);
    struct letter *l = (struct letter *)map_find(&j->letters, message);
    const struct event *p;

    if (l == NULL) {
        judge_breach(j, BREACH_INVENTED, "message %" PRIu64 " was never published", message);
        return;
    }
    p = judge_publish(j, l);
    l->is_returned = true;
    if (!event_has(p, FACT_MANDATORY) || event_get(p, FACT_ROUTES, 0) > 0)
        judge_breach(j, BREACH_UNRETURNED, "message %" PRIu64 " came back for no reason", message);
    if (event_get(e, FACT_BODY, 0) != event_get(p, FACT_BODY, 0) ||
        event_get(e, FACT_WHERE, 0) != event_get(p, FACT_WHERE, 0))
        judge_breach(j, BREACH_ALTERED, "message %" PRIu64 " is not what was published", message);
}

static void on_deal_over(struct judge *j, enum deal_state state)
{
    struct deal *d = find_deal(j);

    if (d == NULL || d->state != DEAL_OPEN) {
        judge_breach(j, BREACH_MALFORMED, "there is no such transaction");
        return;
    }
    d->state = state;
    MAP_FOREACH (w, &j->letters) {
        struct letter *l = (struct letter *)w.value;

        if (l->deal == d)
            set_fate(j, l, state == DEAL_COMMITTED ? FATE_CONFIRMED : FATE_REFUSED);
    }
    for (size_t i = 0; i < j->row_count; i++)
        if (j->row[i]->deal == d && j->row[i]->is_unsure)
            j->row[i]->is_settled = state == DEAL_COMMITTED;
}

static void on_replay(struct judge *j)
{
    struct place *to = judge_place(j, event_get(judge_event(j), FACT_QUEUE, 0));
    uint64_t from = event_get(judge_event(j), FACT_SOURCE, 0);
    size_t count = j->row_count;

    to->is_replayed = true;
    for (size_t i = 0; i < count; i++)
        if (j->row[i]->place->name == from)
            judge_add_copy(j, to, NOWHERE, j->row[i]->message);
}

/* ---- consuming ---- */

static struct session *find_session(struct judge *j)
{
    uint64_t number = event_get(judge_event(j), FACT_SESSION, 0);
    struct session *s = (struct session *)map_find(&j->sessions, number);

    if (s == NULL)
        judge_breach(j, BREACH_MALFORMED, "there is no session %" PRIu64, number);
    return s;
}

static void on_consume(struct judge *j)
{
    uint64_t number = event_get(judge_event(j), FACT_SESSION, 0);
    struct session *s;

    if (map_find(&j->sessions, number) != NULL) {
        judge_breach(j, BREACH_MALFORMED, "session %" PRIu64 " begins twice", number);
        return;
    }
    s = MEM_NEW(struct session);
    s->number = number;
    s->consume = judge_event(j);
    s->begun = j->at;
    s->quiet_ms = judge_event(j)->at_ms;
    s->place = judge_place(j, event_get(judge_event(j), FACT_QUEUE, 0));
    list_init(&s->held);
    map_put(&j->sessions, number, s);
}

static void on_gone(struct judge *j, struct session *s)
{
    uint64_t haunts_ms = event_get(judge_event(j), FACT_DELAY, j->slack_ms);
    bool is_known = s->is_gone;

    s->is_lost = event_has(judge_event(j), FACT_LOST);
    s->is_gone = true;
    s->gone_ms = judge_event(j)->at_ms;
    if (s->gone_ms > s->place->haunted_ms)
        s->place->ghosts = 0;
    s->place->ghosts += !is_known;
    if (s->gone_ms + haunts_ms > s->place->haunted_ms)
        s->place->haunted_ms = s->gone_ms + haunts_ms;
    if (is_known)
        return; /* it was going, and the connection broke */
    s->place->last_return = j->at;
    s->place->return_count++;
    while (!list_empty(&s->held))
        copy_return(j, CONTAINER_OF(list_first(&s->held), struct copy, link), s);
}

/* The copy that the session has of the message. */
static struct copy *find_held(struct judge *j, struct session *s)
{
    uint64_t message = event_get(judge_event(j), FACT_MESSAGE, 0);
    uint64_t source = event_get(judge_event(j), FACT_SOURCE, NOWHERE);

    LIST_FOREACH (link, &s->held) {
        struct copy *c = CONTAINER_OF(link, struct copy, link);

        if (c->message == message && (source == NOWHERE || source == c->source))
            return c;
    }
    judge_breach(j, BREACH_MALFORMED, "session %" PRIu64 " does not have message %" PRIu64,
                 s->number, message);
    return NULL;
}

static void on_settled(struct judge *j, struct session *s)
{
    struct copy *c = find_held(j, s);

    if (c == NULL)
        return;
    list_remove(&c->link);
    s->held_count--;
    c->holder = NULL;
    c->settled = (struct moment){judge_event(j)->at_ms, j->life, s};
    c->is_dropped = judge_event(j)->verb == VERB_DROP;
    c->deal = find_deal(j);
    c->is_unsure = c->deal != NULL;
    c->is_settled = !c->is_unsure;
}

static void on_requeue(struct judge *j, struct session *s)
{
    struct copy *c = find_held(j, s);

    if (c == NULL)
        return;
    c->place->return_count++;
    copy_return(j, c, s);
}

static void on_session(struct judge *j)
{
    struct session *s = find_session(j);

    if (s == NULL)
        return;
    judge_rank_look(j, s);
    switch (judge_event(j)->verb) {
    case VERB_DELIVER:
        judge_deliver(j, s);
        break;
    case VERB_ACK:
    case VERB_DROP:
        on_settled(j, s);
        break;
    case VERB_REQUEUE:
        on_requeue(j, s);
        break;
    case VERB_LEAVE:
        s->is_leaving = true;
        break;
    default:
        on_gone(j, s);
    }
}

/* FACT_MS: when it was asked for. */
static void on_purge(struct judge *j)
{
    const struct event *e = judge_event(j);
    struct place *p = judge_place(j, event_get(e, FACT_QUEUE, 0));
    size_t asked = j->at;

    p->cleared = j->at;
    if (!event_has(e, FACT_MS))
        return;
    while (asked > 0 && j->history->events[asked - 1].at_ms >= e->values[FACT_MS])
        asked--;
    p->purge_asked = asked;
    p->purge = (struct moment){e->at_ms, j->life, NULL};
}

static void on_drained(struct judge *j)
{
    const struct event *e = judge_event(j);
    struct place *p = judge_place(j, event_get(e, FACT_QUEUE, 0));
    const struct session *s;

    p->drained = e;
    p->group = event_get(e, FACT_GROUP, p->group);
    s = event_has(e, FACT_SESSION) ? find_session(j) : NULL;
    if (s != NULL)
        judge_read(j, s, p);
}

/* ---- all of it ---- */

static void on_event(struct judge *j)
{
    const struct event *e = judge_event(j);

    switch (e->verb) {
    case VERB_WINDOW:
        j->window_ms = event_get(e, FACT_MS, WINDOW_MS);
        j->slack_ms = event_get(e, FACT_DELAY, SLACK_MS);
        j->late_ms = event_get(e, FACT_LATE, 0);
        break;
    case VERB_START:
        on_start(j);
        break;
    case VERB_STOP:
    case VERB_CRASH:
        on_end(j, e->verb == VERB_CRASH);
        break;
    case VERB_QUEUE:
    case VERB_DEFINE:
        on_defined(j, KNOWN_THERE);
        break;
    case VERB_DELETE:
        on_defined(j, KNOWN_GONE);
        break;
    case VERB_UNSURE:
        on_unsure(j);
        break;
    case VERB_FOUND:
    case VERB_MISSING:
        on_looked(j, e->verb == VERB_FOUND ? KNOWN_THERE : KNOWN_GONE);
        break;
    case VERB_PURGE:
        on_purge(j);
        break;
    case VERB_REPLAY:
        on_replay(j);
        break;
    case VERB_PUBLISH:
        on_publish(j);
        break;
    case VERB_CONFIRM:
    case VERB_REFUSE:
        on_answered(j, e->verb == VERB_CONFIRM ? FATE_CONFIRMED : FATE_REFUSED);
        break;
    case VERB_COMMIT:
    case VERB_ROLLBACK:
        on_deal_over(j, e->verb == VERB_COMMIT ? DEAL_COMMITTED : DEAL_ROLLED_BACK);
        break;
    case VERB_CONSUME:
        on_consume(j);
        break;
    case VERB_DAMAGED:
        j->is_damaged = true;
        break;
    case VERB_RETURN:
        on_returned(j);
        break;
    case VERB_DRAINED:
        on_drained(j);
        break;
    default:
        on_session(j);
    }
}

static void free_all(struct map *m)
{
    MAP_FOREACH (w, m)
        mem_free(w.value);
    map_release(m);
}

static void release(struct judge *j)
{
    MAP_FOREACH (w, &j->places)
        map_release(&((struct place *)w.value)->offsets);
    free_all(&j->letters);
    free_all(&j->deals);
    free_all(&j->sessions);
    free_all(&j->places);
    free_all(&j->copies);
    map_release(&j->lines);
    map_release(&j->owners);
    map_release(&j->ends);
    map_release(&j->seen);
    free_all(&j->claims);
    map_release(&j->states);
    mem_free((void *)j->row);
    mem_free(j->lives);
}

void history_judge(const struct history *h, struct verdict *out)
{
    struct judge j = {.history = h, .verdict = out, .window_ms = WINDOW_MS, .slack_ms = SLACK_MS};

    memset(out, 0, sizeof(*out));
    out->breaches = MEM_NEW_ARRAY(struct breach, BREACHES_MAX);
    map_init(&j.letters);
    map_init(&j.deals);
    map_init(&j.sessions);
    map_init(&j.places);
    map_init(&j.copies);
    map_init(&j.lines);
    map_init(&j.owners);
    map_init(&j.claims);
    map_init(&j.ends);
    map_init(&j.seen);
    map_init(&j.states);
    j.lives = MEM_NEW(struct life);
    for (j.at = 0; j.at < h->count; j.at++)
        on_event(&j);
    judge_end(&j);
    release(&j);
}

void verdict_release(struct verdict *v)
{
    for (size_t i = 0; i < v->kept; i++)
        mem_free(v->breaches[i].text);
    mem_free(v->breaches);
}

void verdict_write(const struct verdict *v, const struct history *h, struct buf *out)
{
    for (size_t i = 0; i < v->kept; i++) {
        const struct breach *b = &v->breaches[i];

        buf_text(out, "%s: %s\n", breach_name(b->kind), b->text);
        if (b->event < h->count) {
            buf_text(out, "    at event %zu: ", b->event + 1);
            history_write_event(h, &h->events[b->event], out);
        }
    }
}
