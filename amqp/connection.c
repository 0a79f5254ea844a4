/* The connection: frames to channels, stalls, the ways it ends. */
#include "amqp/connection.h"

#include <inttypes.h>
#include <stdarg.h>

#include "amqp/channel.h"
#include "amqp/deliver.h"
#include "amqp/door.h"
#include "amqp/subscriber.h"
#include "amqp/wire/frame.h"
#include "amqp/wire/greeting.h"
#include "base/mem.h"
#include "base/zoo.h"

enum {
    BEATS_MAX = 10000,      /* heartbeats in one second */
    DEAF_TIMEOUT_MS = 3000, /* how long one is listened to who speaks no frames */
    STOP_TIMEOUT_MS = 3000,
    WORK_MAX = 4096, /* messages times queues in a row, of fan-outs; some tenths of a millisecond */
    LEAVE_TIMEOUT_MS = 250, /* how long a client that was let go may take to close the socket */
    ANSWER_MAX = 1024,
    HEARTBEATS_MISSED = 2,
};

#define MS_NS UINT64_C(1000000)

struct io *connection_io(const struct connection *c)
{
    return c->session.door->io;
}

struct broker *connection_broker(const struct connection *c)
{
    return c->session.door->broker;
}

static void start_timer(struct connection *c, uint64_t timeout_ms)
{
    io_timer_start(connection_io(c), &c->timer, timeout_ms * MS_NS);
}

/* ---- stalls ---- */

bool connection_reads(const struct connection *c)
{
    return c->stalls == 0 && c->state != CONNECTION_CLOSED;
}

void connection_stall(struct connection *c, enum connection_stall why, struct channel *ch)
{
    c->stalls |= why;
    if (ch != NULL) {
        ASSERT(c->stalled == NULL || c->stalled == ch);
        c->stalled = ch;
    }
}

void connection_resume(struct connection *c, enum connection_stall why)
{
    const unsigned of_channel = STALL_WAIT | STALL_GET | STALL_COMMIT | STALL_PUBLISH;

    c->stalls &= ~(unsigned)why;
    if ((c->stalls & of_channel) == 0)
        c->stalled = NULL;
    session_work(&c->session);
}

void connection_count_work(struct connection *c, size_t places)
{
    struct amqp *a = c->session.door;

    c->rest.worked += places;
    if (c->rest.worked < WORK_MAX || list_linked(&c->rest.link))
        return;
    c->rest.worked = 0;
    connection_stall(c, STALL_REST, NULL);
    list_push(&a->resting, &c->rest.link);
    if (!io_timer_is_running(&a->rest_timer))
        io_timer_start(a->io, &a->rest_timer, 0);
}

/* ---- out ---- */

void connection_write(struct connection *c, uint16_t channel, const struct method *m)
{
    size_t size = method_frame_size(m);
    struct writer w = writer_of(output_extend(&c->session.output, size), size);

    method_write(&w, channel, m);
    ASSERT(!w.is_failed && w.size == size);
    session_flush(&c->session);
}

void connection_on_sent(struct connection *c)
{
    if (c->session.output.bytes > c->output_max / 2)
        return;
    bodies_continue(c);
    subscribers_resume(&c->waiting);
    if ((c->stalls & STALL_OUTPUT) != 0)
        connection_resume(c, STALL_OUTPUT);
}

void connection_forget_answer(struct connection *c)
{
    buf_release(&c->answer);
    buf_init(&c->answer, ANSWER_MAX);
}

/* The answer to something that is defined can go. */
static void on_safe(struct broker_waiter *w, int err)
{
    struct connection *c = CONTAINER_OF(w, struct connection, waiter);
    struct channel *ch = c->stalled;
    struct reply r;

    ASSERT(ch != NULL && (c->stalls & STALL_WAIT) != 0);
    if (err != 0) {
        reply_format(&r, REPLY_INTERNAL_ERROR, "what was defined could not be stored: %s",
                     err_text(err));
        channel_fail_later(ch, 0, &r);
    } else if (ch->body != NULL) {
        buf_bytes(&ch->held, buf_view(&c->answer));
    } else {
        output_copy(&c->session.output, buf_view(&c->answer));
        session_flush(&c->session);
    }
    connection_forget_answer(c);
    connection_resume(c, STALL_WAIT);
}

/* ---- the ends ---- */

void connection_release(struct connection *c)
{
    MAP_FOREACH (w, &c->channels)
        channel_remove(w.value);
    c->stalled = NULL;
    c->stalls = 0;
    if (list_linked(&c->rest.link))
        list_remove(&c->rest.link);
    ASSERT(list_empty(&c->waiting) && list_empty(&c->bodies) && list_empty(&c->ending));
    if (c->visit == NULL)
        return;
    visit_end(c->visit);
    c->visit = NULL;
    c->session.door->open_count--;
}

