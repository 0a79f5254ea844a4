/* The commit logs of the node, looked at: what lies where, how far the disk and the sorter are. */
#include "base/parse.h"
#include "broker/look_partition.h"
#include "http/api/call.h"
#include "http/api/listing.h"
#include "http/api/pages.h"
#include "http/api/shapes.h"

static const struct bytes all = {NULL, 0};

static void tell_log(struct tell *t, const struct log_stats *l)
{
    tell_object(t, "log");
    tell_uint(t, "commits", l->commits);
    tell_uint(t, "committed_bytes", l->committed_bytes);
    tell_uint(t, "pending_bytes", l->pending_bytes);
    tell_uint(t, "hot_segments", l->hot_segments);
    tell_uint(t, "hot_bytes", l->hot_bytes);
    tell_uint(t, "cold_segments", l->cold_segments);
    tell_uint(t, "cold_bytes", l->cold_bytes);
    tell_uint(t, "spare_segments", l->spare_segments);
    tell_bool(t, "is_short_of_space", l->is_short_of_space);
    tell_end(t);
    tell_object(t, "sorter");
    tell_bool(t, "is_running", l->is_sorting);
    tell_uint(t, "debt_bytes", l->debt_bytes);
    tell_uint(t, "runs", l->sorter_runs);
    tell_uint(t, "failures", l->sorter_failures);
    tell_end(t);
}

static void tell_store(struct tell *t, const struct store_stats *s)
{
    tell_object(t, "transient");
    tell_uint(t, "messages", s->transient_messages);
    tell_uint(t, "bytes", s->transient_bytes);
    tell_uint(t, "spilled_bytes", s->spilled_bytes);
    tell_end(t);
}

static void tell_partition(struct tell *t, unsigned number, const struct look_partition *p)
{
    tell_object(t, NULL);
    tell_uint(t, "partition", number);
    tell_string(t, "state", p->failed != 0 ? "failed" : p->is_pressed ? "pressed" : "running");
    tell_uint(t, "queues", p->queues);
    tell_uint(t, "first_position", p->first);
    tell_uint(t, "durable_position", p->durable);
    tell_uint(t, "committed_position", p->committed);
    tell_uint(t, "next_position", p->next);
    tell_log(t, &p->log);
    tell_store(t, &p->store);
    tell_end(t);
}

void logs_get(struct api_call *c)
{
    struct look_partition p;
    struct tell t;

    api_start(c, &t);
    tell_array(&t, NULL);
    for (unsigned i = 0; look_partition(c->api->broker, i, &p); i++)
        tell_partition(&t, i, &p);
    tell_end(&t);
    api_answer(c, 200, &c->api->reply);
}

void log_get_one(struct api_call *c)
{
    struct look_partition p;
    uint64_t number = 0;
    struct tell t;

    if (parse_u64(c->args[0], 0, UINT32_MAX, &number) != 0 ||
        !look_partition(c->api->broker, (unsigned)number, &p)) {
        api_not_found(c);
        return;
    }
    api_start(c, &t);
    tell_partition(&t, (unsigned)number, &p);
    api_answer(c, 200, &c->api->reply);
}

void log_streams_get(struct api_call *c)
{
    list_answer(c, &list_streams, c->vhost, all);
}
