/* Messages of a log are looked at and copied. */
#include "base/diag.h"
#include "base/mem.h"
#include "base/zoo.h"
#include "broker/dead.h"
#include "broker/define_parts.h"
#include "broker/replay_parts.h"
#include "exchange/exchange.h"
#include "exchange/route.h"
#include "msg/slip.h"
#include "msg/table_writer.h"
#include "msg/ttl.h"

enum { FILTER_QUEUE = 1 };

/* ---- what matches ---- */

int replay_open_filter(struct replay *r, struct bytes type, struct err_note *note)
{
    struct exchange_options options = exchange_options_default();
    const struct exchange_spec spec = {.name = bytes_text("replayed"), .type = type};
    struct exchange_difference difference;
    struct binding_spec binding = {
        .destination = {.queue = FILTER_QUEUE}, .key = r->key, .arguments = r->arguments};
    bool is_new = false;
    int rv = 0;

    options.rand = &r->broker->rand;
    options.cache_entries_max = 0;
    options.arguments_max_bytes = TERM_ARGUMENTS_MAX;
    r->filter = exchange_table_new(&options);
    rv = exchange_add_queue(r->filter, FILTER_QUEUE, bytes_text("queue"), true);
    ASSERT(rv == 0);
    rv = exchange_declare(r->filter, &spec, &binding.source, &difference, note);
    if (rv == 0)
        rv = exchange_bind(r->filter, &binding, &is_new, note);
    r->filter_exchange = binding.source;
    return rv;
}

void replay_close_filter(struct replay *r)
{
    exchange_table_free(r->filter);
    r->filter = NULL;
}

static bool matches(struct replay *r, const struct message *m)
{
    const struct buf *keys = &r->broker->scratch.keys;
    struct route_view view = {.props = &m->props};
    struct route route;

    dead_collect_keys(r->broker, m);
    view.keys = (const struct bytes *)(const void *)keys->data;
    view.key_count = keys->size / sizeof(struct bytes);
    route_message(r->filter, r->filter_exchange, &view, &route);
    return route.count > 0;
}

/* ---- a copy ---- */

/* The message with x-replayed and with where it comes from, in the broker's buffers. */
static void mark(const struct replay_part *part, uint64_t offset, struct message *m)
{
    struct replay *r = part->replay;
    struct scratch *s = &r->broker->scratch;
    struct table headers = {{NULL, 0}};
    struct table set = {{NULL, 0}};
    struct slip slip = slip_read(m->slip);
    struct props_edit edit;
    struct table_writer w;
    int rv = 0;

    buf_clear(&s->arguments);
    table_writer_init(&w, &s->arguments);
    table_writer_bool(&w, "x-replayed", true);
    rv = table_writer_finish(&w, &set);
    ASSERT(rv == 0);
    buf_clear(&s->headers);
    (void)props_find_headers(&m->props, &headers);
    table_rewrite(headers, set, NULL, 0, &s->headers);
    slip.has_origin = true;
    slip.origin = (struct slip_origin){.replay = r->id,
                                       .part = (uint16_t)(part - r->parts),
                                       .offset = offset,
                                       .goes_ahead = r->is_bound};
    buf_clear(&s->slip);
    slip_write(&slip, &s->slip);
    if (buf_error(&s->slip) != 0) { /* where it comes from counts more than hidden keys */
        slip.keys = bytes_of(NULL, 0);
        buf_clear(&s->slip);
        slip_write(&slip, &s->slip);
    }
    m->slip = buf_view(&s->slip);
    if (buf_error(&s->headers) != 0 || table_decode(buf_view(&s->headers), &headers) != 0)
        return; /* one header more is too much: it goes as it is */
    props_edit_init(&edit, &m->props);
    props_set_headers(&edit, headers);
    buf_clear(&s->props);
    props_encode(&edit, &s->props);
    rv = props_decode(buf_view(&s->props), &m->props);
    ASSERT(rv == 0);
}

/* How long the message may live, from now on. */
static uint64_t expiration_of(const struct props *props)
{
    struct bytes text;
    struct ttl ttl;

    if (!props_find_text(props, PROP_EXPIRATION, &text))
        return QUEUE_NO_LIMIT;
    ttl = ttl_parse(text);
    return ttl.fault == TTL_OK ? ttl.ms : QUEUE_NO_LIMIT;
}

/* Beside others a look and a copy are paid for. */
static void pay(struct replay *r, uint64_t cost)
{
    r->pace.credit -= r->is_riding ? (int64_t)(cost * r->broker->logs.replay_count) : 0;
}

static void count_copy(struct replay *r, const struct queues_published *published,
                       const struct stored *stored)
{
    uint64_t bytes = REPLAY_RECORD_BYTES + (stored->parts > 0 ? 0 : stored->body_size);

    if (!published->is_in_log)
        return;
    r->pace.newest = published->position;
    r->pace.copies++;
    r->pace.bytes += bytes;
    pay(r, REPLAY_COPY_COST * (1 + bytes / REPLAY_COPY_BYTES));
}

