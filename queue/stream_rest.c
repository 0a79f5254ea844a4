/* Work is counted, and what others publish; an alarm ends a rest. */
#include "queue/stream_rest.h"

#include "queue/bookmark.h"
#include "queue/queues_parts.h"

#define REST_NS    UINT64_C(500000)
#define LIVELY_NS  UINT64_C(200000000) /* who publishes as often as this is there all the time */
#define LOOK_NS    UINT64_C(20000000)
#define CROWDED_NS UINT64_C(10000) /* on average from message to message */

static struct queues *queues_of(struct queues_rest *r)
{
    return CONTAINER_OF(r, struct queues, streams.rest);
}

static uint64_t count_published(const struct queues *qs)
{
    uint64_t count = 0;

    for (size_t i = 0; i < ARRAY_SIZE(qs->tallies); i++)
        count += qs->tallies[i].published;
    return count;
}

/* Whether others are served better when history waits. */
static bool is_worth_it(struct queues_rest *r)
{
    struct queues *qs = queues_of(r);
    uint64_t now_ns = io_now_ns(qs->io);
    uint64_t count = count_published(qs);
    uint64_t more = count - r->published;
    uint64_t since_ns = now_ns - r->looked_ns;

    if (more > 0 && since_ns < LIVELY_NS)
        r->lively_ns = now_ns;
    if (since_ns >= LOOK_NS) {
        r->is_crowded = more >= since_ns / CROWDED_NS;
        r->published = count;
        r->looked_ns = now_ns;
    }
    return r->lively_ns != 0 && now_ns - r->lively_ns < LIVELY_NS && !r->is_crowded;
}

static void rest_is_over(struct alarm *a)
{
    struct queues_rest *r = CONTAINER_OF(a, struct queues_rest, over);
    struct list_link *link;

    while ((link = list_first(&r->bookmarks)) != NULL)
        bookmark_wake(CONTAINER_OF(link, struct bookmark, run));
}

void stream_rest_init(struct queues *qs)
{
    struct queues_rest *r = &qs->streams.rest;

    list_init(&r->bookmarks);
    alarm_init(&r->over, rest_is_over);
}

/* Replays have a pace of their own, a basic.get ends soon. */
static bool reads_history(const struct bookmark *p)
{
    return p->reading.reader != NULL && p->consumer != NULL && !p->consumer->is_inside;
}

bool stream_rest_takes(struct bookmark *p)
{
    const struct queues_rest *r = &p->queue->home->streams.rest;

    if (LIKELY(!alarm_waits(&r->over)) || !reads_history(p))
        return false;
    bookmark_leave_runnable(p, BOOKMARK_RESTING);
    return true;
}

void stream_rest_count(struct bookmark *p, unsigned work)
{
    struct queues *qs = p->queue->home;
    struct queues_rest *r = &qs->streams.rest;

    if (LIKELY(!reads_history(p)))
        return;
    r->work += work;
    if (r->work < PASS_MAX)
        return;
    r->work = 0;
    if (is_worth_it(r) && !alarm_waits(&r->over))
        alarm_set_after(&qs->alarms, &r->over, REST_NS);
}
