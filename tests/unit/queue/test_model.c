/* Random commands to queues of different kinds, with restarts, against a model that is a plain
 * array of messages for each queue.
 *
 *     plain   nothing special             levels  x-max-priority
 *     short   x-message-ttl, dead to "dead"
 *     few     x-max-length, dead to "dead"; only basic.get
 *     single  x-single-active-consumer
 *     twice   x-delivery-limit=1, dead to "dead"
 *     dead    what died; its order is not modelled */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "queue/look.h"
#include "queue/queues_parts.h"
#include "tests/lib/leaks.h"
#include "tests/lib/queue_world.h"
#include "tests/lib/seed.h"

enum { QUEUES = 7, MESSAGES_MAX = 20000, STEPS = 600, RUNS = 12, LENGTH_MAX = 5 };
enum { PLAIN, LEVELS, SHORT, FEW, SINGLE, TWICE, DEAD };

enum state { READY, HELD, GONE };

struct model_message {
    uint32_t number;
    uint8_t priority;
    bool is_transient;
    bool is_seen;
    enum state state;
    uint32_t failures;
    int64_t expires_ms; /* 0: never */
    char holder[WORLD_NAME_SIZE];
};

struct model_queue {
    const char *name;
    const char *arguments;
    bool has_priorities;
    bool is_dead_lettered;
    uint64_t ttl_ms;
    struct model_message *messages; /* in the order they came */
    size_t count;
};

struct model {
    struct queue_world world;
    struct rand rand;
    struct model_queue queues[QUEUES];
    uint32_t last_number;
    uint32_t last_tag;
};

static const struct model_queue kinds[QUEUES] = {
    [PLAIN] = {.name = "plain", .arguments = ""},
    [LEVELS] = {.name = "levels", .arguments = "x-max-priority=4", .has_priorities = true},
    [SHORT] = {.name = "short",
               .arguments = "x-message-ttl=51 x-dead-letter-exchange= "
                            "x-dead-letter-routing-key=dead",
               .is_dead_lettered = true,
               .ttl_ms = 51},
    [FEW] = {.name = "few",
             .arguments = "x-max-length=5 x-dead-letter-exchange= x-dead-letter-routing-key=dead",
             .is_dead_lettered = true},
    [SINGLE] = {.name = "single", .arguments = "x-single-active-consumer=true"},
    [TWICE] = {.name = "twice",
               .arguments = "x-delivery-limit=1 x-dead-letter-exchange= "
                            "x-dead-letter-routing-key=dead",
               .is_dead_lettered = true},
    [DEAD] = {.name = "dead", .arguments = ""},
};

static int64_t now_ms(struct model *m)
{
    return io_wall_ms(m->world.p.io);
}

/* ---- the model ---- */

static struct model_message *add(struct model_queue *q, uint32_t number)
{
    assert_true(q->count < MESSAGES_MAX);
    struct model_message *x = &q->messages[q->count++];
    *x = (struct model_message){.number = number};
    return x;
}

/* The message leaves its queue unconsumed. */
static void die(struct model *m, struct model_queue *q, struct model_message *x)
{
    x->state = GONE;
    if (q->is_dead_lettered)
        add(&m->queues[DEAD], x->number)->is_transient = x->is_transient;
}

/* What must be gone by now. */
static void expire(struct model *m)
{
    for (int i = 0; i < QUEUES; i++) {
        struct model_queue *q = &m->queues[i];

        for (size_t k = 0; k < q->count; k++) {
            struct model_message *x = &q->messages[k];

            if (x->state == READY && x->expires_ms != 0 && x->expires_ms <= now_ms(m))
                die(m, q, x);
        }
    }
}

static size_t count(const struct model_queue *q, enum state state)
{
    size_t n = 0;

    for (size_t k = 0; k < q->count; k++)
        n += q->messages[k].state == state;
    return n;
}

/* The limit of the queue "few"; what is too old goes first. */
static void shorten(struct model *m)
{
    struct model_queue *q = &m->queues[FEW];

    expire(m);
    for (size_t k = 0; count(q, READY) > LENGTH_MAX; k++) {
        if (q->messages[k].state == READY)
            die(m, q, &q->messages[k]);
    }
}

