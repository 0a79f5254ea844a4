/* The channel machine: life, frames, ends. */
#include "amqp/channel.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "amqp/collect.h"
#include "amqp/deliver.h"
#include "amqp/door.h"
#include "amqp/subscriber.h"
#include "amqp/wire/content.h"
#include "base/err.h"
#include "base/mem.h"
#include "broker/tx.h"
#include "msg/shortstr.h"

enum {
    EMPTY_FRAMES_MAX = 64, /* body frames without a body, in a row */
};

/* ---- life ---- */

void channel_reply_timed_out(const struct channel *ch, uint64_t timeout_ms, struct reply *r)
{
    reply_format(r, REPLY_PRECONDITION_FAILED,
                 "delivery acknowledgement on channel %u timed out. Timeout value used: %" PRIu64
                 " ms. This timeout value can be configured, see consumers doc guide to learn more",
                 ch->id, timeout_ms);
}

static void on_overdue(struct holder *h, uint64_t timeout_ms)
{
    struct channel *ch = CONTAINER_OF(h, struct channel, holder);
    struct reply r;

    ch->is_overdue = true;
    channel_reply_timed_out(ch, timeout_ms, &r);
    channel_fail_later(ch, 0, &r);
}

struct channel *channel_new(struct connection *c, uint16_t id)
{
    struct channel *ch = MEM_NEW(struct channel);

    ch->connection = c;
    ch->id = id;
    ch->next_tag = 1;
    ch->holder.overdue = on_overdue;
    tags_init(&ch->tags);
    credit_init(&ch->credit, 0);
    names_init(&ch->subscribers, c->session.door->seed);
    buf_init(&ch->held, CHANNEL_HELD_MAX);
    c->session.door->stats.channels++;
    return ch;
}

/* Forgets what the connection waits for on behalf of the channel. */
static void end_stall(struct channel *ch)
{
    struct connection *c = ch->connection;

    if (c->stalled != ch)
        return;
    if ((c->stalls & STALL_WAIT) != 0)
        broker_wait_cancel(&c->waiter);
    connection_forget_answer(c);
    connection_resume(c, STALL_WAIT | STALL_GET | STALL_COMMIT | STALL_PUBLISH);
}

static void on_kept(void *owner, struct delivery *d)
{
    struct channel *ch = owner;

    tags_put_back(&ch->tags, d->tag, d);
}

static void drop_tx(struct channel *ch)
{
    if (ch->tx == NULL)
        return;
    tx_rollback(ch->tx, on_kept);
    tx_free(ch->tx);
    ch->tx = NULL;
}

/* Ends all but the publisher, whose confirms may still be awaited, and a large body on its way. */
static void let_go(struct channel *ch)
{
    end_stall(ch);
    if (ch->is_getting)
        queue_get_cancel(&ch->get);
    ch->is_getting = false;
    subscribers_cancel(ch);
    drop_tx(ch);
    channel_requeue_all(ch, !ch->is_overdue);
    publish_drop(ch);
}

static void drop_publisher(struct channel *ch)
{
    if (ch->publisher != NULL)
        publisher_free(ch->publisher);
    ch->publisher = NULL;
}

void channel_remove(struct channel *ch)
{
    struct connection *c = ch->connection;

    ASSERT(ch->state != CHANNEL_GONE);
    let_go(ch);
    body_stop(ch);
    buf_release(&ch->held);
    drop_publisher(ch);
    map_remove(&c->channels, ch->id);
    if (c->last == ch)
        c->last = NULL;
    c->session.door->stats.channels--;
    visit_close_channel(c->visit);
    ch->state = CHANNEL_GONE;
    if (list_linked(&ch->ending))
        list_remove(&ch->ending);
    list_push(&c->gone, &ch->ending);
    session_work(&c->session);
}

void channel_free(struct channel *ch)
{
    ASSERT(ch->state == CHANNEL_GONE);
    tags_release(&ch->tags);
    names_release(&ch->subscribers);
    mem_free(ch->last_queue);
    mem_free(ch->end);
    mem_free(ch);
}

/* ---- out ---- */

void channel_write(struct channel *ch, const struct method *m)
{
    if (LIKELY(ch->body == NULL)) {
        connection_write(ch->connection, ch->id, m);
        return;
    }
    method_write_buf(&ch->held, ch->id, m);
    channel_check_held(ch);
}

void channel_check_held(struct channel *ch)
{
    struct reply r;

    if (buf_error(&ch->held) == 0)
        return;
    reply_format(&r, REPLY_RESOURCE_ERROR, "too much waits behind a large message");
    channel_fail_later(ch, 0, &r);
}

