/* Fuzz target: whole sessions. A broker in the simulated world, and the input is the script of up
 * to three clients who say what they like, in any order, and leave when they like.
 *
 *     | seed u8 | how they log in u8 | act u8, what it needs | act u8, ... |
 *
 * Nothing that they do may stop the broker: all it says must be frames, it gives back what they had
 * when they are gone, an honest client is served, and what it kept can be opened again. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "amqp/wire/frame.h"
#include "amqp/wire/greeting.h"
#include "base/diag.h"
#include "base/units.h"
#include "io/sim/sim_net.h"
#include "tests/fuzz/words.h"
#include "tests/lib/table_text.h"
#include "tests/sim/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    CLIENTS_MAX = 3,
    CHANNELS = 3,
    ACTS_MAX = 300,
    BODY_MAX = 20000,
    FRAME_SIZE = 4096,
    AREA_LIMIT = 1 << 18,
    LEAVE_MS = 5000,   /* until a client that is gone is missed */
    ANSWERS_MAX = 8192 /* frame_max of what the broker says */
};

/* What a script may do; the others are ACT_METHOD. */
enum act {
    ACT_METHOD,
    ACT_PUBLISH = 5,
    ACT_SETTLE = 8,
    ACT_RAW = 10,
    ACT_FRAME,
    ACT_WAIT,
    ACT_SWITCH,
    ACT_LEAVE,
    ACT_DEAF,
    ACT_COUNT,
};

struct session {
    struct world world;
    struct reader script;
    struct buf area;
    struct client *clients[CLIENTS_MAX];
    struct client *now;
    size_t now_at;
    uint8_t way_in;
};

/* ---- coming and going ---- */

static void say_login(struct client *c, uint8_t way)
{
    struct method m = {.id = METHOD_CONNECTION_START_OK};
    struct buf area;

    buf_init(&area, AREA_LIMIT);
    memset(&m.connection_start_ok, 0, sizeof(m.connection_start_ok));
    m.connection_start_ok.locale = bytes_text("en_US");
    if ((way & 1) == 0) {
        m.connection_start_ok.mechanism = bytes_text("PLAIN");
        m.connection_start_ok.response = bytes_of("\0guest\0guest", 12);
    } else {
        m.connection_start_ok.mechanism = bytes_text("AMQPLAIN");
        m.connection_start_ok.response = table_text(&area, "LOGIN=guest PASSWORD=guest").bytes;
    }
    client_method(c, 0, &m);
    buf_release(&area);
}

/* Up to an open channel, or only so far as `way` says. */
static void come_in(struct client *c, uint8_t way)
{
    struct method m = {.id = METHOD_CONNECTION_TUNE_OK};

    if ((way & 0x40) != 0) /* nothing is said by itself */
        return;
    client_send(c, greeting_answer());
    if ((way & 0x20) != 0)
        return;
    say_login(c, way);
    m.connection_tune_ok.channel_max = (way & 2) != 0 ? CHANNELS : 2047;
    m.connection_tune_ok.frame_max = FRAME_SIZE;
    m.connection_tune_ok.heartbeat = (way & 4) != 0 ? 1 : 0;
    client_method(c, 0, &m);
    memset(&m, 0, sizeof(m));
    m.id = METHOD_CONNECTION_OPEN;
    m.connection_open.virtual_host = bytes_text("/");
    client_method(c, 0, &m);
    for (unsigned i = 1; i <= ((way & 8) != 0 ? CHANNELS : 1u); i++) {
        memset(&m, 0, sizeof(m));
        m.id = METHOD_CHANNEL_OPEN;
        client_method(c, (uint16_t)i, &m);
    }
}

/* All that the broker said is frames, or its greeting to somebody who spoke something else. */
static void check_answers(struct client *c)
{
    struct bytes said = buf_view(&c->in);
    struct frame f;
    struct method m;
    enum wire_result result;

    while (said.size > 0 && said.data[0] != 'A') {
        result = frame_decode(said, ANSWERS_MAX, &f);
        ASSERT(result == WIRE_OK || result == WIRE_MORE);
        if (result == WIRE_MORE)
            return;
        result = f.type == FRAME_METHOD ? method_decode(f.payload, &m) : WIRE_OK;
        ASSERT(result == WIRE_OK);
        ASSERT(f.type != FRAME_METHOD || method_kind_find(m.id)->sender != METHOD_FROM_CLIENT);
        said = bytes_of(said.data + f.size, said.size - f.size);
    }
    ASSERT(said.size <= GREETING_SIZE);
    ASSERT(said.size == 0 || memcmp(said.data, greeting_answer().data, said.size) == 0);
}

static void leave(struct session *s, size_t at)
{
    if (s->clients[at] == NULL)
        return;
    check_answers(s->clients[at]);
    client_free(s->clients[at]);
    s->clients[at] = NULL;
}

static void take_turn(struct session *s, size_t at)
{
    if (s->clients[at] != NULL && s->clients[at]->is_closed)
        leave(s, at);
    if (s->clients[at] == NULL) {
        s->clients[at] = client_new(&s->world);
        come_in(s->clients[at], s->way_in);
    }
    s->now = s->clients[at];
    s->now_at = at;
}

/* ---- what they do ---- */

static uint16_t read_channel(struct session *s)
{
    uint8_t byte = reader_u8(&s->script);

    return byte < 0xf8 ? byte % (CHANNELS + 1) : byte;
}

