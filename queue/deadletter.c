/* Dead letters: a dead message moves to where its queue sends the dead.
 *
 *     dying --read, write its papers, ask for targets--> published --> settled
 *
 * When all targets are of this partition, the publish and the settle are one group of the log: the
 * message is in one queue or in the other, whatever happens. A target elsewhere gets the message
 * first; it is settled here when it is committed there, so after a crash it may be in both, and is
 * never in none.
 *
 * A dead message with no place to go is dropped; with x-dead-letter-strategy at-least-once it is
 * kept, and tried again. */
#include "queue/deadletter.h"

#include "base/diag.h"
#include "base/mem.h"
#include "queue/queues_parts.h"
#include "store/varint.h"

#define RETRY_NS UINT64_C(1000000000)

enum {
    GROUP_SIZE = 64 << 10, /* of dead letters that move together, but for a large one */
    TARGETS_MIN = 64,
};

void funeral_end_dying(struct queue *q, struct inflight *f)
{
    list_remove(&f->link);
    ASSERT(q->dying_count > 0);
    q->dying_count--;
    if (q->dying_count == DYING_MAX - 1)
        queue_activate(q); /* others may die now */
}

void funeral_settle(struct queue *q, struct inflight *f)
{
    ready_end_withdrawn(&q->ready, f->seq);
    q->withdrawn_count--;
    q->withdrawn_bytes -= f->entry.size;
    queue_settle(q, f->seq, &f->entry);
    inflight_free(f);
}

/* ---- waiting ---- */

void queue_unblock(struct queue *q)
{
    if (!q->is.is_blocked)
        return;
    q->is.is_blocked = false;
    q->home->blocked_count--;
    queue_activate(q);
}

static void block(struct queue *q)
{
    if (!q->is.is_blocked)
        q->home->blocked_count++;
    q->is.is_blocked = true;
    alarm_set_after(&q->home->alarms, &queue_waits(q)->retry, RETRY_NS);
}

void queue_retry_is_due(struct alarm *a)
{
    struct queue *q = CONTAINER_OF(a, struct queue_waits, retry)->queue;

    queue_unblock(q);
    queue_activate(q);
}

/* ---- where to ---- */

static void tell_cycle(struct queue *q)
{
    if (q->is.was_told_cycle)
        return;
    q->is.was_told_cycle = true;
    diag(DIAG_WARNING, "queue",
         "messages of queue '%.*s' in vhost '%.*s' are dropped: their dead letter cycle has no "
         "death with reason 'rejected'",
         (int)q->identity->name.size, (const char *)q->identity->name.data,
         (int)q->identity->vhost.size, (const char *)q->identity->vhost.data);
}

void funeral_ask_targets(struct funeral *f)
{
    struct queues *qs = f->queue->home;
    struct queues_scratch *s = &qs->scratch;

    if (s->dead_capacity == 0) {
        s->dead_capacity = TARGETS_MIN;
        s->dead_targets = MEM_NEW_ARRAY(struct queue *, TARGETS_MIN);
    }
    for (;;) {
        f->count = qs->calls.route_dead(qs->calls.owner, f->queue, &f->message, s->dead_targets,
                                        s->dead_capacity);
        ASSERT(f->count <= s->dead_capacity);
        if (f->count < s->dead_capacity || s->dead_capacity >= STORE_TARGETS_MAX)
            break;
        s->dead_capacity *= 2;
        s->dead_targets =
            (struct queue **)mem_grow(s->dead_targets, s->dead_capacity, sizeof(struct queue *));
    }
    f->targets = s->dead_targets;
}

