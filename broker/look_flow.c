/* Which queues get the messages of which exchange. */
#include "base/mem.h"
#include "broker/look.h"
#include "broker/parts.h"
#include "broker/targets.h"
#include "exchange/route.h"
#include "queue/queue.h"

size_t look_exchange_flows(struct broker *b, struct bytes vhost, struct bytes exchange,
                           struct look_flow **out)
{
    struct vhost *v = vhost_find(b, vhost);
    struct exchange *x = v == NULL ? NULL : exchange_find(v->table, exchange);
    struct exchange_flow *flows = NULL;
    size_t count = 0;

    *out = NULL;
    if (x == NULL)
        return 0;
    targets_count_name(v);
    flows = MEM_NEW_ARRAY(struct exchange_flow, LOOK_FLOWS_MAX);
    count = exchange_flows(x, flows, LOOK_FLOWS_MAX);
    *out = MEM_NEW_ARRAY(struct look_flow, count + 1);
    for (size_t i = 0; i < count; i++)
        (*out)[i] = (struct look_flow){
            .exchange = exchange,
            .queue = queue_name(vhost_find_queue_id(v, flows[i].queue)->queue),
            .count = flows[i].count,
        };
    mem_free(flows);
    return count;
}

size_t look_queue_flows(struct broker *b, struct bytes vhost, struct bytes queue,
                        struct look_flow **out)
{
    struct vhost *v = vhost_find(b, vhost);
    const struct named_queue *q = v == NULL ? NULL : vhost_find_queue(v, queue);
    struct exchange *x = NULL;
    size_t count = 0;

    *out = NULL;
    if (q == NULL)
        return 0;
    targets_count_name(v);
    *out = MEM_NEW_ARRAY(struct look_flow, LOOK_FLOWS_MAX);
    while (count < LOOK_FLOWS_MAX && (x = exchange_next(v->table, x)) != NULL) {
        uint64_t got = exchange_count_of(x, q->id);

        if (got == 0)
            continue;
        (*out)[count] =
            (struct look_flow){.exchange = exchange_spec(x).name, .queue = queue, .count = got};
        count++;
    }
    return count;
}
