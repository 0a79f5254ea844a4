/* Walks over what waits: some messages each turn, with a reader of their own. */
#include "queue/waiting.h"

#include <stdlib.h>

#include "base/mem.h"
#include "queue/queues_parts.h"

enum { STEP_MAX = 256, GATHER_MAX = 8192, QUICK_STEPS = 16384 };

struct waiting_place {
    int64_t due_ms;
    uint64_t seq;
};

/* What is due first. Twice as many as are wanted have room, so that they are seldom sorted. */
struct waiting_order {
    struct waiting_place *places; /* NULL: the walk is in the order of publishing */
    size_t count;
    size_t capacity;
    size_t wanted;
    size_t at;
    bool is_ready;
};

struct waiting_walk {
    struct list_link link; /* delayed->walks */
    struct io *io;
    struct queue *queue; /* NULL: it is gone */
    struct store_reader *reader;
    struct io_timer timer;
    struct waiting_calls calls;
    uint64_t at;
    size_t left;
    struct waiting_order order;
    struct message_ids_search ids; /* over, if the walk is not for those of a message-id */
};

static void let_go(struct waiting_walk *w)
{
    store_reader_close(w->reader);
    w->reader = NULL;
    if (list_linked(&w->link))
        list_remove(&w->link);
    w->queue = NULL;
}

static void end(struct waiting_walk *w, int err, uint64_t next)
{
    struct waiting_calls calls = w->calls;

    let_go(w);
    mem_free(w->order.places);
    mem_free(w);
    calls.done(calls.owner, err, next);
}

static void read_is_ready(void *owner)
{
    struct waiting_walk *w = (struct waiting_walk *)owner;

    io_timer_start(w->io, &w->timer, 0);
}

static int read_message(struct waiting_walk *w, uint64_t place, struct stored *out,
                        struct store_pin *pin)
{
    struct store *s = w->queue->home->store;
    int rv = w->reader == NULL ? store_peek(s, place, out, pin) : ERR_AGAIN;

    if (rv != ERR_AGAIN)
        return rv;
    if (w->reader == NULL)
        w->reader = store_reader_open(s, w->queue->identity->id, read_is_ready, w);
    return store_read(w->reader, w->at, place, out, pin);
}

/* Shows one message, and takes it out if that is wanted. Errors: ERR_AGAIN: it must be read. */
static int show(struct waiting_walk *w, const struct ledger_entry *e)
{
    struct queue *q = w->queue;
    struct waiting seen = {.seq = w->at, .due_ms = delayed_due_ms(q, e)};
    struct stored stored;
    struct store_pin pin;
    bool is_taken = false;
    int rv = read_message(w, e->place, &stored, &pin);

    if (rv == ERR_CORRUPT || rv == ERR_TRIMMED)
        return 0; /* that will be seen when it is due */
    if (rv != 0)
        return rv;
    seen.message = (struct message){.exchange = stored.exchange,
                                    .routing_key = stored.routing_key,
                                    .body_size = stored.body_size,
                                    .slip = stored.slip};
    if (props_decode(stored.props, &seen.message.props) == 0) {
        is_taken = w->calls.seen(w->calls.owner, &seen);
        w->left--;
    }
    store_pin_release(pin);
    if (!is_taken)
        return 0;
    ready_remove(&q->ready, w->at, e->priority);
    queue_settle(q, w->at, e);
    queue_activate(q);
    return 0;
}

/* ---- in the order in which they are due ---- */

