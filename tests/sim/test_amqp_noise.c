/* Broken clients: what a client may send, changed by chance and cut anywhere. The broker says no,
 * or nothing, and works on; and when they are gone it has what it had before. */
#include <string.h>

#include "amqp/wire/frame.h"
#include "amqp/wire/greeting.h"
#include "base/mem.h"
#include "base/rand.h"
#include "io/sim/sim_net.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"
#include "tests/sim/client.h"

enum { CLIENTS = 2000, SCRIPT_MAX = 1 << 20 };

/* ---- what a good client would send ---- */

static void say(struct buf *b, uint16_t channel, struct method *m)
{
    method_write_buf(b, channel, m);
    memset(m, 0, sizeof(*m));
}

static void say_login(struct buf *b)
{
    static const char response[] = "\0guest\0guest";
    struct method m = {.id = METHOD_CONNECTION_START_OK};

    buf_bytes(b, greeting_answer());
    m.connection_start_ok.client_properties.bytes = bytes_of(NULL, 0);
    m.connection_start_ok.mechanism = bytes_text("PLAIN");
    m.connection_start_ok.response = bytes_of(response, sizeof(response) - 1);
    m.connection_start_ok.locale = bytes_text("en_US");
    say(b, 0, &m);
    m.id = METHOD_CONNECTION_TUNE_OK;
    m.connection_tune_ok.channel_max = 100;
    m.connection_tune_ok.frame_max = 4096;
    m.connection_tune_ok.heartbeat = 5;
    say(b, 0, &m);
    m.id = METHOD_CONNECTION_OPEN;
    m.connection_open.virtual_host = bytes_text("/");
    say(b, 0, &m);
    for (uint16_t i = 1; i <= 3; i++) {
        m.id = METHOD_CHANNEL_OPEN;
        say(b, i, &m);
    }
}

static void say_queue(struct buf *b, uint16_t channel, struct bytes name)
{
    struct method m = {.id = METHOD_QUEUE_DECLARE};

    memset(&m.queue_declare, 0, sizeof(m.queue_declare));
    m.queue_declare.queue = name;
    m.queue_declare.auto_delete = true;
    say(b, channel, &m);
    m.id = METHOD_QUEUE_BIND;
    m.queue_bind.queue = name;
    m.queue_bind.exchange = bytes_text("amq.topic");
    m.queue_bind.routing_key = bytes_text("a.#");
    say(b, channel, &m);
    m.id = METHOD_BASIC_CONSUME;
    m.basic_consume.queue = name;
    say(b, channel, &m);
}

static void say_publish(struct buf *b, uint16_t channel, const char *key, size_t size)
{
    static const uint8_t body[10000];
    static const uint8_t props[] = {0x10, 0x00, 2};
    struct method m = {.id = METHOD_BASIC_PUBLISH};
    size_t frames = content_frame_size(sizeof(props)) + body_frames_size(size, 4096);

    memset(&m.basic_publish, 0, sizeof(m.basic_publish));
    m.basic_publish.exchange = bytes_text("amq.topic");
    m.basic_publish.routing_key = bytes_text(key);
    m.basic_publish.mandatory = size % 2 == 0;
    say(b, channel, &m);
    struct writer w = writer_of(buf_extend(b, frames), frames);
    content_write(&w, channel, size, bytes_of(props, sizeof(props)));
    body_write(&w, channel, bytes_of(body, size), 4096);
}

static void say_settle(struct buf *b, uint16_t channel, enum method_id id, uint64_t tag)
{
    struct method m = {.id = id};

    memset(&m.basic_nack, 0, sizeof(m.basic_nack));
    if (id == METHOD_BASIC_ACK) {
        m.basic_ack.delivery_tag = tag;
        m.basic_ack.multiple = true;
    } else {
        m.basic_nack.delivery_tag = tag;
        m.basic_nack.multiple = true;
        m.basic_nack.requeue = true;
    }
    say(b, channel, &m);
}

static void say_simple(struct buf *b, uint16_t channel, enum method_id id)
{
    struct method m;

    memset(&m, 0, sizeof(m));
    m.id = id;
    say(b, channel, &m);
}

