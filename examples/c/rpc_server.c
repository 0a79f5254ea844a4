/* A server that is asked through a queue, and answers to where each question says.
 *
 * usage: rpc_server      start several, and they share the questions */
#include <ctype.h>
#include <stdio.h>

#include "broker.h"

static void answer(amqp_connection_state_t broker, const amqp_envelope_t *question)
{
    const amqp_basic_properties_t *asked = &question->message.properties;
    amqp_bytes_t body = question->message.body;
    amqp_basic_properties_t properties = {
        ._flags = AMQP_BASIC_CORRELATION_ID_FLAG,
        /* The asker knows by this which of its questions is answered. */
        .correlation_id = asked->correlation_id,
    };

    for (size_t i = 0; i < body.len; i++) {
        char *letter = (char *)body.bytes + i;

        *letter = (char)toupper((unsigned char)*letter);
    }
    broker_check_status(amqp_basic_publish(broker, CHANNEL, amqp_empty_bytes, asked->reply_to, 0, 0,
                                           &properties, body),
                        "answering");
    broker_check_status(amqp_basic_ack(broker, CHANNEL, question->delivery_tag, 0), "acking");
}

int main(void)
{
    amqp_connection_state_t broker = broker_connect();
    amqp_bytes_t questions = amqp_cstring_bytes("questions");

    setlinebuf(stdout); /* each line is seen at once, also by who reads through a pipe */
    amqp_queue_declare(broker, CHANNEL, questions, 0, 1, 0, 0, amqp_empty_table);
    broker_check_last(broker, "declaring the queue");
    amqp_basic_qos(broker, CHANNEL, 0, 1, 0);
    broker_check_last(broker, "asking for one question at a time");
    amqp_basic_consume(broker, CHANNEL, questions, amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
    broker_check_last(broker, "consuming");
    printf("waiting for questions\n");

    for (;;) {
        amqp_envelope_t question;

        amqp_maybe_release_buffers(broker);
        broker_check(amqp_consume_message(broker, &question, NULL, 0), "waiting for a question");
        answer(broker, &question);
        amqp_destroy_envelope(&question);
    }
}
