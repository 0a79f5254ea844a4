/* The end of a turn: who waited for something that has happened is told now. */
#include "broker/turn.h"

#include "base/units.h"
#include "base/zoo.h"
#include "broker/announce.h"
#include "broker/exchange_log.h"
#include "broker/parts.h"
#include "broker/publisher.h"
#include "broker/replay_parts.h"
#include "broker/replies.h"
#include "broker/staged.h"

/* Takes all items off one list, for a walk in which items may go and new ones may come. */
static void move_all(struct list *from, struct list *to)
{
    struct list_link *link = NULL;

    list_init(to);
    while ((link = list_take(from)) != NULL)
        list_push(to, link);
}

/* ---- publishers that are held back ---- */

void broker_hold(struct broker *b, struct held *h)
{
    if (!list_linked(&h->link))
        list_push(&b->holding.held, &h->link);
    for (unsigned i = 0; i < b->home_count; i++)
        if (home_is_pressed(&b->homes[i]) && !b->homes[i].is_failed)
            return; /* somebody will say when it is over */
    if (!io_timer_is_running(&b->holding.retry))
        io_timer_start(b->io, &b->holding.retry, RETRY_MS * UINT64_C(1000000));
}

void broker_release_held(struct broker *b)
{
    definitions_flush(&b->definitions);
    b->holding.may_resume = true;
    broker_stir(b);
}

static void on_retry(struct io_timer *t)
{
    broker_release_held(CONTAINER_OF(t, struct broker, holding.retry));
}

static void resume_held(struct broker *b)
{
    struct list held;
    struct list_link *link = NULL;

    if (!b->holding.may_resume || ZOO(PUBLISHERS_NOT_RESUMED))
        return;
    b->holding.may_resume = false;
    move_all(&b->holding.held, &held);
    while ((link = list_take(&held)) != NULL) {
        struct held *h = CONTAINER_OF(link, struct held, link);

        h->resume(h);
    }
}

/* ---- commits ---- */

void broker_on_progress(struct broker *b, struct home *p)
{
    if (p->number == 0 && p->is_failed)
        b->definitions.is_failed = true;
    if (p->number == 0)
        definitions_flush(&b->definitions);
    broker_stir(b);
}

static void tell_publishers(struct broker *b)
{
    struct list untold;
    struct list_link *link = NULL;

    move_all(&b->untold, &untold);
    while ((link = list_take(&untold)) != NULL) {
        struct confirms *c = CONTAINER_OF(link, struct confirms, link);

        publisher_tell(CONTAINER_OF(c, struct publisher, confirms));
    }
}

/* ---- definitions ---- */

static bool is_committed(const struct broker *b, uint64_t position)
{
    return position != DEFINITION_UNWRITTEN && home_is_safe(&b->homes[0], position);
}

bool broker_wait(struct broker *b, struct broker_waiter *w)
{
    uint64_t position = 0;

    ASSERT(!list_linked(&w->link));
    if (ZOO(DEFINITION_NOT_WAITED))
        return false;
    if (b->definitions.is_failed)
        position = DEFINITION_UNWRITTEN; /* also when it failed before it had a record */
    else if (!definitions_newest(&b->definitions, &position) || is_committed(b, position))
        return false;
    w->position = position;
    list_push(&b->waiters, &w->link);
    if (b->definitions.is_failed)
        broker_stir(b);
    return true;
}

void broker_wait_cancel(struct broker_waiter *w)
{
    if (list_linked(&w->link))
        list_remove(&w->link);
}

/* What was held back has got its position. */
static void place_waiters(struct broker *b)
{
    uint64_t newest = 0;

    if (b->definitions.is_failed || !definitions_newest(&b->definitions, &newest) ||
        newest == DEFINITION_UNWRITTEN)
        return;
    LIST_FOREACH (link, &b->waiters) {
        struct broker_waiter *w = CONTAINER_OF(link, struct broker_waiter, link);

        if (w->position == DEFINITION_UNWRITTEN)
            w->position = newest;
    }
}

static void tell_waiters(struct broker *b)
{
    struct list_link *link = NULL;

    place_waiters(b);
    while ((link = list_first(&b->waiters)) != NULL) {
        struct broker_waiter *w = CONTAINER_OF(link, struct broker_waiter, link);
        bool is_safe = is_committed(b, w->position);

        if (!is_safe && !b->definitions.is_failed)
            return;
        list_remove(link);
        w->done(w, is_safe ? 0 : ERR_FAILED);
    }
}

/* ---- the turn ---- */

static void on_turn(struct io_task *t)
{
    struct broker *b = CONTAINER_OF(t, struct broker, turn);

    b->turn_number++;
    tell_waiters(b);
    visits_tell_expelled(b);
    replies_deliver(b);
    tell_publishers(b);
    staged_step(b);
    exchange_log_bury(b);
    replay_step(b);
    resume_held(b);
    announcements_send(b);
}

void turn_init(struct broker *b)
{
    list_init(&b->waiters);
    list_init(&b->untold);
    list_init(&b->commits);
    list_init(&b->holding.held);
    io_task_init(&b->turn, on_turn);
    io_timer_init(&b->holding.retry, on_retry);
}

void turn_stop(struct broker *b)
{
    io_task_cancel(&b->turn);
    io_timer_stop(b->io, &b->holding.retry);
}
