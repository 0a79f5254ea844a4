/* The life of a replay: begun, found again after a start, ended. */
#include "broker/replay.h"

#include "base/diag.h"
#include "base/mem.h"
#include "broker/replay_parts.h"
#include "exchange/exchange.h"

enum { LOOK_MS = 20 };

/* ---- what is on its way ---- */

static bool is_for(const struct replay *r, const struct replay_spec *spec)
{
    return r->vhost == spec->vhost && r->queue == spec->queue &&
           bytes_equal(r->source, spec->source) && bytes_equal(r->key, spec->key) &&
           bytes_equal(r->arguments.bytes, spec->arguments.bytes);
}

struct replay *replay_find(const struct broker *b, const struct replay_spec *spec)
{
    LIST_FOREACH (link, &b->logs.replays) {
        struct replay *r = CONTAINER_OF(link, struct replay, link);

        if (!r->is_over && is_for(r, spec))
            return r;
    }
    return NULL;
}

const struct replay *replay_next(const struct broker *b, const struct replay *r)
{
    const struct list_link *next = r == NULL ? b->logs.replays.head.next : r->link.next;

    return next == &b->logs.replays.head ? NULL : CONTAINER_OF(next, struct replay, link);
}

/* ---- its definition ---- */

static void write_definition(const struct replay *r)
{
    struct broker *b = r->broker;
    struct replay_term t = {
        .id = r->id,
        .vhost = r->vhost->id,
        .queue = r->queue,
        .exchange = r->exchange,
        .is_one_off = r->is_one_off,
        .is_bound = r->is_bound,
        .until_ms = r->until_ms,
        .source = r->source,
        .routing_key = r->key,
        .part_count = r->part_count,
        .arguments = r->arguments,
    };

    for (size_t i = 0; i < r->part_count; i++)
        t.parts[i] = (struct replay_term_part){.kind = (uint8_t)r->parts[i].start.kind,
                                               .value = r->parts[i].start.value,
                                               .end = r->parts[i].end};
    replay_term_encode(&t, &b->terms);
    definitions_put(&b->definitions, DEFINITION_REPLAY, buf_view(&b->terms.key),
                    buf_view(&b->terms.body));
}

static void remove_definition(const struct replay *r)
{
    struct broker *b = r->broker;

    if (!r->is_durable)
        return;
    replay_term_encode_key(r->id, &b->terms);
    definitions_remove(&b->definitions, DEFINITION_REPLAY, buf_view(&b->terms.key));
}

/* ---- made and freed ---- */

static void on_resumed(struct held *h);
static void on_timer(struct io_timer *t);

static struct replay *replay_new(const struct replay_spec *spec, uint64_t id, size_t part_count)
{
    struct broker *b = spec->vhost->broker;
    struct replay *r = (struct replay *)mem_zero(1, sizeof(*r) + part_count * sizeof(r->parts[0]));
    size_t size = spec->source.size + spec->key.size + spec->arguments.bytes.size;
    struct writer w;

    r->texts = (uint8_t *)mem_alloc(size + 1);
    w = writer_of(r->texts, size);
    writer_bytes(&w, spec->source);
    writer_bytes(&w, spec->key);
    writer_bytes(&w, spec->arguments.bytes);
    r->source = bytes_of(r->texts, spec->source.size);
    r->key = bytes_of(r->texts + spec->source.size, spec->key.size);
    r->arguments.bytes =
        bytes_of(r->texts + spec->source.size + spec->key.size, spec->arguments.bytes.size);
    r->broker = b;
    r->vhost = spec->vhost;
    r->id = id;
    r->queue = spec->queue;
    r->exchange = spec->exchange;
    r->until_ms = INT64_MAX;
    r->held.resume = on_resumed;
    r->part_count = part_count;
    for (size_t i = 0; i < part_count; i++)
        r->parts[i] = (struct replay_part){.replay = r, .end = UINT64_MAX};
    io_timer_init(&r->retry, on_timer);
    list_push(&b->logs.replays, &r->link);
    return r;
}

static void end_consumers(struct replay *r)
{
    for (size_t i = 0; i < r->part_count; i++) {
        if (r->parts[i].consumer != NULL)
            consumer_cancel(r->parts[i].consumer);
        r->parts[i].consumer = NULL;
    }
}

