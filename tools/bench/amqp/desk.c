/* Takes deliveries, checks each, and acks. */
#include "tools/bench/amqp/desk.h"

#include <inttypes.h>

#include "base/mem.h"
#include "msg/table_writer.h"
#include "tools/bench/amqp/crew.h"
#include "tools/bench/amqp/desk_form.h"
#include "tools/bench/measure/machine.h"

enum { ARGUMENTS_MAX = 256 };

/* ---- acks ---- */

static void ack(struct desk *d, struct desk_consumer *c)
{
    struct method m = {
        .id = METHOD_BASIC_ACK,
        .basic_ack = {.delivery_tag = c->tag, .multiple = c->tag - c->acked > 1},
    };

    client_send(&d->client, (uint16_t)(c - d->consumers + 1), &m);
    c->acked = c->tag;
}

static inline void ack_when_due(struct desk *d, struct desk_consumer *c)
{
    uint64_t every = (uint64_t)d->crew->work->ack_every;

    if (every > 0 && c->tag - c->acked >= every)
        ack(d, c);
}

void desk_settle(struct desk *d)
{
    for (uint16_t i = 0; i < d->count; i++) {
        struct desk_consumer *c = &d->consumers[i];

        if (d->crew->work->ack_every > 0 && c->tag > c->acked)
            ack(d, c);
    }
    client_flush(&d->client);
}

/* ---- what a delivery says ---- */

static void take_order(struct desk *d, struct desk_consumer *c, const struct cargo_label *label,
                       unsigned flags)
{
    struct checker *checker = &d->crew->checker;
    size_t lane = c->lane + label->producer;

    if (UNLIKELY(label->producer >= (uint64_t)d->crew->work->producers))
        checker_blame(checker, FAULT_STRAY, "a message of producer %u came, and there is none",
                      label->producer);
    else if (c->tracks == NULL)
        checker_take(checker, lane, label->sequence, flags);
    else
        checker_take_shared(checker, lane, &c->tracks[label->producer], label->sequence, flags);
}

/* A member of a group learns from the key whose partition he got. */
static void find_lane(const struct desk *d, struct desk_consumer *c, struct bytes key)
{
    const struct topology *t = &d->crew->topology;

    if (LIKELY(!d->crew->work->is_group || bytes_equal(key, bytes_text(c->key.text))))
        return;
    for (uint32_t i = 0; i < (uint32_t)d->crew->work->queues; i++) {
        struct topology_name name = topology_queue(t, i);

        if (!bytes_equal(key, bytes_text(name.text)))
            continue;
        c->queue = i;
        c->lane = (size_t)i * (size_t)d->crew->work->producers;
        c->key = name;
        return;
    }
}

/* The key that a message of this sequence was published with. */
static struct bytes key_of(const struct desk *d, const struct desk_consumer *c, uint64_t sequence)
{
    if (d->crew->work->exchange == EXCHANGE_TOPIC)
        return bytes_text(d->crew->keys[sequence % TOPOLOGY_KEYS].text);
    return bytes_text(c->key.text);
}

static void blame_altered(struct desk *d, const struct desk_consumer *c, const char *what)
{
    checker_blame(&d->crew->checker, FAULT_ALTERED,
                  "%s of delivery %" PRIu64 " from queue %u is not what was published", what,
                  c->tag, c->queue);
}

/* With a rate: how long it took since it was due. */
static void take_latency(struct desk *d, const struct cargo_label *label, uint64_t now_ns)
{
    uint64_t due_ns = crew_due_ns(d->crew, label->producer, label->sequence);

    histogram_add(&d->crew->meter.delivery_ns, now_ns > due_ns ? now_ns - due_ns : 0, 1);
}

static inline void take_seen(struct desk *d, struct desk_consumer *c, const struct desk_seen *seen,
                             uint64_t now_ns)
{
    const struct cargo *cargo = &d->crew->cargo;
    struct bytes body = seen->body;
    struct cargo_label label;
    bool is_same = cargo_read(cargo, body, &label);

    if (is_same && body.size > CARGO_HEAD_SIZE)
        is_same = cargo_is_same(cargo, label.sequence, CARGO_HEAD_SIZE,
                                bytes_of(body.data + CARGO_HEAD_SIZE, body.size - CARGO_HEAD_SIZE));
    c->tag++;
    find_lane(d, c, seen->key);
    if (LIKELY(is_same))
        take_order(d, c, &label, 0);
    else
        blame_altered(d, c, "the body");
    if (is_same && UNLIKELY(!bytes_equal(seen->key, key_of(d, c, label.sequence))))
        blame_altered(d, c, "the routing key");
    if (is_same && now_ns > 0)
        take_latency(d, &label, now_ns);
    ack_when_due(d, c);
}

