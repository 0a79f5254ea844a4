/* Asking a broker through rabbitmq-c, where every failure ends the scenario. */
#include "tests/clients/c/client.h"

#include <amqp_tcp_socket.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

static jmp_buf end_of_scenario;
static char sentence[1024];

void wrong(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    longjmp(end_of_scenario, 1);
}

void report(const char *name, void (*work)(void *), void *argument)
{
    if (setjmp(end_of_scenario) != 0) {
        printf("fail %s: %s\n", name, sentence);
    } else {
        work(argument);
        printf("pass %s\n", name);
    }
    fflush(stdout);
}

/* ---- what came back ---- */

void equal_bytes(amqp_bytes_t seen, const char *wanted, const char *what)
{
    bool is_equal =
        seen.len == strlen(wanted) && (seen.len == 0 || memcmp(seen.bytes, wanted, seen.len) == 0);

    if (!is_equal)
        wrong("%s is '%.*s', not '%s'", what, (int)seen.len, (const char *)seen.bytes, wanted);
}

void equal_text(const char *seen, const char *wanted, const char *what)
{
    equal_bytes(amqp_cstring_bytes(seen), wanted, what);
}

void equal_number(uint64_t seen, uint64_t wanted, const char *what)
{
    if (seen != wanted)
        wrong("%s is %ju, not %ju", what, (uintmax_t)seen, (uintmax_t)wanted);
}

/* The code and the text of a close that the broker sent; 0 when it sent none. */
static int close_of(const amqp_rpc_reply_t *reply, amqp_bytes_t *text)
{
    if (reply->reply_type != AMQP_RESPONSE_SERVER_EXCEPTION)
        return 0;
    if (reply->reply.id == AMQP_CHANNEL_CLOSE_METHOD) {
        const amqp_channel_close_t *close = reply->reply.decoded;

        *text = close->reply_text;
        return close->reply_code;
    }
    if (reply->reply.id == AMQP_CONNECTION_CLOSE_METHOD) {
        const amqp_connection_close_t *close = reply->reply.decoded;

        *text = close->reply_text;
        return close->reply_code;
    }
    return 0;
}

static void check_reply(amqp_rpc_reply_t reply, const char *what)
{
    amqp_bytes_t text = amqp_empty_bytes;
    int code = close_of(&reply, &text);

    if (code != 0)
        wrong("%s: %d %.*s", what, code, (int)text.len, (const char *)text.bytes);
    if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION)
        wrong("%s: %s", what, amqp_error_string2(reply.library_error));
    if (reply.reply_type != AMQP_RESPONSE_NORMAL)
        wrong("%s: no answer", what);
}

void client_check(struct client *c, const char *what)
{
    check_reply(amqp_get_rpc_reply(c->state), what);
}

void client_check_refused(struct client *c, int code, const char *text)
{
    amqp_rpc_reply_t reply = amqp_get_rpc_reply(c->state);
    amqp_bytes_t seen = amqp_empty_bytes;

    equal_number((uint64_t)close_of(&reply, &seen), (uint64_t)code, "the code of the error");
    equal_number(reply.reply.id, AMQP_CHANNEL_CLOSE_METHOD, "the method of the error");
    if (seen.len < strlen(text))
        wrong("the error is '%.*s', not '%s'", (int)seen.len, (const char *)seen.bytes, text);
    seen.len = strlen(text);
    equal_bytes(seen, text, "the error");
    amqp_channel_close_ok_t ok = {0};
    amqp_send_method(c->state, CLIENT_CHANNEL, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);
    client_open_channel(c);
}

/* ---- connections ---- */

void client_open(struct client *c, uint16_t port)
{
    struct timeval limit = {.tv_sec = CLIENT_WAIT_S};
    amqp_socket_t *socket;

    c->state = amqp_new_connection();
    socket = amqp_tcp_socket_new(c->state);
    if (socket == NULL || amqp_socket_open_noblock(socket, "127.0.0.1", port, &limit) != 0)
        wrong("cannot connect to port %u", port);
    amqp_set_rpc_timeout(c->state, &limit);
    check_reply(amqp_login(c->state, "/", 0, AMQP_DEFAULT_FRAME_SIZE, CLIENT_WAIT_S,
                           AMQP_SASL_METHOD_PLAIN, "guest", "guest"),
                "login");
    client_open_channel(c);
}

void client_close(struct client *c)
{
    check_reply(amqp_connection_close(c->state, AMQP_REPLY_SUCCESS), "connection.close");
    client_drop(c);
}

void client_drop(struct client *c)
{
    amqp_destroy_connection(c->state);
    c->state = NULL;
}

void client_open_channel(struct client *c)
{
    amqp_channel_open(c->state, CLIENT_CHANNEL);
    client_check(c, "channel.open");
}

/* ---- queues ---- */

uint32_t client_declare(struct client *c, const char *queue, unsigned flags, amqp_table_t arguments)
{
    const amqp_queue_declare_ok_t *ok;

    ok = amqp_queue_declare(c->state, CLIENT_CHANNEL, amqp_cstring_bytes(queue),
                            (flags & CLIENT_PASSIVE) != 0, (flags & CLIENT_DURABLE) != 0,
                            (flags & CLIENT_EXCLUSIVE) != 0, (flags & CLIENT_AUTO_DELETE) != 0,
                            arguments);
    client_check(c, queue);
    return ok->message_count;
}

