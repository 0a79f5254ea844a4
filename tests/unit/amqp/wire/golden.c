/* The methods as bytes. */
#include "tests/unit/amqp/wire/golden.h"

/* A view of a literal, also of one with zeros in it, that may stand in a constant. */
#define TEXT(literal)                                                                              \
    {                                                                                              \
        .data = (const uint8_t *)(literal), .size = sizeof(literal) - 1                            \
    }
#define ENTRIES(literal)                                                                           \
    {                                                                                              \
        .bytes = TEXT(literal)                                                                     \
    }

/* A table of arguments: x-max is the integer 5. */
#define X_MAX       ENTRIES("\005x-maxI\000\000\000\005")
#define X_MAX_BYTES "0000000b 05 'x-max' 49 00000005"

static const struct golden goldens[] = {
    {{METHOD_CONNECTION_START,
      {.connection_start = {.version_major = 0,
                            .version_minor = 9,
                            .server_properties = X_MAX,
                            .mechanisms = TEXT("PLAIN AMQPLAIN"),
                            .locales = TEXT("en_US")}}},
     "000a 000a 00 09 " X_MAX_BYTES " 0000000e 'PLAIN AMQPLAIN' 00000005 'en_US'"},
    {{METHOD_CONNECTION_START_OK,
      {.connection_start_ok = {.client_properties = X_MAX,
                               .mechanism = TEXT("PLAIN"),
                               .response = TEXT("\0guest\0guest"),
                               .locale = TEXT("en_US")}}},
     "000a 000b " X_MAX_BYTES " 05 'PLAIN' 0000000c 00 'guest' 00 'guest' 05 'en_US'"},
    {{METHOD_CONNECTION_SECURE, {.connection_secure = {.challenge = TEXT("what?")}}},
     "000a 0014 00000005 'what?'"},
    {{METHOD_CONNECTION_SECURE_OK, {.connection_secure_ok = {.response = TEXT("that")}}},
     "000a 0015 00000004 'that'"},
    {{METHOD_CONNECTION_TUNE,
      {.connection_tune = {.channel_max = 2047, .frame_max = 131072, .heartbeat = 60}}},
     "000a 001e 07ff 00020000 003c"},
    {{METHOD_CONNECTION_TUNE_OK,
      {.connection_tune_ok = {.channel_max = 1, .frame_max = 4096, .heartbeat = 0}}},
     "000a 001f 0001 00001000 0000"},
    {{METHOD_CONNECTION_OPEN,
      {.connection_open = {.virtual_host = TEXT("/"), .capabilities = TEXT(""), .insist = true}}},
     "000a 0028 01 '/' 00 01"},
    {{METHOD_CONNECTION_OPEN_OK, {.connection_open_ok = {.known_hosts = TEXT("")}}},
     "000a 0029 00"},
    {{METHOD_CONNECTION_CLOSE,
      {.connection_close = {.reply_code = 540,
                            .reply_text = TEXT("NOT_IMPLEMENTED - active=false"),
                            .class_id = 20,
                            .method_id = 20}}},
     "000a 0032 021c 1e 'NOT_IMPLEMENTED - active=false' 0014 0014"},
    {{.id = METHOD_CONNECTION_CLOSE_OK}, "000a 0033"},
    {{METHOD_CONNECTION_BLOCKED, {.connection_blocked = {.reason = TEXT("low on disk")}}},
     "000a 003c 0b 'low on disk'"},
    {{.id = METHOD_CONNECTION_UNBLOCKED}, "000a 003d"},
    {{METHOD_CONNECTION_UPDATE_SECRET,
      {.connection_update_secret = {.new_secret = TEXT("token"), .reason = TEXT("expired")}}},
     "000a 0046 00000005 'token' 07 'expired'"},
    {{.id = METHOD_CONNECTION_UPDATE_SECRET_OK}, "000a 0047"},

    {{METHOD_CHANNEL_OPEN, {.channel_open = {.out_of_band = TEXT("")}}}, "0014 000a 00"},
    {{METHOD_CHANNEL_OPEN_OK, {.channel_open_ok = {.channel_id = TEXT("")}}}, "0014 000b 00000000"},
    {{METHOD_CHANNEL_FLOW, {.channel_flow = {.active = true}}}, "0014 0014 01"},
    {{METHOD_CHANNEL_FLOW_OK, {.channel_flow_ok = {.active = false}}}, "0014 0015 00"},
    {{METHOD_CHANNEL_CLOSE,
      {.channel_close =
           {.reply_code = 404, .reply_text = TEXT("NOT_FOUND"), .class_id = 60, .method_id = 40}}},
     "0014 0028 0194 09 'NOT_FOUND' 003c 0028"},
    {{.id = METHOD_CHANNEL_CLOSE_OK}, "0014 0029"},

    {{METHOD_ACCESS_REQUEST,
      {.access_request = {.realm = TEXT("/data"),
                          .exclusive = false,
                          .passive = true,
                          .active = true,
                          .write = false,
                          .read = true}}},
     "001e 000a 05 '/data' 16"},
    {{METHOD_ACCESS_REQUEST_OK, {.access_request_ok = {.ticket = 1}}}, "001e 000b 0001"},

    {{METHOD_EXCHANGE_DECLARE,
      {.exchange_declare = {.ticket = 0,
                            .exchange = TEXT("logs"),
                            .type = TEXT("topic"),
                            .passive = false,
                            .durable = true,
                            .auto_delete = false,
                            .internal = true,
                            .no_wait = false,
                            .arguments = X_MAX}}},
     "0028 000a 0000 04 'logs' 05 'topic' 0a " X_MAX_BYTES},
    {{.id = METHOD_EXCHANGE_DECLARE_OK}, "0028 000b"},
    {{METHOD_EXCHANGE_DELETE,
      {.exchange_delete = {.exchange = TEXT("logs"), .if_unused = false, .no_wait = true}}},
     "0028 0014 0000 04 'logs' 02"},
    {{.id = METHOD_EXCHANGE_DELETE_OK}, "0028 0015"},
    {{METHOD_EXCHANGE_BIND,
      {.exchange_bind = {.destination = TEXT("to"),
                         .source = TEXT("from"),
                         .routing_key = TEXT("#"),
                         .no_wait = true,
                         .arguments = ENTRIES("")}}},
     "0028 001e 0000 02 'to' 04 'from' 01 '#' 01 00000000"},
    {{.id = METHOD_EXCHANGE_BIND_OK}, "0028 001f"},
    {{METHOD_EXCHANGE_UNBIND,
      {.exchange_unbind = {.destination = TEXT("to"),
                           .source = TEXT("from"),
                           .routing_key = TEXT(""),
                           .no_wait = false,
                           .arguments = X_MAX}}},
     "0028 0028 0000 02 'to' 04 'from' 00 00 " X_MAX_BYTES},
    {{.id = METHOD_EXCHANGE_UNBIND_OK}, "0028 0033"},

    {{METHOD_QUEUE_DECLARE,
      {.queue_declare = {.queue = TEXT("q"),
                         .passive = true,
                         .durable = false,
                         .exclusive = true,
                         .auto_delete = false,
                         .no_wait = true,
                         .arguments = X_MAX}}},
     "0032 000a 0000 01 'q' 15 " X_MAX_BYTES},
    {{METHOD_QUEUE_DECLARE_OK,
      {.queue_declare_ok = {.queue = TEXT("q"), .message_count = 258, .consumer_count = 3}}},
     "0032 000b 01 'q' 00000102 00000003"},
    {{METHOD_QUEUE_BIND,
      {.queue_bind = {.queue = TEXT("q"),
                      .exchange = TEXT("logs"),
                      .routing_key = TEXT("a.*"),
                      .no_wait = false,
                      .arguments = X_MAX}}},
     "0032 0014 0000 01 'q' 04 'logs' 03 'a.*' 00 " X_MAX_BYTES},
    {{.id = METHOD_QUEUE_BIND_OK}, "0032 0015"},
    {{METHOD_QUEUE_PURGE, {.queue_purge = {.queue = TEXT("q"), .no_wait = true}}},
     "0032 001e 0000 01 'q' 01"},
    {{METHOD_QUEUE_PURGE_OK, {.queue_purge_ok = {.message_count = 0x01020304}}},
     "0032 001f 01020304"},
    {{METHOD_QUEUE_DELETE,
      {.queue_delete =
           {.queue = TEXT("q"), .if_unused = true, .if_empty = true, .no_wait = false}}},
     "0032 0028 0000 01 'q' 03"},
    {{METHOD_QUEUE_DELETE_OK, {.queue_delete_ok = {.message_count = 0}}}, "0032 0029 00000000"},
    {{METHOD_QUEUE_UNBIND,
      {.queue_unbind = {.queue = TEXT("q"),
                        .exchange = TEXT("logs"),
                        .routing_key = TEXT("a.*"),
                        .arguments = ENTRIES("")}}},
     "0032 0032 0000 01 'q' 04 'logs' 03 'a.*' 00000000"},
    {{.id = METHOD_QUEUE_UNBIND_OK}, "0032 0033"},

    {{METHOD_BASIC_QOS, {.basic_qos = {.prefetch_size = 0, .prefetch_count = 250, .global = true}}},
     "003c 000a 00000000 00fa 01"},
    {{.id = METHOD_BASIC_QOS_OK}, "003c 000b"},
    {{METHOD_BASIC_CONSUME,
      {.basic_consume = {.queue = TEXT("q"),
                         .consumer_tag = TEXT("tag"),
                         .no_local = false,
                         .no_ack = true,
                         .exclusive = false,
                         .no_wait = true,
                         .arguments = X_MAX}}},
     "003c 0014 0000 01 'q' 03 'tag' 0a " X_MAX_BYTES},
    {{METHOD_BASIC_CONSUME_OK, {.basic_consume_ok = {.consumer_tag = TEXT("tag")}}},
     "003c 0015 03 'tag'"},
    {{METHOD_BASIC_CANCEL, {.basic_cancel = {.consumer_tag = TEXT("tag"), .no_wait = true}}},
     "003c 001e 03 'tag' 01"},
    {{METHOD_BASIC_CANCEL_OK, {.basic_cancel_ok = {.consumer_tag = TEXT("tag")}}},
     "003c 001f 03 'tag'"},
    {{METHOD_BASIC_PUBLISH,
      {.basic_publish = {.ticket = 0x0102,
                         .exchange = TEXT("logs"),
                         .routing_key = TEXT("a.b"),
                         .mandatory = false,
                         .immediate = true}}},
     "003c 0028 0102 04 'logs' 03 'a.b' 02"},
    {{METHOD_BASIC_RETURN,
      {.basic_return = {.reply_code = 312,
                        .reply_text = TEXT("NO_ROUTE"),
                        .exchange = TEXT("logs"),
                        .routing_key = TEXT("a.b")}}},
     "003c 0032 0138 08 'NO_ROUTE' 04 'logs' 03 'a.b'"},
    {{METHOD_BASIC_DELIVER,
      {.basic_deliver = {.consumer_tag = TEXT("tag"),
                         .delivery_tag = 0x0102030405060708,
                         .redelivered = true,
                         .exchange = TEXT(""),
                         .routing_key = TEXT("q")}}},
     "003c 003c 03 'tag' 0102030405060708 01 00 01 'q'"},
    {{METHOD_BASIC_GET, {.basic_get = {.queue = TEXT("q"), .no_ack = true}}},
     "003c 0046 0000 01 'q' 01"},
    {{METHOD_BASIC_GET_OK,
      {.basic_get_ok = {.delivery_tag = 1,
                        .redelivered = false,
                        .exchange = TEXT("logs"),
                        .routing_key = TEXT("a.b"),
                        .message_count = 41}}},
     "003c 0047 0000000000000001 00 04 'logs' 03 'a.b' 00000029"},
    {{METHOD_BASIC_GET_EMPTY, {.basic_get_empty = {.cluster_id = TEXT("")}}}, "003c 0048 00"},
    {{METHOD_BASIC_ACK, {.basic_ack = {.delivery_tag = 9, .multiple = true}}},
     "003c 0050 0000000000000009 01"},
    {{METHOD_BASIC_REJECT, {.basic_reject = {.delivery_tag = 9, .requeue = true}}},
     "003c 005a 0000000000000009 01"},
    {{METHOD_BASIC_RECOVER_ASYNC, {.basic_recover_async = {.requeue = true}}}, "003c 0064 01"},
    {{METHOD_BASIC_RECOVER, {.basic_recover = {.requeue = false}}}, "003c 006e 00"},
    {{.id = METHOD_BASIC_RECOVER_OK}, "003c 006f"},
    {{METHOD_BASIC_NACK,
      {.basic_nack = {.delivery_tag = UINT64_MAX, .multiple = false, .requeue = true}}},
     "003c 0078 ffffffffffffffff 02"},

    {{METHOD_CONFIRM_SELECT, {.confirm_select = {.no_wait = true}}}, "0055 000a 01"},
    {{.id = METHOD_CONFIRM_SELECT_OK}, "0055 000b"},

    {{.id = METHOD_TX_SELECT}, "005a 000a"},
    {{.id = METHOD_TX_SELECT_OK}, "005a 000b"},
    {{.id = METHOD_TX_COMMIT}, "005a 0014"},
    {{.id = METHOD_TX_COMMIT_OK}, "005a 0015"},
    {{.id = METHOD_TX_ROLLBACK}, "005a 001e"},
    {{.id = METHOD_TX_ROLLBACK_OK}, "005a 001f"},
};