static void count_delivered(struct desk *d, uint64_t count, uint64_t now_ns)
{
    d->crew->meter.delivered += count;
    d->crew->meter.last_delivery_ns = now_ns;
    crew_on_delivered(d->crew);
}

static struct desk_consumer *find_consumer(struct desk *d, uint16_t channel)
{
    return channel >= 1 && channel <= d->count ? &d->consumers[channel - 1] : NULL;
}

/* Deliveries that look like those before. */
static size_t on_bytes(struct client *client, struct bytes window)
{
    struct desk *d = CONTAINER_OF(client, struct desk, client);
    uint64_t now_ns = machine_now_ns(), due_ns = d->crew->interval_ns > 0 ? now_ns : 0;
    size_t done = 0;
    uint64_t count = 0;

    while (window.size - done >= FRAME_HEAD_SIZE) {
        struct bytes left = bytes_of(window.data + done, window.size - done);
        struct desk_consumer *c = find_consumer(d, get_be16(left.data + 1));
        struct desk_seen seen;

        if (c == NULL || !c->form.is_known || c->delivery.is_open ||
            !desk_form_read(&c->form, left, c->tag + 1, d->crew->cargo.size, &seen))
            break;
        take_seen(d, c, &seen, due_ns);
        done += seen.size;
        count++;
    }
    if (count > 0)
        count_delivered(d, count, now_ns);
    return done;
}

/* ---- field by field ---- */

static void begin_delivery(struct desk *d, struct desk_consumer *c, const struct method *m)
{
    struct bytes key = m->basic_deliver.routing_key;

    if (c->delivery.is_open || m->basic_deliver.delivery_tag != c->tag + 1) {
        load_fail(d->client.load, ERR_INVALID,
                  "delivery tag %" PRIu64 " came where %" PRIu64 " was due",
                  m->basic_deliver.delivery_tag, c->tag + 1);
        return;
    }
    c->tag++;
    find_lane(d, c, key);
    c->delivery = (struct desk_delivery){
        .is_open = true,
        .is_redelivered = m->basic_deliver.redelivered,
        .is_bad = key.size > TOPOLOGY_NAME_SIZE,
    };
    if (c->delivery.is_bad) {
        blame_altered(d, c, "the routing key");
        key.size = 0;
    }
    if (key.size > 0)
        memcpy(c->delivery.key_bytes, key.data, key.size);
    c->delivery.key = bytes_of(c->delivery.key_bytes, key.size);
    desk_form_open(&c->form, m);
}

static void end_delivery(struct desk *d, struct desk_consumer *c)
{
    struct desk_delivery *v = &c->delivery;
    uint64_t now_ns = machine_now_ns();

    if (!v->is_bad && !bytes_equal(v->key, key_of(d, c, v->label.sequence)))
        blame_altered(d, c, "the routing key");
    if (!v->is_bad)
        take_order(d, c, &v->label, v->is_redelivered ? CHECKER_REDELIVERED : 0);
    if (!v->is_bad && d->crew->interval_ns > 0)
        take_latency(d, &v->label, now_ns);
    v->is_open = false;
    ack_when_due(d, c);
    count_delivered(d, 1, now_ns);
}

static void on_method(struct client *client, uint16_t channel, const struct method *m)
{
    struct desk *d = CONTAINER_OF(client, struct desk, client);
    struct desk_consumer *c = find_consumer(d, channel);

    if (c != NULL && m->id == METHOD_BASIC_DELIVER)
        begin_delivery(d, c, m);
    else if (m->id == METHOD_BASIC_CANCEL)
        load_fail(client->load, ERR_CLOSED, "the broker cancelled a consumer");
    else
        load_fail(client->load, ERR_INVALID, "the broker sent method %u.%u to a consumer",
                  method_class_of(m->id), method_number_of(m->id));
}

static void on_header(struct client *client, uint16_t channel, const struct content *content)
{
    struct desk *d = CONTAINER_OF(client, struct desk, client);
    struct desk_consumer *c = find_consumer(d, channel);

    if (c == NULL || !c->delivery.is_open || c->delivery.has_header) {
        load_fail(client->load, ERR_INVALID, "the broker sent a content header out of turn");
        return;
    }
    c->delivery.has_header = true;
    if (content->body_size == d->crew->cargo.size) {
        if (content->body_size <= d->client.frame_max - FRAME_EMPTY_SIZE)
            desk_form_close(&c->form, channel, content);
        return;
    }
    blame_altered(d, c, "the size of the body");
    c->delivery.is_open = false; /* its body, if there is one, is then out of turn */
    load_fail(client->load, ERR_CORRUPT, "%s", d->crew->checker.first.text);
}