static void say_all(struct buf *b)
{
    say_login(b);
    say_simple(b, 1, METHOD_CONFIRM_SELECT);
    say_simple(b, 2, METHOD_TX_SELECT);
    for (uint16_t i = 1; i <= 3; i++) {
        say_queue(b, i, i == 1 ? bytes_text("noise") : bytes_of(NULL, 0));
        say_publish(b, i, "a.b", 10);
        say_publish(b, i, "nowhere", 5000);
        say_publish(b, i, "a", 9999);
        say_settle(b, i, METHOD_BASIC_NACK, 0);
        say_settle(b, i, METHOD_BASIC_ACK, 0);
        say_simple(b, i, METHOD_BASIC_GET);
        say_simple(b, i, METHOD_QUEUE_PURGE);
    }
    say_simple(b, 2, METHOD_TX_COMMIT);
    say_publish(b, 2, "a.c", 77);
    say_simple(b, 2, METHOD_TX_ROLLBACK);
    say_simple(b, 3, METHOD_CHANNEL_CLOSE);
    say_simple(b, 0, METHOD_CONNECTION_CLOSE);
    assert_int_equal(buf_error(b), 0);
}

/* ---- and what becomes of it ---- */

static void change(struct rand *rand, uint8_t *bytes, size_t *size)
{
    size_t at = rand_below(rand, *size);
    size_t part = rand_below(rand, *size - at < 200 ? *size - at : 200);

    switch (rand_below(rand, 5)) {
    case 0:
        bytes[at] ^= (uint8_t)(1u << rand_below(rand, 8));
        break;
    case 1:
        bytes[at] = (uint8_t)rand_next(rand);
        break;
    case 2: /* something is missing */
        memmove(bytes + at, bytes + at + part, *size - at - part);
        *size -= part;
        break;
    case 3: /* something comes twice */
        memmove(bytes + at, bytes + rand_below(rand, *size - part), part);
        break;
    default: /* a frame's head changes */
        while (at < *size - 1 && bytes[at] != FRAME_END)
            at++;
        bytes[(at + 1 + rand_below(rand, 11)) % *size] = (uint8_t)rand_below(rand, 70);
    }
}

static void run_client(struct world *w, struct rand *rand, struct bytes script)
{
    uint8_t *bytes = mem_alloc(script.size);
    size_t size = script.size;
    struct client *c = client_new(w);
    size_t at = 0;

    memcpy(bytes, script.data, size);
    for (uint64_t i = rand_below(rand, 4); i > 0; i--)
        change(rand, bytes, &size);
    while (at < size && !c->is_closed) {
        size_t part = 1 + rand_below(rand, rand_chance(rand, 1, 2) ? 50 : 8000);
        part = part < size - at ? part : size - at;
        client_send(c, bytes_of(bytes + at, part));
        at += part;
        if (rand_chance(rand, 1, 3))
            world_run_ms(w, 1);
        if (rand_chance(rand, 1, 300))
            break;
    }
    world_run_ms(w, rand_below(rand, 20));
    amqp_check(w->door);
    client_free(c);
    mem_free(bytes);
}

static void test_the_broker_outlives_broken_clients(void **state)
{
    const struct sim_way way = {.short_one_in = 10};
    struct buf script;
    struct world w;
    struct rand rand;
    struct amqp_stats stats;

    (void)state;
    rand_init(&rand, test_seed());
    buf_init(&script, SCRIPT_MAX);
    say_all(&script);
    world_init(&w);
    sim_net_set_ways(w.sim, &way);
    world_open(&w);
    for (unsigned i = 0; i < CLIENTS; i++)
        run_client(&w, &rand, buf_view(&script));
    world_run_ms(&w, 40000);
    amqp_get_stats(w.door, &stats);
    assert_int_equal(stats.connections, 0);
    assert_int_equal(stats.channels, 0);
    assert_int_equal(stats.consumers, 0);
    assert_true(stats.opened > CLIENTS / 2); /* some hung up before they were let in */
    struct client *c = client_open(&w, 1);
    client_declare(c, "good");
    client_publish(c, "", "good", "still here");
    client_consume(c, "good", "t", true);
    client_expect_delivery(c, 1, "still here");
    client_free(c);
    world_release(&w);
    buf_release(&script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_the_broker_outlives_broken_clients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
