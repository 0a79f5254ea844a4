/* Dead letters for queues of other partitions.
 *
 *     published there --committed there--> settled here
 *
 * A large body is in parts of this partition's store; it is copied, part by part, into uploads of
 * the others before the message is published. */
#include <string.h>

#include "base/mem.h"
#include "queue/deadletter.h"
#include "queue/queues_parts.h"
#include "queue/streams.h"

/* A commit of another partition that a dead message waits for. */
struct remote_wait {
    struct list_link link; /* queues->awaiting, of the other partition, by position */
    struct list_link out;  /* queues->outgoing, of its own */
    uint64_t position;
    struct inflight *dead;
};

/* A copy of a large body in the making. */
struct copy {
    struct queues *to;
    struct store_upload *upload;
    size_t taken; /* of the piece in hand */
};

struct courier {
    const struct inflight *dead; /* for whom */
    struct store_body *body;
    struct bytes piece;
    struct store_pin pin;
    bool has_piece;
    struct copy *copies;
    size_t count;
};

/* ---- waiting for commits ---- */

static struct remote_wait *wait_at(struct list_link *link)
{
    return link == NULL ? NULL : CONTAINER_OF(link, struct remote_wait, link);
}

static void await(struct queues *there, struct inflight *dead, uint64_t position)
{
    struct remote_wait *w = MEM_NEW(struct remote_wait);

    w->position = position;
    w->dead = dead;
    dead->waits++;
    list_push(&there->remote.awaiting, &w->link);
    list_push(&dead->home->remote.outgoing, &w->out);
}

static void wait_free(struct remote_wait *w)
{
    list_remove(&w->link);
    list_remove(&w->out);
    mem_free(w);
}

void queues_remote_committed(struct queues *qs, uint64_t position)
{
    struct remote_wait *w;

    while ((w = wait_at(list_first(&qs->remote.awaiting))) != NULL && w->position < position) {
        struct inflight *dead = w->dead;

        wait_free(w);
        if (--dead->waits > 0)
            continue;
        list_remove(&dead->link);
        funeral_settle(dead->d.queue, dead);
    }
}

void queues_forget_waits(struct queues *qs)
{
    struct remote_wait *w;

    while ((w = wait_at(list_first(&qs->remote.awaiting))) != NULL)
        wait_free(w);
}

void queue_forget_parting(struct queue *q)
{
    struct list_link *link;

    LIST_FOREACH_SAFE (out, &q->home->remote.outgoing) {
        struct remote_wait *w = CONTAINER_OF(out, struct remote_wait, out);

        if (w->dead->d.queue == q)
            wait_free(w);
    }
    while ((link = list_take(&q->dead.parting)) != NULL)
        inflight_free(inflight_at(link));
    queue_end_courier(q);
}

/* ---- copying a large body ---- */

static void body_is_ready(void *owner)
{
    queue_activate((struct queue *)owner);
}

void queue_end_courier(struct queue *q)
{
    struct courier *c = q->dead.courier;

    if (c == NULL)
        return;
    if (c->has_piece)
        store_pin_release(c->pin);
    store_body_close(c->body);
    for (size_t i = 0; i < c->count; i++)
        store_upload_close(c->copies[i].upload);
    mem_free(c->copies);
    mem_free(c);
    q->dead.courier = NULL;
}

static struct copy *copy_for(struct courier *c, const struct queues *to)
{
    for (size_t i = 0; i < c->count; i++) {
        if (c->copies[i].to == to)
            return &c->copies[i];
    }
    return NULL;
}

/* Whether there is a copy for each target elsewhere. */
static bool has_all(struct courier *c, const struct funeral *f)
{
    for (size_t i = 0; i < f->count; i++) {
        if (f->targets[i]->home != f->queue->home && copy_for(c, f->targets[i]->home) == NULL)
            return false;
    }
    return true;
}

