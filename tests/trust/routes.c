/* Where messages go, and which queues that means. */
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "tests/trust/topology.h"

static const char *const topics[] = {"eu.a", "eu.b", "us.a", "us.b.c", "x"};
static const char *const keys[] = {"k0", "k1", "k2", "k3", "k4", "k5"};
static const char *const routes[] = {"one", "two", "three"};

#define DRAW(r, texts) ((texts)[run_below(r, sizeof(texts) / sizeof((texts)[0]))])

struct target topology_target_of(struct run *r, const struct queue_row *row)
{
    struct target t = {.exchange = "", .key = row->name, .queue = row->name};

    if (row->partitions > 0 && run_chance(r, 9, 10))
        t.partition_key = DRAW(r, keys);
    return t;
}

/* An exchange that the plan has, one time in so many; false: the default one. */
static bool draw_exchange(struct run *r, struct target *t)
{
    const struct plan *plan = &r->plan;

    if (plan_has(plan, FEATURE_FANOUT) && run_chance(r, 1, 3))
        *t = (struct target){.exchange = "f", .key = "any"};
    else if (plan_has(plan, FEATURE_REPLAY) && run_chance(r, 1, 3))
        *t = (struct target){.exchange = "h", .key = "r"};
    else if (plan_has(plan, FEATURE_DELAY) && run_chance(r, 1, 4))
        *t = (struct target){.exchange = "w", .key = "q", .queue = "q", .is_delayed = true};
    else if ((plan_has(plan, FEATURE_FILTER) || plan_has(plan, FEATURE_PARTITIONS)) &&
             run_chance(r, 1, 3))
        *t = (struct target){.exchange = "o", .key = DRAW(r, topics)};
    else if (plan_has(plan, FEATURE_COMPACT) && run_chance(r, 1, 3))
        *t = (struct target){.exchange = "c", .key = DRAW(r, keys), .queue = "amq.log.c"};
    else if (plan_has(plan, FEATURE_ROUTES) && run_chance(r, 1, 4))
        *t = (struct target){.exchange = "i", .key = DRAW(r, routes)};
    else if (plan_has(plan, FEATURE_MANDATORY) && run_chance(r, 1, 8))
        *t = (struct target){.exchange = "n", .key = "nowhere", .is_nowhere = true};
    else
        return false;
    return true;
}

struct target topology_target(struct run *r)
{
    const struct queue_row *row;
    struct target t;

    if (draw_exchange(r, &t))
        return t;
    do
        row = topology_queue(r, (unsigned)run_below(r, topology_count(r)));
    while (row->is_made || strcmp(row->name, "d") == 0);
    return topology_target_of(r, row);
}

unsigned topology_partition(const struct queue_row *front, struct bytes key)
{
    return (unsigned)(hash64(key, 0) % front->partitions);
}

/* To a queue; to a partition of it, if it has some. */
static void add_route(struct run *r, const struct queue_row *row, const struct target *t,
                      struct event *e)
{
    const char *key = t->partition_key != NULL ? t->partition_key : t->key;
    char name[32];

    if (row->partitions == 0) {
        event_add_route(e, run_word(r, row->name));
        return;
    }
    snprintf(name, sizeof(name), "%s-%u", row->name, topology_partition(row, bytes_text(key)));
    event_add_route(e, run_word(r, name));
}

/* Whether the exchange of the target has this queue. */
static bool is_reached(const struct run *r, const struct queue_row *row, const struct target *t)
{
    if (t->queue != NULL)
        return strcmp(t->queue, row->name) == 0;
    switch (t->exchange[0]) {
    case 'f':
        return row->is_fed;
    case 'h':
        return strcmp(row->name, "amq.log.h") == 0 ||
               (r->is_replaying && strcmp(row->name, "r") == 0);
    case 'o':
        return row->is_shared;
    case 'i':
        return (strcmp(row->name, "q") == 0 && strcmp(t->key, "three") != 0) ||
               (strcmp(row->name, "u") == 0 && strcmp(t->key, "one") != 0);
    default:
        return false;
    }
}

void topology_route(struct run *r, const struct target *t, struct event *e)
{
    const struct queue_row *row;

    for (unsigned i = 0; (row = topology_queue(r, i)) != NULL; i++)
        if (is_reached(r, row, t))
            add_route(r, row, t, e);
}