/* The message that must be delivered next. */
static struct model_message *next_of(struct model *m, struct model_queue *q)
{
    struct model_message *best = NULL;

    for (size_t k = 0; k < q->count; k++) {
        struct model_message *x = &q->messages[k];
        bool is_old = x->expires_ms != 0 && x->expires_ms < now_ms(m);

        if (x->state == READY && !is_old && (best == NULL || x->priority > best->priority))
            best = x;
    }
    return best;
}

static struct model_message *find(struct model_queue *q, uint32_t number, enum state state)
{
    for (size_t k = 0; k < q->count; k++) {
        if (q->messages[k].number == number && q->messages[k].state == state)
            return &q->messages[k];
    }
    return NULL;
}

/* ---- what the world tells ---- */

static uint32_t parse(const char *digits)
{
    uint32_t n = 0;

    for (; *digits >= '0' && *digits <= '9'; digits++)
        n = n * 10 + (uint32_t)(*digits - '0');
    return n;
}

static int queue_of_tag(const struct model *m, const char *tag)
{
    for (int i = 0; i < QUEUES; i++) {
        if (strncmp(tag, m->queues[i].name, strlen(m->queues[i].name)) == 0)
            return i;
    }
    return -1;
}

/* "<tag> gets <number>[ again]...": it must be the right one. */
static void on_told(void *owner, const char *line)
{
    struct model *m = owner;
    const char *gets = strstr(line, " gets ");
    struct model_message *x;
    int i;

    if (gets == NULL)
        return;
    i = queue_of_tag(m, line);
    assert_true(i >= 0);
    if (i == DEAD) {
        expire(m); /* what comes here may just have died */
        x = find(&m->queues[i], parse(gets + 6), READY);
    } else {
        x = next_of(m, &m->queues[i]);
    }
    if (x == NULL || x->number != parse(gets + 6))
        fail_msg("%s: '%s' but %" PRIu32 " is next", m->queues[i].name, line,
                 x == NULL ? 0 : x->number);
    assert_int_equal(x->is_seen, strstr(line, " again") != NULL);
    if (i == TWICE)
        assert_int_equal(x->failures, parse(strstr(line, " failed ") + 8));
    x->state = HELD;
    snprintf(x->holder, sizeof(x->holder), "%.*s", (int)(gets - line), line);
    if (strstr(x->holder, "noack") != NULL)
        x->state = GONE;
}

/* ---- commands ---- */

static int any_queue(struct model *m)
{
    return (int)rand_below(&m->rand, QUEUES);
}

static void publish_to(struct model *m, int i, const struct world_publish *p, uint64_t ttl_ms)
{
    struct model_queue *q = &m->queues[i];
    struct model_message *x = add(q, m->last_number);

    x->is_transient = p->is_transient;
    x->priority = q->has_priorities ? (uint8_t)(p->priority < 4 ? p->priority : 4) : 0;
    if (q->ttl_ms != 0 && (ttl_ms == 0 || q->ttl_ms < ttl_ms))
        ttl_ms = q->ttl_ms;
    x->expires_ms = ttl_ms == 0 ? 0 : now_ms(m) + (int64_t)ttl_ms + SPAN_ROUNDED_MS;
    shorten(m);
}

static void do_publish(struct model *m)
{
    char body[32], queues[64], expiration[16];
    int first = any_queue(m);
    int second = rand_chance(&m->rand, 1, 2) ? PLAIN : LEVELS; /* so that a number dies once */
    uint64_t ttl_ms = rand_chance(&m->rand, 1, 4) ? 2 * rand_below(&m->rand, 100) + 1 : 0;
    struct world_publish p = {
        .queues = queues,
        .body = body,
        .size = rand_below(&m->rand, rand_chance(&m->rand, 1, 20) ? 3000 : 60),
        .priority = (int)rand_below(&m->rand, 7),
        .has_priority = true,
        .is_transient = rand_chance(&m->rand, 1, 4),
    };
    struct queues_published published;

    snprintf(body, sizeof(body), "%" PRIu32, ++m->last_number);
    snprintf(queues, sizeof(queues), "%s", m->queues[first].name);
    if (second != first && rand_chance(&m->rand, 1, 3))
        snprintf(queues, sizeof(queues), "%s,%s", m->queues[first].name, m->queues[second].name);
    else
        second = first;
    snprintf(expiration, sizeof(expiration), "%" PRIu64, ttl_ms);
    p.expiration = ttl_ms == 0 ? NULL : expiration;
    publish_to(m, first, &p, ttl_ms); /* before, for a consumer may get it at once */
    if (second != first)
        publish_to(m, second, &p, ttl_ms);
    int rv = queue_world_publish(&m->world, &p, &published);

    assert_int_equal(rv, 0);
    assert_int_equal(published.is_in_log, !p.is_transient);
}

