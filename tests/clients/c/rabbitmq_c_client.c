/* C's rabbitmq-c against a broker: every scenario of tests/clients/runtimes.py.
 *
 * usage: client_rabbitmq_c PORT */
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "tests/clients/c/client.h"

enum { LARGE_SIZE = 4 * 1024 * 1024 + 7, ANSWERS = 10, KEPT = 100 };

static uint16_t port;
static uint8_t large_body[LARGE_SIZE];
static uint8_t encoded[2][CLIENT_TEXT_SIZE];

/* ---- publishing ---- */

/* Waits until so many messages were confirmed; returns how many of them were refused. */
static uint64_t wait_for_confirms(struct client *c, uint64_t last_tag)
{
    uint64_t refused = 0;

    for (uint64_t done = 0; done < last_tag;) {
        amqp_method_t method = client_next_method(c);
        uint64_t tag;

        if (method.id == AMQP_BASIC_ACK_METHOD) {
            tag = ((const amqp_basic_ack_t *)method.decoded)->delivery_tag;
        } else if (method.id == AMQP_BASIC_NACK_METHOD) {
            tag = ((const amqp_basic_nack_t *)method.decoded)->delivery_tag;
            refused++;
        } else {
            wrong("%s came instead of a confirm", amqp_method_name(method.id));
        }
        done = tag > done ? tag : done;
        amqp_maybe_release_buffers(c->state);
    }
    return refused;
}

static void select_confirms(struct client *c)
{
    amqp_confirm_select(c->state, CLIENT_CHANNEL);
    client_check(c, "confirm.select");
}

static void check_properties(const amqp_basic_properties_t *p, amqp_flags_t flags)
{
    equal_number(p->_flags, flags, "the flags of the properties");
    equal_bytes(p->content_type, "text/plain", "content-type");
    equal_bytes(p->message_id, "m", "message-id");
    equal_bytes(p->correlation_id, "c", "correlation-id");
    equal_bytes(p->expiration, "60000", "expiration");
    equal_bytes(p->app_id, "a", "app-id");
    equal_number(p->delivery_mode, AMQP_DELIVERY_PERSISTENT, "delivery-mode");
    equal_number(p->priority, 3, "priority");
    equal_number(p->timestamp, 1700000000, "timestamp");
}

static void publish_confirm(void *argument)
{
    struct client *c = argument;
    amqp_table_entry_t full[] = {entry_int("x-max-length", 1),
                                 entry_text("x-overflow", "reject-publish")};
    amqp_basic_properties_t p = {
        ._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG |
                  AMQP_BASIC_CORRELATION_ID_FLAG | AMQP_BASIC_EXPIRATION_FLAG |
                  AMQP_BASIC_APP_ID_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG |
                  AMQP_BASIC_PRIORITY_FLAG | AMQP_BASIC_TIMESTAMP_FLAG,
        .content_type = amqp_cstring_bytes("text/plain"),
        .message_id = amqp_cstring_bytes("m"),
        .correlation_id = amqp_cstring_bytes("c"),
        .expiration = amqp_cstring_bytes("60000"),
        .app_id = amqp_cstring_bytes("a"),
        .delivery_mode = AMQP_DELIVERY_PERSISTENT,
        .priority = 3,
        .timestamp = 1700000000,
    };
    amqp_message_t message;

    client_declare(c, "c.confirm", CLIENT_DURABLE, amqp_empty_table);
    select_confirms(c);
    for (int i = 0; i < KEPT; i++)
        client_publish(c, "c.confirm", "body", &p);
    equal_number(wait_for_confirms(c, KEPT), 0, "the number of refused messages");
    equal_number(client_declare(c, "c.confirm", CLIENT_PASSIVE, amqp_empty_table), KEPT,
                 "the count");
    client_get(c, "c.confirm", true, &message);
    equal_bytes(message.body, "body", "the body");
    check_properties(&message.properties, p._flags);
    amqp_destroy_message(&message);
    equal_number(
        amqp_queue_delete(c->state, CLIENT_CHANNEL, amqp_cstring_bytes("c.confirm"), false, false)
            ->message_count,
        KEPT - 1, "the count of the deleted queue");

    client_declare(c, "c.full", CLIENT_EXCLUSIVE, TABLE_OF(full));
    client_publish(c, "c.full", "fits", NULL);
    client_publish(c, "c.full", "does not", NULL);
    /* Numbers of confirms go on from the 100 before. */
    equal_number(wait_for_confirms(c, KEPT + 2), 1, "the number of refused messages");
}

