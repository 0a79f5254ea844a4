/* The socket, the frames, and who hears of them. */
#include "tools/bench/amqp/client.h"

#include <string.h>

#include "amqp/wire/greeting.h"
#include "base/err.h"
#include "io/net.h"
#include "tools/bench/amqp/client_open.h"
#include "tools/bench/amqp/load.h"

enum { OUT_MAX = 64 << 20, PARTS_MAX = 4 };

/* ---- writing ---- */

/* Within on_writable() the watching is set once at its end: turning it off and on again costs two
 * system calls for each block of messages. */
static void set_full(struct client *c, bool is_full)
{
    c->is_full = is_full;
    if (!c->is_in_room && c->socket != NULL)
        socket_watch(c->socket, SOCKET_READ | (is_full ? SOCKET_WRITE : 0u));
}

static void fail_gone(struct client *c)
{
    const struct uri *u = &c->load->uri;

    if (c->state <= CLIENT_GREETED)
        load_fail(c->load, ERR_CLOSED,
                  "cannot talk to %s port %u: nobody listens there, or it hangs up", u->host,
                  u->port);
    else if (c->state < CLIENT_READY)
        load_fail(c->load, ERR_CLOSED,
                  "the broker refused: it closed the connection while it was opened "
                  "(user '%s', vhost '%s')",
                  u->user, u->vhost);
    else
        load_fail(c->load, ERR_CLOSED, "the broker closed the connection without a word");
}

/* Writes parts as far as they go; how many bytes that were. */
static size_t write_parts(struct client *c, const struct iovec *parts, int count)
{
    size_t done = 0, size = 0;
    int rv = socket_write(c->socket, parts, count, &done);

    for (int i = 0; i < count; i++)
        size += parts[i].iov_len;
    if (rv == ERR_AGAIN)
        done = 0;
    else if (rv != 0)
        fail_gone(c);
    if ((rv == 0 || rv == ERR_AGAIN) && done < size)
        set_full(c, true);
    c->load->traffic += done;
    return rv == 0 ? done : 0;
}

/* iovec has no const. */
static struct iovec part_of(const uint8_t *data, size_t size)
{
    return (struct iovec){.iov_base = (void *)(uintptr_t)data, .iov_len = size};
}

void client_flush(struct client *c)
{
    struct iovec part;

    if (c->socket == NULL || c->is_full || c->out_done == c->out.size)
        return;
    part = part_of(c->out.data + c->out_done, c->out.size - c->out_done);
    c->out_done += write_parts(c, &part, 1);
    if (c->out_done < c->out.size)
        return;
    buf_clear(&c->out);
    c->out_done = 0;
}

size_t client_write(struct client *c, const struct bytes *parts, int count)
{
    struct iovec vector[PARTS_MAX];

    ASSERT(count <= PARTS_MAX);
    client_flush(c);
    if (c->socket == NULL || c->is_full || c->out.size > 0)
        return 0;
    for (int i = 0; i < count; i++)
        vector[i] = part_of(parts[i].data, parts[i].size);
    return write_parts(c, vector, count);
}

void client_send(struct client *c, uint16_t channel, const struct method *m)
{
    method_write_buf(&c->out, channel, m);
    if (buf_error(&c->out) != 0)
        load_fail(c->load, ERR_FULL, "the broker takes nothing more: %zu bytes wait for it",
                  c->out.size - c->out_done);
}

void client_call(struct client *c, uint16_t channel, const struct method *m)
{
    ASSERT(c->state == CLIENT_READY || c->load->error != 0);
    client_send(c, channel, m);
    c->calls_due++;
}

/* ---- reading ---- */

static bool is_answer(uint32_t id)
{
    switch (id) {
    case METHOD_CHANNEL_OPEN_OK:
    case METHOD_EXCHANGE_DECLARE_OK:
    case METHOD_EXCHANGE_DELETE_OK:
    case METHOD_QUEUE_DECLARE_OK:
    case METHOD_QUEUE_BIND_OK:
    case METHOD_QUEUE_PURGE_OK:
    case METHOD_QUEUE_DELETE_OK:
    case METHOD_BASIC_QOS_OK:
    case METHOD_BASIC_CONSUME_OK:
    case METHOD_BASIC_CANCEL_OK:
    case METHOD_CONFIRM_SELECT_OK:
        return true;
    default:
        return false;
    }
}

static void take_answer(struct client *c, const struct method *m)
{
    if (c->calls_due == 0) {
        load_fail(c->load, ERR_INVALID, "the broker answered %u.%u and had not been asked",
                  method_class_of(m->id), method_number_of(m->id));
        return;
    }
    if (m->id == METHOD_QUEUE_DECLARE_OK)
        c->message_count = m->queue_declare_ok.message_count;
    c->calls_due--;
    if (c->calls_due > 0)
        return;
    c->state = CLIENT_READY;
    if (c->ops->on_answered != NULL)
        c->ops->on_answered(c);
    load_look(c->load);
}

static void take_method(struct client *c, const struct frame *f)
{
    struct method m;
    enum wire_result result = method_decode(f->payload, &m);

    if (result != WIRE_OK)
        load_fail(c->load, ERR_INVALID, "the broker sent a method that cannot be read: %s",
                  wire_result_text(result));
    else if (f->channel == 0)
        client_take_connection_method(c, &m);
    else if (c->state == CLIENT_CLOSING)
        return;
    else if (m.id == METHOD_CHANNEL_CLOSE)
        client_take_close(c, &m);
    else if (is_answer(m.id))
        take_answer(c, &m);
    else if (c->ops->on_method != NULL)
        c->ops->on_method(c, f->channel, &m);
}