void connection_on_close(struct connection *c)
{
    c->state = CONNECTION_CLOSED;
    io_timer_stop(connection_io(c), &c->timer);
    if (c->is_delayed)
        c->session.door->delayed_count--;
    c->is_delayed = false;
    connection_release(c);
}

void connection_finish(struct connection *c)
{
    c->state = CONNECTION_CLOSED;
    start_timer(c, DEAF_TIMEOUT_MS);
    session_finish(&c->session);
}

void connection_fail(struct connection *c, uint32_t method, const struct reply *r)
{
    struct method m = {.id = METHOD_CONNECTION_CLOSE};

    if (c->state >= CONNECTION_CLOSING)
        return;
    door_say(&c->session, r->code == REPLY_CONNECTION_FORCED ? DIAG_INFO : DIAG_WARNING,
             "a connection ends peer=%s: %s", look_who(&c->session), r->text);
    connection_release(c);
    m.connection_close.reply_code = (uint16_t)r->code;
    m.connection_close.reply_text = bytes_text(r->text);
    m.connection_close.class_id = method_class_of(method);
    m.connection_close.method_id = method_number_of(method);
    connection_write(c, 0, &m);
    c->state = CONNECTION_CLOSING;
    start_timer(c, c->session.door->options->close_timeout_ms);
    session_rewatch(&c->session);
}

void connection_fail_text(struct connection *c, uint32_t method, enum reply_code code,
                          const char *format, ...)
{
    struct reply r;
    va_list args;

    va_start(args, format);
    reply_vformat(&r, code, format, args);
    va_end(args);
    connection_fail(c, method, &r);
}

void connection_fail_silently(struct connection *c)
{
    connection_release(c);
    c->state = CONNECTION_CLOSING;
    c->is_deaf = true;
    c->is_delayed = true;
    c->session.door->delayed_count++;
    start_timer(c, c->session.door->options->failed_login_delay_ms);
}

void connection_close(struct connection *c)
{
    struct method m = {.id = METHOD_CONNECTION_CLOSE_OK};

    connection_release(c);
    connection_write(c, 0, &m);
    c->state = CONNECTION_CLOSING; /* it may say so twice, and is then answered twice */
    start_timer(c, LEAVE_TIMEOUT_MS);
    session_rewatch(&c->session);
}

/* Frees channels that have ended. */
static void free_gone(struct connection *c)
{
    struct list_link *link;

    while ((link = list_take(&c->gone)) != NULL)
        channel_free(CONTAINER_OF(link, struct channel, ending));
}

static void say_farewell(struct connection *c)
{
    struct reply *r = c->farewell;

    c->farewell = NULL;
    if (c->state == CONNECTION_RUNNING || c->state == CONNECTION_OPENING)
        connection_fail(c, 0, r);
    else if (c->state < CONNECTION_CLOSING)
        session_close(&c->session);
    mem_free(r);
}

void connection_stop(struct connection *c)
{
    if (session_is_closed(&c->session))
        return;
    c->is_stopping = true;
    if (c->farewell == NULL)
        c->farewell = MEM_NEW(struct reply);
    reply_format(c->farewell, REPLY_CONNECTION_FORCED,
                 "broker forced connection closure with reason 'shutdown'");
    session_work(&c->session);
}

/* Each of those there are now; one that cannot end yet enters again. */
static void end_channels(struct connection *c)
{
    struct list_link *link;
    struct list due;

    list_init(&due);
    while ((link = list_take(&c->ending)) != NULL)
        list_push(&due, link);
    while ((link = list_take(&due)) != NULL)
        channel_work(CONTAINER_OF(link, struct channel, ending));
}

void connection_work(struct connection *c)
{
    free_gone(c);
    bodies_continue(c);
    if (c->has_room)
        subscribers_resume(&c->waiting);
    c->has_room = false;
    end_channels(c);
    if (c->is_resumed && (c->stalls & STALL_PUBLISH) != 0)
        publish_again(c->stalled);
    c->is_resumed = false;
    if (c->farewell != NULL)
        say_farewell(c);
    if (c->is_stopping && c->state >= CONNECTION_CLOSING && !session_is_closed(&c->session)) {
        c->is_stopping = false;
        start_timer(c, STOP_TIMEOUT_MS);
    }
}

/* ---- time ---- */

