/* Declares, binds, counts and deletes; many calls are on their way at once. */
#include "tools/bench/amqp/topology.h"

#include <stdio.h>

#include "msg/table_writer.h"
#include "tools/bench/amqp/client.h"
#include "tools/bench/amqp/load.h"

enum {
    CALLS_AT_ONCE = 256,
    ARGUMENTS_MAX = 256,
    KEY_SIDE = 8, /* keys are load.x.y.m with x and y below it */
    TRANSIENT = 1,
    PERSISTENT = 2,
};

static const char *const kinds[] = {"", "direct", "fanout", "topic", "headers"};

struct topology_name topology_queue(const struct topology *t, uint32_t queue)
{
    struct topology_name name;

    (void)snprintf(name.text, sizeof(name.text), "b%06x%c%u", t->run & 0xffffffu,
                   t->work->is_group ? '-' : '.', queue); /* a partition is named so */
    return name;
}

struct topology_name topology_source(const struct topology *t, uint32_t queue)
{
    struct topology_name name;

    if (!t->work->is_group)
        return topology_queue(t, queue);
    (void)snprintf(name.text, sizeof(name.text), "b%06x", t->run & 0xffffffu);
    return name;
}

struct topology_name topology_exchange(const struct topology *t)
{
    struct topology_name name = {.text = ""};

    if (t->work->exchange != EXCHANGE_DEFAULT)
        (void)snprintf(name.text, sizeof(name.text), "b%06x", t->run & 0xffffffu);
    return name;
}

/* ---- who sends where ---- */

static uint32_t producers_of(const struct topology *t)
{
    return (uint32_t)t->work->producers;
}

static uint32_t queues_of(const struct topology *t)
{
    return (uint32_t)t->work->queues;
}

/* A stream makes and deletes its partitions. */
static uint32_t sources_of(const struct topology *t)
{
    return t->work->is_group ? 1 : queues_of(t);
}

uint32_t topology_route_count(const struct topology *t, uint32_t producer)
{
    uint32_t producers = producers_of(t), queues = queues_of(t);

    ASSERT(producer < producers);
    if (t->work->exchange == EXCHANGE_TOPIC)
        return TOPOLOGY_KEYS;
    if (workload_is_broadcast(t->work) || queues <= producers)
        return 1;
    return queues / producers + (producer < queues % producers);
}

/* The queue of a producer's route, where a message goes to one queue. */
static uint32_t queue_of(const struct topology *t, uint32_t producer, uint32_t route)
{
    uint32_t producers = producers_of(t), queues = queues_of(t);

    return queues <= producers ? producer % queues : producer + route * producers;
}

struct topology_name topology_route_key(const struct topology *t, uint32_t producer, uint32_t route)
{
    struct topology_name name = {.text = ""};

    ASSERT(route < topology_route_count(t, producer));
    if (t->work->exchange == EXCHANGE_TOPIC)
        (void)snprintf(name.text, sizeof(name.text), "load.%u.%u.m", route / KEY_SIDE,
                       route % KEY_SIDE);
    else if (!workload_is_broadcast(t->work))
        name = topology_queue(t, queue_of(t, producer, route));
    return name;
}

struct topology_lane topology_lane(const struct topology *t, uint32_t queue, uint32_t producer)
{
    uint32_t producers = producers_of(t), queues = queues_of(t);

    if (workload_is_broadcast(t->work))
        return (struct topology_lane){.first = 0, .step = 1};
    if (queues <= producers)
        return (struct topology_lane){.first = 0, .step = producer % queues == queue ? 1 : 0};
    if (queue % producers != producer)
        return (struct topology_lane){0};
    return (struct topology_lane){.first = queue / producers,
                                  .step = topology_route_count(t, producer)};
}

/* ---- tables and properties ---- */

/* The header that a headers exchange looks at. */
static void write_mark(struct table_writer *w)
{
    table_writer_text(w, "load", bytes_text("all"));
}

static struct table finish(struct table_writer *w)
{
    struct table table;
    int rv = table_writer_finish(w, &table);

    ASSERT(rv == 0);
    return table;
}

