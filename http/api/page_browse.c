/* GET queues/V/Q/messages: messages as they lie there, from a position on, without any effect.
 *
 *     {"items": [...], "next": POSITION or null}
 *
 * An answer ends with the page, with the queue, or when it is large; `next` goes on behind. */
#include "base/mem.h"
#include "base/parse.h"
#include "broker/consume.h"
#include "http/api/call.h"
#include "http/api/pages.h"
#include "http/api/shapes_messages.h"
#include "io/io.h"

enum {
    PAGE_SIZE = 100,
    PAGE_SIZE_MAX = 500,
    TRUNCATE = 50000, /* bytes of a body, when nothing is said */
    PER_TURN = 32,
    ANSWER_MIN = 8 << 20, /* no message is added to so much */
};

struct browsing {
    struct api_call *call;
    struct browse *browse;
    struct buf out;
    struct tell tell;
    struct payload payload;
    struct io_timer timer;
    uint64_t left; /* of the page */
    uint64_t truncate;
    bool is_base64;
    bool is_at_end;
};

static void release(struct api_call *c)
{
    struct browsing *b = c->work;

    io_timer_stop(c->api->io, &b->timer);
    payload_release(&b->payload);
    if (b->browse != NULL)
        browse_close(b->browse);
    buf_release(&b->out);
    mem_free(b);
}

static void on_ready(void *owner)
{
    struct browsing *b = owner;

    io_timer_start(b->call->api->io, &b->timer, 0);
}

/* ---- one message ---- */

static void tell_head(struct tell *t, const struct browsed *m)
{
    static const char *const states[] = {"ready", "unacked", "leaving"};
    struct props props = {0};

    if (props_decode(m->stored.props, &props) != 0)
        props = (struct props){0};
    tell_object(t, NULL);
    tell_uint(t, "position", m->position);
    tell_string(t, "state", states[m->state]);
    tell_bool(t, "redelivered", m->is_redelivered);
    tell_int(t, "timestamp", m->stored.time_ms);
    tell_text(t, "exchange", m->stored.exchange);
    tell_text(t, "routing_key", m->stored.routing_key);
    tell_uint(t, "payload_bytes", m->stored.body_size);
    tell_props(t, &props);
}

/* The body is there. False: it does not fit, and that is answered. */
static bool end_message(struct browsing *b)
{
    if (tell_payload(&b->tell, &b->payload, b->is_base64) != 0 || buf_error(&b->out) != 0) {
        api_bad_request(b->call, "a message is too large for an answer: truncate it");
        return false;
    }
    tell_end(&b->tell);
    b->left--;
    return true;
}

/* A body that cannot be read: false, and answered. */
static bool check_payload(struct browsing *b, int rv)
{
    if (rv == 0)
        return end_message(b);
    if (rv == ERR_FULL)
        api_bad_request(b->call, "a message is too large for an answer: truncate it");
    else
        api_fail(b->call, 500, "internal_server_error", "a message cannot be read");
    return false;
}

/* ---- the page ---- */

static void finish(struct browsing *b)
{
    tell_end(&b->tell);
    if (b->is_at_end)
        tell_null(&b->tell, "next");
    else
        tell_uint(&b->tell, "next", browse_position(b->browse));
    tell_end(&b->tell);
    api_answer(b->call, 200, &b->out);
}

/* Errors: ERR_AGAIN: it goes on later; ERR_CLOSED: the call has ended. */
static int add_next(struct browsing *b)
{
    struct browsed m;
    int rv = browse_next(b->browse, &m);

    if (rv == ERR_AGAIN)
        return rv;
    if (rv == ERR_CLOSED) {
        api_not_found(b->call);
        return rv;
    }
    if (rv != 0) {
        b->is_at_end = true;
        return 0;
    }
    tell_head(&b->tell, &m);
    rv = payload_begin(&b->payload, browse_store(b->browse), &m.stored, b->truncate);
    store_pin_release(m.pin);
    if (rv == ERR_AGAIN)
        return rv;
    return check_payload(b, rv) ? 0 : ERR_CLOSED;
}

static bool is_done(const struct browsing *b)
{
    return b->left == 0 || b->is_at_end || b->out.size >= ANSWER_MIN;
}

static void on_timer(struct io_timer *t)
{
    struct browsing *b = CONTAINER_OF(t, struct browsing, timer);
    int rv = 0;

    if (b->payload.parts != NULL) {
        rv = payload_more(&b->payload);
        if (rv == ERR_AGAIN || !check_payload(b, rv))
            return;
    }
    for (int i = 0; i < PER_TURN && !is_done(b) && rv == 0; i++)
        rv = add_next(b);
    if (rv != 0)
        return;
    if (is_done(b))
        finish(b);
    else
        on_ready(b);
}

/* ---- what was asked ---- */

static bool read_number(struct api_call *c, const char *name, uint64_t max, uint64_t *out)
{
    struct bytes value;

    if (!api_query(c, name, &value) || parse_u64(value, 0, max, out) == 0)
        return true;
    api_bad_request(c, "'%s' must be a number from 0 to %llu, not '%.*s'", name,
                    (unsigned long long)max, API_SHOW(value));
    return false;
}

static bool read_encoding(struct api_call *c, bool *is_base64)
{
    struct bytes word;

    if (!api_query(c, "encoding", &word) || payload_encoding(word, is_base64))
        return true;
    api_bad_request(c, "'encoding' must be auto or base64, not '%.*s'", API_SHOW(word));
    return false;
}

void queue_get_messages(struct api_call *c)
{
    struct browsing *b = MEM_NEW(struct browsing);
    struct browse_spec spec = {.queue = c->args[0], .ready = on_ready, .owner = b};
    struct refusal refusal;

    *b = (struct browsing){.call = c, .left = PAGE_SIZE, .truncate = TRUNCATE};
    buf_init(&b->out, PAYLOADS_MAX);
    payload_init(&b->payload, on_ready, b);
    io_timer_init(&b->timer, on_timer);
    c->work = b;
    c->release = release;
    if (!read_number(c, "from", INT64_MAX, &spec.from) ||
        !read_number(c, "page_size", PAGE_SIZE_MAX, &b->left) ||
        !read_number(c, "truncate", INT64_MAX, &b->truncate) || !read_encoding(c, &b->is_base64) ||
        !api_visit(c))
        return;
    if (broker_browse(c->visit, &spec, &b->browse, &refusal) != 0) {
        api_refused(c, &refusal);
        return;
    }
    tell_init(&b->tell, &b->out, NULL);
    tell_object(&b->tell, NULL);
    tell_array(&b->tell, "items");
    on_ready(b);
}
