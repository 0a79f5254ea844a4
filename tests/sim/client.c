/* A client in a simulated world. */
#include "tests/sim/client.h"

#include <string.h>

#include "amqp/wire/frame.h"
#include "amqp/wire/greeting.h"
#include "base/err.h"
#include "base/mem.h"
#include "tests/lib/test.h"

enum { BUFFER_MAX = 256 << 20 };

/* ---- a client's socket ---- */

static void watch(struct client *c)
{
    unsigned events = c->is_reading ? SOCKET_READ : 0;

    if (c->socket != NULL)
        socket_watch(c->socket, events | (c->out.size > 0 ? SOCKET_WRITE : 0));
}

static void read_all(struct client *c)
{
    uint8_t area[16384];
    size_t done = 0;
    int rv;

    while ((rv = socket_read(c->socket, area, sizeof(area), &done)) == 0)
        buf_bytes(&c->in, bytes_of(area, done));
    if (rv == ERR_AGAIN)
        return;
    c->is_closed = true;
    socket_close(c->socket);
    c->socket = NULL;
}

static void write_all(struct client *c)
{
    struct bytes view = buf_view(&c->out);
    struct iovec part = {(void *)(uintptr_t)view.data, view.size};
    size_t done = 0;

    if (view.size == 0 || socket_write(c->socket, &part, 1, &done) != 0)
        return;
    memmove(c->out.data, c->out.data + done, c->out.size - done);
    c->out.size -= done;
}

static void on_event(void *owner, struct socket *s, unsigned events)
{
    struct client *c = owner;

    (void)s;
    if ((events & SOCKET_WRITE) != 0)
        write_all(c);
    if ((events & SOCKET_READ) != 0)
        read_all(c);
    watch(c);
}

struct client *client_new(struct world *w)
{
    struct client *c = mem_zero(1, sizeof(*c));
    struct err_note note;

    c->world = w;
    c->is_reading = true;
    c->takes_all = true;
    c->user = "guest";
    c->vhost = "/";
    c->frame_max = 131072;
    buf_init(&c->in, BUFFER_MAX);
    buf_init(&c->out, BUFFER_MAX);
    buf_init(&c->body, BUFFER_MAX);
    assert_int_equal(
        socket_connect(w->client_io, sim_node_host(w->server), WORLD_PORT, &c->socket, &note), 0);
    socket_set_owner(c->socket, on_event, c);
    watch(c);
    return c;
}

void client_free(struct client *c)
{
    if (c->socket != NULL)
        socket_close(c->socket);
    buf_release(&c->in);
    buf_release(&c->out);
    buf_release(&c->body);
    mem_free(c);
}

void client_read(struct client *c, bool is_reading)
{
    c->is_reading = is_reading;
    watch(c);
}

void client_send(struct client *c, struct bytes bytes)
{
    buf_bytes(&c->out, bytes);
    watch(c);
}

void client_method(struct client *c, uint16_t channel, const struct method *m)
{
    method_write_buf(&c->out, channel, m);
    assert_int_equal(buf_error(&c->out), 0);
    watch(c);
}

void client_content(struct client *c, uint16_t channel, struct bytes body)
{
    static const uint8_t props[] = {0x10, 0x00, 2};

    client_content_with(c, channel, bytes_of(props, sizeof(props)), body);
}

void client_content_with(struct client *c, uint16_t channel, struct bytes props, struct bytes body)
{
    size_t size = content_frame_size(props.size) + body_frames_size(body.size, c->frame_max);
    uint8_t *at = buf_extend(&c->out, size);

    assert_non_null(at);
    struct writer w = writer_of(at, size);
    content_write(&w, channel, body.size, props);
    body_write(&w, channel, body, c->frame_max);
    assert_int_equal(w.size, size);
    watch(c);
}

/* ---- what comes ---- */

static enum wire_result look(struct client *c, struct frame *f)
{
    return frame_decode(bytes_of(c->in.data + c->at, c->in.size - c->at), 2 << 20, f);
}

static bool has_frame(void *owner)
{
    struct client *c = owner;
    struct frame f;

    for (;;) {
        if (c->at == c->in.size || look(c, &f) == WIRE_MORE)
            return c->is_closed;
        if (f.type != FRAME_HEARTBEAT)
            return true;
        c->at += f.size;
    }
}

static bool is_at_end(void *owner)
{
    struct client *c = owner;

    return c->is_closed || (has_frame(c) && c->at < c->in.size);
}

static void take_frame(struct client *c)
{
    assert_int_equal(look(c, &c->frame), WIRE_OK);
    c->at += c->frame.size;
    if (c->frame.type == FRAME_METHOD)
        assert_int_equal(method_decode(c->frame.payload, &c->method), WIRE_OK);
}

void client_next(struct client *c)
{
    c->is_reading = true;
    watch(c);
    if (!sim_run_until(c->world->sim, has_frame, c, WORLD_PATIENCE_NS) || c->at == c->in.size)
        fail_msg("no frame came");
    take_frame(c);
}

bool client_poll(struct client *c)
{
    struct frame f;

    if (!has_frame(c) || c->at == c->in.size || look(c, &f) != WIRE_OK)
        return false;
    take_frame(c);
    return true;
}

