/* Memory, routes, replays. */
#include "http/metrics/ours.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "broker/memory.h"
#include "broker/replay.h"
#include "http/metrics/expose.h"
#include "http/metrics/figures.h"

/* ---- memory ---- */

static void tell_kind(struct expose *e, const char *kind, uint64_t bytes)
{
    expose_begin(e, "memory_bytes", NULL);
    expose_label(e, "kind", bytes_text(kind));
    expose_end(e, bytes);
}

void ours_tell_memory(struct broker *b, const struct figures *f, struct expose *e)
{
    struct broker_memory m;
    uint64_t known = 0;

    broker_get_memory(b, &m);
    const struct {
        const char *kind;
        uint64_t bytes;
    } kinds[] = {
        {"classic_queue_indexes", f->index_bytes[QUEUE_CLASSIC]},
        {"quorum_queue_indexes", f->index_bytes[QUEUE_QUORUM]},
        {"stream_indexes", f->index_bytes[QUEUE_STREAM]},
        {"log_cache", m.log_cache},
        {"log_pending", m.log_pending},
        {"transient_messages", m.transient},
        {"connection_output", f->output_bytes},
        {"routes", m.routes},
    };

    expose_family(e, "memory_bytes", "gauge", "Allocated memory by what it is used for");
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        known += kinds[i].bytes;
        tell_kind(e, kinds[i].kind, kinds[i].bytes);
    }
    tell_kind(e, "other", m.allocated > known ? m.allocated - known : 0);
    expose_family(e, "memory_allocated_bytes", "gauge", "Allocated memory in all");
    expose_begin(e, "memory_allocated_bytes", NULL);
    expose_end(e, m.allocated);
}

/* ---- routes ---- */

static void tell_number(struct expose *e, const char *name, const char *help, uint64_t value)
{
    bool is_counter = strlen(name) > 6 && strcmp(name + strlen(name) - 6, "_total") == 0;

    expose_family(e, name, is_counter ? "counter" : "gauge", help);
    expose_begin(e, name, NULL);
    expose_end(e, value);
}

static void tell_routes(const struct route_counts *r, struct expose *e)
{
    tell_number(e, "route_cache_hits_total", "Messages whose route was remembered", r->hits);
    tell_number(e, "route_cache_misses_total",
                "Messages whose route was found by a walk, and is remembered since", r->misses);
    tell_number(e, "route_walks_total", "Messages whose route cannot be remembered", r->walks);
    tell_number(e, "route_cache_entries", "Routes that there is room for", r->entries);
    tell_number(e, "route_sets", "Different sets of queues that routes lead to", r->sets);
}

/* ---- replays ---- */

static void tell_replays(struct broker *b, struct expose *e, const char *name, const char *help,
                         size_t offset)
{
    const struct replay *r = NULL;
    bool is_counter = strstr(name, "_total") != NULL;
    uint64_t value = 0;

    expose_family(e, name, is_counter ? "counter" : "gauge", help);
    while ((r = replay_next(b, r)) != NULL) {
        const struct replay_view view = replay_view(r);
        char id[24];

        (void)snprintf(id, sizeof(id), "%" PRIu64, view.id);
        memcpy(&value, (const char *)&view + offset, sizeof(value));
        expose_begin(e, name, NULL);
        expose_label(e, "id", bytes_text(id));
        expose_label(e, "vhost", view.vhost);
        expose_label(e, "exchange", view.exchange);
        expose_label(e, "queue", view.queue);
        expose_end(e, value);
    }
}

void ours_tell(struct broker *b, const struct figures *f, struct expose *e)
{
    const struct replay *r = NULL;
    uint64_t count = 0;

    ours_tell_memory(b, f, e);
    tell_routes(&f->counters.routes, e);
    while ((r = replay_next(b, r)) != NULL)
        count++;
    tell_number(e, "replays", "Replays that are on their way", count);
    tell_replays(b, e, "replay_looked_at_messages_total", "Messages that a replay has looked at",
                 offsetof(struct replay_view, looked_at));
    tell_replays(b, e, "replay_copied_messages_total", "Messages that a replay has copied",
                 offsetof(struct replay_view, copied));
    tell_replays(b, e, "replay_left_messages", "Messages that a replay has still to look at",
                 offsetof(struct replay_view, left));
}
