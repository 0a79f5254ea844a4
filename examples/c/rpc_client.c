/* Asks a server through a queue and waits for the answer, but not for ever.
 *
 * usage: rpc_client QUESTION */
#include <stdio.h>
#include <sys/time.h>

#include "broker.h"

int main(int argc, char **argv)
{
    struct timeval limit = {.tv_sec = 10};
    /* A name that stands for this channel: an answer sent there needs no queue. */
    amqp_bytes_t replies = amqp_cstring_bytes("amq.rabbitmq.reply-to");
    amqp_bytes_t questions = amqp_cstring_bytes("questions");
    amqp_basic_properties_t properties = {
        ._flags =
            AMQP_BASIC_REPLY_TO_FLAG | AMQP_BASIC_CORRELATION_ID_FLAG | AMQP_BASIC_EXPIRATION_FLAG,
        .reply_to = replies,
        /* Only one question is asked on this channel, so any name will do. */
        .correlation_id = amqp_cstring_bytes("1"),
        /* A question that waited too long is worth nothing: it expires. */
        .expiration = amqp_cstring_bytes("10000"),
    };
    amqp_connection_state_t broker;
    amqp_envelope_t answer;

    if (argc != 2) {
        fprintf(stderr, "usage: rpc_client QUESTION\n");
        return 2;
    }
    broker = broker_connect();
    amqp_queue_declare(broker, CHANNEL, questions, 0, 1, 0, 0, amqp_empty_table);
    broker_check_last(broker, "declaring the queue");
    amqp_basic_consume(broker, CHANNEL, replies, amqp_empty_bytes, 0, 1, 0, amqp_empty_table);
    broker_check_last(broker, "consuming");
    broker_check_status(amqp_basic_publish(broker, CHANNEL, amqp_empty_bytes, questions, 0, 0,
                                           &properties, amqp_cstring_bytes(argv[1])),
                        "asking");
    broker_check(amqp_consume_message(broker, &answer, &limit, 0), "waiting for the answer");
    printf("%.*s\n", (int)answer.message.body.len, (const char *)answer.message.body.bytes);
    amqp_destroy_envelope(&answer);
    broker_close(broker);
    return 0;
}
