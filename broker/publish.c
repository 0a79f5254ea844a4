/* Publishers: publishing, and telling what became of it. */
#include "broker/publish.h"

#include "base/mem.h"
#include "broker/parts.h"
#include "broker/publisher.h"
#include "broker/targets.h"
#include "queue/train.h"
#include "store/store.h"

enum { TRIES_MAX = 2 }; /* to store some of a train at once, that were in vain */

struct publisher *publisher_new(struct visit *v, const struct publisher_ops *ops, void *owner)
{
    struct publisher *p = MEM_NEW(struct publisher);

    p->visit = v;
    p->ops = ops;
    p->owner = owner;
    confirms_init(&p->confirms);
    v->publisher_count++;
    return p;
}

void publisher_free(struct publisher *p)
{
    struct broker *b = p->visit->broker;

    if (b->telling == p)
        b->telling = NULL;
    publisher_drop_replies(p);
    sent_clear(&p->sent);
    confirms_release(&p->confirms);
    mem_free(p->others);
    ASSERT(p->visit->publisher_count > 0);
    p->visit->publisher_count--;
    mem_free(p);
}

void publisher_set_channel(struct publisher *p, unsigned channel)
{
    p->channel = channel;
}

void publisher_confirm(struct publisher *p)
{
    p->confirms.is_on = true;
}

uint64_t publisher_unconfirmed(const struct publisher *p)
{
    return confirms_open(&p->confirms);
}

/* ---- publishing ---- */

/* The message went out as `sent` says: it will be confirmed or rejected. */
static void count(struct publisher *p, const struct sent *sent)
{
    struct confirms *c = &p->confirms;
    struct broker *b = p->visit->broker;

    b->counters.received_confirm++;
    for (size_t i = 0; i < sent->count; i++)
        confirms_wait(c, sent->logged[i].home, sent->logged[i].position, b->turn_number);
    c->last++;
    if (sent->rejected > 0 || sent->has_failed)
        confirms_reject(c);
    if (!list_linked(&c->link))
        list_push(&b->untold, &c->link);
    broker_stir(b);
}

/* The same for so many, of which none was rejected; what they wait for is known. */
static void count_many(struct publisher *p, uint64_t times)
{
    struct broker *b = p->visit->broker;

    b->counters.received_confirm += times;
    p->confirms.last += times;
    if (!list_linked(&p->confirms.link))
        list_push(&b->untold, &p->confirms.link);
    broker_stir(b);
}

bool publisher_can_upload(struct publisher *p, const struct message *head)
{
    struct broker *b = p->visit->broker;
    struct refusal refusal;
    struct outgoing o;

    if (head->body_size <= STORE_PART_BYTES || b->home_count != 1 || home_is_pressed(&b->homes[0]))
        return false;
    return outgoing_make(p, head, &o, &refusal) == 0 && outgoing_is_for_queues(p->visit, &o);
}

int publisher_upload(struct publisher *p, const struct message *head, struct bytes part,
                     size_t *taken)
{
    struct broker *b = p->visit->broker;
    int rv = 0;

    p->sent.came_before = true;
    rv = outgoing_upload(&b->homes[0], head, part, &p->sent, taken);
    if (rv == ERR_FULL) {
        broker_hold(b, &p->visit->held);
        return ERR_AGAIN;
    }
    if (rv != 0)
        *taken = part.size; /* it is lost; the publish will be rejected */
    return 0;
}

void publisher_drop_upload(struct publisher *p)
{
    sent_clear(&p->sent);
}

void publisher_count_unroutable(struct publisher *p, bool is_mandatory)
{
    struct broker_counters *c = &p->visit->broker->counters;
    struct vhost_counts *v = p->visit->vhost->counts;

    c->unroutable_returned += is_mandatory;
    c->unroutable_dropped += !is_mandatory;
    v->unroutable_returned += is_mandatory;
    v->unroutable_dropped += !is_mandatory;
}

/* The queues of a message went away while its body came, so that it cannot be given back. */
static int refuse_late(struct publisher *p, struct refusal *refusal)
{
    sent_clear(&p->sent);
    return refuse(refusal, REFUSE_CONTENT_TOO_LARGE,
                  "the queues of a mandatory message were gone before all of its body had come; "
                  "publish it again");
}

int broker_publish(struct publisher *p, const struct publish *m, struct published *out,
                   struct refusal *refusal)
{
    struct outgoing o;
    size_t places = 0;
    int rv = outgoing_make(p, &m->message, &o, refusal);