static void large(void *argument)
{
    struct client *c = argument;
    amqp_bytes_t sent = {.len = LARGE_SIZE, .bytes = large_body};
    uint32_t x = 1;
    amqp_envelope_t got;

    for (size_t i = 0; i < LARGE_SIZE; i++) {
        x = x * 1664525 + 1013904223;
        large_body[i] = (uint8_t)(x >> 24);
    }
    client_declare(c, "c.large", CLIENT_EXCLUSIVE, amqp_empty_table);
    client_consume(c, "c.large", true);
    if (amqp_basic_publish(c->state, CLIENT_CHANNEL, amqp_empty_bytes,
                           amqp_cstring_bytes("c.large"), false, false, NULL,
                           sent) != AMQP_STATUS_OK)
        wrong("the large message cannot be sent");
    client_publish(c, "c.large", "", NULL);
    client_next(c, &got);
    equal_number(got.message.body.len, LARGE_SIZE, "the length");
    if (memcmp(got.message.body.bytes, large_body, LARGE_SIZE) != 0)
        wrong("the body came back changed");
    amqp_destroy_envelope(&got);
    client_next(c, &got);
    equal_number(got.message.body.len, 0, "the length of nothing");
    amqp_destroy_envelope(&got);
}

static void mandatory_return(void *argument)
{
    struct client *c = argument;
    amqp_method_t method;
    const amqp_basic_return_t *returned;
    amqp_message_t message;

    select_confirms(c);
    amqp_basic_publish(c->state, CLIENT_CHANNEL, amqp_cstring_bytes("amq.direct"),
                       amqp_cstring_bytes("unknown"), true, false, NULL,
                       amqp_cstring_bytes("lost"));
    method = client_next_method(c);
    if (method.id != AMQP_BASIC_RETURN_METHOD)
        wrong("%s came before the return", amqp_method_name(method.id));
    returned = method.decoded;
    equal_number(returned->reply_code, 312, "the code");
    equal_bytes(returned->reply_text, "NO_ROUTE", "the text");
    equal_bytes(returned->exchange, "amq.direct", "the exchange");
    equal_bytes(returned->routing_key, "unknown", "the key");
    if (amqp_read_message(c->state, CLIENT_CHANNEL, &message, 0).reply_type != AMQP_RESPONSE_NORMAL)
        wrong("the returned message is not whole");
    equal_bytes(message.body, "lost", "the body");
    amqp_destroy_message(&message);
    equal_number(wait_for_confirms(c, 1), 0, "the number of refused messages");

    client_declare(c, "c.known", CLIENT_EXCLUSIVE, amqp_empty_table);
    amqp_basic_publish(c->state, CLIENT_CHANNEL, amqp_empty_bytes, amqp_cstring_bytes("c.known"),
                       true, false, NULL, amqp_cstring_bytes("kept"));
    equal_number(wait_for_confirms(c, 2), 0, "the number of refused messages");
    equal_text(client_get_all(c, "c.known"), "kept", "the queue");
}

/* ---- consuming ---- */

/* The next delivery must be this one; returns its tag. */
static uint64_t take(struct client *c, const char *body, bool is_redelivered)
{
    amqp_envelope_t got;
    uint64_t tag;

    client_next(c, &got);
    equal_bytes(got.message.body, body, "the message");
    equal_number((uint64_t)got.redelivered, is_redelivered, "redelivered");
    tag = got.delivery_tag;
    amqp_destroy_envelope(&got);
    return tag;
}

