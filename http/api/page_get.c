/* POST queues/V/Q/get: some messages, and what becomes of them then.
 *
 *     get -> its body, in one piece or part by part -> told -> get ... -> all are settled, answer
 *
 * They are held until the end; who is gone before it loses none. */
#include "base/mem.h"
#include "broker/consume.h"
#include "http/api/call.h"
#include "http/api/pages.h"
#include "http/api/shapes_messages.h"
#include "io/io.h"

enum { COUNT_MAX = 10000 };

enum ending { ACK, REJECT, REQUEUE, REQUEUE_AS_FAILURE };

struct getting {
    struct api_call *call;
    struct queue_get get;
    bool is_getting;
    struct delivery **held;
    size_t held_count;
    size_t held_capacity;
    enum ending ending;
    bool is_base64; /* whatever the payload is */
    uint64_t left;  /* to be got */
    uint64_t truncate;
    struct buf out;
    struct tell tell;
    struct payload payload;
    struct io_task task;
    bool is_failed; /* a body cannot be read */
};

static void settle(struct getting *g, enum ending ending)
{
    while (g->held_count > 0) {
        /* The first one last, so that it is in front again. */
        struct delivery *d = g->held[--g->held_count];

        if (ending == ACK)
            queue_ack(d);
        else if (ending == REJECT)
            queue_reject(d);
        else
            queue_requeue(d, ending == REQUEUE_AS_FAILURE);
    }
}

static void release(struct api_call *c)
{
    struct getting *g = c->work;

    if (g->is_getting)
        queue_get_cancel(&g->get);
    io_task_cancel(&g->task);
    settle(g, REQUEUE);
    mem_free(g->held);
    buf_release(&g->out);
    payload_release(&g->payload);
    mem_free(g);
}

/* ---- the end ---- */

static void finish(struct getting *g)
{
    struct api_call *c = g->call;

    if (g->is_failed) {
        api_fail(c, 500, "internal_server_error", "a message cannot be read");
        return;
    }
    tell_end(&g->tell);
    if (buf_error(&g->out) != 0) {
        api_bad_request(c, "the messages are too large for one answer: ask for less, or truncate");
        return;
    }
    settle(g, g->ending);
    buf_clear(&c->api->reply);
    api_answer(c, 200, &g->out);
}

/* ---- one message ---- */

static void end_message(struct getting *g)
{
    if (tell_payload(&g->tell, &g->payload, g->is_base64) != 0)
        g->is_failed = true;
    tell_end(&g->tell);
}

static void get_next(struct getting *g);

static void on_task(struct io_task *t)
{
    struct getting *g = CONTAINER_OF(t, struct getting, task);

    if (g->payload.parts != NULL) {
        int rv = payload_more(&g->payload);

        if (rv == ERR_AGAIN)
            return;
        g->is_failed = g->is_failed || rv != 0;
        end_message(g);
    }
    if (g->left == 0 || g->is_failed || buf_error(&g->out) != 0)
        finish(g);
    else
        get_next(g);
}

static void on_ready(void *owner)
{
    struct getting *g = owner;

    io_later(g->call->api->io, &g->task);
}

static void hold(struct getting *g, struct delivery *d)
{
    if (g->held_count == g->held_capacity) {
        g->held_capacity = 2 * g->held_capacity + 16;
        g->held = mem_grow(g->held, g->held_capacity, sizeof(struct delivery *));
    }
    d->holder = NULL;
    g->held[g->held_count++] = d;
}

static void tell_message(struct getting *g, const struct delivery *d, const struct stored *m,
                         uint64_t ready)
{
    struct tell *t = &g->tell;
    struct props props = {0};

    if (props_decode(m->props, &props) != 0)
        props = (struct props){0};
    tell_object(t, NULL);
    tell_uint(t, "payload_bytes", m->body_size);
    tell_bool(t, "redelivered", d->is_redelivered);
    tell_text(t, "exchange", m->exchange);
    tell_text(t, "routing_key", m->routing_key);
    tell_uint(t, "message_count", ready);
    tell_props(t, &props);
}

