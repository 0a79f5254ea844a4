/* A load: turns, lives, the last drain. */
#include "tests/trust/load/load.h"

#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "tests/trust/load/actor.h"

enum {
    PUBLISHERS = 4,
    CONSUMERS = 9,
    ACTS_MAX = 2, /* in a step */
    STEP_MS = 2,
    RETRY_MS = 20,   /* of whoever declares and was refused */
    QUIET_MS = 2000, /* longer than anything is delayed, or waits to die */
    DRAIN_MS = 120000,
    LAST_WORDS_MS = 2000, /* a dead broker's sockets end at once */
    ACK_WINDOW_MS = 2000,
    SLACK_MS = 1000,
    CHURN_ONE_IN = 100,
    CHURN_SEEN = 12,  /* of those, at each start */
    EVENTS_MAX = 500, /* in memory */
    TEXT_MAX = 64 << 20,
};

static uint64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t load_now_ms(void)
{
    return now_us() / 1000;
}

bool load_chance(struct load *l, uint32_t num, uint32_t den)
{
    return rand_chance(&l->rand, num, den);
}

uint64_t load_below(struct load *l, uint64_t limit)
{
    return rand_below(&l->rand, limit);
}

uint64_t load_word(struct load *l, const char *word)
{
    return history_number(&l->history, bytes_text(word));
}

void load_trouble(struct load *l, const char *format, ...)
{
    va_list args;

    if (l->trouble[0] != '\0')
        return;
    va_start(args, format);
    vsnprintf(l->trouble, sizeof(l->trouble), format, args);
    va_end(args);
}

/* ---- the history ---- */

static void flush(struct load *l)
{
    struct buf text;

    buf_init(&text, TEXT_MAX);
    for (size_t i = 0; i < l->history.count; i++)
        history_write_event(&l->history, &l->history.events[i], &text);
    if (text.size > 0 && fwrite(text.data, 1, text.size, l->out) != text.size)
        load_trouble(l, "the history cannot be written");
    if (fflush(l->out) != 0)
        load_trouble(l, "the history cannot be written");
    buf_release(&text);
    l->history.count = 0;
}

/* What comes is written down with the millisecond behind it, so that nothing seems to be earlier
 * than it was: between two whole ones lies at least what has passed. */
struct event *load_event(struct load *l, enum verb verb)
{
    if (l->history.count >= EVENTS_MAX)
        flush(l);
    return history_add(&l->history, (now_us() + (verb == VERB_DELIVER ? 999 : 0)) / 1000, verb);
}

bool load_open(struct load *l, const char *path, uint64_t seed)
{
    struct event *e;

    memset(l, 0, sizeof(*l));
    l->out = fopen(path, "w");
    if (l->out == NULL)
        return false;
    fputs("trust-history 1\n", l->out);
    history_init(&l->history);
    rand_init(&l->rand, seed);
    for (unsigned feature = 0; feature < FEATURE_COUNT; feature++)
        if (load_chance(l, 3, 4))
            l->features |= 1u << feature;
    e = load_event(l, VERB_WINDOW);
    event_set(e, FACT_MS, ACK_WINDOW_MS);
    event_set(e, FACT_DELAY, SLACK_MS);
    event_set(e, FACT_LATE, SLACK_MS);
    for (unsigned i = 0; i < PUBLISHERS + CONSUMERS; i++)
        l->actors[l->actor_count++] =
            actor_new(l, i < PUBLISHERS ? ACTOR_PUBLISHER : ACTOR_CONSUMER);
    return true;
}

static void free_actors(struct load *l, unsigned kept)
{
    while (l->actor_count > kept)
        actor_free(l->actors[--l->actor_count]);
}

void load_close(struct load *l)
{
    flush(l);
    free_actors(l, 0);
    history_release(&l->history);
    fclose(l->out);
    l->out = NULL;
}

/* ---- turns ---- */

/* What somebody hears may follow from the end of a connection, so whoever was left hears that
 * first: all that was sent behind an end is read before it is asked who has come to one. */
