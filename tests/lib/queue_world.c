/* See queue_world.h. */
#include "tests/lib/queue_world.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "msg/ttl.h"
#include "tests/lib/table_text.h"
#include "tests/lib/test.h"

enum { BODY_SIZE = 48, AREA_SIZE = 1 << 20, TARGETS_MAX = 16 };

/* A delivery in the hands of a consumer. */
struct held {
    struct delivery *delivery;
    struct list_link link;
    char body[BODY_SIZE];
};

struct getting {
    struct queue_get get;
    struct world_consumer *consumer;
};

static void tell(struct queue_world *w, const char *format, ...) PRINTF_LIKE(2, 3);
static void tell(struct queue_world *w, const char *format, ...)
{
    char text[2048];
    va_list values;

    if (w->tell == NULL)
        return;
    va_start(values, format);
    int size = vsnprintf(text, sizeof(text), format, values);
    va_end(values);
    assert_true(size >= 0 && (size_t)size < sizeof(text));
    w->tell(w->tell_owner, text);
}

/* ---- names ---- */

static struct world_defined *find(struct queue_world *w, struct bytes name)
{
    for (size_t i = 0; i < w->defined_count; i++) {
        if (w->defined[i].queue != NULL && bytes_equal(bytes_text(w->defined[i].name), name))
            return &w->defined[i];
    }
    return NULL;
}

struct queue *queue_world_find(struct queue_world *w, const char *name)
{
    struct world_defined *d = find(w, bytes_text(name));

    return d == NULL ? NULL : d->queue;
}

/* The queues of a text with commas, rising by id. */
static size_t find_all(struct queue_world *w, const char *names, struct queue **out)
{
    size_t count = 0;

    while (*names != '\0') {
        size_t size = strcspn(names, ",");
        struct world_defined *d = find(w, bytes_of(names, size));
        size_t at = count;

        names += size + (names[size] == ',');
        if (d == NULL)
            continue;
        assert_true(count < TARGETS_MAX);
        for (; at > 0 && queue_id(out[at - 1]) > d->id; at--)
            out[at] = out[at - 1];
        out[at] = d->queue;
        count++;
    }
    return count;
}

/* ---- what the queues ask and tell ---- */

static size_t route_dead(void *owner, struct queue *q, const struct message *m,
                         struct queue **targets, size_t max)
{
    struct queue_world *w = owner;
    char key[WORLD_TEXT_SIZE];

    (void)q;
    assert_true(max >= TARGETS_MAX);
    snprintf(key, sizeof(key), "%.*s", (int)m->routing_key.size, (const char *)m->routing_key.data);
    if (m->exchange.size == 0)
        return find_all(w, key, targets);
    for (size_t i = 0; i < w->route_count; i++) {
        if (bytes_equal(bytes_text(w->routes[i].exchange), m->exchange))
            return find_all(w, w->routes[i].queues, targets);
    }
    return 0;
}

static void on_unused(void *owner, struct queue *q)
{
    struct queue_world *w = owner;
    struct world_defined *d = queue_owner(q);

    tell(w, "unused %s", d->name);
    queue_delete(q);
    d->queue = NULL;
}

static void on_pressure(void *owner, bool is_pressed)
{
    struct queue_world *w = owner;

    assert_int_not_equal(w->is_pressed, is_pressed);
    w->is_pressed = is_pressed;
}

/* ---- open and close ---- */

void queue_world_init(struct queue_world *w, world_tell_fn *tell_fn, void *owner)
{
    memset(w, 0, sizeof(*w));
    partition_world_init(&w->p);
    w->tell = tell_fn;
    w->tell_owner = owner;
    w->options = (struct queues_options){
        .store = {.transient_bytes_max = 64 << 20, .spill_bytes_max = 64 << 20},
        .consumer_timeout_ms = 0,
        .consumer_unsettled_max = 1000,
        .default_delivery_limit = 20,
        .lane_min_bytes = 4 << 10,
        .publishers_max = 100,
        .publisher_memory_ms = 86400000,
    };
    list_init(&w->consumers);
    buf_init(&w->area, AREA_SIZE);
    buf_init(&w->props, AREA_SIZE);
}

void queue_world_release(struct queue_world *w)
{
    assert_null(w->queues);
    buf_release(&w->area);
    buf_release(&w->props);
    partition_world_release(&w->p);
}

static void create(struct queue_world *w, struct world_defined *d)
{
    struct queue_spec spec = {
        .id = d->id,
        .name = bytes_text(d->name),
        .vhost = bytes_text("/"),
        .is_durable = d->is_durable,
        .is_auto_delete = d->is_auto_delete,
        .is_delayed = d->is_delayed,
        .arguments = table_text(&w->area, d->arguments),
        .owner = d,
    };

    d->queue = queue_new(w->queues, &spec);
}

