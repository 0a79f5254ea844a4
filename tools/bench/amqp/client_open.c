/* From connection.start to the channels, and connection.close. */
#include "tools/bench/amqp/client_open.h"

#include <string.h>

#include "msg/table_writer.h"
#include "tools/bench/amqp/client.h"
#include "tools/bench/amqp/load.h"

enum { PROPERTIES_MAX = 4096, RESPONSE_MAX = 2 * URI_PART_SIZE + 2 };

static void write_properties(struct table_writer *w)
{
    static const char *const capabilities[] = {
        "publisher_confirms", "consumer_cancel_notify",       "basic.nack",
        "connection.blocked", "authentication_failure_close",
    };

    table_writer_text(w, "product", bytes_text("millrace-bench"));
    table_writer_text(w, "version", bytes_text(MILLRACE_VERSION));
    table_writer_text(w, "platform", bytes_text("C"));
    table_writer_begin_table(w, "capabilities");
    for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++)
        table_writer_bool(w, capabilities[i], true);
    table_writer_end(w);
}

/* One of the words in a text of them. */
static bool has_word(struct bytes text, const char *word)
{
    size_t size = strlen(word);

    for (size_t i = 0; i + size <= text.size; i++) {
        bool begins = i == 0 || text.data[i - 1] == ' ';
        bool ends = i + size == text.size || text.data[i + size] == ' ';

        if (begins && ends && memcmp(text.data + i, word, size) == 0)
            return true;
    }
    return false;
}

/* The PLAIN response: two texts with a zero byte before each. */
static struct bytes plain_response(const struct uri *u, char area[RESPONSE_MAX])
{
    size_t user = strlen(u->user), password = strlen(u->password);

    ASSERT(user + password + 2 <= RESPONSE_MAX);
    area[0] = '\0';
    memcpy(area + 1, u->user, user);
    area[1 + user] = '\0';
    memcpy(area + 2 + user, u->password, password);
    return bytes_of(area, user + password + 2);
}

static void take_start(struct client *c, const struct method *m)
{
    struct method reply = {.id = METHOD_CONNECTION_START_OK};
    char response[RESPONSE_MAX];
    struct table_writer w;
    struct buf area;
    int rv;

    if (!has_word(m->connection_start.mechanisms, "PLAIN")) {
        load_fail(c->load, ERR_DENIED, "the broker does not take the mechanism PLAIN");
        return;
    }
    buf_init(&area, PROPERTIES_MAX);
    table_writer_init(&w, &area);
    write_properties(&w);
    rv = table_writer_finish(&w, &reply.connection_start_ok.client_properties);
    ASSERT(rv == 0);
    reply.connection_start_ok.mechanism = bytes_text("PLAIN");
    reply.connection_start_ok.response = plain_response(&c->load->uri, response);
    reply.connection_start_ok.locale = bytes_text("en_US");
    client_send(c, 0, &reply);
    buf_release(&area);
    c->state = CLIENT_SECURING;
    client_flush(c);
}

/* Zero stands for no limit. */
static uint32_t lower_of(uint32_t theirs, uint32_t ours)
{
    return theirs == 0 || theirs > ours ? ours : theirs;
}

static void take_tune(struct client *c, const struct method *m)
{
    uint32_t frame_max = lower_of(m->connection_tune.frame_max, LOAD_FRAME_MAX);
    uint32_t channel_max = lower_of(m->connection_tune.channel_max, UINT16_MAX);
    struct method reply = {
        .id = METHOD_CONNECTION_TUNE_OK,
        .connection_tune_ok = {.channel_max = (uint16_t)channel_max, .frame_max = frame_max},
    };
    struct method open = {
        .id = METHOD_CONNECTION_OPEN,
        .connection_open = {.virtual_host = bytes_text(c->load->uri.vhost)},
    };

    if (c->channels > channel_max || frame_max <= FRAME_EMPTY_SIZE) {
        load_fail(c->load, ERR_RANGE,
                  "the broker allows %u channels in a connection, %u are needed", channel_max,
                  c->channels);
        return;
    }
    c->frame_max = frame_max;
    client_send(c, 0, &reply);
    client_send(c, 0, &open);
    c->state = CLIENT_TUNED;
    client_flush(c);
}

static void open_channels(struct client *c)
{
    struct method open = {.id = METHOD_CHANNEL_OPEN};

    c->state = CLIENT_OPENING;
    for (uint16_t i = 1; i <= c->channels; i++) {
        client_send(c, i, &open);
        c->calls_due++;
    }
    if (c->channels == 0)
        c->state = CLIENT_READY;
    client_flush(c);
}

void client_take_close(struct client *c, const struct method *m)
{
    /* connection.close and channel.close have the same fields. */
    struct bytes text = m->id == METHOD_CONNECTION_CLOSE ? m->connection_close.reply_text
                                                         : m->channel_close.reply_text;
    uint16_t code = m->id == METHOD_CONNECTION_CLOSE ? m->connection_close.reply_code
                                                     : m->channel_close.reply_code;

    load_fail(c->load, ERR_CLOSED, "the broker closed the %s: %u %.*s",
              m->id == METHOD_CONNECTION_CLOSE ? "connection" : "channel", code, (int)text.size,
              (const char *)text.data);
}

void client_take_connection_method(struct client *c, const struct method *m)
{
    if (m->id == METHOD_CONNECTION_START && c->state == CLIENT_GREETED) {
        take_start(c, m);
    } else if (m->id == METHOD_CONNECTION_TUNE && c->state == CLIENT_SECURING) {
        take_tune(c, m);
    } else if (m->id == METHOD_CONNECTION_OPEN_OK && c->state == CLIENT_TUNED) {
        open_channels(c);
    } else if (m->id == METHOD_CONNECTION_CLOSE) {
        client_take_close(c, m);
    } else if (m->id == METHOD_CONNECTION_CLOSE_OK && c->state == CLIENT_CLOSING) {
        client_release(c);
    } else if (m->id == METHOD_CONNECTION_BLOCKED) {
        c->blocked++;
    } else if (m->id != METHOD_CONNECTION_UNBLOCKED) {
        load_fail(c->load, ERR_INVALID, "the broker sent method %u.%u out of turn",
                  method_class_of(m->id), method_number_of(m->id));
    }
}