static void replay_free(struct replay *r)
{
    end_consumers(r);
    io_timer_stop(r->broker->io, &r->retry);
    if (list_linked(&r->held.link))
        list_remove(&r->held.link);
    list_remove(&r->link);
    replay_close_filter(r);
    mem_free(r->texts);
    mem_free(r);
}

/* ---- running ---- */

static void resume(struct replay *r)
{
    for (size_t i = 0; i < r->part_count; i++) {
        struct replay_part *part = &r->parts[i];

        if (!part->is_stalled || part->is_done || part->consumer == NULL)
            continue;
        part->is_stalled = false;
        consumer_resume(part->consumer);
    }
}

void replay_ride(struct io_task *t)
{
    struct broker *b = CONTAINER_OF(t, struct broker, logs.ride);

    LIST_FOREACH (link, &b->logs.replays) {
        struct replay *r = CONTAINER_OF(link, struct replay, link);

        if (r->is_over || list_linked(&r->held.link))
            continue;
        r->is_riding = true;
        resume(r);
        for (size_t i = 0; i < r->part_count; i++)
            if (r->parts[i].consumer != NULL && !r->parts[i].is_done)
                consumer_read(r->parts[i].consumer, REPLAY_TURN_MAX);
        r->is_riding = false;
    }
}

static void on_resumed(struct held *h)
{
    resume(CONTAINER_OF(h, struct replay, held));
}

/* Also looks whether it is at the end where nothing was delivered. */
static void on_timer(struct io_timer *t)
{
    struct replay *r = CONTAINER_OF(t, struct replay, retry);

    resume(r);
    replay_look(r);
    if (!r->is_over)
        io_timer_start(r->broker->io, &r->retry, LOOK_MS * UINT64_C(1000000));
}

/* Where a stream is read from: behind the last copy, if there is one. */
static struct stream_start start_of(const struct replay_part *part, struct queues *target)
{
    const struct replay *r = part->replay;
    uint64_t next = 0;

    if (queues_find_origin(target, r->id, (uint16_t)(part - r->parts), &next))
        return (struct stream_start){STREAM_OFFSET, (int64_t)next};
    return part->start;
}

static int open_part(struct replay_part *part, struct queues *target)
{
    const struct stream_want want = {.start = start_of(part, target)};
    const struct consumer_spec spec = {
        .ops = &replay_consumer_ops,
        .owner = part,
        .is_inside = true,
        .timeout_ms = QUEUE_NO_LIMIT,
        .stream = &want,
    };
    uint64_t next = 0;

    if (queues_find_origin(target, part->replay->id, (uint16_t)(part - part->replay->parts), &next))
        part->next = next;
    return queue_consume(part->stream, &spec, &part->consumer);
}

/* Begins to read. ERR_INVALID with a note. */
static int run(struct replay *r, struct err_note *note)
{
    struct exchange *source = exchange_find(r->vhost->table, r->source);
    struct named_queue *target = vhost_find_queue_id(r->vhost, r->queue);
    struct named_queue *log =
        source == NULL ? NULL : vhost_find_queue_id(r->vhost, exchange_log(source));
    int rv = 0;

    if (target == NULL || log == NULL || vhost_exchange_id(r->vhost, r->source) != r->exchange ||
        queue_stream_count(log->queue) != r->part_count)
        return err_note(note, ERR_INVALID, "its queue, its exchange or the log is gone");
    for (size_t i = 0; i < r->part_count; i++)
        if (queue_home(queue_stream_at(log->queue, i)) != target->home->queues)
            return err_note(note, ERR_INVALID, "the queue and the log are on different partitions");
    rv = replay_open_filter(r, exchange_spec(source).type, note);
    r->pace.from = partition_next(queues_partition(target->home->queues));
    r->pace.theirs_ns = io_now_ns(r->broker->io);
    r->pace.burst = REPLAY_BURST_BYTES;
    for (size_t i = 0; i < r->part_count && rv == 0; i++) {
        r->parts[i].stream = queue_stream_at(log->queue, i);
        rv = open_part(&r->parts[i], target->home->queues);
    }
    io_timer_start(r->broker->io, &r->retry, LOOK_MS * UINT64_C(1000000));
    return rv;
}

/* ---- bound at once ---- */