void channel_write_safe(struct channel *ch, const struct method *m)
{
    struct connection *c = ch->connection;

    if (!broker_wait(connection_broker(c), &c->waiter)) {
        channel_write(ch, m);
        return;
    }
    buf_clear(&c->answer);
    method_write_buf(&c->answer, ch->id, m);
    ASSERT(buf_error(&c->answer) == 0);
    connection_stall(c, STALL_WAIT, ch);
}

/* ---- the ends ---- */

static void write_close(struct channel *ch, uint32_t method, const struct reply *r)
{
    struct method m = {.id = METHOD_CHANNEL_CLOSE};

    m.channel_close.reply_code = (uint16_t)r->code;
    m.channel_close.reply_text = bytes_text(r->text);
    m.channel_close.class_id = method_class_of(method);
    m.channel_close.method_id = method_number_of(method);
    ch->state = CHANNEL_CLOSING;
    connection_write(ch->connection, ch->id, &m);
}

/* What its client must get before the end. */
static bool has_more_to_say(const struct channel *ch)
{
    if (ch->body != NULL)
        return true;
    return ch->publisher != NULL && ch->is_confirming && publisher_unconfirmed(ch->publisher) > 0;
}

void channel_fail(struct channel *ch, uint32_t method, const struct reply *r)
{
    if (ch->state != CHANNEL_OPEN)
        return;
    if (reply_is_hard(r->code)) {
        connection_fail(ch->connection, method, r);
        return;
    }
    door_say_of_channel(&ch->connection->session, DIAG_WARNING,
                        "a channel ends peer=%s channel=%u: %s", look_who(&ch->connection->session),
                        ch->id, r->text);
    let_go(ch);
    if (has_more_to_say(ch)) {
        ch->state = CHANNEL_FAILING;
        mem_free(ch->end);
        ch->end = MEM_NEW(struct channel_end);
        *ch->end = (struct channel_end){.method = method, .reply = *r};
        return;
    }
    drop_publisher(ch);
    write_close(ch, method, r);
}

void channel_fail_text(struct channel *ch, uint32_t method, enum reply_code code,
                       const char *format, ...)
{
    struct reply r;
    va_list args;

    va_start(args, format);
    reply_vformat(&r, code, format, args);
    va_end(args);
    channel_fail(ch, method, &r);
}

void channel_fail_unimplemented(struct channel *ch, uint32_t method)
{
    struct reply r;

    reply_of_unimplemented(&r);
    channel_fail(ch, method, &r);
}

void channel_refuse(struct channel *ch, uint32_t method, const struct refusal *refusal)
{
    struct reply r;

    reply_of_refusal(&r, refusal);
    channel_fail(ch, method, &r);
}

void channel_end_later(struct channel *ch)
{
    if (!list_linked(&ch->ending))
        list_push(&ch->connection->ending, &ch->ending);
    session_work(&ch->connection->session);
}

void channel_fail_later(struct channel *ch, uint32_t method, const struct reply *r)
{
    if (ch->state != CHANNEL_OPEN || ch->end != NULL)
        return;
    ch->end = MEM_NEW(struct channel_end);
    *ch->end = (struct channel_end){.method = method, .reply = *r};
    channel_end_later(ch);
}

void channel_work(struct channel *ch)
{
    struct channel_end *end = ch->end;

    if (ch->state == CHANNEL_OPEN && ch->has_ended_consumers)
        channel_end_consumers(ch);
    if (end == NULL || ch->connection->state != CONNECTION_RUNNING)
        return;
    if (ch->state == CHANNEL_OPEN) {
        ch->end = NULL;
        channel_fail(ch, end->method, &end->reply);
        mem_free(end);
    } else if (ch->state == CHANNEL_FAILING && !has_more_to_say(ch)) {
        ch->end = NULL;
        drop_publisher(ch);
        write_close(ch, end->method, &end->reply);
        mem_free(end);
    }
}

/* ---- channel.x ---- */

static void on_close(struct channel *ch)
{
    struct connection *c = ch->connection;
    struct method reply = {.id = METHOD_CHANNEL_CLOSE_OK};
    uint16_t id = ch->id;

    channel_remove(ch);
    connection_write(c, id, &reply);
}