/* Finds the queues the message goes to. False: it stays, for there is none now, or one is full. */
static bool choose_targets(struct funeral *f)
{
    struct queue *q = f->queue;
    bool is_kept = q->args.is_at_least_once && q->args.overflow == OVERFLOW_REJECT;
    size_t kept = 0;

    if (q->delayed != NULL)
        return delayed_choose(f);
    funeral_ask_targets(f);
    if (is_kept && f->count == 0)
        return false;
    for (size_t i = 0; i < f->count; i++) {
        if (death_is_cycle(&q->home->scratch.papers, queue_name(f->targets[i])))
            tell_cycle(q);
        else
            f->targets[kept++] = f->targets[i];
    }
    f->count = kept;
    for (size_t i = 0; is_kept && i < kept; i++) {
        if (queue_refuses(f->targets[i], f->message.body_size))
            return false;
    }
    return true;
}

/* ---- the message ---- */

/* Writes the papers of a dead message, and where it is sent. */
static int prepare_dead(struct funeral *f)
{
    struct queue *q = f->queue;
    struct death_papers *papers = &q->home->scratch.papers;
    struct death_paper paper = {
        .reason = f->dead->reason,
        .queue = queue_name(q),
        .time_ms = io_wall_ms(q->home->io),
        .is_rerouted = q->args.has_dead_letter_key,
    };

    f->expiration_ms = QUEUE_NO_LIMIT;
    if (death_write(papers, &f->message, &paper) == 0) {
        f->message.props = papers->decoded;
        f->message.slip = buf_view(&papers->slip);
    } else {
        papers->decoded = props_none(); /* it goes without: its headers are full */
    }
    f->message.exchange = q->args.dead_letter_exchange;
    if (q->args.has_dead_letter_key)
        f->message.routing_key = q->args.dead_letter_key;
    return 0;
}

/* Reads the message and makes it what will be published. Errors: ERR_AGAIN, ERR_CORRUPT,
 * ERR_TRIMMED. */
static int prepare(struct funeral *f)
{
    struct queue *q = f->queue;
    int rv =
        queue_read(q, &q->dead.reading, &(struct queue_message){f->dead->seq, f->dead->entry.place},
                   &f->stored, &f->pin);

    if (rv != 0)
        return rv;
    f->message = (struct message){
        .exchange = f->stored.exchange,
        .routing_key = f->stored.routing_key,
        .body = &f->stored.body,
        .body_count = f->stored.parts == 0 ? 1 : 0,
        .body_size = f->stored.body_size,
        .slip = f->stored.slip,
    };
    rv = props_decode(f->stored.props, &f->message.props);
    if (rv == 0)
        rv = q->delayed != NULL ? delayed_prepare(f) : prepare_dead(f);
    if (rv == 0)
        return 0;
    store_pin_release(f->pin);
    return ERR_CORRUPT;
}

static bool is_all_here(const struct funeral *f)
{
    for (size_t i = 0; i < f->count; i++) {
        if (f->targets[i]->home != f->queue->home)
            return false;
    }
    return true;
}

struct queues_publish funeral_publish(const struct funeral *f, struct queue **targets, size_t count)
{
    return (struct queues_publish){.message = &f->message,
                                   .expiration_ms = f->expiration_ms,
                                   .is_moved = true,
                                   .targets = targets,
                                   .target_count = count};
}

uint64_t funeral_parts(const struct funeral *f)
{
    return f->stored.parts == 0 ? 0 : f->stored.place;
}

/* What the publish and the settle take of a group. Parts are shared, so only their places count. */
static size_t group_size(const struct funeral *f, const struct queues_publish *p)
{
    struct message without_body = f->message;
    struct queues_publish plain = *p;

    if (f->stored.parts > 0) {
        without_body.body_size = 0;
        without_body.body_count = 0;
        plain.message = &without_body;
    }
    return queues_publish_size(&plain) + f->stored.parts * VARINT_MAX + QUEUES_SETTLE_SIZE;
}