/* Checks the part of a body that begins `done` bytes in. */
static void take_part(struct desk *d, struct desk_consumer *c, struct bytes part)
{
    const struct cargo *cargo = &d->crew->cargo;
    struct desk_delivery *v = &c->delivery;
    size_t head_size = cargo->size < CARGO_HEAD_SIZE ? cargo->size : CARGO_HEAD_SIZE;
    bool is_same = true;

    if (v->done < head_size) {
        size_t size = head_size - v->done < part.size ? head_size - v->done : part.size;

        memcpy(v->head + v->done, part.data, size);
        v->done += size;
        part = bytes_of(part.data + size, part.size - size);
        if (v->done == head_size)
            is_same = cargo_read(cargo, bytes_of(v->head, head_size), &v->label);
    }
    if (is_same && part.size > 0 && !v->is_bad)
        is_same = cargo_is_same(cargo, v->label.sequence, v->done, part);
    v->done += part.size;
    if (!is_same && !v->is_bad) {
        v->is_bad = true;
        blame_altered(d, c, "the body");
    }
}

static void on_body(struct client *client, uint16_t channel, struct bytes part)
{
    struct desk *d = CONTAINER_OF(client, struct desk, client);
    struct desk_consumer *c = find_consumer(d, channel);
    size_t size = d->crew->cargo.size;

    if (c == NULL || !c->delivery.has_header || !c->delivery.is_open ||
        part.size > size - c->delivery.done) {
        load_fail(client->load, ERR_INVALID, "the broker sent a body out of turn");
        return;
    }
    if (part.size < size)
        c->form.is_known = false; /* more than one frame: to be read field by field */
    take_part(d, c, part);
    if (c->delivery.done == size)
        end_delivery(d, c);
}

static const struct client_ops ops = {
    .on_bytes = on_bytes,
    .on_method = on_method,
    .on_header = on_header,
    .on_body = on_body,
};

/* ---- begin and end ---- */

static void init_consumer(struct desk *d, struct desk_consumer *c, uint32_t number)
{
    const struct workload *w = d->crew->work;
    uint32_t queues = (uint32_t)w->queues;
    bool is_shared = w->consumers > w->queues && !workload_reads_all(w);

    c->queue = number % queues;
    c->lane = (size_t)(workload_reads_all(w) ? number : c->queue) * (size_t)w->producers;
    if (!workload_is_broadcast(w))
        c->key = topology_queue(&d->crew->topology, c->queue);
    if (is_shared)
        c->tracks = MEM_NEW_ARRAY(uint64_t, (size_t)w->producers);
}

int desk_open(struct desk *d, struct crew *crew, uint32_t first, uint32_t step)
{
    uint32_t all = (uint32_t)crew->work->consumers;
    uint32_t count = (all - first + step - 1) / step;

    ASSERT(first < all && count <= UINT16_MAX);
    *d = (struct desk){
        .crew = crew,
        .count = (uint16_t)count,
        .consumers = MEM_NEW_ARRAY(struct desk_consumer, count),
    };
    for (uint32_t i = 0; i < count; i++)
        init_consumer(d, &d->consumers[i], first + i * step);
    return client_open(&d->client, crew->load, &ops, d->count);
}

void desk_release(struct desk *d)
{
    for (uint16_t i = 0; i < d->count; i++)
        mem_free(d->consumers[i].tracks);
    mem_free(d->consumers);
    client_release(&d->client);
    *d = (struct desk){0};
}

static void consume(struct desk *d, uint16_t channel)
{
    const struct workload *w = d->crew->work;
    struct topology_name queue =
        topology_source(&d->crew->topology, d->consumers[channel - 1].queue);
    struct method m = {
        .id = METHOD_BASIC_CONSUME,
        .basic_consume = {.queue = bytes_text(queue.text),
                          .consumer_tag = bytes_text("c"),
                          .no_ack = w->ack_every == 0},
    };
    struct table_writer t;
    struct buf area;
    int rv = 0;

    buf_init(&area, ARGUMENTS_MAX);
    if (w->is_stream) {
        table_writer_init(&t, &area);
        if (w->is_group)
            table_writer_text(&t, "x-group", bytes_text("bench"));
        table_writer_text(&t, w->is_group ? "x-group-start" : "x-stream-offset",
                          bytes_text("first"));
        rv = table_writer_finish(&t, &m.basic_consume.arguments);
    }
    ASSERT(rv == 0);
    client_call(&d->client, channel, &m);
    buf_release(&area);
}

void desk_consume(struct desk *d)
{
    struct method qos = {
        .id = METHOD_BASIC_QOS,
        .basic_qos = {.prefetch_count = (uint16_t)d->crew->work->prefetch},
    };

    for (uint16_t i = 1; i <= d->count; i++) {
        if (d->crew->work->prefetch > 0)
            client_call(&d->client, i, &qos);
        consume(d, i);
    }
    client_flush(&d->client);
}