static void on_flow(struct channel *ch, const struct method *m)
{
    struct method reply = {.id = METHOD_CHANNEL_FLOW_OK};

    if (!m->channel_flow.active) {
        channel_fail_text(ch, m->id, REPLY_NOT_IMPLEMENTED, "active=false");
        return;
    }
    reply.channel_flow_ok.active = true;
    channel_write(ch, &reply);
}

static void on_access_request(struct channel *ch)
{
    struct method reply = {.id = METHOD_ACCESS_REQUEST_OK};

    reply.access_request_ok.ticket = 1;
    channel_write(ch, &reply);
}

static void on_channel_method(struct channel *ch, const struct method *m)
{
    switch (m->id) {
    case METHOD_CHANNEL_OPEN:
        channel_fail_text(ch, m->id, REPLY_CHANNEL_ERROR, "second 'channel.open' seen");
        break;
    case METHOD_CHANNEL_FLOW:
        on_flow(ch, m);
        break;
    case METHOD_CHANNEL_CLOSE:
        on_close(ch);
        break;
    default:
        channel_fail_unimplemented(ch, m->id);
    }
}

/* ---- frames ---- */

enum {
    CLASS_CHANNEL = 20,
    CLASS_ACCESS = 30,
    CLASS_EXCHANGE = 40,
    CLASS_QUEUE = 50,
    CLASS_BASIC = 60,
    CLASS_CONFIRM = 85,
    CLASS_TX = 90,
};

static void dispatch(struct channel *ch, const struct method *m)
{
    switch (method_class_of(m->id)) {
    case CLASS_CHANNEL:
        on_channel_method(ch, m);
        break;
    case CLASS_ACCESS:
        on_access_request(ch);
        break;
    case CLASS_EXCHANGE:
        exchange_method(ch, m);
        break;
    case CLASS_QUEUE:
        queue_method(ch, m);
        break;
    case CLASS_BASIC:
        basic_method(ch, m);
        break;
    case CLASS_CONFIRM:
        confirm_method(ch, m);
        break;
    case CLASS_TX:
        tx_method(ch, m);
        break;
    default:
        channel_fail_unimplemented(ch, m->id);
    }
}

/* The channel has ended for us; its client may not know yet. */
static void on_method_after_end(struct channel *ch, uint32_t id)
{
    struct connection *c = ch->connection;
    struct method reply = {.id = METHOD_CHANNEL_CLOSE_OK};
    uint16_t number = ch->id;

    if (id == METHOD_CHANNEL_CLOSE) {
        ch->was_closed_by_client = true;
        if (ch->state == CHANNEL_FAILING)
            channel_remove(ch);
        connection_write(c, number, &reply);
    } else if (id == METHOD_CHANNEL_CLOSE_OK && ch->state == CHANNEL_CLOSING) {
        channel_remove(ch);
    } else if (id == METHOD_CHANNEL_OPEN && ch->was_closed_by_client) {
        reply.id = METHOD_CHANNEL_OPEN_OK;
        reply.channel_open_ok.channel_id = bytes_of(NULL, 0);
        channel_remove(ch);
        if (!connection_count_channel(c))
            return;
        map_put(&c->channels, number, channel_new(c, number));
        connection_write(c, number, &reply);
    }
}

static bool is_for_server(uint32_t id)
{
    const struct method_kind *kind = method_kind_find(id);

    return kind != NULL && (kind->sender & METHOD_FROM_CLIENT) != 0;
}

/* A method where content was expected. */
static void fail_content(struct channel *ch)
{
    if (ch->collect->state == COLLECT_HEADER)
        channel_fail_text(ch, METHOD_BASIC_PUBLISH, REPLY_UNEXPECTED_FRAME,
                          "expected content header for class 60, got non content header frame "
                          "instead");
    else
        channel_fail_text(ch, METHOD_BASIC_PUBLISH, REPLY_UNEXPECTED_FRAME,
                          "expected content body, got non content body frame instead");
}

bool channel_must_wait(struct bytes payload)
{
    uint32_t id = payload.size < sizeof(id) ? 0 : get_be32(payload.data);

    return id == METHOD_CHANNEL_CLOSE || id == METHOD_BASIC_GET;
}

/* Any method but the usual basic.publish. */
static size_t take_method(struct channel *ch, struct bytes payload, struct bytes rest)
{
    struct method m;
    enum wire_result result = method_decode(payload, &m);
    struct reply r;

    if (UNLIKELY(result != WIRE_OK)) {
        reply_of_method(&r, result);
        connection_fail(ch->connection, m.id, &r);
        return 0;
    }
    if (UNLIKELY(ch->state != CHANNEL_OPEN)) {
        on_method_after_end(ch, m.id);
        return 0;
    }
    if (m.id == METHOD_BASIC_PUBLISH)
        return publish_method(ch, &m.basic_publish, payload, rest);
    if (is_for_server(m.id))
        dispatch(ch, &m);
    else
        channel_fail_unimplemented(ch, m.id);
    return 0;
}