static void act_publish(struct session *s)
{
    static const uint8_t body[BODY_MAX];
    struct method m = {.id = METHOD_BASIC_PUBLISH};
    uint16_t channel = read_channel(s);
    uint8_t bits = reader_u8(&s->script);
    size_t size = (size_t)words_number(&s->script) * ((bits & 4) != 0 ? 60 : 1) % BODY_MAX;

    memset(&m.basic_publish, 0, sizeof(m.basic_publish));
    m.basic_publish.exchange = words_name(&s->script);
    m.basic_publish.routing_key = words_name(&s->script);
    m.basic_publish.mandatory = (bits & 1) != 0;
    client_method(s->now, channel, &m);
    buf_clear(&s->area);
    s->now->frame_max = FRAME_SIZE;
    client_content_with(s->now, channel, words_props(&s->script, &s->area), bytes_of(body, size));
}

static void act_settle(struct session *s)
{
    struct method m = {.id = METHOD_BASIC_ACK};
    uint16_t channel = read_channel(s);
    uint8_t bits = reader_u8(&s->script);
    uint64_t tag = words_number(&s->script);

    if ((bits & 1) != 0) {
        m.id = METHOD_BASIC_NACK;
        m.basic_nack.delivery_tag = tag;
        m.basic_nack.multiple = (bits & 2) != 0;
        m.basic_nack.requeue = (bits & 4) != 0;
    } else {
        m.basic_ack.delivery_tag = tag;
        m.basic_ack.multiple = (bits & 2) != 0;
    }
    client_method(s->now, channel, &m);
}

static void act_method(struct session *s)
{
    struct method m;
    uint16_t channel = read_channel(s);

    words_method(&s->script, &s->area, &m);
    client_method(s->now, channel, &m);
}

/* A frame whose head and end are right, but for its type and channel. */
static void act_frame(struct session *s)
{
    uint8_t head[FRAME_HEAD_SIZE];
    static const uint8_t end = FRAME_END;
    uint8_t type = reader_u8(&s->script);
    uint16_t channel = read_channel(s);
    struct bytes payload = words_raw(&s->script);

    (void)frame_put_head(head, (enum frame_type)type, channel, payload.size);
    client_send(s->now, bytes_of(head, sizeof(head)));
    client_send(s->now, payload);
    client_send(s->now, bytes_of(&end, 1));
}

static void act(struct session *s)
{
    uint8_t choice = reader_u8(&s->script) % ACT_COUNT;

    if (choice < ACT_PUBLISH)
        act_method(s);
    else if (choice < ACT_SETTLE)
        act_publish(s);
    else if (choice < ACT_RAW)
        act_settle(s);
    else if (choice == ACT_RAW)
        client_send(s->now, words_raw(&s->script));
    else if (choice == ACT_FRAME)
        act_frame(s);
    else if (choice == ACT_WAIT)
        world_run_ms(&s->world, UINT64_C(1) << reader_u8(&s->script) % 12);
    else if (choice == ACT_SWITCH)
        take_turn(s, reader_u8(&s->script) % CLIENTS_MAX);
    else if (choice == ACT_DEAF)
        client_read(s->now, !s->now->is_reading);
    else
        leave(s, s->now_at);
    take_turn(s, s->now_at);
}

/* ---- the end ---- */

static void serve_honest(struct world *w)
{
    struct client *c = client_open(w, 1);
    struct method m = {.id = METHOD_QUEUE_DECLARE};
    char queue[256] = "";

    memset(&m.queue_declare, 0, sizeof(m.queue_declare));
    m.queue_declare.exclusive = true;
    client_method(c, 1, &m);
    struct bytes name = client_expect(c, 1, METHOD_QUEUE_DECLARE_OK)->queue_declare_ok.queue;
    ASSERT(name.size < sizeof(queue));
    memcpy(queue, name.data, name.size);
    client_confirm(c);
    client_publish(c, "", queue, "honest");
    client_expect_confirmed(c, 1);
    client_consume(c, queue, "", true);
    client_expect_delivery(c, 1, "honest");
    client_free(c);
}

static void check_given_back(struct world *w)
{
    struct amqp_stats stats;

    amqp_get_stats(w->door, &stats);
    ASSERT(stats.connections == 0 && stats.channels == 0 && stats.consumers == 0);
    amqp_check(w->door);
    broker_check(w->broker);
}

static void open_world(struct session *s, uint8_t seed)
{
    const struct sim_options sim = {.seed = seed};
    const struct sim_way way = {.short_one_in = (seed & 1) != 0 ? 10 : 0,
                                .piece_max = (seed & 2) != 0 ? 50 : 0};

    diag_set_level(DIAG_OFF);
    world_init_with(&s->world, &sim, NULL);
    sim_net_set_ways(s->world.sim, &way);
    s->world.broker_options.disk_min_bytes = 0;
    s->world.log_options.segment_bytes = 64 * KIB;
    s->world.log_options.block_bytes = 16 * KIB;
    s->world.amqp_options.output_max_bytes = 16 * KIB;
    world_open(&s->world);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct session s;
    uint8_t seed;

    memset(&s, 0, sizeof(s));
    s.script = reader_of(bytes_of(data, size));
    buf_init(&s.area, AREA_LIMIT);
    seed = reader_u8(&s.script);
    s.way_in = reader_u8(&s.script);
    open_world(&s, seed);
    take_turn(&s, 0);
    for (unsigned i = 0; i < ACTS_MAX && s.script.left > 0; i++)
        act(&s);
    world_run_ms(&s.world, 50);
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        leave(&s, i);
    world_run_ms(&s.world, LEAVE_MS);
    check_given_back(&s.world);
    serve_honest(&s.world);
    world_crash(&s.world, SIM_DEATH_PROCESS, NULL);
    world_open(&s.world);
    broker_check(s.world.broker);
    world_release(&s.world);
    buf_release(&s.area);
    return 0;
}