static void do_consume(struct model *m)
{
    char tag[WORLD_NAME_SIZE];
    int i = any_queue(m);
    bool is_no_ack = rand_chance(&m->rand, 1, 8);
    struct world_consume c = {
        .queue = m->queues[i].name,
        .tag = tag,
        .is_no_ack = is_no_ack,
        .prefetch = (uint32_t)rand_below(&m->rand, 5),
        .priority = (int64_t)rand_below(&m->rand, 3),
    };

    if (i == FEW || queue_consumer_count(queue_world_find(&m->world, c.queue)) > 3)
        return;
    snprintf(tag, sizeof(tag), "%s%s-%" PRIu32, m->queues[i].name, is_no_ack ? "-noack" : "",
             ++m->last_tag);
    int rv = queue_world_consume(&m->world, &c);
    assert_int_equal(rv, 0);
}

static struct world_consumer *any_consumer(struct model *m)
{
    uint64_t pick = rand_below(&m->rand, 8);
    struct world_consumer *c = NULL;

    LIST_FOREACH (link, &m->world.consumers) {
        c = CONTAINER_OF(link, struct world_consumer, link);
        if (pick-- == 0)
            break;
    }
    return c;
}

static void do_cancel(struct model *m)
{
    struct world_consumer *c = any_consumer(m);

    if (c != NULL && c->consumer != NULL)
        queue_world_cancel(&m->world, c->tag);
}

static void do_stall(struct model *m)
{
    struct world_consumer *c = any_consumer(m);

    if (c == NULL || c->consumer == NULL)
        return;
    c->is_stalled = !c->is_stalled;
    if (!c->is_stalled)
        consumer_resume(c->consumer);
}

/* Any message that is held, with its queue; NULL when none is. */
static struct model_message *any_held(struct model *m, int *out)
{
    int first = any_queue(m);

    for (int i = 0; i < QUEUES; i++) {
        struct model_queue *q = &m->queues[(first + i) % QUEUES];
        size_t held = count(q, HELD);
        size_t pick = held > 0 ? rand_below(&m->rand, held) : 0;

        for (size_t k = 0; k < q->count && held > 0; k++) {
            *out = (first + i) % QUEUES;
            if (q->messages[k].state == HELD && pick-- == 0)
                return &q->messages[k];
        }
    }
    return NULL;
}

static void do_settle(struct model *m)
{
    int i = 0;
    struct model_message *x = any_held(m, &i);
    enum world_settle how = (enum world_settle)rand_below(&m->rand, 4);
    char body[32];

    if (x == NULL)
        return;
    if (rand_chance(&m->rand, 1, 2))
        how = WORLD_ACK;
    snprintf(body, sizeof(body), "%" PRIu32, x->number);
    size_t settled = queue_world_settle(&m->world, x->holder, body, how);
    assert_int_equal(settled, 1);
    x->failures += i == TWICE && how == WORLD_RETURN;
    if (how == WORLD_ACK) {
        x->state = GONE;
    } else if (x->failures > 1 || how == WORLD_REJECT ||
               (x->expires_ms != 0 && x->expires_ms <= now_ms(m))) {
        die(m, &m->queues[i], x);
    } else {
        x->state = READY;
        x->is_seen = true;
        shorten(m);
    }
}

static void do_get(struct model *m)
{
    const char *queue = m->queues[any_queue(m)].name;
    char tag[WORLD_NAME_SIZE];

    snprintf(tag, sizeof(tag), "%s-get", queue);
    queue_world_get(&m->world, queue, tag, false);
}