size_t channel_method(struct channel *ch, struct bytes payload, struct bytes rest)
{
    struct method_basic_publish publish;

    if (UNLIKELY(ch->collect != NULL)) {
        fail_content(ch);
        return 0;
    }
    if (LIKELY(ch->state == CHANNEL_OPEN) && method_read_publish(payload, &publish))
        return publish_method(ch, &publish, payload, rest);
    return take_method(ch, payload, rest);
}

static void take_header(struct channel *ch, const struct frame *f)
{
    struct content content;
    enum wire_result result = content_decode(f->payload, &content);
    struct reply r;

    if (result != WIRE_OK) {
        reply_of_content(&r, result, &content);
        channel_fail(ch, METHOD_BASIC_PUBLISH, &r);
        return;
    }
    publish_header(ch, &content);
}

void channel_content(struct channel *ch, const struct frame *f)
{
    if (UNLIKELY(ch->state != CHANNEL_OPEN))
        return;
    if (f->type == FRAME_BODY) {
        channel_body_begin(ch, f);
        if (ch->collect != NULL)
            channel_body_part(ch, f->payload, true);
        return;
    }
    if (ch->collect == NULL)
        channel_fail_text(ch, 0, REPLY_UNEXPECTED_FRAME,
                          "expected method frame, got non method frame instead");
    else if (ch->collect->state != COLLECT_HEADER)
        fail_content(ch);
    else
        take_header(ch, f);
}

void channel_body_begin(struct channel *ch, const struct frame *f)
{
    struct collect *k = ch->collect;
    uint64_t size = f->size - FRAME_EMPTY_SIZE;

    if (ch->state != CHANNEL_OPEN)
        return;
    if (k == NULL) {
        channel_fail_text(ch, 0, REPLY_UNEXPECTED_FRAME,
                          "expected method frame, got non method frame instead");
        return;
    }
    if (k->state != COLLECT_BODY) {
        fail_content(ch);
        return;
    }
    k->empty_frames = size == 0 ? k->empty_frames + 1 : 0;
    if (k->empty_frames > EMPTY_FRAMES_MAX)
        channel_fail_text(ch, METHOD_BASIC_PUBLISH, REPLY_FRAME_ERROR,
                          "more than %d empty body frames in a row", EMPTY_FRAMES_MAX);
    else if (size > k->body_size - k->got)
        channel_fail_text(ch, METHOD_BASIC_PUBLISH, REPLY_FRAME_ERROR,
                          "content body is larger than its header says");
}

void channel_body_part(struct channel *ch, struct bytes part, bool is_last)
{
    struct collect *k = ch->collect;

    if (ch->state != CHANNEL_OPEN || k == NULL)
        return;
    if (k->state == COLLECT_BODY && collect_body(k, part) != 0) {
        channel_fail_text(ch, METHOD_BASIC_PUBLISH, REPLY_RESOURCE_ERROR,
                          "there is no memory for the message");
        return;
    }
    if (is_last && (k->state == COLLECT_COMPLETE || k->is_uploaded))
        publish_again(ch);
}

/* ---- for the methods ---- */

struct publisher *channel_publisher(struct channel *ch)
{
    if (UNLIKELY(ch->publisher == NULL)) {
        ch->publisher = publisher_new(channel_visit(ch), &channel_publisher_ops, ch);
        publisher_set_channel(ch->publisher, ch->id);
    }
    return ch->publisher;
}

bool channel_queue_name(struct channel *ch, uint32_t method, struct bytes *name)
{
    if (name->size > 0)
        return true;
    if (ch->last_queue == NULL) {
        channel_fail_text(ch, method, REPLY_NOT_FOUND, "no previously declared queue");
        return false;
    }
    *name = bytes_of(ch->last_queue + 1, ch->last_queue[0]);
    return true;
}

void channel_set_last_queue(struct channel *ch, struct bytes name)
{
    uint8_t *text = mem_alloc(1 + name.size);

    ASSERT(name.size <= SHORTSTR_MAX);
    text[0] = (uint8_t)name.size;
    memcpy(text + 1, name.data, name.size);
    mem_free(ch->last_queue); /* `name` may lie in it */
    ch->last_queue = text;
}