static const char *name_of(uint32_t id)
{
    const struct method_kind *kind = method_kind_find(id);

    return kind == NULL ? "no method" : kind->name;
}

const struct method *client_expect(struct client *c, uint16_t channel, uint32_t id)
{
    client_next(c);
    if (c->frame.type != FRAME_METHOD)
        fail_msg("frame of type %u instead of %s", c->frame.type, name_of(id));
    if (c->method.id == METHOD_CONNECTION_CLOSE && id != METHOD_CONNECTION_CLOSE)
        fail_msg("connection.close: %.*s", (int)c->method.connection_close.reply_text.size,
                 (const char *)c->method.connection_close.reply_text.data);
    if (c->method.id == METHOD_CHANNEL_CLOSE && id != METHOD_CHANNEL_CLOSE)
        fail_msg("channel.close: %.*s", (int)c->method.channel_close.reply_text.size,
                 (const char *)c->method.channel_close.reply_text.data);
    if (c->method.id != id)
        fail_msg("%s instead of %s", name_of(c->method.id), name_of(id));
    assert_int_equal(c->frame.channel, channel);
    return &c->method;
}

void client_take_body(struct client *c, uint16_t channel)
{
    struct method kept = c->method;

    client_next(c);
    assert_int_equal(c->frame.type, FRAME_HEADER);
    assert_int_equal(c->frame.channel, channel);
    assert_int_equal(content_decode(c->frame.payload, &c->content), WIRE_OK);
    buf_clear(&c->body);
    while (c->body.size < c->content.body_size) {
        client_next(c);
        if (c->frame.channel != channel)
            continue; /* other channels may speak meanwhile */
        assert_int_equal(c->frame.type, FRAME_BODY);
        buf_bytes(&c->body, c->frame.payload);
        assert_true(c->frame.size == c->frame_max || c->body.size == c->content.body_size);
    }
    assert_int_equal(c->body.size, c->content.body_size);
    c->method = kept;
}

void client_expect_body(struct client *c, uint16_t channel, const char *text)
{
    client_take_body(c, channel);
    assert_int_equal(c->body.size, strlen(text));
    if (c->body.size > 0)
        assert_memory_equal(c->body.data, text, c->body.size);
}

void client_expect_nothing(struct client *c, uint64_t ms)
{
    world_run_ms(c->world, ms);
    if (has_frame(c)) {
        client_next(c);
        fail_msg("%s came", name_of(c->method.id));
    }
}

void client_expect_end(struct client *c)
{
    assert_true(sim_run_until(c->world->sim, is_at_end, c, WORLD_PATIENCE_NS));
    if (!c->is_closed)
        client_expect(c, 0, METHOD_NONE);
}

static void expect_text(struct bytes text, const char *wanted)
{
    if (!bytes_equal(text, bytes_text(wanted)))
        fail_msg("'%.*s' instead of '%s'", (int)text.size, (const char *)text.data, wanted);
}

void client_expect_connection_close(struct client *c, uint16_t code, const char *text)
{
    struct method reply = {.id = METHOD_CONNECTION_CLOSE_OK};
    const struct method *m = client_expect(c, 0, METHOD_CONNECTION_CLOSE);

    expect_text(m->connection_close.reply_text, text);
    assert_int_equal(m->connection_close.reply_code, code);
    client_method(c, 0, &reply);
    client_expect_end(c);
}

void client_expect_channel_close(struct client *c, uint16_t channel, uint16_t code,
                                 const char *text)
{
    struct method reply = {.id = METHOD_CHANNEL_CLOSE_OK};
    const struct method *m = client_expect(c, channel, METHOD_CHANNEL_CLOSE);

    expect_text(m->channel_close.reply_text, text);
    assert_int_equal(m->channel_close.reply_code, code);
    client_method(c, channel, &reply);
}

/* ---- logging in ---- */

static const char all_capabilities[] = "\x0c"
                                       "capabilitiesF\x00\x00\x00\x53"
                                       "\x12"
                                       "connection.blockedt\x01"
                                       "\x1c"
                                       "authentication_failure_closet\x01"
                                       "\x16"
                                       "consumer_cancel_notifyt\x01"
                                       "\x03"
                                       "yest\x01";

static void send_start_ok(struct client *c)
{
    struct method m = {.id = METHOD_CONNECTION_START_OK};
    char response[64];
    size_t size = strlen(c->user);

    assert_true(2 * size + 2 <= sizeof(response));
    response[0] = '\0';
    memcpy(response + 1, c->user, size + 1);
    memcpy(response + 2 + size, c->user, size);
    m.connection_start_ok.client_properties.bytes =
        c->takes_all ? bytes_of(all_capabilities, sizeof(all_capabilities) - 1) : bytes_of(NULL, 0);
    m.connection_start_ok.mechanism = bytes_text("PLAIN");
    m.connection_start_ok.response = bytes_of(response, 2 * size + 2);
    m.connection_start_ok.locale = bytes_text("en_US");
    client_method(c, 0, &m);
}

