/* The smallest honest worker: it acks a message when the work is done, and not before.
 *
 * usage: worker      start several, and they share the work */
#include <stdio.h>

#include "broker.h"

/* The work: prints the text backwards. */
static void work(amqp_bytes_t body)
{
    printf("done: ");
    for (size_t i = body.len; i > 0; i--)
        putchar(((const char *)body.bytes)[i - 1]);
    printf("\n");
}

int main(void)
{
    amqp_connection_state_t broker = broker_connect();
    amqp_bytes_t tasks = amqp_cstring_bytes("tasks");
    amqp_bytes_t events = amqp_cstring_bytes("events");

    setlinebuf(stdout); /* each line is seen at once, also by who reads through a pipe */
    amqp_exchange_declare(broker, CHANNEL, events, amqp_cstring_bytes("topic"), 0, 1, 0, 0,
                          amqp_empty_table);
    broker_check_last(broker, "declaring the exchange");
    /* Durable (the first 1): the queue is there again after the broker was restarted. */
    amqp_queue_declare(broker, CHANNEL, tasks, 0, 1, 0, 0, amqp_empty_table);
    broker_check_last(broker, "declaring the queue");
    amqp_queue_bind(broker, CHANNEL, tasks, events, amqp_cstring_bytes("task.#"), amqp_empty_table);
    broker_check_last(broker, "binding the queue");
    /* At most ten messages are on their way to this worker; the rest is for others. */
    amqp_basic_qos(broker, CHANNEL, 0, 10, 0);
    broker_check_last(broker, "asking for ten messages at a time");
    amqp_basic_consume(broker, CHANNEL, tasks, amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
    broker_check_last(broker, "consuming");
    printf("waiting for task.#\n");

    for (;;) {
        amqp_envelope_t delivery;

        amqp_maybe_release_buffers(broker);
        broker_check(amqp_consume_message(broker, &delivery, NULL, 0), "waiting for a message");
        work(delivery.message.body);
        /* If this program dies before here, the broker gives the message to another worker. */
        broker_check_status(amqp_basic_ack(broker, CHANNEL, delivery.delivery_tag, 0), "acking");
        amqp_destroy_envelope(&delivery);
    }
}
