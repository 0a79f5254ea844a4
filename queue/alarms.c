/* Two heaps and a timer for the nearer of their tops. */
#include "queue/alarms.h"

#include "base/check.h"
#include "base/units.h"

#define NS_PER_MS UINT64_C(1000000)

/* How long a date is awaited at most without another look at the wall clock. */
enum { LOOK_MS = 10000 };

static struct alarm *alarm_of(struct heap_node *n)
{
    return n == NULL ? NULL : CONTAINER_OF(n, struct alarm, node);
}

/* How long until the first of all is due; UINT64_MAX when there is none. */
static uint64_t next_delay_ns(const struct alarms *as)
{
    const struct heap_node *span = heap_first(&as->spans);
    const struct heap_node *date = heap_first(&as->dates);
    uint64_t delay_ns = UINT64_MAX;

    if (span != NULL) {
        uint64_t now_ns = io_now_ns(as->io);
        delay_ns = span->order > now_ns ? span->order - now_ns : 0;
    }
    if (date != NULL) {
        uint64_t now_ms = (uint64_t)io_wall_ms(as->io);
        uint64_t left_ms = date->order > now_ms ? date->order - now_ms : 0;
        uint64_t left_ns = (left_ms < LOOK_MS ? left_ms : LOOK_MS) * NS_PER_MS;
        delay_ns = left_ns < delay_ns ? left_ns : delay_ns;
    }
    return delay_ns;
}

static void set_timer(struct alarms *as)
{
    uint64_t delay_ns = next_delay_ns(as);

    if (delay_ns == UINT64_MAX)
        io_timer_stop(as->io, &as->timer);
    else
        io_timer_start(as->io, &as->timer, delay_ns);
}

/* Calls those of one heap that are due. One that is set anew for now waits for the next time. */
static void ring(struct heap *h, uint64_t now)
{
    for (size_t most = h->count; most > 0; most--) {
        struct heap_node *n = heap_first(h);

        if (n == NULL || n->order > now)
            return;
        heap_remove(h, n);
        alarm_of(n)->fn(alarm_of(n));
    }
}

static void timer_is_due(struct io_timer *t)
{
    struct alarms *as = CONTAINER_OF(t, struct alarms, timer);

    ring(&as->spans, io_now_ns(as->io));
    ring(&as->dates, (uint64_t)io_wall_ms(as->io));
    set_timer(as);
}

void alarms_init(struct alarms *as, struct io *io)
{
    *as = (struct alarms){.io = io};
    heap_init(&as->spans);
    heap_init(&as->dates);
    io_timer_init(&as->timer, timer_is_due);
}

/* Alarms that wait know that they do no longer. */
static void forget_all(struct heap *h)
{
    struct heap_node *n;

    while ((n = heap_first(h)) != NULL)
        heap_remove(h, n);
    heap_release(h);
}

void alarms_release(struct alarms *as)
{
    if (io_timer_is_running(&as->timer))
        io_timer_stop(as->io, &as->timer);
    forget_all(&as->spans);
    forget_all(&as->dates);
}

void alarm_init(struct alarm *a, void (*fn)(struct alarm *a))
{
    *a = (struct alarm){.fn = fn};
}

/* Puts the node at its new place; the timer is set only when the first one changes. */
static void set(struct alarms *as, struct heap *h, struct alarm *a, uint64_t order)
{
    bool was_first = heap_first(h) == &a->node;

    if (heap_holds(&a->node)) {
        if (a->node.order == order)
            return;
        heap_remove(h, &a->node);
    }
    a->node.order = order;
    heap_push(h, &a->node);
    if (was_first || heap_first(h) == &a->node)
        set_timer(as);
}

void alarm_set_after(struct alarms *as, struct alarm *a, uint64_t delay_ns)
{
    set(as, &as->spans, a, io_now_ns(as->io) + delay_ns);
}

void alarm_set_date(struct alarms *as, struct alarm *a, int64_t wall_ms)
{
    set(as, &as->dates, a, wall_ms > 0 ? (uint64_t)wall_ms : 0);
}

void alarm_stop_span(struct alarms *as, struct alarm *a)
{
    if (heap_holds(&a->node))
        heap_remove(&as->spans, &a->node);
}

void alarm_stop_date(struct alarms *as, struct alarm *a)
{
    if (heap_holds(&a->node))
        heap_remove(&as->dates, &a->node);
}

bool alarm_waits(const struct alarm *a)
{
    return heap_holds(&a->node);
}

bool alarms_wait(const struct alarms *as)
{
    return as->spans.count > 0 || as->dates.count > 0;
}