static void look_at_the_left(struct load *l)
{
    for (unsigned i = 0; i < l->actor_count; i++) {
        struct actor *a = l->actors[i];

        if (a->caller == NULL || (!a->caller->is_closed && !caller_is_left(a->caller)))
            continue;
        caller_finish(a->caller);
        actor_hear(a);
    }
}

static void look_at_all(struct load *l)
{
    look_at_the_left(l);
    for (unsigned i = 0; i < l->actor_count; i++)
        actor_hear(l->actors[i]);
}

/* Who is away, or was left by the broker, is not in the list. */
static nfds_t list_sockets(struct load *l, struct pollfd *polls, struct caller **callers)
{
    nfds_t count = 0;

    for (unsigned i = 0; i <= l->actor_count; i++) {
        struct caller *c = i < l->actor_count ? l->actors[i]->caller : l->admin;

        if (c == NULL || c->fd < 0)
            continue;
        polls[count] = (struct pollfd){.fd = c->fd, .events = caller_wants(c)};
        callers[count++] = c;
    }
    return count;
}

void load_turn(struct load *l, int ms)
{
    struct pollfd polls[LOAD_ACTORS_MAX + 1];
    struct caller *callers[LOAD_ACTORS_MAX + 1];
    nfds_t count = list_sockets(l, polls, callers);

    if (poll(polls, count, ms) > 0)
        for (nfds_t i = 0; i < count; i++)
            if (polls[i].revents != 0)
                caller_exchange(callers[i]);
    look_at_all(l);
}

/* ---- lives ---- */

void load_serve(struct load *l, uint16_t port)
{
    l->port = port;
    l->is_serving = true;
    l->is_declared = l->is_resting = l->is_frozen = false;
    load_event(l, VERB_START);
}

static bool has_open_socket(const struct load *l)
{
    bool is_open = false;

    for (unsigned i = 0; i < l->actor_count; i++)
        is_open |= l->actors[i]->caller != NULL;
    return is_open;
}

void load_end(struct load *l, enum verb how)
{
    uint64_t until_ms = load_now_ms() + LAST_WORDS_MS;

    while (!l->is_frozen && has_open_socket(l) && load_now_ms() < until_ms)
        load_turn(l, 10);
    if (!l->is_frozen && has_open_socket(l))
        load_trouble(l, "sockets of a broker that has ended stay open");
    if (l->is_serving)
        load_event(l, how);
    l->is_serving = false;
    for (unsigned i = 0; i < l->actor_count; i++)
        actor_abandon(l->actors[i]);
    flush(l);
}

void load_freeze(struct load *l)
{
    l->is_frozen = true;
    flush(l);
}

static void declare(struct load *l)
{
    if (places_declare(l)) {
        l->is_declared = true;
        places_look(l, CHURN_SEEN);
    } else {
        load_turn(l, RETRY_MS);
    }
}

void load_step(struct load *l)
{
    load_turn(l, STEP_MS);
    if (!l->is_serving || l->is_resting)
        return;
    if (!l->is_declared) {
        declare(l);
        return;
    }
    for (uint64_t i = load_below(l, ACTS_MAX) + 1; i > 0; i--)
        actor_act(l->actors[load_below(l, l->actor_count)]);
    if (load_chance(l, 1, CHURN_ONE_IN))
        places_churn(l);
}

void load_leave(struct load *l)
{
    uint64_t until_ms = load_now_ms() + LOAD_PATIENCE_MS;

    l->is_resting = true;
    for (unsigned i = 0; i < l->actor_count; i++)
        actor_leave(l->actors[i]);
    while (has_open_socket(l) && load_now_ms() < until_ms)
        load_turn(l, 10);
    if (has_open_socket(l))
        load_trouble(l, "a channel.close has no answer after %d s", LOAD_PATIENCE_MS / 1000);
}

/* ---- the last drain ---- */