static void on_got(struct queue_get *get, struct delivery *d, const struct stored *m,
                   struct store_pin pin, uint64_t ready)
{
    struct getting *g = CONTAINER_OF(get, struct getting, get);
    int rv = 0;

    (void)pin;
    g->is_getting = false;
    if (d == NULL) {
        g->left = 0;
        on_ready(g);
        return;
    }
    g->left--;
    hold(g, d);
    tell_message(g, d, m, ready);
    rv = payload_begin(&g->payload, queues_store(queue_home(d->queue)), m, g->truncate);
    if (rv == ERR_AGAIN)
        return;
    g->is_failed = g->is_failed || rv != 0;
    end_message(g);
    on_ready(g);
}

static void get_next(struct getting *g)
{
    struct api_call *c = g->call;
    struct refusal refusal;

    g->get = (struct queue_get){.got = on_got};
    g->is_getting = true;
    if (broker_get(c->visit, c->args[0], &g->get, &refusal) == 0)
        return;
    g->is_getting = false;
    api_refused(c, &refusal);
}

/* ---- what was asked ---- */

static bool read_ending(struct api_call *c, struct bytes mode, enum ending *out)
{
    static const struct {
        const char *mode;
        enum ending ending;
    } modes[] = {{"ack_requeue_true", REQUEUE},
                 {"ack_requeue_false", ACK},
                 {"reject_requeue_true", REQUEUE_AS_FAILURE},
                 {"reject_requeue_false", REJECT}};

    for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
        if (!bytes_equal(mode, bytes_text(modes[i].mode)))
            continue;
        *out = modes[i].ending;
        return true;
    }
    api_bad_request(c, "unknown ackmode '%.*s'", API_SHOW(mode));
    return false;
}

/* Older clients say "requeue" instead of "ackmode". */
static bool read_mode(struct api_call *c, enum ending *out)
{
    struct bytes mode = {0};
    bool requeues = true;

    if (json_object_get(c->body, "ackmode") == NULL &&
        json_object_get(c->body, "requeue") != NULL) {
        if (!api_body_bool(c, "requeue", &requeues))
            return false;
        *out = requeues ? REQUEUE : ACK;
        return true;
    }
    return api_body_text(c, "ackmode", true, &mode) && read_ending(c, mode, out);
}

static bool read_wish(struct getting *g)
{
    struct api_call *c = g->call;
    struct bytes encoding = {0};
    int64_t count = 0;
    int64_t truncate = INT64_MAX;

    if (!api_body_int(c, "count", true, &count) || !read_mode(c, &g->ending) ||
        !api_body_text(c, "encoding", true, &encoding) ||
        !api_body_int(c, "truncate", false, &truncate))
        return false;
    if (!payload_encoding(encoding, &g->is_base64))
        api_bad_request(c, "unsupported_encoding: %.*s", API_SHOW(encoding));
    else if (count < 1 || count > COUNT_MAX)
        api_bad_request(c, "'count' must be a number from 1 to %d", COUNT_MAX);
    else if (truncate < 0)
        api_bad_request(c, "'truncate' must not be negative");
    else {
        g->left = (uint64_t)count;
        g->truncate = (uint64_t)truncate;
        return true;
    }
    return false;
}

void queue_post_get(struct api_call *c)
{
    struct getting *g = MEM_NEW(struct getting);

    g->call = c;
    buf_init(&g->out, PAYLOADS_MAX);
    payload_init(&g->payload, on_ready, g);
    io_task_init(&g->task, on_task);
    c->work = g;
    c->release = release;
    if (!read_wish(g) || !api_visit(c))
        return;
    tell_init(&g->tell, &g->out, NULL);
    tell_array(&g->tell, NULL);
    get_next(g);
}
