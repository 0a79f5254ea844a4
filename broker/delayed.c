/* Looks at holders of delayed exchanges. */
#include "broker/delayed.h"

#include "base/mem.h"
#include "broker/parts.h"
#include "exchange/exchange.h"
#include "msg/shortstr.h"
#include "queue/queue.h"

enum delayed_aim { AIM_LIST, AIM_CANCEL_ID, AIM_CANCEL_NUMBER };

struct delayed_look {
    struct waiting_walk *walk;
    struct delayed_calls calls;
    enum delayed_aim aim;
    uint64_t number;
    bool is_in_due_order;
    uint64_t cancelled;
    size_t id_size;
    uint8_t id[SHORTSTR_MAX];
};

static int find_holder(const struct broker *b, const struct delayed_place *at, struct queue **out)
{
    const struct vhost *v = vhost_find(b, at->vhost);
    const struct exchange *x = v == NULL ? NULL : exchange_find(v->table, at->exchange);

    if (x == NULL)
        return ERR_NOT_FOUND;
    if (exchange_holder(x) == 0)
        return ERR_INVALID;
    *out = vhost_find_queue_id(v, exchange_holder(x))->queue;
    return 0;
}

int delayed_count(struct broker *b, const struct delayed_place *at, uint64_t *count)
{
    struct queue *q = NULL;
    int rv = find_holder(b, at, &q);

    if (rv == 0)
        *count = queue_ready_count(q);
    return rv;
}

/* Whether it is one of those to be taken out. */
static bool is_meant(const struct delayed_look *l, const struct waiting *w)
{
    struct bytes id;

    if (l->aim == AIM_CANCEL_NUMBER)
        return w->seq == l->number;
    return props_find_text(&w->message.props, PROP_MESSAGE_ID, &id) &&
           bytes_equal(id, bytes_of(l->id, l->id_size));
}

static bool on_seen(void *owner, const struct waiting *w)
{
    struct delayed_look *l = (struct delayed_look *)owner;

    if (l->aim == AIM_LIST) {
        l->calls.found(l->calls.owner, w);
        return false;
    }
    if (!is_meant(l, w))
        return false;
    l->cancelled++;
    return true;
}

static void on_done(void *owner, int err, uint64_t next)
{
    struct delayed_look *l = (struct delayed_look *)owner;
    struct delayed_calls calls = l->calls;
    uint64_t value = l->aim == AIM_LIST ? next : l->cancelled;

    mem_free(l);
    calls.done(calls.owner, err, value);
}

/* Starts what *plan says. */
static int start(struct broker *b, const struct delayed_place *at, const struct delayed_look *plan,
                 size_t max, struct delayed_look **out)
{
    struct queue *q = NULL;
    int rv = find_holder(b, at, &q);

    if (rv != 0)
        return rv;
    struct delayed_look *l = MEM_NEW(struct delayed_look);
    *l = *plan;
    const struct waiting_calls calls = {.owner = l, .seen = on_seen, .done = on_done};
    if (l->aim == AIM_CANCEL_ID)
        l->walk = waiting_ids_start(q, bytes_of(l->id, l->id_size), &calls);
    else if (l->is_in_due_order)
        l->walk = waiting_page_start(q, (size_t)l->number, max, &calls);
    else
        l->walk = waiting_walk_start(q, l->number, max, &calls);
    *out = l;
    return 0;
}

int delayed_list(struct broker *b, const struct delayed_place *at, const struct delayed_page *page,
                 const struct delayed_calls *calls, struct delayed_look **out)
{
    const struct delayed_look plan = {.aim = AIM_LIST,
                                      .number = page->from,
                                      .is_in_due_order = page->is_in_due_order,
                                      .calls = *calls};

    return start(b, at, &plan, page->max, out);
}

int delayed_cancel(struct broker *b, const struct delayed_place *at, struct bytes message_id,
                   const struct delayed_calls *calls, struct delayed_look **out)
{
    struct delayed_look plan = {.aim = AIM_CANCEL_ID, .calls = *calls};

    if (message_id.size > sizeof(plan.id))
        return ERR_INVALID; /* no message has such a one */
    plan.id_size = message_id.size;
    if (message_id.size > 0)
        memcpy(plan.id, message_id.data, message_id.size);
    return start(b, at, &plan, SIZE_MAX, out);
}

int delayed_cancel_number(struct broker *b, const struct delayed_place *at, uint64_t number,
                          const struct delayed_calls *calls, struct delayed_look **out)
{
    const struct delayed_look plan = {.aim = AIM_CANCEL_NUMBER, .number = number, .calls = *calls};

    return start(b, at, &plan, 1, out);
}

void delayed_stop(struct delayed_look *l)
{
    waiting_walk_stop(l->walk);
    mem_free(l);
}