void client_declare_exchange(struct client *c, const char *name, const char *type, unsigned flags)
{
    amqp_exchange_declare(c->state, CLIENT_CHANNEL, amqp_cstring_bytes(name),
                          amqp_cstring_bytes(type), false, (flags & CLIENT_DURABLE) != 0,
                          (flags & CLIENT_AUTO_DELETE) != 0, false, amqp_empty_table);
    client_check(c, name);
}

void client_bind(struct client *c, const char *queue, const char *exchange, const char *key)
{
    amqp_queue_bind(c->state, CLIENT_CHANNEL, amqp_cstring_bytes(queue),
                    amqp_cstring_bytes(exchange), amqp_cstring_bytes(key), amqp_empty_table);
    client_check(c, "queue.bind");
}

/* ---- messages ---- */

void client_publish(struct client *c, const char *queue, const char *body,
                    const amqp_basic_properties_t *properties)
{
    int rv =
        amqp_basic_publish(c->state, CLIENT_CHANNEL, amqp_empty_bytes, amqp_cstring_bytes(queue),
                           false, false, properties, amqp_cstring_bytes(body));

    if (rv != AMQP_STATUS_OK)
        wrong("basic.publish: %s", amqp_error_string2(rv));
}

void client_publish_to(struct client *c, const char *exchange, const char *key, const char *body)
{
    int rv =
        amqp_basic_publish(c->state, CLIENT_CHANNEL, amqp_cstring_bytes(exchange),
                           amqp_cstring_bytes(key), false, false, NULL, amqp_cstring_bytes(body));

    if (rv != AMQP_STATUS_OK)
        wrong("basic.publish: %s", amqp_error_string2(rv));
}

/* False when the queue is empty. */
static bool try_get(struct client *c, const char *queue, bool no_ack, uint64_t *tag,
                    amqp_message_t *message)
{
    amqp_rpc_reply_t reply =
        amqp_basic_get(c->state, CLIENT_CHANNEL, amqp_cstring_bytes(queue), no_ack);

    check_reply(reply, "basic.get");
    if (reply.reply.id == AMQP_BASIC_GET_EMPTY_METHOD)
        return false;
    *tag = ((const amqp_basic_get_ok_t *)reply.reply.decoded)->delivery_tag;
    check_reply(amqp_read_message(c->state, CLIENT_CHANNEL, message, 0), "the message");
    return true;
}

uint64_t client_get(struct client *c, const char *queue, bool no_ack, amqp_message_t *message)
{
    uint64_t tag = 0;

    if (!try_get(c, queue, no_ack, &tag, message))
        wrong("the queue '%s' is empty", queue);
    return tag;
}

const char *client_get_all(struct client *c, const char *queue)
{
    amqp_message_t message;
    uint64_t tag;
    size_t used = 0;

    c->text[0] = '\0';
    while (try_get(c, queue, true, &tag, &message)) {
        int size = snprintf(c->text + used, sizeof(c->text) - used, "%s%.*s", used == 0 ? "" : " ",
                            (int)message.body.len, (const char *)message.body.bytes);

        amqp_destroy_message(&message);
        used += (size_t)size;
        if (used >= sizeof(c->text))
            wrong("the queue '%s' has too much in it", queue);
    }
    return c->text;
}

void client_consume(struct client *c, const char *queue, bool no_ack)
{
    amqp_basic_consume(c->state, CLIENT_CHANNEL, amqp_cstring_bytes(queue), amqp_empty_bytes, false,
                       no_ack, false, amqp_empty_table);
    client_check(c, "basic.consume");
}

void client_next(struct client *c, amqp_envelope_t *delivery)
{
    struct timeval limit = {.tv_sec = CLIENT_WAIT_S};

    amqp_maybe_release_buffers(c->state);
    check_reply(amqp_consume_message(c->state, delivery, &limit, 0), "the delivery");
}

amqp_method_t client_next_method(struct client *c)
{
    struct timeval limit = {.tv_sec = CLIENT_WAIT_S};
    amqp_frame_t frame;
    int rv = amqp_simple_wait_frame_noblock(c->state, &frame, &limit);

    if (rv != AMQP_STATUS_OK)
        wrong("waiting for a method: %s", amqp_error_string2(rv));
    if (frame.frame_type != AMQP_FRAME_METHOD || frame.channel != CLIENT_CHANNEL)
        wrong("a frame of type %u on channel %u came", frame.frame_type, frame.channel);
    return frame.payload.method;
}

/* ---- tables ---- */

amqp_table_entry_t entry_text(const char *key, const char *value)
{
    amqp_table_entry_t entry = {.key = amqp_cstring_bytes(key)};

    entry.value.kind = AMQP_FIELD_KIND_UTF8;
    entry.value.value.bytes = amqp_cstring_bytes(value);
    return entry;
}

amqp_table_entry_t entry_int(const char *key, int32_t value)
{
    amqp_table_entry_t entry = {.key = amqp_cstring_bytes(key)};

    entry.value.kind = AMQP_FIELD_KIND_I32;
    entry.value.value.i32 = value;
    return entry;
}

const amqp_field_value_t *table_get(const amqp_table_t *table, const char *key, char kind)
{
    for (int i = 0; i < table->num_entries; i++) {
        const amqp_table_entry_t *entry = &table->entries[i];

        if (entry->key.len != strlen(key) || memcmp(entry->key.bytes, key, entry->key.len) != 0)
            continue;
        if (entry->value.kind != (uint8_t)kind)
            wrong("'%s' is of kind %c, not %c", key, entry->value.kind, kind);
        return &entry->value;
    }
    wrong("there is no '%s'", key);
}