/* A publish to each queue is confirmed. */
static void probe(struct load *l)
{
    uint64_t until_ms = load_now_ms() + LOAD_PATIENCE_MS;
    struct actor *a = actor_new(l, ACTOR_PUBLISHER);
    const struct place_row *row;

    ASSERT(l->actor_count < LOAD_ACTORS_MAX);
    l->actors[l->actor_count++] = a;
    if (!sender_join(a, MODE_CONFIRM))
        load_trouble(l, "nobody listens");
    for (unsigned i = 0; a->caller != NULL && (row = places_row(l, i)) != NULL; i++) {
        struct target t = {.exchange = "", .key = row->name, .queue = row->name};

        if (strncmp(row->name, "amq.", 4) != 0 && strcmp(row->name, "d") != 0)
            sender_publish(a, &t);
    }
    while (sender_waiting(a) > 0 && load_now_ms() < until_ms)
        load_turn(l, 10);
    if (a->caller == NULL || sender_waiting(a) > 0)
        load_trouble(l, "%u publishes have no answer after %d s", sender_waiting(a),
                     LOAD_PATIENCE_MS / 1000);
    free_actors(l, l->actor_count - 1);
}

static bool are_all_quiet(const struct load *l)
{
    bool are_quiet = true;

    for (unsigned i = 0; i < l->actor_count; i++)
        are_quiet &= l->actors[i]->last_ms + QUIET_MS <= load_now_ms();
    return are_quiet;
}

/* A disk that stands still for seconds keeps what there is from coming. */
static bool is_anything_ready(struct load *l)
{
    const struct place_row *row;
    bool is_ready = false;

    for (unsigned i = 0; !is_ready && (row = places_row(l, i)) != NULL; i++)
        is_ready = !row->is_stream && places_ready(l, row->name) > 0;
    return is_ready;
}

/* Somebody takes whatever there is, out of all queues at once, until nothing comes any more. */
static void drain(struct load *l)
{
    uint64_t until_ms = load_now_ms() + DRAIN_MS;
    unsigned kept = l->actor_count;
    const struct place_row *row;

    for (unsigned i = 0; (row = places_row(l, i)) != NULL; i++) {
        struct actor *a = actor_new(l, ACTOR_CONSUMER);

        a->is_greedy = true;
        ASSERT(l->actor_count < LOAD_ACTORS_MAX);
        l->actors[l->actor_count++] = a;
        if (!taker_join(a, row))
            load_trouble(l, "nobody listens");
    }
    while ((!are_all_quiet(l) || is_anything_ready(l)) && load_now_ms() < until_ms)
        load_turn(l, 10);
    if (!are_all_quiet(l))
        load_trouble(l, "messages come and come: no end after %d s", DRAIN_MS / 1000);
    for (unsigned i = kept; i < l->actor_count; i++)
        if (l->actors[i]->caller == NULL)
            load_trouble(l, "whoever drains '%s' was thrown out", l->actors[i]->place->name);
    load_leave(l);
    free_actors(l, kept);
}

static void note_drained(struct load *l, const struct place_row *row)
{
    int64_t ready = row->is_stream ? 0 : places_ready(l, row->name);
    struct event *e;

    if (ready != 0)
        load_trouble(l, "'%s' has %" PRId64 " messages that nobody gets", row->name, ready);
    e = load_event(l, VERB_DRAINED);
    event_set(e, FACT_QUEUE, load_word(l, row->name));
    if (row->group != NULL)
        event_set(e, FACT_GROUP, load_word(l, row->group));
}

void load_settle(struct load *l)
{
    uint64_t until_ms = load_now_ms() + LOAD_PATIENCE_MS;
    const struct place_row *row;

    load_leave(l);
    while (!l->is_declared && load_now_ms() < until_ms)
        declare(l);
    if (!l->is_declared)
        load_trouble(l, "nothing can be declared after %d s", LOAD_PATIENCE_MS / 1000);
    places_look(l, l->last_churn);
    probe(l);
    drain(l);
    for (unsigned i = 0; (row = places_row(l, i)) != NULL; i++)
        note_drained(l, row);
    flush(l);
}