static void take_header(struct client *c, const struct frame *f)
{
    struct content content;
    enum wire_result result = content_decode(f->payload, &content);

    if (result != WIRE_OK)
        load_fail(c->load, ERR_INVALID, "the broker sent a content header that cannot be read: %s",
                  wire_result_text(result));
    else if (c->ops->on_header != NULL && c->state != CLIENT_CLOSING)
        c->ops->on_header(c, f->channel, &content);
}

static void take_frame(struct client *c, const struct frame *f)
{
    switch (f->type) {
    case FRAME_METHOD:
        take_method(c, f);
        break;
    case FRAME_HEADER:
        take_header(c, f);
        break;
    case FRAME_BODY:
        if (c->ops->on_body != NULL && c->state != CLIENT_CLOSING)
            c->ops->on_body(c, f->channel, f->payload);
        break;
    default:
        break; /* a heartbeat */
    }
}

/* Takes whole frames off the front; what is left begins at the result. */
static size_t take_frames(struct client *c, struct bytes window)
{
    size_t done = 0;

    while (c->socket != NULL && c->load->error == 0) {
        struct bytes left = bytes_of(window.data + done, window.size - done);
        struct frame f;
        enum wire_result result;

        if (c->ops->on_bytes != NULL && c->state == CLIENT_READY) {
            size_t taken = c->ops->on_bytes(c, left);
            done += taken;
            left = bytes_of(left.data + taken, left.size - taken);
        }
        result = frame_decode(left, c->frame_max, &f);
        if (result == WIRE_MORE)
            break;
        if (result != WIRE_OK) {
            load_fail(c->load, ERR_INVALID, "what the broker sends is not AMQP 0-9-1: %s",
                      wire_result_text(result));
            break;
        }
        take_frame(c, &f);
        done += f.size;
    }
    return done;
}

static void take_bytes(struct client *c, size_t size)
{
    struct bytes window = bytes_of(c->load->inbox, size);
    size_t done = take_frames(c, window);

    if (c->socket == NULL || c->load->error != 0)
        return;
    buf_clear(&c->rest);
    buf_bytes(&c->rest, bytes_of(window.data + done, window.size - done));
    if (buf_error(&c->rest) != 0)
        load_fail(c->load, ERR_INVALID, "the broker sent a frame larger than was agreed");
    client_flush(c);
}

static void on_readable(struct client *c)
{
    uint8_t *inbox = c->load->inbox;
    size_t kept = c->rest.size, done = 0;
    int rv;

    if (kept > 0)
        memcpy(inbox, c->rest.data, kept);
    rv = socket_read(c->socket, inbox + kept, LOAD_READ_SIZE, &done);
    if (rv == ERR_AGAIN)
        return;
    if (rv == 0) {
        c->load->traffic += done;
        take_bytes(c, kept + done);
    } else if (c->state == CLIENT_CLOSING) {
        client_release(c);
    } else {
        fail_gone(c);
    }
}

static void on_writable(struct client *c)
{
    c->is_in_room = true;
    c->is_full = false;
    if (c->state == CLIENT_CONNECTING) {
        c->state = CLIENT_GREETED;
        buf_bytes(&c->out, greeting_answer());
    }
    client_flush(c);
    if (!c->is_full && c->state == CLIENT_READY && c->ops->on_room != NULL)
        c->ops->on_room(c);
    c->is_in_room = false;
    if (!c->is_full)
        set_full(c, false);
}

void client_ask_for_room(struct client *c)
{
    if (!c->is_full)
        set_full(c, true);
}

static void on_event(void *owner, struct socket *s, unsigned events)
{
    struct client *c = owner;
    struct load *load = c->load;

    ASSERT(c->socket == s);
    if (load->error != 0) {
        socket_watch(s, 0); /* the end has come; nobody turns the loop for this client any more */
        return;
    }
    if ((events & SOCKET_READ) != 0)
        on_readable(c);
    else
        on_writable(c);
    if (c->socket == NULL && c->ops->on_gone != NULL)
        c->ops->on_gone(c);
    load_look(load);
}

/* ---- begin and end ---- */

int client_open(struct client *c, struct load *load, const struct client_ops *ops,
                uint16_t channels)
{
    int rv;

    *c = (struct client){
        .load = load, .ops = ops, .channels = channels, .frame_max = LOAD_FRAME_MAX};
    buf_init(&c->out, OUT_MAX);
    buf_init(&c->rest, LOAD_REST_MAX);
    rv = socket_connect(load->io, load->uri.host, load->uri.port, &c->socket, &load->note);
    if (rv != 0) {
        c->socket = NULL;
        c->state = CLIENT_GONE;
        load->error = load->error == 0 ? rv : load->error;
        return rv;
    }
    socket_set_owner(c->socket, on_event, c);
    set_full(c, true); /* until it is connected */
    return 0;
}

bool client_is_idle(void *client)
{
    const struct client *c = client;

    return c->state == CLIENT_READY && c->calls_due == 0;
}

void client_close(struct client *c)
{
    static const struct method close = {
        .id = METHOD_CONNECTION_CLOSE,
        .connection_close = {.reply_code = 200},
    };

    if (c->state != CLIENT_READY || c->load->error != 0) {
        client_release(c);
        return;
    }
    client_send(c, 0, &close);
    c->state = CLIENT_CLOSING;
    client_flush(c);
}

bool client_is_gone(void *client)
{
    const struct client *c = client;

    return c->socket == NULL;
}

void client_release(struct client *c)
{
    if (c->socket != NULL)
        socket_close(c->socket);
    c->socket = NULL;
    c->state = CLIENT_GONE;
    buf_release(&c->out);
    buf_release(&c->rest);
}