void topology_write_props(const struct topology *t, struct buf *out)
{
    struct props_edit props;
    struct table_writer w;
    struct buf area;

    buf_init(&area, ARGUMENTS_MAX);
    props_edit_init(&props, NULL);
    props_set_octet(&props, PROP_DELIVERY_MODE, t->work->is_persistent ? PERSISTENT : TRANSIENT);
    table_writer_init(&w, &area);
    if (t->work->exchange == EXCHANGE_HEADERS)
        write_mark(&w);
    if (t->due_ms != 0)
        table_writer_long(&w, "x-deliver-at", t->due_ms);
    if (t->work->exchange == EXCHANGE_HEADERS || t->due_ms != 0)
        props_set_headers(&props, finish(&w));
    props_encode(&props, out);
    ASSERT(buf_error(out) == 0);
    buf_release(&area);
}

/* ---- calls ---- */

/* Waits when many calls are on their way. */
static int pace(struct load *load, struct client *c)
{
    if (c->calls_due < CALLS_AT_ONCE)
        return load->error;
    client_flush(c);
    return load_wait(load, client_is_idle, c, LOAD_PATIENCE_NS);
}

/* Waits for the rest. */
static int settle(struct load *load, struct client *c)
{
    int rv;

    client_flush(c);
    rv = load_wait(load, client_is_idle, c, LOAD_PATIENCE_NS);
    if (rv == ERR_AGAIN)
        load_fail(load, ERR_AGAIN, "the broker did not answer within a minute");
    return rv;
}

void topology_declare_queue(const struct topology *t, struct client *c, uint32_t queue)
{
    struct topology_name name = topology_source(t, queue);
    struct method m = {
        .id = METHOD_QUEUE_DECLARE,
        .queue_declare = {.queue = bytes_text(name.text), .durable = t->work->is_durable},
    };
    struct table_writer w;
    struct buf area;

    buf_init(&area, ARGUMENTS_MAX);
    if (t->work->is_stream) {
        table_writer_init(&w, &area);
        table_writer_text(&w, "x-queue-type", bytes_text("stream"));
        if (t->work->is_group)
            table_writer_long(&w, "x-partitions", t->work->queues);
        m.queue_declare.arguments = finish(&w);
    }
    client_call(c, 1, &m);
    buf_release(&area);
}

/* What a binding says beside its key. */
static struct table binding_arguments(const struct topology *t, bool has_history,
                                      struct table_writer *w)
{
    if (t->work->exchange == EXCHANGE_HEADERS) {
        table_writer_text(w, "x-match", bytes_text("all"));
        write_mark(w);
    }
    if (has_history)
        table_writer_text(w, "x-replay-from", bytes_text("first"));
    return finish(w);
}

static void bind(const struct topology *t, struct client *c, uint32_t queue, const char *key,
                 bool has_history)
{
    struct topology_name name = topology_queue(t, queue), exchange = topology_exchange(t);
    struct method m = {
        .id = METHOD_QUEUE_BIND,
        .queue_bind = {.queue = bytes_text(name.text),
                       .exchange = bytes_text(exchange.text),
                       .routing_key = bytes_text(key)},
    };
    struct table_writer w;
    struct buf area;

    buf_init(&area, ARGUMENTS_MAX);
    table_writer_init(&w, &area);
    m.queue_bind.arguments = binding_arguments(t, has_history, &w);
    client_call(c, 1, &m);
    buf_release(&area);
}

/* Matches every key of the run. */
static const char *matching_pattern(uint32_t queue)
{
    static const char *const patterns[] = {"load.#", "load.*.*.m", "#.m", "*.*.#.m"};

    return patterns[queue % ARRAY_SIZE(patterns)];
}

/* Matches none of them. */
static struct topology_name idle_pattern(uint32_t i)
{
    static const struct {
        const char *before;
        const char *behind;
    } forms[] = {
        {"load.", ".0.n"}, {"load.*.", ".m"}, {"#.n", ""}, {"other", ".#"}, {"load.0.", ".*"},
    };
    struct topology_name name;
    uint32_t form = i % (uint32_t)ARRAY_SIZE(forms);

    (void)snprintf(name.text, sizeof(name.text), "%s%u%s", forms[form].before,
                   i / (uint32_t)ARRAY_SIZE(forms) + KEY_SIDE, forms[form].behind);
    return name;
}

static const char *key_of_queue(const struct topology *t, uint32_t queue,
                                struct topology_name *area)
{
    if (t->work->exchange == EXCHANGE_TOPIC)
        return matching_pattern(queue);
    *area = topology_queue(t, queue);
    return workload_is_broadcast(t->work) ? "" : area->text;
}