/* Half a heartbeat has passed. */
static void beat(struct connection *c)
{
    struct session *s = &c->session;
    uint64_t now_ns = io_now_ns(connection_io(c));
    uint64_t limit_ns = (uint64_t)c->heartbeat.period_s * HEARTBEATS_MISSED * 1000 * MS_NS;

    if ((s->watched & SOCKET_READ) != 0 && now_ns - s->read_ns >= limit_ns &&
        !ZOO(SILENCE_IGNORED)) {
        door_say(s, DIAG_WARNING, "missed heartbeats from client, timeout: %us peer=%s",
                 c->heartbeat.period_s, look_who(s));
        session_close(s);
        return;
    }
    if (s->wrote_ns <= c->heartbeat.tick_ns && s->output.count == 0) {
        struct writer w = writer_of(output_extend(&s->output, FRAME_EMPTY_SIZE), FRAME_EMPTY_SIZE);
        frame_write_heartbeat(&w);
        session_flush(s);
    }
    connection_start_heartbeat(c);
}

void connection_start_heartbeat(struct connection *c)
{
    io_timer_stop(connection_io(c), &c->timer);
    c->heartbeat.tick_ns = io_now_ns(connection_io(c));
    if (c->heartbeat.period_s > 0)
        start_timer(c, (uint64_t)c->heartbeat.period_s * 1000 / 2);
}

static void on_timer(struct io_timer *t)
{
    struct connection *c = CONTAINER_OF(t, struct connection, timer);

    switch (c->state) {
    case CONNECTION_RUNNING:
        beat(c);
        return;
    case CONNECTION_CLOSING:
    case CONNECTION_CLOSED:
        break;
    default:
        door_say(&c->session, DIAG_WARNING, "a connection was not opened in time peer=%s",
                 look_who(&c->session));
    }
    session_close(&c->session);
}

/* Counts a heartbeat; nobody needs so many. */
static void on_heartbeat(struct connection *c)
{
    uint64_t second = io_now_ns(connection_io(c)) / (1000 * MS_NS);

    if (second != c->heartbeat.second) {
        c->heartbeat.second = second;
        c->heartbeat.count = 0;
    }
    if (++c->heartbeat.count > BEATS_MAX)
        connection_fail_text(c, 0, REPLY_FRAME_ERROR, "more than %d heartbeats in a second",
                             BEATS_MAX);
}

/* ---- in: greeting and noise ---- */

static void turn_away(struct connection *c, enum greeting greeting)
{
    if (greeting == GREETING_HTTP)
        door_say(&c->session, DIAG_WARNING, "HTTP GET request detected on AMQP port peer=%s",
                 c->session.peer.text);
    else if (greeting == GREETING_TLS)
        door_say(&c->session, DIAG_WARNING, "TLS client detected on non-TLS AMQP port peer=%s",
                 c->session.peer.text);
    else
        door_say(&c->session, DIAG_WARNING, "a client speaks no AMQP 0-9-1 peer=%s",
                 c->session.peer.text);
    output_copy(&c->session.output, greeting_answer());
    connection_finish(c);
}

static size_t take_greeting(struct connection *c, struct bytes window)
{
    enum greeting greeting = greeting_of(window);

    switch (greeting) {
    case GREETING_MORE:
        return 0;
    case GREETING_AMQP_0_9_1:
    case GREETING_AMQP_0_9:
        connection_start(c);
        return GREETING_SIZE;
    default:
        turn_away(c, greeting);
        return window.size;
    }
}

/* Nothing is understood any more, but for a close-ok as the last that comes. */
static size_t take_noise(struct connection *c, struct bytes window)
{
    static const uint8_t close_ok[] = {1, 0, 0, 0, 0, 0, 4, 0, 10, 0, 51, FRAME_END};
    struct bytes wanted = bytes_of(close_ok, sizeof(close_ok));

    if (window.size >= wanted.size &&
        bytes_equal(bytes_of(window.data + window.size - wanted.size, wanted.size), wanted))
        connection_finish(c);
    return window.size;
}

/* ---- in: frames ---- */

struct channel *connection_find(struct connection *c, uint16_t id)
{
    if (LIKELY(c->last != NULL && c->last->id == id))
        return c->last;
    struct channel *ch = map_find(&c->channels, id);
    if (ch != NULL)
        c->last = ch;
    return ch;
}

static size_t fail_frame(struct connection *c, enum wire_result result, const struct frame *f,
                         size_t size)
{
    struct reply r;

    reply_of_frame(&r, result, f, c->frame_max);
    connection_fail(c, 0, &r);
    if (result == WIRE_HEARTBEAT_CHANNEL || result == WIRE_CONTENT_CHANNEL)
        return f->size <= size ? f->size : 0;
    c->is_deaf = true;
    start_timer(c, DEAF_TIMEOUT_MS);
    return size;
}

