/* Connecting to a broker with rabbitmq-c, and looking at its replies. */
#include "broker.h"

#include <amqp_tcp_socket.h>
#include <stdio.h>
#include <stdlib.h>

static _Noreturn void fail(const char *what, int length, const char *why)
{
    fprintf(stderr, "%s: %.*s\n", what, length, why);
    exit(1);
}

void broker_check_status(int status, const char *what)
{
    if (status != AMQP_STATUS_OK)
        fail(what, 200, amqp_error_string2(status));
}

/* Three things can happen: it went well, the library noticed something, or the broker said no: by
 * closing the channel (a mistake in one call), or the whole connection. */
void broker_check(amqp_rpc_reply_t reply, const char *what)
{
    const amqp_channel_close_t *channel_close = reply.reply.decoded;
    const amqp_connection_close_t *connection_close = reply.reply.decoded;

    if (reply.reply_type == AMQP_RESPONSE_NORMAL)
        return;
    if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION)
        broker_check_status(reply.library_error, what);
    if (reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD)
        fail(what, (int)channel_close->reply_text.len, channel_close->reply_text.bytes);
    if (reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD)
        fail(what, (int)connection_close->reply_text.len, connection_close->reply_text.bytes);
    fail(what, 200, "no reply");
}

void broker_check_last(amqp_connection_state_t broker, const char *what)
{
    broker_check(amqp_get_rpc_reply(broker), what);
}

amqp_connection_state_t broker_connect(void)
{
    const char *given = getenv("AMQP_URL");
    char url[1024];
    struct amqp_connection_info at;
    amqp_connection_state_t broker = amqp_new_connection();
    amqp_socket_t *socket = amqp_tcp_socket_new(broker);

    snprintf(url, sizeof(url), "%s", given ? given : "amqp://guest:guest@localhost:5672/%2F");
    broker_check_status(amqp_parse_url(url, &at), "AMQP_URL");
    if (socket == NULL)
        fail("connecting", 200, "out of memory");
    broker_check_status(amqp_socket_open(socket, at.host, at.port), "connecting");
    /* No limit of channels, frames of 128 KiB, a heartbeat every 60 s. */
    broker_check(
        amqp_login(broker, at.vhost, 0, 131072, 60, AMQP_SASL_METHOD_PLAIN, at.user, at.password),
        "logging in");
    amqp_channel_open(broker, CHANNEL);
    broker_check_last(broker, "opening a channel");
    return broker;
}

void broker_close(amqp_connection_state_t broker)
{
    broker_check(amqp_connection_close(broker, AMQP_REPLY_SUCCESS), "closing");
    amqp_destroy_connection(broker);
}
