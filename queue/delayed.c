/* Messages that wait until they are due. */
#include "queue/delayed.h"

#include "base/mem.h"
#include "base/zoo.h"
#include "msg/delay.h"
#include "queue/queues_parts.h"

#define NS_PER_MS UINT64_C(1000000)

enum {
    LEVEL_SPAN = 0,
    LEVEL_DATE = 1,
    AGAIN_MS = 1000,
    MOVED_MS = 500,   /* a clock that is put right little by little has not jumped */
    STANDS_MS = 3000, /* longer than between two looks */
};

/* ---- the steady clock ---- */

int64_t steady_seen(struct steady *s, int64_t log_ms)
{
    int64_t now_ms = log_ms - s->behind_ms;

    /* records of a clock that stands still say nothing new */
    if (log_ms > s->log_ms && now_ms - s->slack_ms > s->latest_ms)
        s->latest_ms = now_ms - s->slack_ms;
    if (log_ms > s->log_ms)
        s->log_ms = log_ms;
    return now_ms;
}

void steady_start(struct steady *s, struct io *io)
{
    (void)steady_seen(s, io_wall_ms(io));
    s->start_ms = s->latest_ms;
    s->start_ns = io_now_ns(io);
}

int64_t steady_now_ms(const struct steady *s, struct io *io)
{
    return s->start_ms + (int64_t)((io_now_ns(io) - s->start_ns) / NS_PER_MS);
}

/* Where the log's clock stands still, as the wall clock went back, it is taken to be that much less
 * ahead, so that what comes until the next look is not taken for older than it is. */
static int64_t find_slack(const struct steady *s, struct io *io)
{
    return s->log_ms > io_wall_ms(io) ? STANDS_MS : 0;
}

static int64_t find_ahead(const struct steady *s, struct io *io)
{
    int64_t wall_ms = io_wall_ms(io);
    int64_t log_ms = wall_ms > s->log_ms ? wall_ms : s->log_ms;

    return log_ms - steady_now_ms(s, io) - find_slack(s, io);
}

void steady_save(const struct steady *s, struct io *io, struct buf *out)
{
    int64_t now_ms = steady_now_ms(s, io);

    buf_le64(out, (uint64_t)find_ahead(s, io));
    buf_le64(out, (uint64_t)(find_slack(s, io) > 0 ? -now_ms : now_ms));
}

bool steady_has_moved(struct steady *s, struct io *io, int64_t log_ms)
{
    int64_t moved_ms = log_ms - steady_now_ms(s, io) - s->behind_ms;

    s->log_ms = log_ms;
    if (find_slack(s, io) == 0)
        return moved_ms > MOVED_MS || moved_ms < -MOVED_MS;
    return moved_ms > STANDS_MS + MOVED_MS || moved_ms < STANDS_MS / 2;
}

void steady_told(struct steady *s, struct io *io)
{
    s->behind_ms = find_ahead(s, io);
}

void steady_restore(struct steady *s, struct reader *r)
{
    int64_t now_ms;

    s->behind_ms = (int64_t)reader_le64(r);
    now_ms = (int64_t)reader_le64(r);
    s->slack_ms = now_ms < 0 ? STANDS_MS : 0;
    s->latest_ms = now_ms < 0 ? -now_ms : now_ms;
    s->log_ms = now_ms < 0 ? s->latest_ms + s->behind_ms + STANDS_MS : 0;
}

/* ---- the queue ---- */

static void dates_are_due(struct alarm *a)
{
    queue_activate(CONTAINER_OF(a, struct delayed, due)->queue);
}

struct delayed *delayed_new(struct queue *q)
{
    struct delayed *d = MEM_NEW(struct delayed);

    d->queue = q;
    expiry_init(&d->spans);
    expiry_init(&d->dates);
    d->spans.level = LEVEL_SPAN;
    d->dates.level = LEVEL_DATE;
    alarm_init(&d->due, dates_are_due);
    list_init(&d->walks);
    message_ids_init(&d->ids, q->home->memory.sequels.entries.seed);
    return d;
}

void delayed_free(struct delayed *d)
{
    if (d == NULL)
        return;
    delayed_end_walks(d);
    alarm_stop_date(&d->queue->home->alarms, &d->due);
    expiry_release(&d->spans);
    expiry_release(&d->dates);
    message_ids_release(&d->ids);
    mem_free(d);
}

static struct delay delay_of(const struct props *props)
{
    struct table headers;

    if (!props_find_headers(props, &headers))
        return (struct delay){.kind = DELAY_NONE};
    return delay_of_headers(headers);
}

int64_t queues_steady_ms(struct queues *qs, int64_t wall_ms)
{
    if (qs->partition != NULL)
        return steady_now_ms(&qs->steady, qs->io);
    return steady_seen(&qs->steady, wall_ms);
}

int64_t delayed_date(struct queue *q, int64_t wall_ms, const struct props *props)
{
    struct queues *qs = q->home;
    struct delay delay = delay_of(props);
    int64_t now_ms;

    if (delay.kind == DELAY_DATE)
        return delay.ms > 0 ? delay.ms : 1;
    now_ms = queues_steady_ms(qs, wall_ms);
    if (delay.kind == DELAY_SPAN && delay.ms > 0 && !ZOO(DELAY_FORGOTTEN))
        now_ms += delay.ms + SPAN_ROUNDED_MS;
    return now_ms > 0 ? now_ms : 1;
}

uint8_t delayed_level(const struct props *props)
{
    return delay_of(props).kind == DELAY_DATE ? LEVEL_DATE : LEVEL_SPAN;
}