static void ack_nack_requeue(void *argument)
{
    struct client *c = argument;
    amqp_message_t message;

    client_declare(c, "c.ack", CLIENT_EXCLUSIVE, amqp_empty_table);
    for (const char *body = "abcd"; *body != '\0'; body++)
        client_publish(c, "c.ack", (char[]){*body, '\0'}, NULL);
    amqp_basic_qos(c->state, CLIENT_CHANNEL, 0, 1, false);
    client_check(c, "basic.qos");
    client_consume(c, "c.ack", false);
    amqp_basic_nack(c->state, CLIENT_CHANNEL, take(c, "a", false), false, true);
    amqp_basic_ack(c->state, CLIENT_CHANNEL, take(c, "a", true), false);
    amqp_basic_reject(c->state, CLIENT_CHANNEL, take(c, "b", false), false);
    take(c, "c", false);
    amqp_channel_close(c->state, CLIENT_CHANNEL, AMQP_REPLY_SUCCESS);
    client_open_channel(c);
    /* What was not acked is there again, in its place. */
    client_get(c, "c.ack", false, &message);
    equal_bytes(message.body, "c", "the first message");
    amqp_destroy_message(&message);
    amqp_basic_ack(c->state, CLIENT_CHANNEL, client_get(c, "c.ack", false, &message), true);
    equal_bytes(message.body, "d", "the second message");
    amqp_destroy_message(&message);
    amqp_basic_recover(c->state, CLIENT_CHANNEL, true);
    equal_text(client_get_all(c, "c.ack"), "", "what is left");
}

static void priority(void *argument)
{
    struct client *c = argument;
    amqp_table_entry_t arguments[] = {entry_int("x-max-priority", 3)};

    client_declare(c, "c.priority", CLIENT_EXCLUSIVE, TABLE_OF(arguments));
    for (const char *level = "031273"; *level != '\0'; level++) {
        amqp_basic_properties_t p = {._flags = AMQP_BASIC_PRIORITY_FLAG,
                                     .priority = (uint8_t)(*level - '0')};

        client_publish(c, "c.priority", (char[]){*level, '\0'}, &p);
    }
    equal_text(client_get_all(c, "c.priority"), "3 7 3 2 1 0", "the order");
}

/* ---- routing ---- */

static void topic(void *argument)
{
    struct client *c = argument;
    static const char *const routes[][2] = {
        {"a.*", "a.b"}, {"a.#", "a.b a a.c.b"}, {"#.b", "a.b a.c.b b"}, {"#", "a.b a a.c.b b"}};

    client_declare_exchange(c, "c.topic", "topic", CLIENT_AUTO_DELETE);
    for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++) {
        client_declare(c, routes[i][0], CLIENT_EXCLUSIVE, amqp_empty_table);
        client_bind(c, routes[i][0], "c.topic", routes[i][0]);
    }
    client_publish_to(c, "c.topic", "a.b", "a.b");
    client_publish_to(c, "c.topic", "a", "a");
    client_publish_to(c, "c.topic", "a.c.b", "a.c.b");
    client_publish_to(c, "c.topic", "b", "b");
    for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++)
        equal_text(client_get_all(c, routes[i][0]), routes[i][1], routes[i][0]);
}

static amqp_table_entry_t entry_of(const char *key, char kind)
{
    amqp_table_entry_t entry = {.key = amqp_cstring_bytes(key)};

    entry.value.kind = (uint8_t)kind;
    return entry;
}

/* Publishes a message with these headers, and gets it back with just the same bytes of a table. */
static void send_around(struct client *c, amqp_table_t table)
{
    amqp_basic_properties_t p = {._flags = AMQP_BASIC_HEADERS_FLAG, .headers = table};
    amqp_message_t got;
    size_t sizes[2] = {0, 0};

    client_publish(c, "c.headers", "x", &p);
    client_get(c, "c.headers", true, &got);
    for (int i = 0; i < 2; i++) {
        amqp_bytes_t to = {.len = sizeof(encoded[i]), .bytes = encoded[i]};

        if (amqp_encode_table(to, i == 0 ? &table : &got.properties.headers, &sizes[i]) != 0)
            wrong("a table cannot be encoded");
    }
    equal_number(sizes[1], sizes[0], "the size of the table");
    if (memcmp(encoded[0], encoded[1], sizes[0]) != 0)
        wrong("the table came back changed");
    equal_number(got.properties._flags, p._flags, "the flags of the properties");
    amqp_destroy_message(&got);
}

