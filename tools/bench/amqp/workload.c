/* The table of options. */
#include "tools/bench/amqp/workload.h"

#include <stddef.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/units.h"
#include "tools/bench/amqp/cargo.h"

enum {
    COUNT_MAX = 1000 * 1000 * 1000,
    PEOPLE_MAX = 100 * 1000,
    PREFETCH_MAX = UINT16_MAX,
    CONFIRM_MAX = 1000 * 1000,
    RATE_MAX = 10 * 1000 * 1000,
    MS_MAX = 24 * 3600 * 1000,
    AHEAD_MESSAGES = 200 * 1000,
    AHEAD_MESSAGES_MIN = 16,
    NAME_SIZE = 64,
};

#define AHEAD_BYTES (64 * MIB)

static const char *const shapes[] = {"flow",  "backlog", "connections", "queues",
                                     "churn", "start",   "replay",      NULL};
static const char *const exchanges[] = {"default", "direct", "fanout", "topic", "headers", NULL};

#define FIELD(name)         .offset = offsetof(struct workload, name)
#define INT(name, from, to) .kind = SETTING_INT, FIELD(name), .min = (from), .max = (to)
#define SWITCH(name)        .kind = SETTING_BOOL, .fallback = "false", FIELD(name)
#define DURATION(name)      .kind = SETTING_DURATION, .max = MS_MAX, FIELD(name)

const struct setting workload_settings[] = {
    {.name = "shape",
     .kind = SETTING_CHOICE,
     .fallback = "flow",
     .choices = shapes,
     FIELD(shape),
     .help =
         "flow: publish and consume at once; backlog: publish --count, then consume them; "
         "connections, queues: --objects of them, and what each costs; churn: open and close "
         "connections; start: how long the broker takes to start; replay: a queue gets the "
         "history of --count messages and more that an exchange has kept; publishing is measured "
         "for --duration each: alone, into a queue too, and beside the replay"},
    {.name = "producers",
     .fallback = "1",
     INT(producers, 0, PEOPLE_MAX),
     .help = "publishing connections"},
    {.name = "consumers",
     .fallback = "1",
     INT(consumers, 0, PEOPLE_MAX),
     .help = "consumers, dealt out to the queues in turn"},
    {.name = "consumer-connections",
     .fallback = "0",
     INT(consumer_connections, 0, PEOPLE_MAX),
     .help = "connections that share the consumers, a channel each; 0: one for each consumer"},
    {.name = "queues",
     .fallback = "1",
     INT(queues, 1, PEOPLE_MAX),
     .help = "queues, dealt out to the producers in turn; each producer serves its queues in turn"},
    {.name = "size",
     .kind = SETTING_SIZE,
     .fallback = "1KiB",
     FIELD(size),
     .min = CARGO_SIZE_MIN,
     .max = CARGO_SIZE_MAX,
     .help = "bytes of a body; from 24 on it carries a checksum"},
    {.name = "persistent", SWITCH(is_persistent), .help = "delivery mode 2"},
    {.name = "durable", SWITCH(is_durable), .help = "durable queues and exchange"},
    {.name = "stream",
     SWITCH(is_stream),
     .help = "queues are streams; each consumer reads all of its stream from the first message"},
    {.name = "group",
     SWITCH(is_group),
     .help = "queues are the partitions of one stream, and consumers a group that shares them"},
    {.name = "mandatory", SWITCH(is_mandatory), .help = "publish with the mandatory flag"},
    {.name = "exchange",
     .kind = SETTING_CHOICE,
     .fallback = "default",
     .choices = exchanges,
     FIELD(exchange),
     .help = "default, direct: each message to one queue; fanout, topic, headers: to every queue"},
    {.name = "bindings",
     .fallback = "0",
     INT(bindings, 0, COUNT_MAX),
     .help = "of a topic exchange: so many in all, of mixed patterns; one for each queue matches"},
    {.name = "window",
     .fallback = "0",
     INT(window, 0, CONFIRM_MAX),
     .help = "unconfirmed messages a producer may have; 0: no publisher confirms"},
    {.name = "ack",
     .fallback = "0",
     INT(ack_every, 0, PREFETCH_MAX),
     .help = "0: no acks (no-ack consumers); 1: each; N: every N as multiple"},
    {.name = "prefetch",
     .fallback = "0",
     INT(prefetch, 0, PREFETCH_MAX),
     .help = "basic.qos for each consumer; 0: no limit"},
    {.name = "rate",
     .fallback = "0",
     INT(rate, 0, RATE_MAX),
     .help = "messages a second, all producers together; latency then counts from the moment a "
             "message was due; 0: as fast as the broker takes them"},
    {.name = "count",
     .fallback = "0",
     INT(count, 0, COUNT_MAX),
     .help = "messages of all producers together; 0: by time"},
    {.name = "ahead",
     .fallback = "0",
     INT(ahead, 0, COUNT_MAX),
     .help = "publishers wait when so many deliveries are due; 0: 200,000 or 64 MiB, whichever is "
             "less"},
    {.name = "objects",
     .fallback = "1000",
     INT(objects, 1, PEOPLE_MAX),
     .help = "idle connections, or queues"},
    {.name = "clients",
     .fallback = "1",
     INT(clients, 1, PEOPLE_MAX),
     .help = "connections that are opened or closed at the same time"},
    {.name = "delay",
     .fallback = "0",
     DURATION(delay_ms),
     .help = "the exchange is an x-delayed-message, and all messages are due so long after the "
             "beginning of the round; --patience must be longer"},
    {.name = "warmup", .fallback = "500ms", DURATION(warmup_ms), .help = "not measured"},
    {.name = "duration",
     .fallback = "3s",
     DURATION(duration_ms),
     .min = 1,
     .help = "how long a round is measured"},
    {.name = "patience",
     .fallback = "10s",
     DURATION(patience_ms),
     .min = 1,
     .help = "when no byte came for so long at the end, the messages that are due count as lost"},
    {0},
};