/* The partitions of a front follow it. */
static void join(struct world_defined *front)
{
    for (uint32_t i = 1; i <= front->partitions; i++)
        queue_add_partition(front->queue, front[i].queue);
}

void queue_world_open(struct queue_world *w)
{
    const struct queues_calls calls = {
        .owner = w, .route_dead = route_dead, .on_unused = on_unused, .on_pressure = on_pressure};

    assert_null(w->queues);
    w->is_pressed = false;
    w->queues = queues_new(w->p.io, "scratch", &w->options, &calls);
    for (size_t i = 0; i < w->defined_count; i++) {
        if (w->defined[i].queue != NULL && w->defined[i].is_durable)
            create(w, &w->defined[i]);
        else
            w->defined[i].queue = NULL;
    }
    for (size_t i = 0; i < w->defined_count; i++)
        if (w->defined[i].queue != NULL)
            join(&w->defined[i]);
    queues_fold(w->queues, &w->p.folds[0]);
    w->p.fold_count = 1;
    partition_world_open(&w->p);
    queues_start(w->queues, w->p.partition);
}

static void forget(struct held *h)
{
    list_remove(&h->link);
    mem_free(h);
}

/* Drops all consumers; what they hold is requeued when the connection is lost, and forgotten when
 * the world has ended. */
static void end_consumers(struct queue_world *w, bool is_requeued)
{
    struct list_link *link;

    while ((link = list_take(&w->consumers)) != NULL) {
        struct world_consumer *c = CONTAINER_OF(link, struct world_consumer, link);

        if (c->consumer != NULL)
            consumer_cancel(c->consumer);
        while ((link = list_first(&c->deliveries)) != NULL) {
            struct held *h = CONTAINER_OF(link, struct held, link);

            if (is_requeued)
                queue_requeue(h->delivery, false);
            forget(h);
        }
        mem_free(c);
    }
}

static void stop(void *owner)
{
    struct queue_world *w = owner;

    end_consumers(w, false);
    queues_stop(w->queues);
}

void queue_world_close(struct queue_world *w)
{
    end_consumers(w, true);
    queues_stop(w->queues);
    partition_world_close(&w->p);
    queues_free(w->queues);
    w->queues = NULL;
}

void queue_world_crash_as(struct queue_world *w, const struct sim_crash *crash)
{
    partition_world_crash(&w->p, crash, stop, w);
    queues_free(w->queues);
    w->queues = NULL;
    queue_world_open(w);
}

void queue_world_crash(struct queue_world *w)
{
    const struct sim_crash crash = {.kind = SIM_CRASH_NOTHING};

    queue_world_crash_as(w, &crash);
}

void queue_world_restart(struct queue_world *w)
{
    queue_world_close(w);
    queue_world_open(w);
}

void queue_world_run_ms(struct queue_world *w, uint64_t ms)
{
    partition_world_run_ms(&w->p, ms);
    queue_world_check(w);
}

static bool is_committed(void *owner)
{
    struct queue_world *w = owner;

    return partition_committed(w->p.partition) >= partition_next(w->p.partition);
}

void queue_world_commit(struct queue_world *w)
{
    bool is_done = sim_run_until(w->p.sim, is_committed, w, UINT64_C(60000000000));

    assert_true(is_done);
}

/* ---- queues ---- */

static struct world_defined *define(struct queue_world *w, const struct world_queue *q,
                                    const char *arguments)
{
    struct world_defined *d = &w->defined[w->defined_count++];

    assert_true(w->defined_count <= WORLD_QUEUES_MAX);
    snprintf(d->name, sizeof(d->name), "%s", q->name);
    snprintf(d->arguments, sizeof(d->arguments), "%s", arguments);
    d->is_durable = !q->is_transient;
    d->is_auto_delete = q->is_auto_delete;
    d->is_delayed = q->is_delayed;
    d->id = ++w->last_id;
    create(w, d);
    return d;
}

/* With the arguments of the front, but for the one that it is about. */
static void define_partition(struct queue_world *w, const struct world_queue *front,
                             uint32_t number)
{
    static const char left_out[] = "x-partitions=";
    const char *from = strstr(front->arguments, left_out);
    const char *behind = from + strcspn(from, " ");
    char name[WORLD_NAME_SIZE], arguments[WORLD_TEXT_SIZE];
    struct world_queue q = {.name = name};

    snprintf(name, sizeof(name), "%s-%" PRIu32, front->name, number);
    snprintf(arguments, sizeof(arguments), "%.*s%s", (int)(from - front->arguments),
             front->arguments, behind);
    define(w, &q, arguments);
}