static void headers(void *argument)
{
    struct client *c = argument;
    amqp_table_entry_t inner[] = {entry_text("deep", "yes"), entry_int("n", -5)};
    amqp_field_value_t values[3] = {{.kind = 'S'}, {.kind = 'F'}, {.kind = 'A'}};
    amqp_table_entry_t all[] = {
        entry_text("text", "Z\xc3\xbcrich"),
        entry_int("int", -70000),
        entry_of("bool", 't'),
        entry_of("i8", 'b'),
        entry_of("u8", 'B'),
        entry_of("i16", 's'),
        entry_of("u16", 'u'),
        entry_of("u32", 'i'),
        entry_of("i64", 'l'),
        entry_of("f32", 'f'),
        entry_of("f64", 'd'),
        entry_of("decimal", 'D'),
        entry_of("time", 'T'),
        entry_of("void", 'V'),
        entry_of("table", 'F'),
        entry_of("array", 'A'),
        entry_of("empty", 'F'),
        entry_of("none", 'A'),
        entry_of("raw", 'x'),
    };

    values[0].value.bytes = amqp_cstring_bytes("in an array");
    values[1].value.table = TABLE_OF(inner);
    values[2].value.array = (amqp_array_t){.num_entries = 1, .entries = values};
    all[2].value.value.boolean = true;
    all[3].value.value.i8 = -100;
    all[4].value.value.u8 = 200;
    all[5].value.value.i16 = -30000;
    all[6].value.value.u16 = 60000;
    all[7].value.value.u32 = 4000000000;
    all[8].value.value.i64 = -((int64_t)1 << 40);
    all[9].value.value.f32 = 0.25F;
    all[10].value.value.f64 = 0.1;
    all[11].value.value.decimal = (amqp_decimal_t){.decimals = 2, .value = 1234};
    all[12].value.value.u64 = 1709209815;
    all[14].value.value.table = TABLE_OF(inner);
    all[15].value.value.array = (amqp_array_t){.num_entries = 3, .entries = values};
    all[18].value.value.bytes = (amqp_bytes_t){.len = 2, .bytes = (char[]){0, '\xff'}};
    client_declare(c, "c.headers", CLIENT_EXCLUSIVE, amqp_empty_table);
    send_around(c, TABLE_OF(all));
    send_around(c, amqp_empty_table);
}

/* ---- dead letters ---- */

static void check_death(const amqp_message_t *message, const char *original_expiration)
{
    const amqp_field_value_t *deaths = table_get(&message->properties.headers, "x-death", 'A');
    const amqp_table_t *death;
    const amqp_array_t *keys;

    equal_number((uint64_t)deaths->value.array.num_entries, 1, "the number of deaths");
    equal_number(deaths->value.array.entries[0].kind, 'F', "the kind of a death");
    death = &deaths->value.array.entries[0].value.table;
    equal_number((uint64_t)table_get(death, "count", 'l')->value.i64, 1, "count");
    equal_bytes(table_get(death, "reason", 'S')->value.bytes, "expired", "reason");
    equal_bytes(table_get(death, "queue", 'S')->value.bytes, "c.ttl", "queue");
    equal_bytes(table_get(death, "exchange", 'S')->value.bytes, "", "exchange");
    if (table_get(death, "time", 'T')->value.u64 < 1700000000)
        wrong("it died too long ago");
    keys = &table_get(death, "routing-keys", 'A')->value.array;
    equal_number((uint64_t)keys->num_entries, 1, "the number of keys");
    equal_bytes(keys->entries[0].value.bytes, "c.ttl", "the key");
    equal_number((uint64_t)death->num_entries, original_expiration == NULL ? 6 : 7, "the fields");
    if (original_expiration != NULL)
        equal_bytes(table_get(death, "original-expiration", 'S')->value.bytes, original_expiration,
                    "original-expiration");
}