static struct queue *target_of(const struct replay *r)
{
    struct named_queue *target = vhost_find_queue_id(r->vhost, r->queue);

    return target == NULL ? NULL : target->queue;
}

/* Whether what the binding brings can wait in the queue, and nothing else would have to. The
 * definitions of binding and replay must be in the log before what is published next. */
static bool can_be_bound(const struct replay *r)
{
    struct broker *b = r->broker;
    const struct queue *q = target_of(r);
    const struct binding_end end = {.queue = r->queue};
    uint64_t position = 0;

    if (!queue_can_be_held(q) || home_is_pressed(&b->homes[0]))
        return false;
    if (definitions_newest(&b->definitions, &position) && position == DEFINITION_UNWRITTEN)
        return false;
    LIST_FOREACH (link, &b->logs.replays) {
        const struct replay *other = CONTAINER_OF(link, struct replay, link);

        if (other != r && !other->is_over && other->queue == r->queue)
            return other->is_bound;
    }
    return binding_next_to(r->vhost->table, end, NULL) == NULL;
}

static void hold(struct replay *r)
{
    r->is_bound = true;
    queue_hold(target_of(r));
}

/* The binding is there: a crash may have come between its definition and that of the replay, which
 * is written first. */
static bool has_binding(const struct replay *r)
{
    const struct binding_spec spec = {.source = exchange_find(r->vhost->table, r->source),
                                      .destination = {.queue = r->queue},
                                      .key = r->key,
                                      .arguments = r->arguments};

    return spec.source != NULL && exchange_is_bound(r->vhost->table, &spec);
}

/* Where each stream is read from and to, from what was asked for. */
static void aim(struct replay *r, const struct replay_wish *wish, struct queue *log)
{
    r->is_one_off = wish->is_one_off;
    r->until_ms = wish->until_ms;
    for (size_t i = 0; i < r->part_count; i++) {
        struct replay_part *part = &r->parts[i];
        uint64_t next = queue_next_offset(queue_stream_at(log, i));

        part->start = wish->from;
        if (wish->from.kind == STREAM_OFFSET && wish->from.value < 0) {
            uint64_t back = (uint64_t) - (wish->from.value + 1) + 1;

            part->start.value = back > next ? 0 : (int64_t)(next - back);
        }
        if (wish->is_one_off || r->is_bound)
            part->end = wish->until_offset < next ? wish->until_offset : next;
    }
}

int replay_begin(struct visit *v, const struct replay_spec *spec, const struct replay_wish *wish,
                 bool is_durable, struct refusal *refusal)
{
    struct broker *b = v->broker;
    struct exchange *source = exchange_find(v->vhost->table, spec->source);
    struct named_queue *log = vhost_find_queue_id(v->vhost, exchange_log(source));
    struct err_note note = {{0}};
    struct replay *r = NULL;

    ASSERT(log != NULL);
    if (b->logs.replay_count >= REPLAYS_MAX)
        return refuse(refusal, REFUSE_RESOURCE,
                      "%d replays are on their way already; wait until one is done",
                      (int)REPLAYS_MAX);
    r = replay_new(spec, definitions_take_id(&b->definitions), queue_stream_count(log->queue));
    b->logs.replay_count++;
    r->is_durable = is_durable;
    bool is_bound = !wish->is_one_off && can_be_bound(r);
    r->is_bound = is_bound;
    aim(r, wish, log->queue);
    r->is_bound = false; /* until it holds the queue */
    if (run(r, &note) != 0) {
        replay_end(r);
        return refuse(refusal, REFUSE_PRECONDITION, "%s", note.text);
    }
    if (is_bound)
        hold(r);
    if (is_durable)
        write_definition(r);
    if (is_bound)
        replay_go_live(r);
    replay_look(r);
    return 0;
}