void client_log_in(struct client *c)
{
    client_send(c, greeting_answer());
    client_expect(c, 0, METHOD_CONNECTION_START);
    send_start_ok(c);
}

static void send_tune_ok(struct client *c, uint16_t channel_max)
{
    struct method m = {.id = METHOD_CONNECTION_TUNE_OK};

    m.connection_tune_ok.channel_max = channel_max;
    m.connection_tune_ok.frame_max = c->frame_max;
    m.connection_tune_ok.heartbeat = c->heartbeat_s;
    client_method(c, 0, &m);
    memset(&m, 0, sizeof(m));
    m.id = METHOD_CONNECTION_OPEN;
    m.connection_open.virtual_host = bytes_text(c->vhost);
    client_method(c, 0, &m);
}

void client_ask_in(struct client *c)
{
    client_expect(c, 0, METHOD_CONNECTION_TUNE);
    send_tune_ok(c, c->method.connection_tune.channel_max);
}

void client_rush_in(struct client *c)
{
    struct method m = {.id = METHOD_CHANNEL_OPEN};

    client_send(c, greeting_answer());
    send_start_ok(c);
    send_tune_ok(c, 1);
    memset(&m.channel_open, 0, sizeof(m.channel_open));
    client_method(c, 1, &m);
}

void client_enter(struct client *c, uint16_t channels)
{
    struct method m;

    client_log_in(c);
    client_ask_in(c);
    client_expect(c, 0, METHOD_CONNECTION_OPEN_OK);
    for (uint16_t i = 1; i <= channels; i++) {
        memset(&m, 0, sizeof(m));
        m.id = METHOD_CHANNEL_OPEN;
        client_method(c, i, &m);
        client_expect(c, i, METHOD_CHANNEL_OPEN_OK);
    }
}

struct client *client_open(struct world *w, uint16_t channels)
{
    struct client *c = client_new(w);

    client_enter(c, channels);
    return c;
}

/* ---- short words ---- */

void client_declare(struct client *c, const char *queue)
{
    struct method m = {.id = METHOD_QUEUE_DECLARE};

    memset(&m.queue_declare, 0, sizeof(m.queue_declare));
    m.queue_declare.queue = bytes_text(queue);
    m.queue_declare.durable = true;
    client_method(c, 1, &m);
    client_expect(c, 1, METHOD_QUEUE_DECLARE_OK);
}

void client_consume(struct client *c, const char *queue, const char *tag, bool is_no_ack)
{
    struct method m = {.id = METHOD_BASIC_CONSUME};

    memset(&m.basic_consume, 0, sizeof(m.basic_consume));
    m.basic_consume.queue = bytes_text(queue);
    m.basic_consume.consumer_tag = bytes_text(tag);
    m.basic_consume.no_ack = is_no_ack;
    client_method(c, 1, &m);
    client_expect(c, 1, METHOD_BASIC_CONSUME_OK);
}

void client_publish(struct client *c, const char *exchange, const char *key, const char *body)
{
    struct method m = {.id = METHOD_BASIC_PUBLISH};

    memset(&m.basic_publish, 0, sizeof(m.basic_publish));
    m.basic_publish.exchange = bytes_text(exchange);
    m.basic_publish.routing_key = bytes_text(key);
    client_method(c, 1, &m);
    client_content(c, 1, bytes_text(body));
}

void client_confirm(struct client *c)
{
    struct method m = {.id = METHOD_CONFIRM_SELECT};

    m.confirm_select.no_wait = false;
    client_method(c, 1, &m);
    client_expect(c, 1, METHOD_CONFIRM_SELECT_OK);
}

void client_ack(struct client *c, uint64_t tag, bool is_multiple)
{
    struct method m = {.id = METHOD_BASIC_ACK};

    m.basic_ack.delivery_tag = tag;
    m.basic_ack.multiple = is_multiple;
    client_method(c, 1, &m);
}

void client_expect_delivery(struct client *c, uint64_t tag, const char *body)
{
    client_expect(c, 1, METHOD_BASIC_DELIVER);
    assert_int_equal(c->method.basic_deliver.delivery_tag, tag);
    client_expect_body(c, 1, body);
}

void client_expect_confirmed(struct client *c, uint64_t seq)
{
    uint64_t upto = 0;

    while (upto < seq) {
        client_expect(c, 1, METHOD_BASIC_ACK);
        assert_true(c->method.basic_ack.delivery_tag > upto);
        upto = c->method.basic_ack.delivery_tag;
    }
    assert_int_equal(upto, seq);
}

uint64_t client_get(struct client *c, const char *queue, const char *body)
{
    struct method m = {.id = METHOD_BASIC_GET};

    memset(&m.basic_get, 0, sizeof(m.basic_get));
    m.basic_get.queue = bytes_text(queue);
    client_method(c, 1, &m);
    if (body == NULL) {
        client_expect(c, 1, METHOD_BASIC_GET_EMPTY);
        return 0;
    }
    client_expect(c, 1, METHOD_BASIC_GET_OK);
    uint64_t tag = c->method.basic_get_ok.delivery_tag;
    client_expect_body(c, 1, body);
    return tag;
}