static int bind_all(const struct topology *t, struct load *load, struct client *c, bool has_history)
{
    uint32_t queues = queues_of(t), idle = 0;
    struct topology_name area;
    int rv = 0;

    if (t->work->bindings > (int64_t)queues)
        idle = (uint32_t)t->work->bindings - queues;
    for (uint32_t i = 0; rv == 0 && i < queues; i++) {
        bind(t, c, i, key_of_queue(t, i, &area), has_history);
        rv = pace(load, c);
    }
    for (uint32_t i = 0; rv == 0 && i < idle; i++) {
        area = idle_pattern(i);
        bind(t, c, i % queues, area.text, has_history);
        rv = pace(load, c);
    }
    return rv;
}

static void declare_exchange(const struct topology *t, struct client *c)
{
    struct topology_name name = topology_exchange(t);
    struct method m = {
        .id = METHOD_EXCHANGE_DECLARE,
        .exchange_declare = {.exchange = bytes_text(name.text),
                             .type = bytes_text(t->work->delay_ms > 0 ? "x-delayed-message"
                                                                      : kinds[t->work->exchange]),
                             .durable = t->work->is_durable},
    };
    struct table_writer w;
    struct buf area;

    buf_init(&area, ARGUMENTS_MAX);
    table_writer_init(&w, &area);
    if (t->work->shape == SHAPE_REPLAY)
        table_writer_bool(&w, "x-log", true);
    if (t->work->delay_ms > 0)
        table_writer_text(&w, "x-delayed-type", bytes_text(kinds[t->work->exchange]));
    m.exchange_declare.arguments = finish(&w);
    client_call(c, 1, &m);
    buf_release(&area);
}

static int declare_queues(const struct topology *t, struct load *load, struct client *c)
{
    int rv = 0;

    for (uint32_t i = 0; rv == 0 && i < sources_of(t); i++) {
        topology_declare_queue(t, c, i);
        rv = pace(load, c);
    }
    return rv;
}

int topology_declare(const struct topology *t, struct load *load, struct client *c)
{
    bool has_exchange = t->work->exchange != EXCHANGE_DEFAULT;
    int rv = 0;

    if (has_exchange)
        declare_exchange(t, c);
    rv = declare_queues(t, load, c);
    if (rv == 0 && has_exchange && t->work->shape != SHAPE_REPLAY)
        rv = bind_all(t, load, c, false);
    return rv == 0 ? settle(load, c) : rv;
}

int topology_bind(const struct topology *t, struct load *load, struct client *c, bool has_history)
{
    int rv = bind_all(t, load, c, has_history);

    return rv == 0 ? settle(load, c) : rv;
}

int topology_count_ready(const struct topology *t, struct load *load, struct client *c,
                         uint64_t *out)
{
    uint64_t sum = 0;
    int rv = 0;

    for (uint32_t i = 0; rv == 0 && i < queues_of(t); i++) {
        struct topology_name name = topology_queue(t, i);
        struct method m = {
            .id = METHOD_QUEUE_DECLARE,
            .queue_declare = {.queue = bytes_text(name.text), .passive = true},
        };

        client_call(c, 1, &m);
        rv = settle(load, c);
        sum += c->message_count;
    }
    if (rv == 0)
        *out = sum;
    return rv;
}

static int delete_queues(const struct topology *t, struct load *load, struct client *c,
                         uint32_t queues)
{
    int rv = 0;

    for (uint32_t i = 0; rv == 0 && i < queues; i++) {
        struct topology_name name = topology_source(t, i);
        struct method m = {
            .id = METHOD_QUEUE_DELETE,
            .queue_delete = {.queue = bytes_text(name.text)},
        };

        client_call(c, 1, &m);
        rv = pace(load, c);
    }
    return rv;
}

int topology_renew_queues(const struct topology *t, struct load *load, struct client *c)
{
    int rv = delete_queues(t, load, c, sources_of(t));

    if (rv == 0)
        rv = declare_queues(t, load, c);
    return rv == 0 ? settle(load, c) : rv;
}

int topology_delete(const struct topology *t, struct load *load, struct client *c, uint32_t queues)
{
    struct topology_name exchange = topology_exchange(t);
    struct method away = {
        .id = METHOD_EXCHANGE_DELETE,
        .exchange_delete = {.exchange = bytes_text(exchange.text)},
    };
    int rv = delete_queues(t, load, c, t->work->is_group ? 1 : queues);

    if (rv == 0 && exchange.text[0] != '\0')
        client_call(c, 1, &away);
    return rv == 0 ? settle(load, c) : rv;
}