/* Errors: ERR_FULL: it cannot be taken now. */
static int copy(struct replay_part *part, const struct stored *stored, struct message *m,
                uint64_t offset)
{
    struct replay *r = part->replay;
    struct named_queue *target = vhost_find_queue_id(r->vhost, r->queue);
    struct queues_published published;
    struct queues_publish publish = {
        .message = m,
        .expiration_ms = expiration_of(&m->props),
        .targets = &target->queue,
        .target_count = 1,
        .shares_first = stored->parts > 0 ? stored->part_first : 0,
    };
    int rv = 0;

    mark(part, offset, m);
    if (home_is_pressed(target->home)) {
        broker_hold(r->broker, &r->held);
        return ERR_FULL;
    }
    rv = queues_publish(target->home->queues, &publish, &published);
    if (rv == 0 && ZOO(REPLAYED_TWICE))
        rv = queues_publish(target->home->queues, &publish, &published);
    if (rv == ERR_FULL)
        broker_hold(r->broker, &r->held);
    if (rv == 0 && published.rejected > 0) {
        io_timer_start(r->broker->io, &r->retry, REPLAY_RETRY_MS * UINT64_C(1000000));
        rv = ERR_FULL;
    }
    if (rv != 0)
        return rv;
    r->copied++;
    count_copy(r, &published, stored);
    return 0;
}

/* ---- the pace ---- */

/* What was passed over without a delivery counts as looked at: what retention took, or what is
 * older than the replay's start. */
static uint64_t left_of(struct replay_part *part)
{
    uint64_t end = part->end;
    uint64_t at = 0;

    if (part->is_done || part->stream == NULL)
        return 0;
    if (part->consumer != NULL && !part->is_asked)
        at = consumer_next_offset(part->consumer);
    part->next = at > part->next ? at : part->next;
    if (end > queue_next_offset(part->stream))
        end = queue_next_offset(part->stream);
    part->is_done = part->next >= part->end;
    return end <= part->next ? 0 : end - part->next;
}

/* What others have written since. */
static uint64_t others(const struct replay_pace *pace, const struct partition *p)
{
    uint64_t written = partition_next(p) - pace->from;

    return written > pace->copies ? written - pace->copies : 0;
}

/* Of one that has to get nearer to those who publish: whether more must be committed before it goes
 * on. */
static bool has_chased(struct replay *r, const struct partition *p)
{
    struct replay_pace *pace = &r->pace;

    if (pace->copies == 0 || partition_committed(p) > pace->newest) {
        bool is_alone = others(pace, p) == 0;

        *pace = (struct replay_pace){.from = partition_next(p), .is_alone = is_alone};
    }
    uint64_t theirs = others(pace, p);
    uint64_t count = r->broker->logs.replay_count;

    if (pace->is_alone && theirs == 0)
        return pace->bytes >= REPLAY_ALONE_BYTES / count;
    return pace->bytes >= REPLAY_CHASE_BYTES / count && pace->copies > theirs + theirs / 2;
}

/* Takes note of what others have written. */
static void watch_others(struct replay *r, const struct partition *p)
{
    struct replay_pace *pace = &r->pace;
    uint64_t theirs = others(pace, p);

    if (theirs == 0)
        return;
    if (partition_committed(p) >= pace->granted) {
        pace->granted = partition_next(p);
        theirs += REPLAY_COMMIT_CREDIT;
    }
    pace->credit += theirs < REPLAY_CREDIT_MAX ? (int64_t)theirs : REPLAY_CREDIT_MAX;
    if (pace->credit > REPLAY_CREDIT_MAX)
        pace->credit = REPLAY_CREDIT_MAX;
    pace->from = partition_next(p);
    pace->copies = 0;
    pace->theirs_ns = io_now_ns(r->broker->io);
    pace->idle_ns = 0;
    pace->burst = REPLAY_BURST_BYTES;
}

/* Whether the log has been idle for longer than it had to work for them. A disk that stands still
 * for a second must not make the replay, and what waits behind it, wait for two. */
static bool is_quiet(struct replay *r, uint64_t committed)
{
    struct replay_pace *pace = &r->pace;
    uint64_t now_ns = io_now_ns(r->broker->io);

    if (committed < pace->from)
        return false;
    if (pace->idle_ns == 0) {
        pace->idle_ns = now_ns;
        pace->quiet_ns = now_ns - pace->theirs_ns;
        if (pace->quiet_ns < REPLAY_QUIET_NS)
            pace->quiet_ns = REPLAY_QUIET_NS;
        if (pace->quiet_ns > REPLAY_QUIET_MAX_NS)
            pace->quiet_ns = REPLAY_QUIET_MAX_NS;
    }
    return now_ns - pace->idle_ns >= pace->quiet_ns;
}

