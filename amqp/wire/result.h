/* What came of decoding bytes from a peer.
 *
 * Decoders of this room return one of these instead of an ERR_x: each stands for another text,
 * and many for another reply code, that amqp/ has to send. The codes in the table are those that
 * RabbitMQ answers with; they are here for the reader only. */
#ifndef AMQP_WIRE_RESULT_H
#define AMQP_WIRE_RESULT_H

/* X(constant, reply code, what is wrong) */
#define WIRE_RESULT_LIST(X)                                                                        \
    X(WIRE_OK, 0, "nothing is wrong")                                                              \
    X(WIRE_MORE, 0, "the window ends before the frame does")                                       \
    X(WIRE_FRAME_TOO_LARGE, 501, "the frame is larger than what was negotiated")                   \
    X(WIRE_FRAME_TYPE, 501, "no frame has this type")                                              \
    X(WIRE_FRAME_END, 501, "the octet behind the payload is not 0xCE")                             \
    X(WIRE_HEARTBEAT_PAYLOAD, 501, "a heartbeat has a payload")                                    \
    X(WIRE_HEARTBEAT_CHANNEL, 505, "a heartbeat is not on channel 0")                              \
    X(WIRE_CONTENT_CHANNEL, 505, "a content header or body is on channel 0")                       \
    X(WIRE_METHOD_SHORT, 501, "a method frame has no room for the ids of class and method")        \
    X(WIRE_METHOD_UNKNOWN, 503, "no method has these ids")                                         \
    X(WIRE_FIELDS_CUT, 502, "the frame ends before the fields of the method do")                   \
    X(WIRE_FIELDS_LEFT, 502, "the frame goes on behind the fields of the method")                  \
    X(WIRE_FIELD_TABLE, 502, "a field table is broken, too deep or has too many values")           \
    X(WIRE_FIELD_TEXT, 501, "a short string is no UTF-8")                                          \
    X(WIRE_CONTENT_SHORT, 501, "a header frame has no room for class, weight and body size")       \
    X(WIRE_CONTENT_WEIGHT, 505, "the weight of a content header is not zero")                      \
    X(WIRE_CONTENT_CLASS, 505, "the class of a content header is not basic")                       \
    X(WIRE_CONTENT_SIZE, 501, "the body would be larger than any message may be")                  \
    X(WIRE_CONTENT_PROPS, 502, "the properties do not agree with their flags, or fill the frame")

enum wire_result {
#define X(constant, code, text) constant,
    WIRE_RESULT_LIST(X)
#undef X
};

/* "WIRE_FRAME_TYPE", for traces. */
const char *wire_result_name(enum wire_result result);

/* The sentence in the table, for diagnostics. */
const char *wire_result_text(enum wire_result result);

#endif
