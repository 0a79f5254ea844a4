/* Sockets of a client, and the frames in them. */
#include "tests/trust/load/caller.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "amqp/wire/content.h"
#include "amqp/wire/greeting.h"
#include "base/mem.h"

enum { BUFFER_MAX = 256 << 20, CALLER_FRAME_MAX = 131072, READ_SIZE = 65536 };

struct caller *caller_new(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct caller *c;
    int one = 1;

    if (fd < 0)
        return NULL;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 &&
        errno != EINPROGRESS) {
        close(fd);
        return NULL;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* only for speed */
    c = MEM_NEW(struct caller);
    c->fd = fd;
    buf_init(&c->in, BUFFER_MAX);
    buf_init(&c->out, BUFFER_MAX);
    return c;
}

void caller_free(struct caller *c)
{
    if (c->fd >= 0)
        close(c->fd);
    buf_release(&c->in);
    buf_release(&c->out);
    mem_free(c);
}

static void send_start_ok(struct caller *c)
{
    static const char response[] = "\0guest\0guest";
    struct method m = {.id = METHOD_CONNECTION_START_OK};

    m.connection_start_ok.mechanism = bytes_text("PLAIN");
    m.connection_start_ok.response = bytes_of(response, sizeof(response) - 1);
    m.connection_start_ok.locale = bytes_text("en_US");
    caller_method(c, 0, &m);
}

void caller_rush_in(struct caller *c)
{
    struct method tune = {.id = METHOD_CONNECTION_TUNE_OK};
    struct method enter = {.id = METHOD_CONNECTION_OPEN};
    struct method channel = {.id = METHOD_CHANNEL_OPEN};

    buf_bytes(&c->out, greeting_answer());
    send_start_ok(c);
    tune.connection_tune_ok.channel_max = 1;
    tune.connection_tune_ok.frame_max = CALLER_FRAME_MAX;
    caller_method(c, 0, &tune);
    enter.connection_open.virtual_host = bytes_text("/");
    caller_method(c, 0, &enter);
    caller_method(c, 1, &channel);
}

void caller_method(struct caller *c, uint16_t channel, const struct method *m)
{
    method_write_buf(&c->out, channel, m);
}

void caller_content(struct caller *c, struct bytes props, struct bytes body)
{
    size_t size = content_frame_size(props.size) + body_frames_size(body.size, CALLER_FRAME_MAX);
    uint8_t *at = buf_extend(&c->out, size);
    struct writer w = writer_of(at, size);

    ASSERT(at != NULL);
    content_write(&w, 1, body.size, props);
    body_write(&w, 1, body, CALLER_FRAME_MAX);
}

/* ---- bytes ---- */

short caller_wants(const struct caller *c)
{
    return (short)(POLLIN | (c->out.size > 0 ? POLLOUT : 0));
}

static void end(struct caller *c)
{
    c->is_closed = true;
    close(c->fd);
    c->fd = -1;
}

static void cut_front(struct buf *b, size_t size)
{
    memmove(b->data, b->data + size, b->size - size);
    b->size -= size;
}

static bool is_for_later(void)
{
    return errno == EAGAIN || errno == EINTR || errno == ENOTCONN;
}

/* An end that shows here leaves what came before to be read. */
static void send_some(struct caller *c)
{
    ssize_t done = send(c->fd, c->out.data, c->out.size, MSG_NOSIGNAL);

    if (done > 0)
        cut_front(&c->out, (size_t)done);
    else if (done < 0 && !is_for_later())
        buf_clear(&c->out);
}

static void receive_all(struct caller *c)
{
    for (;;) {
        uint8_t area[READ_SIZE];
        ssize_t done = recv(c->fd, area, sizeof(area), 0);

        if (done < 0 && is_for_later())
            return;
        if (done <= 0) {
            end(c);
            return;
        }
        buf_bytes(&c->in, bytes_of(area, (size_t)done));
        if ((size_t)done < sizeof(area))
            return;
    }
}

void caller_exchange(struct caller *c)
{
    if (c->fd < 0)
        return;
    if (c->at > 0)
        cut_front(&c->in, c->at);
    c->at = 0;
    if (c->out.size > 0)
        send_some(c);
    receive_all(c);
}

bool caller_is_left(const struct caller *c)
{
    struct pollfd poll_one = {.fd = c->fd, .events = POLLRDHUP};

    return c->fd >= 0 && poll(&poll_one, 1, 0) > 0;
}

void caller_finish(struct caller *c)
{
    size_t before;

    do {
        before = c->in.size;
        receive_all(c);
    } while (c->fd >= 0 && c->in.size > before);
}

/* ---- frames ---- */

static bool find_frame(struct caller *c)
{
    enum wire_result rv;

    if (c->in.size == c->at || c->is_garbled)
        return false;
    rv =
        frame_decode(bytes_of(c->in.data + c->at, c->in.size - c->at), CALLER_FRAME_MAX, &c->frame);
    c->is_garbled = rv != WIRE_OK && rv != WIRE_MORE;
    return rv == WIRE_OK;
}

bool caller_next(struct caller *c)
{
    while (find_frame(c)) {
        c->at += c->frame.size;
        if (c->frame.type == FRAME_HEARTBEAT)
            continue;
        if (c->frame.type == FRAME_METHOD)
            c->is_garbled |= method_decode(c->frame.payload, &c->method) != WIRE_OK;
        return !c->is_garbled;
    }
    return false;
}
