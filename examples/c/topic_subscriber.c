/* A subscriber: it gets a copy of every message whose key is like one of its patterns.
 *
 * usage: topic_subscriber PATTERN...      in a pattern, * is one word and # is any number */
#include <stdio.h>

#include "broker.h"

int main(int argc, char **argv)
{
    amqp_bytes_t events = amqp_cstring_bytes("events");
    amqp_connection_state_t broker;
    amqp_bytes_t queue;

    if (argc < 2) {
        fprintf(stderr, "usage: topic_subscriber PATTERN...\n");
        return 2;
    }
    setlinebuf(stdout); /* each line is seen at once, also by who reads through a pipe */
    broker = broker_connect();
    amqp_exchange_declare(broker, CHANNEL, events, amqp_cstring_bytes("topic"), 0, 1, 0, 0,
                          amqp_empty_table);
    broker_check_last(broker, "declaring the exchange");
    /* Exclusive (the 1): a queue of our own, which the broker names and which ends with us. The
     * name lies in a buffer of the library; a copy stays ours. */
    queue = amqp_bytes_malloc_dup(
        amqp_queue_declare(broker, CHANNEL, amqp_empty_bytes, 0, 0, 1, 0, amqp_empty_table)->queue);
    for (int i = 1; i < argc; i++) {
        amqp_queue_bind(broker, CHANNEL, queue, events, amqp_cstring_bytes(argv[i]),
                        amqp_empty_table);
        broker_check_last(broker, "binding the queue");
    }
    /* No acks (the 1): who comes late misses what was before anyway. */
    amqp_basic_consume(broker, CHANNEL, queue, amqp_empty_bytes, 0, 1, 0, amqp_empty_table);
    broker_check_last(broker, "consuming");
    amqp_bytes_free(queue);
    printf("waiting for");
    for (int i = 1; i < argc; i++)
        printf(" %s", argv[i]);
    printf("\n");

    for (;;) {
        amqp_envelope_t delivery;

        amqp_maybe_release_buffers(broker);
        broker_check(amqp_consume_message(broker, &delivery, NULL, 0), "waiting for a message");
        printf("%.*s: %.*s\n", (int)delivery.routing_key.len,
               (const char *)delivery.routing_key.bytes, (int)delivery.message.body.len,
               (const char *)delivery.message.body.bytes);
        amqp_destroy_envelope(&delivery);
    }
}