static void begin_courier(struct funeral *f)
{
    struct courier *c = MEM_NEW(struct courier);
    bool is_persistent = message_is_persistent(&f->message);

    c->dead = f->dead;
    c->body = store_body_open(f->queue->home->store, &f->stored, body_is_ready, f->queue);
    c->copies = MEM_NEW_ARRAY(struct copy, f->count);
    for (size_t i = 0; i < f->count; i++) {
        struct queues *to = f->targets[i]->home;

        if (to != f->queue->home && copy_for(c, to) == NULL)
            c->copies[c->count++] = (struct copy){
                .to = to,
                .upload = store_upload_open(to->store, is_persistent || queues_have_streams(to))};
    }
    f->queue->dead.courier = c;
}

/* Gives the piece in hand to every copy. */
static int hand_out(struct courier *c)
{
    for (size_t i = 0; i < c->count; i++) {
        struct copy *copy = &c->copies[i];
        size_t taken = 0;
        struct bytes rest = bytes_of(c->piece.data + copy->taken, c->piece.size - copy->taken);
        int rv = rest.size > 0 ? store_upload_add(copy->upload, rest, &taken) : 0;

        copy->taken += taken;
        if (rv != 0)
            return rv;
    }
    for (size_t i = 0; i < c->count; i++)
        c->copies[i].taken = 0;
    store_pin_release(c->pin);
    c->has_piece = false;
    return 0;
}

/* Goes on copying. 0: all is there. */
static int copy_body(struct courier *c)
{
    int rv = 0;

    while (rv == 0) {
        if (!c->has_piece)
            rv = store_body_next(c->body, &c->piece, &c->pin);
        if (rv == 0) {
            c->has_piece = true;
            rv = hand_out(c);
        }
    }
    return rv == ERR_NOT_FOUND ? 0 : rv;
}

/* Copies a body in parts to where it is needed. */
static int carry(struct funeral *f)
{
    struct queue *q = f->queue;

    if (f->stored.parts == 0)
        return 0;
    if (q->dead.courier != NULL &&
        (q->dead.courier->dead != f->dead || !has_all(q->dead.courier, f)))
        queue_end_courier(q); /* the targets are others now */
    if (q->dead.courier == NULL)
        begin_courier(f);
    return copy_body(q->dead.courier);
}

/* ---- publishing ---- */

/* Takes the targets of one partition to the front of the rest. Returns how many. */
static size_t same_home(struct queue **targets, size_t count)
{
    size_t same = 1;

    for (size_t i = 1; i < count; i++) {
        struct queue *q = targets[i];

        if (q->home != targets[0]->home)
            continue;
        memmove(&targets[same + 1], &targets[same], (i - same) * sizeof(struct queue *));
        targets[same++] = q;
    }
    return same;
}

/* Publishes to targets of one partition, which must then commit it. */
static int publish(struct funeral *f, struct queue **targets, size_t count)
{
    struct queues *there = targets[0]->home;
    bool is_here = there == f->queue->home;
    struct queues_publish p = funeral_publish(f, targets, count);
    struct queues_published published = {.is_in_log = false};

    if (!is_here && f->queue->dead.courier != NULL)
        p.upload = copy_for(f->queue->dead.courier, there)->upload;
    int rv = queues_put(there, &p, is_here ? funeral_parts(f) : 0, &published);
    if (rv == 0 && published.is_in_log)
        await(there, f->dead, published.position);
    return rv;
}

int funeral_move_away(struct funeral *f)
{
    struct inflight *dead = f->dead;
    bool is_published = false;
    int rv = carry(f);

    if (rv != 0)
        return rv;
    for (size_t at = 0; at < f->count;) {
        size_t same = same_home(f->targets + at, f->count - at);

        rv = publish(f, f->targets + at, same);
        if (rv != 0 && !is_published)
            return rv; /* once it is somewhere, it is not published there again */
        is_published = true;
        at += same;
    }
    queue_end_courier(f->queue);
    funeral_end_dying(f->queue, dead);
    if (dead->waits > 0)
        list_push(&f->queue->dead.parting, &dead->link);
    else
        funeral_settle(f->queue, dead);
    return 0;
}