/* Opens a group with room for the message, if the open one has none. */
static int make_group(struct funeral *f, size_t size, size_t *room)
{
    struct queues *qs = f->queue->home;
    uint64_t position;

    if (qs->is_grouped && *room >= size) {
        *room -= size;
        return 0;
    }
    if (qs->is_grouped)
        queues_end_group(qs, &position);
    *room = size < GROUP_SIZE ? GROUP_SIZE : size;
    int rv = queues_begin_group(qs, *room);
    if (rv == ERR_RANGE && *room > size) {
        *room = size;
        rv = queues_begin_group(qs, size);
    }
    if (rv == 0)
        *room -= size;
    /* Larger than a batch can be: the publish comes first, the settle behind it, so it is in both
     * queues for a moment and never in none. */
    return rv == ERR_RANGE ? 0 : rv;
}

/* All targets are of this partition: published and settled in one group. */
static int move_here(struct funeral *f, size_t *room)
{
    struct queues *qs = f->queue->home;
    struct queues_publish p = funeral_publish(f, f->targets, f->count);
    struct queues_published published;
    int rv = make_group(f, group_size(f, &p), room);

    if (rv == 0)
        rv = queues_put(qs, &p, funeral_parts(f), &published);
    if (rv != 0)
        return rv;
    funeral_end_dying(f->queue, f->dead);
    funeral_settle(f->queue, f->dead);
    return 0;
}

/* It cannot be read or cannot move: it stays withdrawn, for good. */
static int set_aside(struct queue *q, struct inflight *dead)
{
    queue_end_courier(q);
    funeral_end_dying(q, dead);
    queue_tell_aside(q, dead->seq, dead->entry.size);
    inflight_free(dead);
    return 0;
}

/* One that is due waits by itself; the dead wait all together. */
static int wait_for_room(struct funeral *f)
{
    if (f->queue->delayed == NULL)
        return ERR_FULL;
    delayed_put_back(f->queue, f->dead);
    return 0;
}

/* It goes nowhere. */
static int forget(struct queue *q, struct inflight *dead)
{
    funeral_end_dying(q, dead);
    funeral_settle(q, dead);
    return 0;
}

static int move(struct funeral *f, size_t *room)
{
    struct queue *q = f->queue;
    const struct queues_calls *calls = &q->home->calls;
    int rv;

    if (f->count == 0)
        rv = forget(q, f->dead);
    else
        rv = is_all_here(f) ? move_here(f, room) : funeral_move_away(f);
    if (rv == 0 && calls->on_moved != NULL)
        calls->on_moved(calls->owner, q, &f->message, f->expiration_ms);
    return rv;
}

/* Moves one dead message on. Errors: ERR_AGAIN: it must be read first; ERR_FULL: later. */
static int bury(struct queue *q, struct inflight *dead, size_t *room)
{
    struct funeral f = {.queue = q, .dead = dead};
    int rv;

    if (!q->args.has_dead_letter_exchange) /* not any more */
        return forget(q, dead);
    rv = prepare(&f);
    if (rv == ERR_TRIMMED)
        return forget(q, dead);
    if (rv != 0)
        return rv == ERR_CORRUPT ? set_aside(q, dead) : rv;
    rv = choose_targets(&f) ? move(&f, room) : wait_for_room(&f);
    store_pin_release(f.pin);
    /* Its headers have grown beyond what a record can hold, or its body cannot be read. */
    return rv == ERR_CORRUPT || rv == ERR_RANGE ? set_aside(q, dead) : rv;
}

unsigned queue_bury_dead(struct queue *q, unsigned max)
{
    struct list_link *first;
    unsigned done = 0;
    size_t room = 0;
    int rv = 0;

    while (done < max && !q->is.is_blocked && (first = list_first(&q->dead.dying)) != NULL) {
        rv = bury(q, inflight_at(first), &room);
        if (rv != 0)
            break;
        done++;
    }
    if (q->home->is_grouped) {
        uint64_t position;

        queues_end_group(q->home, &position);
    }
    if (rv == ERR_FULL)
        block(q);
    return done;
}