/* Ends a body frame that came in parts. */
static size_t take_frame_end(struct connection *c, struct bytes window)
{
    struct frame f = {.type = FRAME_BODY, .channel = c->part.channel, .size = FRAME_EMPTY_SIZE};

    c->part.is_open = false;
    if (window.data[0] != FRAME_END) {
        f.payload = bytes_of(window.data, 0);
        return fail_frame(c, WIRE_FRAME_END, &f, window.size);
    }
    struct channel *ch = connection_find(c, f.channel);
    if (ch != NULL && c->state == CONNECTION_RUNNING)
        channel_body_part(ch, bytes_of(window.data, 0), true);
    return FRAME_END_SIZE;
}

/* Goes on with a body frame that has not come whole. */
static size_t take_part(struct connection *c, struct bytes window)
{
    size_t size = window.size < c->part.left ? window.size : c->part.left;

    if (size == 0)
        return window.size == 0 ? 0 : take_frame_end(c, window);
    struct channel *ch = connection_find(c, c->part.channel);
    if (ch != NULL && c->state == CONNECTION_RUNNING)
        channel_body_part(ch, bytes_of(window.data, size), false);
    c->part.left -= size;
    return size;
}

/* A frame that is not all there: of a body, take what is. */
static size_t start_part(struct connection *c, struct bytes window, const struct frame *f)
{
    struct channel *ch;

    if (window.size < FRAME_HEAD_SIZE || f->type != FRAME_BODY)
        return 0;
    ch = connection_find(c, f->channel);
    if (ch == NULL && c->state == CONNECTION_RUNNING)
        return 0; /* an error, when it has come whole */
    c->part = (struct body_part){
        .channel = f->channel, .is_open = true, .left = f->size - FRAME_EMPTY_SIZE};
    if (ch != NULL && c->state == CONNECTION_RUNNING)
        channel_body_begin(ch, f);
    return FRAME_HEAD_SIZE;
}

bool connection_count_channel(struct connection *c)
{
    struct refusal refusal;
    struct reply r;

    if (visit_open_channel(c->visit, &refusal) == 0)
        return true;
    reply_of_refusal(&r, &refusal);
    connection_fail(c, METHOD_CHANNEL_OPEN, &r);
    return false;
}

static void open_channel(struct connection *c, const struct frame *f)
{
    struct method reply = {.id = METHOD_CHANNEL_OPEN_OK};
    struct method m;
    enum wire_result result = method_decode(f->payload, &m);
    struct reply r;

    if (result != WIRE_OK) {
        reply_of_method(&r, result);
        connection_fail(c, m.id, &r);
        return;
    }
    if (m.id != METHOD_CHANNEL_OPEN) {
        connection_fail_text(c, m.id, REPLY_CHANNEL_ERROR, "expected 'channel.open'");
        return;
    }
    if (map_count(&c->channels) >= c->channel_max) {
        connection_fail_text(c, m.id, REPLY_NOT_ALLOWED,
                             "number of channels opened (%zu) has reached the negotiated "
                             "channel_max (%u)",
                             map_count(&c->channels), c->channel_max);
        return;
    }
    if (!connection_count_channel(c))
        return;
    c->last = channel_new(c, f->channel);
    map_put(&c->channels, f->channel, c->last);
    connection_write(c, f->channel, &reply);
}

static void take_method_0(struct connection *c, const struct frame *f)
{
    struct method m;
    enum wire_result result = method_decode(f->payload, &m);
    struct reply r;

    if (result == WIRE_OK) {
        connection_method(c, &m);
        return;
    }
    reply_of_method(&r, result);
    connection_fail(c, m.id, &r);
}

/* A frame on a channel. Returns how much it took. */
static size_t take_channel_frame(struct connection *c, const struct frame *f, struct bytes window)
{
    struct channel *ch = connection_find(c, f->channel);

    if (UNLIKELY(ch == NULL)) {
        if (f->type == FRAME_METHOD)
            open_channel(c, f);
        else
            connection_fail_text(c, 0, REPLY_CHANNEL_ERROR, "expected 'channel.open'");
        return f->size;
    }
    if (f->type != FRAME_METHOD) {
        channel_content(ch, f);
        return f->size;
    }
    if (UNLIKELY(ch->body != NULL && channel_must_wait(f->payload))) {
        connection_stall(c, STALL_BODY, NULL);
        return 0;
    }
    struct bytes rest = bytes_of(window.data + f->size, window.size - f->size);
    return f->size + channel_method(ch, f->payload, rest);
}

