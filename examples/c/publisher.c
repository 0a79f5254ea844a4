/* The smallest honest publisher: of each message it knows whether the broker has taken it.
 *
 * usage: publisher KEY MESSAGE... */
#include <stdio.h>

#include "broker.h"

/* Waits for what the broker says about the message that was sent last. Returns what it was. */
static amqp_method_number_t wait_for_confirm(amqp_connection_state_t broker)
{
    amqp_method_number_t said = 0;

    for (;;) {
        amqp_frame_t frame;
        amqp_message_t returned;

        amqp_maybe_release_buffers(broker);
        broker_check_status(amqp_simple_wait_frame(broker, &frame), "waiting for a confirm");
        if (frame.frame_type != AMQP_FRAME_METHOD)
            continue;
        switch (frame.payload.method.id) {
        case AMQP_BASIC_RETURN_METHOD:
            /* It comes back whole, and is confirmed all the same: the broker is done with it. */
            broker_check(amqp_read_message(broker, CHANNEL, &returned, 0), "a returned message");
            amqp_destroy_message(&returned);
            said = AMQP_BASIC_RETURN_METHOD;
            break;
        case AMQP_BASIC_ACK_METHOD:
            return said == AMQP_BASIC_RETURN_METHOD ? said : AMQP_BASIC_ACK_METHOD;
        case AMQP_BASIC_NACK_METHOD:
            return AMQP_BASIC_NACK_METHOD;
        default:
            fprintf(stderr, "%s came\n", amqp_method_name(frame.payload.method.id));
            return 0;
        }
    }
}

int main(int argc, char **argv)
{
    amqp_basic_properties_t properties = {
        ._flags = AMQP_BASIC_DELIVERY_MODE_FLAG,
        .delivery_mode = AMQP_DELIVERY_PERSISTENT, /* on disk before it is confirmed */
    };
    amqp_connection_state_t broker;
    int status = 0;

    if (argc < 3) {
        fprintf(stderr, "usage: publisher KEY MESSAGE...\n");
        return 2;
    }
    broker = broker_connect();
    amqp_exchange_declare(broker, CHANNEL, amqp_cstring_bytes("events"),
                          amqp_cstring_bytes("topic"), 0, 1, 0, 0, amqp_empty_table);
    broker_check_last(broker, "declaring the exchange");
    amqp_confirm_select(broker, CHANNEL);
    broker_check_last(broker, "asking for confirms");

    for (int i = 2; i < argc && status == 0; i++) {
        amqp_method_number_t said;

        /* Mandatory (the first 1): a message that no queue wants comes back. */
        broker_check_status(amqp_basic_publish(broker, CHANNEL, amqp_cstring_bytes("events"),
                                               amqp_cstring_bytes(argv[1]), 1, 0, &properties,
                                               amqp_cstring_bytes(argv[i])),
                            "publishing");
        said = wait_for_confirm(broker);
        if (said == AMQP_BASIC_ACK_METHOD)
            printf("confirmed: %s\n", argv[i]);
        else if (said == AMQP_BASIC_RETURN_METHOD)
            fprintf(stderr, "returned: no queue wants '%s'\n", argv[1]);
        else
            fprintf(stderr, "refused: %s\n", argv[i]);
        status = said == AMQP_BASIC_ACK_METHOD ? 0 : 1;
    }
    broker_close(broker);
    return status;
}