static void ttl_dead_letter(void *argument)
{
    struct client *c = argument;
    amqp_table_entry_t arguments[] = {entry_int("x-message-ttl", 50),
                                      entry_text("x-dead-letter-exchange", "c.dlx"),
                                      entry_text("x-dead-letter-routing-key", "died")};
    amqp_basic_properties_t own = {._flags = AMQP_BASIC_EXPIRATION_FLAG,
                                   .expiration = amqp_cstring_bytes("20")};

    client_declare_exchange(c, "c.dlx", "direct", CLIENT_AUTO_DELETE);
    client_declare(c, "c.dead", CLIENT_EXCLUSIVE, amqp_empty_table);
    client_bind(c, "c.dead", "c.dlx", "died");
    client_declare(c, "c.ttl", CLIENT_EXCLUSIVE, TABLE_OF(arguments));
    client_consume(c, "c.dead", true);
    for (int i = 0; i < 2; i++) {
        amqp_envelope_t got;

        client_publish(c, "c.ttl", i == 0 ? "old" : "own", i == 0 ? NULL : &own);
        client_next(c, &got);
        equal_bytes(got.message.body, i == 0 ? "old" : "own", "the message");
        equal_bytes(got.exchange, "c.dlx", "the exchange");
        equal_bytes(got.routing_key, "died", "the key");
        equal_number(got.message.properties._flags & AMQP_BASIC_EXPIRATION_FLAG, 0, "expiration");
        check_death(&got.message, i == 0 ? NULL : "20");
        amqp_destroy_envelope(&got);
    }
}

/* ---- questions and answers ---- */

/* Answers one question with its own body on the same channel; checks where the answer goes. */
static void answer_one(struct client *c, const amqp_envelope_t *question, const char *reply_prefix)
{
    const amqp_basic_properties_t *asked = &question->message.properties;
    amqp_bytes_t prefix = asked->reply_to;
    amqp_basic_properties_t p = {._flags = AMQP_BASIC_CORRELATION_ID_FLAG,
                                 .correlation_id = asked->correlation_id};

    prefix.len = prefix.len < strlen(reply_prefix) ? prefix.len : strlen(reply_prefix);
    equal_bytes(prefix, reply_prefix, "reply-to");
    amqp_basic_publish(c->state, CLIENT_CHANNEL, amqp_empty_bytes, asked->reply_to, false, false,
                       &p, question->message.body);
}

static void call(struct client *c, const char *requests, const char *replies, const char *prefix)
{
    uint32_t answered = 0;

    client_declare(c, requests, CLIENT_EXCLUSIVE, amqp_empty_table);
    client_consume(c, replies, true);
    client_consume(c, requests, true);
    for (int i = 0; i < ANSWERS; i++) {
        char name[] = {(char)('0' + i), '\0'};
        amqp_basic_properties_t p = {._flags =
                                         AMQP_BASIC_CORRELATION_ID_FLAG | AMQP_BASIC_REPLY_TO_FLAG,
                                     .correlation_id = amqp_cstring_bytes(name),
                                     .reply_to = amqp_cstring_bytes(replies)};

        client_publish(c, requests, name, &p);
    }
    for (int i = 0; i < 2 * ANSWERS; i++) {
        amqp_envelope_t got;
        const amqp_basic_properties_t *p = &got.message.properties;

        client_next(c, &got);
        if ((p->_flags & AMQP_BASIC_REPLY_TO_FLAG) != 0) {
            answer_one(c, &got, prefix);
        } else {
            equal_number(got.message.body.len, 1, "the length of an answer");
            equal_bytes(p->correlation_id, (char[]){*(char *)got.message.body.bytes, '\0'}, "it");
            answered |= 1U << (*(char *)got.message.body.bytes - '0');
        }
        amqp_destroy_envelope(&got);
    }
    equal_number(answered, (1U << ANSWERS) - 1, "the set of answers");
}

static void rpc(void *argument)
{
    struct client *c = argument;

    client_declare(c, "c.replies", CLIENT_EXCLUSIVE, amqp_empty_table);
    call(c, "c.rpc", "c.replies", "c.replies");
}

static void direct_reply_to(void *argument)
{
    call(argument, "c.direct", "amq.rabbitmq.reply-to", "amq.rabbitmq.reply-to.");
}

/* ---- errors and restarts ---- */