int queue_world_declare(struct queue_world *w, const struct world_queue *q)
{
    const char *arguments = q->arguments != NULL ? q->arguments : "";
    struct world_defined *d = find(w, bytes_text(q->name));
    struct table table = table_text(&w->area, arguments);
    struct queue_args args;
    struct err_note note = {.text = ""};
    int rv = queue_args_read(table, bytes_text(q->name), bytes_text("/"), &args, &note);

    if (rv == 0 && d != NULL) {
        rv = queue_args_compare(table, queue_arguments(d->queue), bytes_text(q->name),
                                bytes_text("/"), &note);
        queue_touch(d->queue);
    }
    if (rv != 0)
        tell(w, "%s", note.text);
    if (rv != 0 || d != NULL)
        return rv;
    d = define(w, q, arguments);
    d->partitions = args.partitions;
    for (uint32_t i = 0; i < args.partitions; i++)
        define_partition(w, q, i);
    join(d);
    return 0;
}

void queue_world_delete(struct queue_world *w, const char *name)
{
    struct world_defined *d = find(w, bytes_text(name));

    assert_non_null(d);
    for (uint32_t i = 0; i <= d->partitions; i++) {
        queue_delete(d[i].queue);
        d[i].queue = NULL;
    }
}

void queue_world_route(struct queue_world *w, const char *exchange, const char *queues)
{
    struct world_route *r = w->routes;

    while (r < w->routes + w->route_count && strcmp(r->exchange, exchange) != 0)
        r++;
    assert_true(r < w->routes + WORLD_ROUTES_MAX);
    w->route_count += r == w->routes + w->route_count;
    snprintf(r->exchange, sizeof(r->exchange), "%s", exchange);
    snprintf(r->queues, sizeof(r->queues), "%s", queues);
}

/* ---- publish ---- */

static void fill_props(struct queue_world *w, const struct world_publish *p, struct props *out)
{
    struct props_edit e;

    props_edit_init(&e, NULL);
    props_set_octet(&e, PROP_DELIVERY_MODE, p->is_transient ? 1 : DELIVERY_MODE_PERSISTENT);
    if (p->has_priority)
        props_set_octet(&e, PROP_PRIORITY, (uint8_t)p->priority);
    if (p->expiration != NULL)
        props_set_text(&e, PROP_EXPIRATION, bytes_text(p->expiration));
    if (p->headers != NULL)
        props_set_headers(&e, table_text(&w->area, p->headers));
    buf_clear(&w->props);
    props_encode(&e, &w->props);
    int rv = props_decode(buf_view(&w->props), out);
    assert_int_equal(rv, 0);
}

int queue_world_publish(struct queue_world *w, const struct world_publish *p,
                        struct queues_published *out)
{
    struct queue *targets[TARGETS_MAX];
    size_t count = find_all(w, p->queues, targets);
    size_t text_size = strlen(p->body);
    size_t size = text_size + p->size;
    char *body = mem_alloc(size + 1);
    struct bytes piece = bytes_of(body, size);
    struct message m = {
        .exchange = bytes_text(p->exchange != NULL ? p->exchange : ""),
        .body = &piece,
        .body_count = 1,
        .body_size = size,
    };
    struct queues_publish publish = {
        .message = &m,
        .expiration_ms =
            p->expiration != NULL ? ttl_parse(bytes_text(p->expiration)).ms : QUEUE_NO_LIMIT,
        .targets = targets,
        .target_count = count,
        .may_go_straight = true,
    };
    struct table headers;
    int rv = 0;

    memcpy(body, p->body, text_size);
    memset(body + text_size, '.', p->size);
    m.routing_key =
        p->key != NULL ? bytes_text(p->key) : bytes_of(p->queues, strcspn(p->queues, ","));
    fill_props(w, p, &m.props);
    if (props_find_headers(&m.props, &headers))
        (void)once_read(headers, &publish.once);
    for (size_t i = 0; i < count; i++)
        targets[i] = queue_partition_for(targets[i], &m);
    if (count > 0)
        rv = queues_publish(w->queues, &publish, out);
    mem_free(body);
    return rv;
}

/* ---- deliveries ---- */