static void restore_one(struct broker *b, const struct definition *d)
{
    struct replay_term t = {0};
    struct err_note note = {{0}};
    struct vhost *v = replay_term_decode(d, &t) ? vhost_find_id(b, t.vhost) : NULL;
    struct replay *r = NULL;

    if (v == NULL)
        return;
    r = replay_new(&(struct replay_spec){.vhost = v,
                                         .queue = t.queue,
                                         .exchange = t.exchange,
                                         .source = t.source,
                                         .key = t.routing_key,
                                         .arguments = t.arguments},
                   t.id, t.part_count);
    b->logs.replay_count++;
    r->is_durable = true;
    r->is_one_off = t.is_one_off;
    r->until_ms = t.until_ms;
    for (size_t i = 0; i < t.part_count; i++) {
        r->parts[i].start =
            (struct stream_start){(enum stream_start_kind)t.parts[i].kind, t.parts[i].value};
        r->parts[i].end = t.parts[i].end;
    }
    bool is_bound = t.is_bound && has_binding(r);
    for (size_t i = 0; i < t.part_count && t.is_bound && !is_bound; i++)
        r->parts[i].end = UINT64_MAX; /* the one who bound it never heard so: it follows */
    if (run(r, &note) == 0) {
        if (is_bound)
            hold(r);
        return;
    }
    diag(DIAG_WARNING, "broker", "a replay of exchange '%.*s' does not go on: %s", SHOW(t.source),
         note.text);
    replay_end(r);
}

void replay_restore_all(struct broker *b)
{
    struct names_entry *e = NULL;

    while ((e = definitions_next(&b->definitions, DEFINITION_REPLAY, e)) != NULL)
        restore_one(b, (const struct definition *)e->value);
}

/* ---- the end ---- */

void replay_end(struct replay *r)
{
    struct named_queue *target = vhost_find_queue_id(r->vhost, r->queue);

    if (r->is_over)
        return;
    r->is_over = true;
    remove_definition(r);
    if (target != NULL && r->is_bound)
        queue_release_hold(target->queue);
    if (target != NULL)
        queues_drop_origins(target->home->queues, r->id, r->part_count);
    broker_stir(r->broker);
}

int replay_cancel(struct broker *b, uint64_t id)
{
    LIST_FOREACH (link, &b->logs.replays) {
        struct replay *r = CONTAINER_OF(link, struct replay, link);

        if (r->id != id || r->is_over)
            continue;
        replay_end(r);
        return 0;
    }
    return ERR_NOT_FOUND;
}

void replay_end_of_queue(struct broker *b, uint64_t queue)
{
    LIST_FOREACH (link, &b->logs.replays) {
        struct replay *r = CONTAINER_OF(link, struct replay, link);

        if (r->queue == queue)
            replay_end(r);
    }
}

void replay_end_of_exchange(struct vhost *v, struct bytes name)
{
    LIST_FOREACH (link, &v->broker->logs.replays) {
        struct replay *r = CONTAINER_OF(link, struct replay, link);

        if (r->vhost == v && bytes_equal(r->source, name))
            replay_end(r);
    }
}

void replay_step(struct broker *b)
{
    LIST_FOREACH_SAFE (link, &b->logs.replays) {
        struct replay *r = CONTAINER_OF(link, struct replay, link);

        if (!r->is_over) {
            if (replay_must_wait(r))
                io_timer_start(b->io, &r->retry, REPLAY_QUIET_NS);
            else if (!list_linked(&r->held.link))
                resume(r);
            continue;
        }
        b->logs.replay_count--;
        replay_free(r);
    }
}

void replay_stop(struct broker *b)
{
    LIST_FOREACH_SAFE (link, &b->logs.replays) {
        replay_free(CONTAINER_OF(link, struct replay, link));
    }
    b->logs.replay_count = 0;
}

/* ---- look ---- */

struct replay_view replay_view(const struct replay *r)
{
    struct named_queue *target = vhost_find_queue_id(r->vhost, r->queue);
    struct replay_view view = {
        .id = r->id,
        .vhost = r->vhost->name,
        .exchange = r->source,
        .queue = target == NULL ? bytes_of(NULL, 0) : queue_name(target->queue),
        .routing_key = r->key,
        .is_one_off = r->is_one_off,
        .is_waiting = list_linked(&r->held.link),
        .looked_at = r->looked_at,
        .copied = r->copied,
    };

    for (size_t i = 0; i < r->part_count; i++) {
        const struct replay_part *part = &r->parts[i];
        uint64_t end = part->stream == NULL ? 0 : queue_next_offset(part->stream);

        end = part->end < end ? part->end : end;
        view.left += part->is_done || end <= part->next ? 0 : end - part->next;
    }
    return view;
}
