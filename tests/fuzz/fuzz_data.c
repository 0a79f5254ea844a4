/* Fuzz target: a whole data directory whose files were changed, with right checksums or without
 * (log_life.h). The broker opens or says why not; what it opened gives its messages to whoever
 * asks, and closes in order. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/units.h"
#include "tests/fuzz/log_life.h"
#include "tests/lib/table_text.h"
#include "tests/lib/test.h"
#include "tests/sim/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { AREA_LIMIT = 1 << 16, MESSAGES = 12 };

static void begin(struct world *w)
{
    diag_set_level(DIAG_OFF);
    world_init(w);
    w->broker_options.disk_min_bytes = 0;
    w->log_options.segment_bytes = 64 * KIB;
    w->log_options.block_bytes = 16 * KIB;
    w->partition_options.checkpoint_interval_ms = 500;
}

/* ---- the life before ---- */

static void declare(struct client *c, const char *name, const char *arguments)
{
    struct method m = {.id = METHOD_QUEUE_DECLARE};
    struct buf area;

    buf_init(&area, AREA_LIMIT);
    memset(&m.queue_declare, 0, sizeof(m.queue_declare));
    m.queue_declare.queue = bytes_text(name);
    m.queue_declare.durable = true;
    m.queue_declare.arguments = table_text(&area, arguments);
    client_method(c, 1, &m);
    client_expect(c, 1, METHOD_QUEUE_DECLARE_OK);
    buf_release(&area);
}

static void declare_exchange(struct client *c, const char *name, const char *type,
                             const char *arguments)
{
    struct method m = {.id = METHOD_EXCHANGE_DECLARE};
    struct buf area;

    buf_init(&area, AREA_LIMIT);
    memset(&m.exchange_declare, 0, sizeof(m.exchange_declare));
    m.exchange_declare.exchange = bytes_text(name);
    m.exchange_declare.type = bytes_text(type);
    m.exchange_declare.durable = true;
    m.exchange_declare.arguments = table_text(&area, arguments);
    client_method(c, 1, &m);
    client_expect(c, 1, METHOD_EXCHANGE_DECLARE_OK);
    buf_release(&area);
}

static void bind(struct client *c, const char *queue, const char *exchange, const char *key)
{
    struct method m = {.id = METHOD_QUEUE_BIND};

    memset(&m.queue_bind, 0, sizeof(m.queue_bind));
    m.queue_bind.queue = bytes_text(queue);
    m.queue_bind.exchange = bytes_text(exchange);
    m.queue_bind.routing_key = bytes_text(key);
    client_method(c, 1, &m);
    client_expect(c, 1, METHOD_QUEUE_BIND_OK);
}

static void live(struct world *w)
{
    struct client *c = client_open(w, 1);

    declare(c, "q", "x-max-length=8 x-dead-letter-exchange=amq.fanout x-max-priority=3");
    declare(c, "r", "x-queue-type=quorum");
    declare(c, "s", "x-queue-type=stream");
    declare_exchange(c, "x", "topic", "x-log=true");
    declare_exchange(c, "d", "x-delayed-message", "x-delayed-type=direct");
    bind(c, "q", "x", "a.#");
    bind(c, "r", "amq.fanout", "");
    client_confirm(c);
    for (int i = 0; i < MESSAGES; i++) {
        client_publish(c, "x", "a.b", "one");
        client_publish(c, "", "s", "two");
        world_run_ms(w, 20);
    }
    client_free(c);
    world_run_ms(w, 3000);
    c = client_open(w, 1);
    client_ack(c, client_get(c, "q", "one"), false);
    client_publish(c, "", "r", "three");
    world_run_ms(w, 200);
    client_free(c);
}

/* All files, as a close leaves them and as a crash does. Made once. */
static struct sim_disk *bases[2];

static void make_bases(void)
{
    struct world w;

    begin(&w);
    world_open(&w);
    live(&w);
    bases[0] = sim_disk_clone(w.disk);
    world_close(&w);
    bases[1] = sim_disk_clone(w.disk);
    world_release(&w);
}

/* ---- the life behind ---- */

struct copying {
    const struct sim_disk *from;
    struct sim_disk *to;
};

static void on_file(void *owner, const char *path, bool is_dir, uint64_t size)
{
    struct copying *c = owner;

    if (is_dir)
        return;
    uint8_t *bytes = mem_alloc(size + 1);
    if (size > 0)
        sim_disk_peek(c->from, path, 0, bytes, size);
    sim_disk_put(c->to, path, bytes, size);
    mem_free(bytes);
}

static bool is_any(const char *path)
{
    (void)path;
    return true;
}

/* Takes what queues have, if they are there. */
static void take_all(struct world *w)
{
    static const char *const queues[] = {"q", "r", "s"};
    struct method m = {.id = METHOD_BASIC_CONSUME};

    for (size_t i = 0; i < ARRAY_SIZE(queues); i++) {
        struct client *c = client_new(w);

        client_rush_in(c);
        memset(&m, 0, sizeof(m));
        m.id = METHOD_BASIC_QOS;
        m.basic_qos.prefetch_count = 100;
        client_method(c, 1, &m);
        memset(&m, 0, sizeof(m));
        m.id = METHOD_BASIC_CONSUME;
        m.basic_consume.queue = bytes_text(queues[i]);
        client_method(c, 1, &m);
        world_run_ms(w, 100);
        client_free(c);
    }
}

static bool try_open(struct world *w)
{
    struct err_note note = {{0}};
    int rv = world_try_open(w, &note);

    ASSERT(rv == 0 || note.text[0] != '\0');
    return rv == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world w;
    struct copying copying;

    if (bases[0] == NULL)
        make_bases();
    begin(&w);
    copying = (struct copying){.from = bases[size > 0 ? data[0] & 1 : 0], .to = w.disk};
    sim_disk_walk(copying.from, on_file, &copying);
    log_life_change(w.disk, bytes_of(data, size), is_any);
    if (try_open(&w)) {
        broker_check(w.broker);
        take_all(&w);
        world_run_ms(&w, 1000);
        broker_check(w.broker);
        world_close(&w);
        if (try_open(&w))
            broker_check(w.broker);
    }
    world_release(&w);
    return 0;
}
