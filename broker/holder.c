/* Queues of delayed exchanges. */
#include "broker/holder.h"

#include "broker/parts.h"
#include "broker/terms.h"
#include "exchange/exchange.h"

static void marry(struct named_queue *q, struct exchange *x)
{
    q->delays = x;
    exchange_set_holder(x, q->id);
}

static struct named_queue *make(struct vhost *v, struct bytes name, uint64_t id, struct home *home)
{
    return vhost_add_queue(v, &(struct vhost_queue){
                                  .id = id,
                                  .name = name,
                                  .home = home,
                                  .is_durable = (id & TRANSIENT_ID) == 0,
                                  .is_hidden = true,
                              });
}

void holder_declare(struct vhost *v, struct exchange *x, uint64_t id)
{
    struct broker *b = v->broker;
    struct bytes name = exchange_spec(x).name;
    struct home *home = home_with_fewest(b);

    if (!exchange_is_delayed(x))
        return;
    if (id != 0) {
        queue_term_encode(&(struct queue_term){.id = id,
                                               .vhost = v->id,
                                               .partition = home->number,
                                               .flags = TERM_HOLDER,
                                               .name = name},
                          &b->terms);
        definitions_put(&b->definitions, DEFINITION_QUEUE, buf_view(&b->terms.key),
                        buf_view(&b->terms.body));
    } else {
        id = TRANSIENT_ID | ++b->next_transient_id;
    }
    marry(make(v, name, id, home), x);
}

void holder_read(struct vhost *v, const struct queue_term *t)
{
    (void)make(v, t->name, t->id, &v->broker->homes[t->partition]);
}

void holder_restore(struct vhost *v, struct exchange *x, uint64_t id)
{
    struct named_queue *q = vhost_find_queue_id(v, id);

    if (q != NULL && q->is_hidden && exchange_is_delayed(x))
        marry(q, x);
    else
        holder_declare(v, x, id); /* the power failed between the two definitions */
}

void holder_doom_orphans(struct vhost *v)
{
    MAP_FOREACH (w, &v->queues_by_id) {
        struct named_queue *q = (struct named_queue *)w.value;

        if (q->is_hidden && q->delays == NULL)
            named_queue_doom(q);
    }
}