/* Of one that has time: whether the log is for those who publish. */
static bool must_wait(struct replay *r, const struct partition *p)
{
    struct replay_pace *pace = &r->pace;
    uint64_t committed = partition_committed(p);

    watch_others(r, p);
    if (pace->bytes > 0 && committed > pace->newest) {
        pace->bytes = 0;
        pace->burst = 2 * pace->burst < REPLAY_ALONE_BYTES ? 2 * pace->burst : REPLAY_ALONE_BYTES;
    }
    if (r->is_riding && pace->credit >= (int64_t)(REPLAY_COPY_COST * r->broker->logs.replay_count))
        return false;
    return !is_quiet(r, committed) || pace->bytes >= pace->burst / r->broker->logs.replay_count;
}

static bool has_its_share(struct replay *r, struct replay_part *part)
{
    const struct partition *p = queues_partition(queue_home(part->stream));

    if (replay_has_time(r))
        return must_wait(r, p);
    return left_of(part) > REPLAY_SEAM && has_chased(r, p);
}

bool replay_must_wait(struct replay *r)
{
    for (size_t i = 0; replay_has_time(r) && i < r->part_count; i++)
        if (r->parts[i].stream != NULL)
            return must_wait(r, queues_partition(queue_home(r->parts[i].stream)));
    return false;
}

/* Whether enough was done in this turn. Near the end there is no pause, so that publishers who are
 * as fast as a replay are caught up with. */
static bool is_tired(struct replay *r, struct replay_part *part)
{
    if (r->turn != r->broker->turn_number) {
        r->turn = r->broker->turn_number;
        r->turn_count = 0;
    }
    r->turn_count++;
    return r->turn_count > REPLAY_TURN_MAX && left_of(part) > REPLAY_SEAM;
}

static bool stall(struct replay_part *part)
{
    part->is_stalled = true;
    broker_stir(part->replay->broker);
    return false;
}

static bool finish(struct replay_part *part)
{
    part->is_done = true;
    replay_look(part->replay);
    return stall(part);
}

static bool take(struct replay_part *part, struct delivery *d, const struct stored *m)
{
    struct replay *r = part->replay;
    struct message message = {
        .exchange = m->exchange,
        .routing_key = m->routing_key,
        .slip = m->slip,
        .body = &m->body,
        .body_count = m->parts > 0 ? 0 : 1,
        .body_size = m->body_size,
    };

    if (r->is_over || part->is_done)
        return stall(part);
    if (d->offset >= part->end || m->time_ms >= r->until_ms)
        return finish(part);
    if (is_tired(r, part))
        return stall(part);
    if (has_its_share(r, part)) {
        part->is_stalled =
            true; /* until there was a commit, or others have written, or time passes */
        return false;
    }
    pay(r, REPLAY_LOOK_COST);
    if (props_decode(m->props, &message.props) == 0 && matches(r, &message) &&
        copy(part, m, &message, d->offset) != 0) {
        part->is_stalled = true; /* until there is room */
        return false;
    }
    r->looked_at++;
    part->next = d->offset + 1;
    queue_ack(d);
    return true;
}

static bool deliver(void *owner, struct consumer *c, struct delivery *d, const struct stored *m,
                    struct store_pin pin)
{
    struct replay_part *part = (struct replay_part *)owner;

    (void)c;
    (void)pin;
    part->is_asked = true; /* the stream says that it is behind this one, which may not be taken */
    bool is_taken = take(part, d, m);
    part->is_asked = false;
    if (is_taken && left_of(part) == 0)
        replay_look(part->replay);
    return is_taken;
}

/* The log is gone, with its exchange. */
static void cancelled(void *owner, struct consumer *c, enum cancel_reason reason)
{
    struct replay_part *part = (struct replay_part *)owner;

    (void)c;
    (void)reason;
    part->consumer = NULL;
    part->stream = NULL;
    replay_end(part->replay);
}

const struct consumer_ops replay_consumer_ops = {.deliver = deliver, .cancelled = cancelled};

/* ---- the seam ---- */

void replay_go_live(struct replay *r)
{
    struct exchange *source = exchange_find(r->vhost->table, r->source);

    if (source != NULL && vhost_exchange_id(r->vhost, r->source) == r->exchange)
        define_bind_live(r->vhost,
                         &(struct replay_binding){source, r->queue, r->key, r->arguments});
}

void replay_look(struct replay *r)
{
    bool has_end = r->is_one_off || r->is_bound;
    uint64_t position = 0;

    if (r->is_over)
        return;
    for (size_t i = 0; i < r->part_count; i++) {
        if (left_of(&r->parts[i]) > (ZOO(SEAM_GAP) ? 1 : 0) || (has_end && !r->parts[i].is_done))
            return;
    }
    if (!has_end && definitions_newest(&r->broker->definitions, &position) &&
        position == DEFINITION_UNWRITTEN)
        return; /* the binding would be written later than what it lets through */
    if (!has_end)
        replay_go_live(r);
    diag(DIAG_INFO, "broker", "replay %llu of exchange '%.*s' is done%s", (unsigned long long)r->id,
         SHOW(r->source), r->is_one_off ? "" : ", the binding is live");
    replay_end(r);
}