/* "q1/expired/2" for each death, and what else is said of it. */
static void describe_deaths(const struct props *props, char *out, size_t size)
{
    struct table headers, death;
    struct array deaths;
    struct field f;
    const char *separator = " deaths ";

    *out = '\0';
    if (!props_find_headers(props, &headers) || !table_find(headers, bytes_text("x-death"), &f) ||
        !field_as_array(&f, &deaths))
        return;
    struct array_walk walk = array_walk(deaths);
    while (array_next(&walk, &f) && field_as_table(&f, &death)) {
        struct bytes queue = {NULL, 0}, reason = {NULL, 0};
        int64_t count = 0;
        size_t used = strlen(out);

        if (table_find(death, bytes_text("queue"), &f))
            (void)field_as_text(&f, &queue);
        if (table_find(death, bytes_text("reason"), &f))
            (void)field_as_text(&f, &reason);
        if (table_find(death, bytes_text("count"), &f))
            (void)field_as_integer(&f, &count);
        snprintf(out + used, size - used, "%s%.*s/%.*s/%" PRId64, separator, (int)queue.size,
                 (const char *)queue.data, (int)reason.size, (const char *)reason.data, count);
        separator = ",";
    }
}

/* The first bytes of the body, up to the dots. */
static void name_body(const struct stored *m, char out[static BODY_SIZE])
{
    size_t size = 0;

    while (size < m->body.size && size < BODY_SIZE - 1 && m->body.data[size] != '.')
        size++;
    memcpy(out, m->body.data, size);
    out[size] = '\0';
}

/* Tells of a message; the holder gets it when `c` is not NULL. */
static void receive(struct world_consumer *c, struct delivery *d, const struct stored *m)
{
    char deaths[512], counts[64] = "", body[BODY_SIZE];
    struct props props;
    int rv = props_decode(m->props, &props);

    assert_int_equal(rv, 0);
    name_body(m, body);
    describe_deaths(&props, deaths, sizeof(deaths));
    if (d->has_count)
        snprintf(counts, sizeof(counts), " failed %" PRIu32 " acquired %" PRIu32, d->delivery_count,
                 d->acquired_count);
    if (d->has_offset)
        snprintf(counts, sizeof(counts), " @%" PRIu64, d->offset);
    tell(c->world, "%s gets %s%s%s%s", c->tag, body, d->is_redelivered ? " again" : "", counts,
         deaths);
    c->got++;
}

static void keep(struct world_consumer *c, struct delivery *d, const struct stored *m)
{
    struct held *h = MEM_NEW(struct held);

    h->delivery = d;
    name_body(m, h->body);
    list_push(&c->deliveries, &h->link);
}

static bool deliver(void *owner, struct consumer *consumer, struct delivery *d,
                    const struct stored *m, struct store_pin pin)
{
    struct world_consumer *c = owner;

    (void)pin;
    assert_ptr_equal(d->consumer, consumer);
    if (c->is_stalled)
        return false;
    receive(c, d, m);
    if (!c->is_no_ack)
        keep(c, d, m);
    return true;
}

static void cancelled(void *owner, struct consumer *consumer, enum cancel_reason reason)
{
    static const char *const reasons[] = {"deleted", "timed out", "failed"};
    struct world_consumer *c = owner;

    assert_ptr_equal(c->consumer, consumer);
    tell(c->world, "%s is cancelled: %s", c->tag, reasons[reason]);
    c->consumer = NULL;
}

static void timed_out(void *owner, struct consumer *consumer, uint64_t timeout_ms)
{
    struct world_consumer *c = owner;

    assert_ptr_equal(c->consumer, consumer);
    tell(c->world, "%s timed out after %" PRIu64 " ms", c->tag, timeout_ms);
}

static const struct consumer_ops ops = {
    .deliver = deliver, .cancelled = cancelled, .timed_out = timed_out};

struct world_consumer *queue_world_consumer(struct queue_world *w, const char *tag)
{
    LIST_FOREACH (link, &w->consumers) {
        struct world_consumer *c = CONTAINER_OF(link, struct world_consumer, link);

        if (strcmp(c->tag, tag) == 0)
            return c;
    }
    return NULL;
}

static struct world_consumer *consumer_new(struct queue_world *w, const char *tag)
{
    struct world_consumer *c = MEM_NEW(struct world_consumer);

    c->world = w;
    snprintf(c->tag, sizeof(c->tag), "%s", tag);
    list_init(&c->deliveries);
    list_push(&w->consumers, &c->link);
    return c;
}

static int read_want(struct queue_world *w, const struct world_consume *o, struct stream_want *out,
                     struct bytes *group)
{
    const struct stream_args_of of = {
        .queue = bytes_text(o->queue), .vhost = bytes_text("/"), .now_ms = io_wall_ms(w->p.io)};
    struct err_note note = {.text = ""};
    int rv = 0;