const struct golden *golden_at(size_t index)
{
    return index < ARRAY_SIZE(goldens) ? &goldens[index] : NULL;
}

#define METHOD(CONSTANT, class, method, ...)                                                       \
    static bool equal_##class##_##method(const struct method_##class##_##method *a,                \
                                         const struct method_##class##_##method *b)                \
    {                                                                                              \
        bool is_equal = true;
#define END                                                                                        \
    return is_equal;                                                                               \
    }
#define BIT(field)      is_equal = is_equal && a->field == b->field;
#define OCTET(field)    is_equal = is_equal && a->field == b->field;
#define SHORT(field)    is_equal = is_equal && a->field == b->field;
#define LONG(field)     is_equal = is_equal && a->field == b->field;
#define LONGLONG(field) is_equal = is_equal && a->field == b->field;
#define SHORTSTR(field) is_equal = is_equal && bytes_equal(a->field, b->field);
#define LONGSTR(field)  is_equal = is_equal && bytes_equal(a->field, b->field);
#define TABLE(field)    is_equal = is_equal && bytes_equal(a->field.bytes, b->field.bytes);
#include "amqp/wire/methods.def"

bool method_equal(const struct method *a, const struct method *b)
{
    if (a->id != b->id)
        return false;
    switch (a->id) {
#define METHOD(CONSTANT, class, method, ...)                                                       \
    case METHOD_##CONSTANT:                                                                        \
        return equal_##class##_##method(&a->class##_##method, &b->class##_##method);
#include "amqp/wire/methods.def"
    default:
        return true; /* without fields */
    }
}