    if (UNLIKELY(rv != 0)) {
        sent_clear(&p->sent);
        return rv;
    }
    rv = outgoing_send(p->visit, &o, &p->sent, &p->way);
    if (UNLIKELY(rv != 0)) {
        broker_hold(p->visit->broker, &p->visit->held);
        return rv;
    }
    places = p->way.places;
    if (UNLIKELY(p->sent.came_before && m->is_mandatory && places == 0))
        return refuse_late(p, refusal);
    if (UNLIKELY(places == 0))
        publisher_count_unroutable(p, m->is_mandatory);
    p->memo.count++;
    if (p->confirms.is_on)
        count(p, &p->sent);
    out->places = places;
    out->may_be_train = p->way.is_for_train && places > 0; /* each is counted as unroutable */
    sent_clear(&p->sent);
    return 0;
}

/* As broker_publish() for a message that was checked and routed. */
static int publish_again(struct publisher *p, struct queues_publish *publish)
{
    int rv = targets_send(p->way.targets, publish, &p->sent);

    if (UNLIKELY(rv != 0))
        return rv;
    if (p->confirms.is_on)
        count(p, &p->sent);
    return 0;
}

typedef size_t train_fn(struct queues *qs, const struct queues_publish *p,
                        const struct bytes *bodies, size_t count, struct queues_published *out);

/* Those at the front that `hand_on` takes, which go straight to consumers or are stored; may be
 * none. */
static size_t publish_many(struct publisher *p, train_fn *hand_on, const struct bytes *bodies,
                           size_t count_max, const struct queues_publish *publish)
{
    const struct target_group *g = &p->way.targets->groups[0];
    struct queues_publish of_all = *publish;
    struct queues_published published;
    size_t count = 0;

    if (UNLIKELY(count_max == 0 || home_is_pressed(g->home)))
        return 0;
    of_all.targets = p->way.targets->queues;
    of_all.target_count = g->count;
    count = hand_on(g->home->queues, &of_all, bodies, count_max, &published);
    if (p->confirms.is_on && count > 0) {
        if (published.is_in_log)
            confirms_wait(&p->confirms, g->home, published.position, p->visit->broker->turn_number);
        count_many(p, count);
    }
    return count;
}

size_t broker_publish_train(struct publisher *p, const struct publish *m,
                            const struct bytes *bodies, size_t count_max)
{
    struct message message = m->message;
    struct queues_publish publish = {
        .message = &message, .expiration_ms = QUEUE_NO_LIMIT, .may_go_straight = true};
    bool is_straight = p->way.is_straight;
    unsigned tries = TRIES_MAX;
    size_t count = 0;

    ASSERT(p->sent.done == 0 && p->sent.upload == NULL);
    while (count < count_max) {
        if (is_straight)
            count +=
                publish_many(p, queues_publish_train, bodies + count, count_max - count, &publish);
        if (tries > 0) {
            size_t stored =
                publish_many(p, queues_store_train, bodies + count, count_max - count, &publish);

            tries -= stored == 0; /* most often it says so for all that follow */
            count += stored;
        }
        if (count == count_max)
            break;
        message.body = &bodies[count];
        message.body_size = bodies[count].size;
        message.body_count = bodies[count].size > 0;
        if (publish_again(p, &publish) != 0)
            break; /* whoever publishes it next is told so; what is sent of it is in p->sent */
        is_straight = p->sent.is_straight;
        sent_clear(&p->sent);
        count++;
    }
    outgoing_count_train(p->visit, &p->way, bodies, count);
    p->memo.count += count;
    return count;
}

/* ---- telling ---- */

/* Calls come from the end of a turn, one after the other; each may free the publisher. */

static bool tell_rejected(struct publisher *p, uint64_t seq)
{
    struct broker *b = p->visit->broker;

    b->counters.rejected++;
    p->ops->rejected(p->owner, seq);
    return b->telling == p;
}

static void tell_lost(struct publisher *p)
{
    struct confirms_lost lost;
    uint64_t seq = 0;

    confirms_fail(&p->confirms, &lost);
    while (confirms_lost_next(&lost, &seq) && tell_rejected(p, seq))
        ;
    confirms_lost_release(&lost);
}

static void count_confirmed(struct publisher *p, uint64_t count)
{
    p->visit->broker->counters.confirmed += count;
    p->visit->vhost->counts->confirmed += count;
}

void publisher_tell(struct publisher *p)
{
    struct confirms *c = &p->confirms;
    struct broker *b = p->visit->broker;
    uint64_t told = c->told;
    bool is_there = true;
    bool is_safe = false;
    uint64_t seq = 0;

    b->telling = p;
    while (is_there && confirms_next_rejected(c, &seq))
        is_there = tell_rejected(p, seq);
    is_safe = is_there && confirms_step(c, &seq);
    if (is_there)
        count_confirmed(p, c->told - told);
    if (is_safe) {
        p->ops->confirmed(p->owner, seq);
        is_there = b->telling == p;
    }
    if (is_there && c->has_failed)
        tell_lost(p);
    is_there = b->telling == p;
    b->telling = NULL;
    if (is_there && (c->wait_count > 0 || c->confirmed < c->last) && !list_linked(&c->link))
        list_push(&b->untold, &c->link);
}