static size_t take_frame(struct connection *c, struct bytes window)
{
    struct frame f;

    if (UNLIKELY(c->part.is_open))
        return take_part(c, window);
    enum wire_result result = frame_decode(window, c->frame_max, &f);
    if (UNLIKELY(result == WIRE_MORE))
        return start_part(c, window, &f);
    if (UNLIKELY(result != WIRE_OK))
        return fail_frame(c, result, &f, window.size);
    if (f.type == FRAME_HEARTBEAT) {
        on_heartbeat(c);
        return f.size;
    }
    if (f.channel == 0) {
        take_method_0(c, &f);
        return f.size;
    }
    if (c->state == CONNECTION_RUNNING)
        return take_channel_frame(c, &f, window);
    if (c->state < CONNECTION_CLOSING)
        connection_fail_text(c, 0, REPLY_CHANNEL_ERROR, "expected 'channel.open'");
    return f.size;
}

static size_t take_one(struct connection *c, struct bytes window)
{
    if (UNLIKELY(c->is_deaf))
        return take_noise(c, window);
    if (UNLIKELY(c->state == CONNECTION_GREETING))
        return take_greeting(c, window);
    return take_frame(c, window);
}

size_t connection_take(struct connection *c, struct bytes window)
{
    size_t at = 0;

    while (at < window.size && connection_reads(c)) {
        size_t taken = take_one(c, bytes_of(window.data + at, window.size - at));
        if (taken == 0)
            break;
        at += taken;
        if (UNLIKELY(c->session.output.bytes >= 2 * c->output_max))
            connection_stall(c, STALL_OUTPUT, NULL);
    }
    return at;
}

/* ---- blocked ---- */

bool connection_holds_publish(struct connection *c)
{
    struct method m = {.id = METHOD_CONNECTION_BLOCKED};
    const char *reason = visit_blocked(c->visit);

    if (reason == NULL || c->said_blocked)
        return reason != NULL;
    c->said_blocked = true;
    connection_stall(c, STALL_BLOCKED, NULL);
    if (!c->client.wants_blocked)
        return true;
    m.connection_blocked.reason = bytes_text(reason);
    connection_write(c, 0, &m);
    return true;
}

void connection_on_resumed(void *owner)
{
    struct connection *c = owner;

    if ((c->stalls & STALL_PUBLISH) == 0)
        return;
    c->is_resumed = true;
    session_work(&c->session);
}

/* ---- the beginning ---- */

void connection_open(struct amqp *door, struct socket *socket)
{
    struct connection *c = MEM_NEW(struct connection);

    session_init(&c->session, door, socket);
    list_push(&door->sessions, &c->session.link);
    door->session_count++;
    door->stats.opened++;
    look_begin(c);
    c->frame_max = (uint32_t)door->options->initial_frame_max;
    c->output_max = (size_t)door->options->output_max_bytes;
    map_init(&c->channels);
    list_init(&c->waiting);
    list_init(&c->bodies);
    list_init(&c->ending);
    list_init(&c->gone);
    buf_init(&c->answer, ANSWER_MAX);
    c->waiter.done = on_safe;
    io_timer_init(&c->timer, on_timer);
    start_timer(c, door->options->handshake_timeout_ms);
    session_rewatch(&c->session);
}

void connection_free(struct connection *c)
{
    struct amqp *door = c->session.door;

    diag(DIAG_DEBUG, "connection", "a connection is gone peer=%s", look_who(&c->session));
    free_gone(c);
    ASSERT(c->visit == NULL && map_count(&c->channels) == 0);
    io_timer_stop(door->io, &c->timer);
    io_task_cancel(&c->session.flush_task);
    io_task_cancel(&c->session.work_task);
    input_release(&c->session.input);
    output_release(&c->session.output);
    map_release(&c->channels);
    look_end(c);
    buf_release(&c->answer);
    mem_free(c->farewell);
    user_unref(c->user);
    list_remove(&c->session.link);
    mem_free(c);
    door_forget(door);
}

void connection_check(struct connection *c)
{
    bool is_running = c->state == CONNECTION_RUNNING;

    output_check(&c->session.output);
    ASSERT(is_running || (map_count(&c->channels) == 0 && c->visit == NULL)); /* N1 */
    ASSERT(c->stalls == 0 || (c->session.watched & SOCKET_READ) == 0);        /* N2 */
    MAP_FOREACH (w, &c->channels)
        tags_check(&((struct channel *)w.value)->tags);
}