static void do_purge(struct model *m)
{
    int i = any_queue(m);
    struct model_queue *q = &m->queues[i];

    expire(m);
    uint64_t purged = queue_purge(queue_world_find(&m->world, q->name));
    assert_int_equal(purged, count(q, READY));
    for (size_t k = 0; k < q->count; k++) {
        if (q->messages[k].state == READY)
            q->messages[k].state = GONE;
    }
}

/* What a restart does to the messages. */
static void forget_transient(struct model *m, bool is_crash)
{
    for (int i = 0; i < QUEUES; i++) {
        struct model_queue *q = &m->queues[i];

        for (size_t k = 0; k < q->count; k++) {
            struct model_message *x = &q->messages[k];

            if (x->state == GONE)
                continue;
            x->is_seen = x->is_seen || is_crash || x->state == HELD;
            x->state = x->is_transient ? GONE : READY;
        }
    }
    shorten(m); /* it counts those again that were held */
}

static void do_restart(struct model *m)
{
    bool is_crash = rand_chance(&m->rand, 1, 2);

    queue_world_commit(&m->world);
    if (is_crash) {
        queue_world_crash(&m->world);
        forget_transient(m, true);
    } else {
        /* Connections end before the broker does. */
        queue_world_restart(&m->world);
        forget_transient(m, false);
    }
}

/* The first queue whose messages are not as many as in the model; -1: none. */
static int differing(struct model *m)
{
    struct queue_stats stats;

    expire(m);
    for (int i = 0; i < QUEUES; i++) {
        queue_get_stats(queue_world_find(&m->world, m->queues[i].name), &stats);
        if (stats.ready != count(&m->queues[i], READY) ||
            stats.unacked != count(&m->queues[i], HELD))
            return i;
    }
    return -1;
}

/* Dates are met within a millisecond, and a dead message may have to be read first. */
static void compare(struct model *m)
{
    struct queue_stats stats;
    int i = differing(m);

    for (unsigned ms = 0; i >= 0 && ms < 20; ms++) {
        queue_world_run_ms(&m->world, 1);
        i = differing(m);
    }
    if (i < 0)
        return;
    queue_get_stats(queue_world_find(&m->world, m->queues[i].name), &stats);
    fail_msg("%s: %" PRIu64 " ready and %" PRIu64 " held, not %zu and %zu", m->queues[i].name,
             stats.ready, stats.unacked, count(&m->queues[i], READY), count(&m->queues[i], HELD));
}

static void step(struct model *m)
{
    static const struct {
        unsigned weight;
        void (*call)(struct model *m);
    } commands[] = {
        {40, do_publish}, {6, do_consume}, {4, do_cancel}, {30, do_settle},
        {6, do_get},      {4, do_stall},   {1, do_purge},  {1, do_restart},
    };
    uint64_t pick = rand_below(&m->rand, 92);
    size_t i = 0;

    while (pick >= commands[i].weight)
        pick -= commands[i++].weight;
    commands[i].call(m);
    queue_world_run_ms(&m->world, 2);
    compare(m);
}

static void run(uint64_t seed)
{
    struct model *m = MEM_NEW(struct model);

    rand_init(&m->rand, seed);
    queue_world_init(&m->world, on_told, m);
    queue_world_open(&m->world);
    for (int i = 0; i < QUEUES; i++) {
        m->queues[i] = kinds[i];
        m->queues[i].messages = MEM_NEW_ARRAY(struct model_message, MESSAGES_MAX);
        int rv =
            queue_world_declare(&m->world, &(struct world_queue){.name = kinds[i].name,
                                                                 .arguments = kinds[i].arguments});
        assert_int_equal(rv, 0);
    }
    for (unsigned i = 0; i < STEPS; i++)
        step(m);
    queue_world_close(&m->world);
    queue_world_release(&m->world);
    for (int i = 0; i < QUEUES; i++)
        mem_free(m->queues[i].messages);
    mem_free(m);
}

static void test_queues_do_what_a_simple_model_does(void **state)
{
    uint64_t seed = test_seed();

    (void)state;
    for (unsigned i = 0; i < RUNS; i++)
        run(seed + i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_queues_do_what_a_simple_model_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