int workload_set(struct workload *w, const char *name, const char *value, struct err_note *note)
{
    for (const struct setting *s = workload_settings; s->name != NULL; s++) {
        if (strcmp(s->name, name) == 0)
            return setting_set(s, w, value, note);
    }
    return err_note(note, ERR_INVALID, "unknown option '--%s'", name);
}

/* Sets "name=value", `size` bytes. */
static int set_pair(struct workload *w, const char *pair, size_t size, struct err_note *note)
{
    char text[NAME_SIZE];
    char *equals;

    ASSERT(size < sizeof(text));
    memcpy(text, pair, size);
    text[size] = '\0';
    equals = strchr(text, '=');
    if (equals == NULL)
        return err_note(note, ERR_INVALID, "'%s' is not NAME=VALUE", text);
    *equals = '\0';
    return workload_set(w, text, equals + 1, note);
}

int workload_set_all(struct workload *w, const char *text, struct err_note *note)
{
    int rv = 0;

    while (rv == 0 && *text != '\0') {
        size_t size = strcspn(text, " ");

        rv = set_pair(w, text, size, note);
        text += size;
        text += strspn(text, " ");
    }
    return rv;
}

bool workload_is_broadcast(const struct workload *w)
{
    return w->exchange == EXCHANGE_FANOUT || w->exchange == EXCHANGE_TOPIC ||
           w->exchange == EXCHANGE_HEADERS;
}

bool workload_reads_all(const struct workload *w)
{
    return w->is_stream && !w->is_group;
}

uint64_t workload_fan(const struct workload *w)
{
    uint64_t consumers_each = (uint64_t)((w->consumers + w->queues - 1) / w->queues);
    uint64_t fan = workload_is_broadcast(w) ? (uint64_t)w->queues : 1;

    return workload_reads_all(w) ? fan * consumers_each : fan;
}

uint64_t workload_ahead(const struct workload *w)
{
    uint64_t by_size = AHEAD_BYTES / w->size;

    if (w->ahead > 0)
        return (uint64_t)w->ahead;
    if (by_size < AHEAD_MESSAGES_MIN)
        return AHEAD_MESSAGES_MIN;
    return by_size < AHEAD_MESSAGES ? by_size : AHEAD_MESSAGES;
}

int workload_agree(const struct workload *w, struct err_note *note)
{
    bool counts = w->shape == SHAPE_BACKLOG || w->shape == SHAPE_START;

    if (w->shape == SHAPE_REPLAY && (w->count == 0 || w->producers == 0 || w->consumers == 0 ||
                                     w->window == 0 || w->exchange != EXCHANGE_FANOUT))
        return err_note(note, ERR_INVALID,
                        "a replay needs --count, --producers, --consumers, --window and --exchange "
                        "fanout");
    if (counts && (w->count == 0 || w->producers == 0))
        return err_note(note, ERR_INVALID, "this shape needs --count and --producers");
    if (w->shape == SHAPE_FLOW && w->producers == 0)
        return err_note(note, ERR_INVALID, "nobody publishes: --producers is 0");
    if (w->consumers > 0 && w->consumers < w->queues)
        return err_note(note, ERR_INVALID,
                        "a queue needs a consumer: --consumers is 0, or no less than --queues");
    if (w->is_stream && w->consumers > 0 && (w->ack_every == 0 || w->prefetch == 0))
        return err_note(note, ERR_INVALID, "a stream is read with --ack and --prefetch");
    if (w->prefetch > 0 && w->ack_every > w->prefetch)
        return err_note(note, ERR_INVALID,
                        "--ack is above --prefetch: consumers would wait for ever");
    if (w->is_stream && w->consumers % w->queues != 0)
        return err_note(note, ERR_INVALID, "streams need --consumers to be a multiple of --queues");
    if (w->is_group && (!w->is_stream || w->exchange != EXCHANGE_DEFAULT))
        return err_note(note, ERR_INVALID, "--group needs --stream and the default exchange");
    if (w->delay_ms > 0 && w->exchange == EXCHANGE_DEFAULT)
        return err_note(note, ERR_INVALID, "--delay needs an --exchange");
    if (w->bindings > 0 && (w->exchange != EXCHANGE_TOPIC || w->bindings < w->queues))
        return err_note(note, ERR_INVALID,
                        "--bindings is for --exchange topic, and no less than --queues");
    return 0;
}