static void channel_error(void *argument)
{
    struct client *c = argument;
    amqp_table_entry_t other[] = {entry_int("x-max-length", 5)};

    amqp_queue_declare(c->state, CLIENT_CHANNEL, amqp_cstring_bytes("c.none"), true, false, false,
                       false, amqp_empty_table);
    client_check_refused(c, 404, "NOT_FOUND - no queue 'c.none' in vhost '/'");
    client_declare(c, "c.error", CLIENT_EXCLUSIVE, amqp_empty_table);
    amqp_queue_declare(c->state, CLIENT_CHANNEL, amqp_cstring_bytes("c.error"), false, false, true,
                       false, TABLE_OF(other));
    client_check_refused(
        c, 406,
        "PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue 'c.error' "
        "in vhost '/': received the value '5' of type 'signedint' but current is "
        "none");
    amqp_queue_bind(c->state, CLIENT_CHANNEL, amqp_cstring_bytes("c.error"), amqp_empty_bytes,
                    amqp_cstring_bytes("k"), amqp_empty_table);
    client_check_refused(c, 403,
                         "ACCESS_REFUSED - operation not permitted on the default exchange");
    client_publish(c, "c.error", "still-works", NULL);
    equal_text(client_get_all(c, "c.error"), "still-works", "the queue");
}

static void ask_for_restart(const char *how)
{
    static const char answer[] = "go\n";

    printf("%s\n", how);
    fflush(stdout);
    for (size_t i = 0; i < sizeof(answer) - 1; i++)
        if (getchar() != answer[i])
            wrong("the runner does not answer");
}

static void restart(void *argument)
{
    const char *how = argument;
    amqp_basic_properties_t p = {._flags = AMQP_BASIC_DELIVERY_MODE_FLAG,
                                 .delivery_mode = AMQP_DELIVERY_PERSISTENT};
    struct client c;
    amqp_message_t held;

    client_open(&c, port);
    client_declare(&c, how, CLIENT_DURABLE, amqp_empty_table);
    select_confirms(&c);
    for (int i = 0; i < KEPT; i++) {
        char body[16];

        snprintf(body, sizeof(body), "%d", i);
        client_publish(&c, how, body, &p);
    }
    equal_number(wait_for_confirms(&c, KEPT), 0, "the number of refused messages");
    client_get(&c, how, false, &held);
    amqp_destroy_message(&held);
    ask_for_restart(how);
    amqp_queue_declare(c.state, CLIENT_CHANNEL, amqp_cstring_bytes(how), true, false, false, false,
                       amqp_empty_table);
    if (amqp_get_rpc_reply(c.state).reply_type == AMQP_RESPONSE_NORMAL)
        wrong("the connection outlived the broker");
    client_drop(&c);

    client_open(&c, port);
    for (int i = 0; i < KEPT; i++) {
        char body[16];

        snprintf(body, sizeof(body), "%d", i);
        client_get(&c, how, true, &held);
        equal_bytes(held.body, body, "what was kept");
        amqp_destroy_message(&held);
    }
    client_publish(&c, how, "new", &p);
    equal_text(client_get_all(&c, how), "new", "what was published afterwards");
    amqp_queue_delete(c.state, CLIENT_CHANNEL, amqp_cstring_bytes(how), false, false);
    client_check(&c, "queue.delete");
    client_close(&c);
}

static void (*connected)(void *);

/* Runs one scenario on a connection of its own. */
static void on_connection(void *argument)
{
    struct client c;

    (void)argument;
    client_open(&c, port);
    connected(&c);
    client_close(&c);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*work)(void *);
    } scenarios[] = {
        {"publish_confirm", publish_confirm},
        {"ack_nack_requeue", ack_nack_requeue},
        {"topic", topic},
        {"headers", headers},
        {"ttl_dead_letter", ttl_dead_letter},
        {"priority", priority},
        {"rpc", rpc},
        {"direct_reply_to", direct_reply_to},
        {"large", large},
        {"mandatory_return", mandatory_return},
        {"channel_error", channel_error},
    };
    static char ways[][5] = {"stop", "kill"};
    uint64_t number = 0;

    if (argc != 2 || parse_u64(bytes_text(argv[1]), 1, UINT16_MAX, &number) != 0)
        return 2;
    port = (uint16_t)number;
    for (size_t i = 0; i < sizeof(scenarios) / sizeof(*scenarios); i++) {
        connected = scenarios[i].work;
        report(scenarios[i].name, on_connection, NULL);
    }
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
        report(ways[i], restart, ways[i]);
    return 0;
}