    if (o->arguments != NULL)
        rv = stream_want_read(table_text(&w->area, o->arguments), &of, out, &note);
    if (rv == 0 && o->arguments != NULL)
        rv = stream_group_read(table_text(&w->area, o->arguments), &of, group, out, &note);
    if (rv != 0)
        tell(w, "%s", note.text);
    return rv;
}

int queue_world_consume(struct queue_world *w, const struct world_consume *o)
{
    struct world_consumer *c = consumer_new(w, o->tag);
    struct stream_want want = {.takes_unfiltered = false};
    struct consumer_spec spec = {
        .stream = &want,
        .ops = &ops,
        .owner = c,
        .is_no_ack = o->is_no_ack,
        .is_exclusive = o->is_exclusive,
        .priority = o->priority,
        .prefetch = o->prefetch,
        .shared = o->shared,
        .timeout_ms = o->timeout_ms > 0 ? o->timeout_ms : QUEUE_NO_LIMIT,
    };
    c->is_no_ack = o->is_no_ack;
    int rv = read_want(w, o, &want, &spec.group);
    if (rv == 0)
        rv = queue_consume(queue_world_find(w, o->queue), &spec, &c->consumer);

    if (rv != 0) {
        list_remove(&c->link);
        mem_free(c);
    }
    return rv;
}

void queue_world_cancel(struct queue_world *w, const char *tag)
{
    struct world_consumer *c = queue_world_consumer(w, tag);

    if (c == NULL || c->consumer == NULL) {
        tell(w, "no consumer %s", tag);
        return;
    }
    consumer_cancel(c->consumer);
    c->consumer = NULL;
}

static void settle(struct held *h, enum world_settle how)
{
    switch (how) {
    case WORLD_ACK:
        queue_ack(h->delivery);
        break;
    case WORLD_REJECT:
        queue_reject(h->delivery);
        break;
    case WORLD_REQUEUE:
        queue_requeue(h->delivery, false);
        break;
    case WORLD_RETURN:
        queue_requeue(h->delivery, true);
        break;
    }
    forget(h);
}

size_t queue_world_settle(struct queue_world *w, const char *tag, const char *body,
                          enum world_settle how)
{
    struct world_consumer *c = queue_world_consumer(w, tag);
    bool is_all = strcmp(body, "all") == 0;
    size_t count = 0;

    if (c == NULL)
        return 0;
    LIST_FOREACH_SAFE (link, &c->deliveries) {
        struct held *h = CONTAINER_OF(link, struct held, link);

        if (!is_all && strcmp(h->body, body) != 0)
            continue;
        settle(h, how);
        count++;
        if (!is_all)
            break;
    }
    return count;
}

static void got(struct queue_get *g, struct delivery *d, const struct stored *m,
                struct store_pin pin, uint64_t ready)
{
    struct getting *getting = CONTAINER_OF(g, struct getting, get);
    struct world_consumer *c = getting->consumer;
    struct queue_world *w = c->world;

    (void)pin;
    if (d == NULL) {
        tell(w, "get: empty");
    } else {
        receive(c, d, m);
        tell(w, "get: %" PRIu64 " left", ready);
        if (!g->is_no_ack)
            keep(c, d, m);
    }
    mem_free(getting);
}

static struct getting *getting_new(struct queue_world *w, const char *tag, bool is_no_ack)
{
    struct getting *g = MEM_NEW(struct getting);

    g->consumer = queue_world_consumer(w, tag);
    if (g->consumer == NULL)
        g->consumer = consumer_new(w, tag);
    g->get = (struct queue_get){.is_no_ack = is_no_ack, .got = got};
    return g;
}

void queue_world_get(struct queue_world *w, const char *queue, const char *tag, bool is_no_ack)
{
    queue_get(queue_world_find(w, queue), &getting_new(w, tag, is_no_ack)->get);
}

void queue_world_get_at(struct queue_world *w, const char *stream, const char *place,
                        bool is_no_ack)
{
    const struct stream_args_of of = {
        .queue = bytes_text(stream), .vhost = bytes_text("/"), .now_ms = io_wall_ms(w->p.io)};
    struct err_note note = {{0}};
    struct stream_start start;

    if (stream_start_parse(bytes_text(place), &of, &start, &note) != 0)
        tell(w, "%s", note.text);
    else
        queue_get_at(queue_world_find(w, stream), &getting_new(w, "get", is_no_ack)->get, &start);
}

void queue_world_check(struct queue_world *w)
{
    for (struct queue *q = NULL; (q = queues_next(w->queues, q)) != NULL;)
        queue_check(q);
    store_check(queues_store(w->queues));
}