void delayed_know(struct queue *q, uint64_t seq, const struct props *props)
{
    struct bytes id;

    if (props_find_text(props, PROP_MESSAGE_ID, &id))
        message_ids_add(&q->delayed->ids, id, seq);
}

static struct expiry *index_of(struct delayed *d, const struct ledger_entry *e)
{
    return e->priority == LEVEL_DATE ? &d->dates : &d->spans;
}

void delayed_add(struct queue *q, uint64_t seq, const struct ledger_entry *e)
{
    expiry_add(index_of(q->delayed, e), &q->ledger, seq, e->expires_ms);
}

int64_t delayed_due_ms(const struct queue *q, const struct ledger_entry *e)
{
    const struct queues *qs = q->home;

    if (e->priority == LEVEL_DATE)
        return e->expires_ms;
    return e->expires_ms - steady_now_ms(&qs->steady, qs->io) + io_wall_ms(qs->io);
}

/* Takes what is due out of one index. False: too many are on their way, or nothing is left. */
static bool release_one(struct queue *q, struct expiry *x, int64_t now_ms, unsigned *steps)
{
    struct ledger_entry e;
    uint64_t seq;

    if (!queue_can_kill(q) || !expiry_take(x, &q->ledger, now_ms, steps, &seq))
        return false;
    bool is_live = ledger_find(&q->ledger, seq, &e);

    ASSERT(is_live);
    if (ready_has(&q->ready, seq, e.priority) && !queue_kill_ready(q, seq, &e, DEATH_EXPIRED))
        expiry_again(x, &q->ledger, seq, now_ms + AGAIN_MS); /* no memory */
    return true;
}

/* How long what comes next out of an index has been due; negative: it is not. */
static int64_t overdue_ms(const struct expiry *x, int64_t now_ms)
{
    int64_t next_ms = expiry_next(x);

    return next_ms == EXPIRY_NEVER ? -1 : now_ms - next_ms;
}

bool delayed_release(struct queue *q)
{
    struct delayed *d = q->delayed;
    int64_t steady_ms = steady_now_ms(&q->home->steady, q->home->io);
    int64_t wall_ms = io_wall_ms(q->home->io);
    unsigned steps = STEPS_MAX;

    while (steps > 0) {
        int64_t spans_ms = overdue_ms(&d->spans, steady_ms);
        int64_t dates_ms = overdue_ms(&d->dates, wall_ms);
        bool is_span = spans_ms >= dates_ms;

        if (spans_ms < 0 && dates_ms < 0)
            break;
        /* One that gives nothing has said a date too early; now it knows better. */
        if (!release_one(q, is_span ? &d->spans : &d->dates, is_span ? steady_ms : wall_ms,
                         &steps) &&
            !queue_can_kill(q))
            break;
    }
    return steps == 0;
}

void delayed_set_alarms(struct queue *q)
{
    struct delayed *d = q->delayed;
    struct alarms *as = &q->home->alarms;
    int64_t span_ms = expiry_next(&d->spans);
    int64_t date_ms = expiry_next(&d->dates);

    message_ids_sift(&d->ids, &q->ledger);
    /* While too many are on their way the queue is visited anyway when some are gone. */
    if (date_ms == EXPIRY_NEVER || !queue_can_kill(q))
        alarm_stop_date(as, &d->due);
    else
        alarm_set_date(as, &d->due, date_ms);
    queue_set_span_alarm(q, span_ms);
}

void delayed_clear(struct delayed *d)
{
    expiry_clear(&d->spans);
    expiry_clear(&d->dates);
    message_ids_clear(&d->ids);
}

void delayed_check(const struct delayed *d)
{
    expiry_check(&d->spans);
    expiry_check(&d->dates);
    message_ids_check(&d->ids);
}

/* ---- on the way ---- */

int delayed_prepare(struct funeral *f)
{
    struct death_papers *papers = &f->queue->home->scratch.papers;
    struct props_edit edit;
    struct table headers;
    struct table over;
    int rv = 0;

    f->expiration_ms = queue_expiration(&f->message.props);
    if (!props_find_headers(&f->message.props, &headers))
        return 0;
    buf_clear(&papers->headers);
    buf_clear(&papers->props);
    delay_write_over(headers, &papers->headers);
    rv = table_decode(buf_view(&papers->headers), &over);
    if (rv != 0 || buf_error(&papers->headers) != 0)
        return ERR_RANGE;
    props_edit_init(&edit, &f->message.props);
    props_set_headers(&edit, over);
    props_encode(&edit, &papers->props);
    if (buf_error(&papers->props) != 0)
        return ERR_RANGE;
    rv = props_decode(buf_view(&papers->props), &f->message.props);
    ASSERT(rv == 0);
    return 0;
}

bool delayed_choose(struct funeral *f)
{
    funeral_ask_targets(f);
    for (size_t i = 0; i < f->count; i++) {
        if (queue_refuses(f->targets[i], f->message.body_size))
            return false;
    }
    return true;
}

void delayed_put_back(struct queue *q, struct inflight *dead)
{
    struct expiry *x = index_of(q->delayed, &dead->entry);
    int64_t now_ms = x == &q->delayed->dates ? io_wall_ms(q->home->io)
                                             : steady_now_ms(&q->home->steady, q->home->io);

    funeral_end_dying(q, dead);
    ready_end_withdrawn(&q->ready, dead->seq);
    q->withdrawn_count--;
    q->withdrawn_bytes -= dead->entry.size;
    if (dead->seq < q->ready.cursor) /* behind it all is ready that is not withdrawn */
        ready_return(&q->ready, dead->seq, dead->entry.priority);
    expiry_again(x, &q->ledger, dead->seq, now_ms + AGAIN_MS);
    inflight_free(dead);
}