static int compare_places(const void *a, const void *b)
{
    const struct waiting_place *x = (const struct waiting_place *)a;
    const struct waiting_place *y = (const struct waiting_place *)b;

    if (x->due_ms != y->due_ms)
        return x->due_ms < y->due_ms ? -1 : 1;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* Keeps those that are due first, and one more that shows whether there are more. */
static void sort_order(struct waiting_order *o)
{
    qsort(o->places, o->count, sizeof(*o->places), compare_places);
    if (o->count > o->wanted + 1)
        o->count = o->wanted + 1;
}

static void append_place(struct waiting_order *o, struct waiting_place place)
{
    if (o->count == o->capacity) {
        o->capacity = 2 * o->capacity;
        o->places = (struct waiting_place *)mem_grow(o->places, o->capacity, sizeof(*o->places));
    }
    o->places[o->count++] = place;
}

static void add_place(struct waiting_order *o, struct waiting_place place)
{
    if (o->count == 2 * (o->wanted + 1))
        sort_order(o);
    append_place(o, place);
}

/* Shows some of the page. */
static void show_order(struct waiting_walk *w)
{
    struct waiting_order *o = &w->order;
    struct queue *q = w->queue;
    struct ledger_entry e;
    int rv = 0;

    for (unsigned i = 0; i < STEP_MAX && o->at < o->wanted && o->at < o->count; i++) {
        w->at = o->places[o->at].seq;
        if (ledger_find(&q->ledger, w->at, &e) && ready_has(&q->ready, w->at, e.priority))
            rv = show(w, &e);
        if (rv == ERR_AGAIN)
            return; /* read_is_ready() goes on */
        if (rv != 0) {
            end(w, rv, 0);
            return;
        }
        o->at++;
    }
    if (o->at < o->wanted && o->at < o->count) {
        io_timer_start(w->io, &w->timer, 0);
    } else if (w->ids.next < w->ids.end) {
        o->is_ready = false;
        io_timer_start(w->io, &w->timer, 0);
    } else {
        end(w, 0, o->count > o->wanted);
    }
}

static void find_place(void *owner, const struct expiry_item *item)
{
    struct waiting_walk *w = (struct waiting_walk *)owner;
    struct queue *q = w->queue;
    struct ledger_entry e;

    if (ledger_find(&q->ledger, item->seq, &e) && ready_has(&q->ready, item->seq, e.priority))
        append_place(&w->order, (struct waiting_place){delayed_due_ms(q, &e), item->seq});
}

/* The indexes of dates may say at once what comes next. False: they would take too long. */
static bool ask_indexes(struct waiting_walk *w)
{
    struct waiting_order *o = &w->order;
    struct queue *q = w->queue;
    struct expiry_visit v = {.max = o->wanted + 1,
                             .steps = QUICK_STEPS + 4 * (unsigned)o->wanted,
                             .show = find_place,
                             .owner = w};
    size_t kept = 0;

    if (!expiry_visit_next(&q->delayed->spans, &q->ledger, &v) ||
        !expiry_visit_next(&q->delayed->dates, &q->ledger, &v))
        return false;
    qsort(o->places, o->count, sizeof(*o->places), compare_places);
    for (size_t i = 0; i < o->count; i++) /* one may be in two indexes */
        if (i == 0 || o->places[i].seq != o->places[i - 1].seq)
            o->places[kept++] = o->places[i];
    o->count = kept > o->wanted + 1 ? o->wanted + 1 : kept;
    o->is_ready = true;
    return true;
}

/* The next slice of those that may have the message-id. */
static void gather_ids(struct waiting_walk *w)
{
    struct waiting_order *o = &w->order;
    struct ledger *l = &w->queue->ledger;
    struct message_ids_found found = message_ids_find(&w->queue->delayed->ids, l, &w->ids);

    o->at = 0;
    o->count = 0;
    for (size_t i = 0; i < found.count; i++)
        append_place(o, (struct waiting_place){.seq = found.seqs[i]});
    o->wanted = o->count;
    o->is_ready = true;
    mem_free(found.seqs);
    io_timer_start(w->io, &w->timer, 0);
}

/* Looks at some that wait. */
static void gather(struct waiting_walk *w)
{
    struct waiting_order *o = &w->order;
    struct queue *q = w->queue;
    struct ledger_entry e;

    if (w->at == 0) {
        if (ask_indexes(w)) {
            show_order(w);
            return;
        }
        o->count = 0;
    }
    for (unsigned i = 0; i < GATHER_MAX; i++) {
        if (!ledger_next_live(&q->ledger, w->at, &w->at, &e)) {
            sort_order(o);
            o->is_ready = true;
            break;
        }
        if (ready_has(&q->ready, w->at, e.priority))
            add_place(o, (struct waiting_place){delayed_due_ms(q, &e), w->at});
        w->at++;
    }
    io_timer_start(w->io, &w->timer, 0);
}

/* ---- steps ---- */

static void step(struct io_timer *t)
{
    struct waiting_walk *w = CONTAINER_OF(t, struct waiting_walk, timer);
    struct ledger_entry e;

    if (w->queue == NULL) {
        end(w, ERR_NOT_FOUND, 0);
        return;
    }
    if (w->order.places != NULL) {
        if (w->order.is_ready)
            show_order(w);
        else if (w->ids.next < w->ids.end)
            gather_ids(w);
        else
            gather(w);
        return;
    }
    for (unsigned i = 0; i < STEP_MAX; i++) {
        if (!ledger_next_live(&w->queue->ledger, w->at, &w->at, &e)) {
            end(w, 0, 0);
            return;
        }
        if (w->left == 0) {
            end(w, 0, w->at);
            return;
        }
        int rv = ready_has(&w->queue->ready, w->at, e.priority) ? show(w, &e) : 0;
        if (rv == ERR_AGAIN)
            return; /* read_is_ready() goes on */
        if (rv != 0) {
            end(w, rv, 0);
            return;
        }
        w->at++;
    }
    io_timer_start(w->io, &w->timer, 0);
}

struct waiting_walk *waiting_walk_start(struct queue *q, uint64_t from, size_t max,
                                        const struct waiting_calls *calls)
{
    struct waiting_walk *w = MEM_NEW(struct waiting_walk);

    ASSERT(q->delayed != NULL && q->home->partition != NULL);
    w->io = q->home->io;
    w->queue = q;
    w->calls = *calls;
    w->at = from;
    w->left = max;
    io_timer_init(&w->timer, step);
    list_push(&q->delayed->walks, &w->link);
    io_timer_start(w->io, &w->timer, 0);
    return w;
}

struct waiting_walk *waiting_page_start(struct queue *q, size_t skip, size_t max,
                                        const struct waiting_calls *calls)
{
    struct waiting_walk *w = waiting_walk_start(q, 0, max, calls);
    struct waiting_order *o = &w->order;

    ASSERT(skip + max <= WAITING_PAGE_END_MAX);
    o->wanted = skip + max;
    o->at = skip;
    o->capacity = STEP_MAX;
    o->places = MEM_NEW_ARRAY(struct waiting_place, o->capacity);
    return w;
}

struct waiting_walk *waiting_ids_start(struct queue *q, struct bytes id,
                                       const struct waiting_calls *calls)
{
    struct waiting_walk *w = waiting_walk_start(q, 0, SIZE_MAX, calls);
    const struct message_ids *ids = &q->delayed->ids;
    struct waiting_order *o = &w->order;

    if (!message_ids_is_whole(ids, &q->ledger))
        return w;
    w->ids = message_ids_search(ids, &q->ledger, id);
    o->is_ready = true; /* nothing, so far */
    o->capacity = STEP_MAX;
    o->places = MEM_NEW_ARRAY(struct waiting_place, o->capacity);
    return w;
}

void waiting_walk_stop(struct waiting_walk *w)
{
    if (io_timer_is_running(&w->timer))
        io_timer_stop(w->io, &w->timer);
    let_go(w);
    mem_free(w->order.places);
    mem_free(w);
}

void delayed_end_walks(struct delayed *d)
{
    struct list_link *link;

    while ((link = list_first(&d->walks)) != NULL) {
        struct waiting_walk *w = CONTAINER_OF(link, struct waiting_walk, link);

        let_go(w);
        io_timer_start(w->io, &w->timer, 0);
    }
}
