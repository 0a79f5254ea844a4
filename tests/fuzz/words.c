/* Words, tables and methods out of a fuzzer's bytes. */
#include "tests/fuzz/words.h"

#include <string.h>

#include "msg/props.h"
#include "tests/lib/table_text.h"

enum { ANYTHING = 0xff, ANY_SENDER = 0xe0, AREA_MAX = 1 << 16, ENTRIES_MAX = 3 };

static const char *const names[] = {
    "",
    "q",
    "r",
    "s",
    "t",
    "x",
    "y",
    "z",
    "amq.direct",
    "amq.topic",
    "amq.fanout",
    "amq.headers",
    "amq.match",
    "direct",
    "topic",
    "fanout",
    "headers",
    "a.b",
    "a.#",
    "*.b",
    "#.#",
    "guest",
    "/",
    "PLAIN",
    "x-delayed-message",
    "amq.log.x",
    "q-0",
    "q-1",
    "x-random",
    "x-consistent-hash",
    "10",
    "amq.q",
    "x-recent-history",
    "amq.rabbitmq.reply-to",
    "amq.rabbitmq.trace",
    "amq.rabbitmq.log",
    "x-modulus-hash",
    "x-message-deduplication",
    "x-local-random",
};

static const char *const arguments[] = {
    "x-queue-type=stream",
    "x-queue-type=quorum",
    "x-queue-type=classic",
    "x-max-length=0",
    "x-max-length=2",
    "x-max-length-bytes=50",
    "x-overflow=reject-publish",
    "x-overflow=drop-head",
    "x-overflow=reject-publish-dlx",
    "x-message-ttl=0",
    "x-message-ttl=20",
    "x-expires=30",
    "x-dead-letter-exchange=amq.fanout",
    "x-dead-letter-exchange=x",
    "x-dead-letter-routing-key=q",
    "x-dead-letter-strategy=at-least-once",
    "x-max-priority=3",
    "x-single-active-consumer=true",
    "x-delivery-limit=2",
    "x-stream-offset=first",
    "x-stream-offset=last",
    "x-stream-offset=next",
    "x-stream-offset=1",
    "x-stream-offset=1h",
    "x-stream-offset=t:0",
    "x-partitions=2",
    "x-partition-key=k",
    "x-log=true",
    "x-compact=true",
    "x-max-age=1h",
    "x-stream-max-segment-size-bytes=1000",
    "x-replay-from=first",
    "x-replay-from=1",
    "x-replay-until=3",
    "x-group=g",
    "x-group-start=first",
    "x-stream-filter=a",
    "x-stream-filter-value=a",
    "x-stream-filter-key=a",
    "x-stream-match-unfiltered=true",
    "x-match=all",
    "x-match=any-with-x",
    "x-delay=10",
    "x-deliver-at=t:5",
    "x-delayed-type=direct",
    "x-delayed-retry-type=all",
    "x-delayed-retry-min=1",
    "x-delayed-retry-max=9",
    "x-priority=5",
    "x-cancel-on-ha-failover=true",
    "x-consumer-timeout=10",
    "x-message-deduplication=true",
    "x-deduplication-header=k",
    "x-cache-size=2",
    "x-cache-ttl=10",
    "x-publisher-id=p",
    "x-publish-seq=1",
    "x-publish-seq=2",
    "x-recent-history-length=2",
    "x-name-prefix=p",
    "x-colocate=q",
    "x-tombstone-age=1h",
    "alternate-exchange=amq.fanout",
    "CC=[q,r,a.b]",
    "BCC=[s]",
    "a=1",
    "a=b",
    "b=void",
    "c=d:7",
    "d=[1,x]",
    "e=true",
    "f=i:-1",
    "g=t:99999999999999",
    "h=-9223372036854775808",
};

struct bytes words_raw(struct reader *r)
{
    size_t size = reader_u8(r);

    return reader_bytes(r, size < r->left ? size : r->left);
}

struct bytes words_name(struct reader *r)
{
    uint8_t choice = reader_u8(r);

    return choice == ANYTHING ? words_raw(r) : bytes_text(names[choice % ARRAY_SIZE(names)]);
}

uint64_t words_number(struct reader *r)
{
    uint8_t first = reader_u8(r);

    return first == ANYTHING ? reader_be64(r) : first;
}

/* Adds the name of one entry with the value of another. */
static void add_entry(struct reader *r, struct buf *area)
{
    size_t name = reader_u8(r) % ARRAY_SIZE(arguments);
    size_t value = reader_u8(r);
    struct buf entry;

    value = value == 0 ? name : value % ARRAY_SIZE(arguments);
    buf_init(&entry, AREA_MAX);
    (void)table_text(&entry, arguments[name]);
    buf_bytes(area, bytes_of(entry.data, 1u + entry.data[0]));
    (void)table_text(&entry, arguments[value]);
    size_t at = 1u + entry.data[0];
    buf_bytes(area, bytes_of(entry.data + at, entry.size - at));
    buf_release(&entry);
}

/* What was added to it since it had that size. */
static struct bytes behind(const struct buf *area, size_t size)
{
    return area->size == size ? bytes_of(NULL, 0) : bytes_of(area->data + size, area->size - size);
}

struct bytes words_table(struct reader *r, struct buf *area)
{
    size_t start = area->size;
    uint8_t choice = reader_u8(r);

    if (choice == ANYTHING)
        return words_raw(r);
    for (unsigned i = choice % (ENTRIES_MAX + 1); i > 0; i--)
        add_entry(r, area);
    return behind(area, start);
}

/* ---- methods ---- */

/* clang-format off */
#define METHOD(CONSTANT, group, verb, ...)                                                         \
    static void fill_##group##_##verb(struct reader *r, struct buf *area, struct method *m)        \
    {                                                                                              \
        struct method_##group##_##verb *f = &m->group##_##verb;                                    \
        (void)area;
#define END }
/* clang-format on */
#define BIT(field)      f->field = (reader_u8(r) & 1) != 0;
#define OCTET(field)    f->field = (uint8_t)words_number(r);
#define SHORT(field)    f->field = (uint16_t)words_number(r);
#define LONG(field)     f->field = (uint32_t)words_number(r);
#define LONGLONG(field) f->field = words_number(r);
#define SHORTSTR(field) f->field = words_name(r);
#define LONGSTR(field)  f->field = words_raw(r);
#define TABLE(field)    f->field.bytes = words_table(r, area);
#include "amqp/wire/methods.def"

void words_method(struct reader *r, struct buf *area, struct method *out)
{
    static void (*const fills[])(struct reader *, struct buf *, struct method *) = {
#define METHOD(CONSTANT, class, method, ...) fill_##class##_##method,
#define METHOD_EMPTY(...)                    NULL,
#include "amqp/wire/methods.def"
    };
    uint8_t byte = reader_u8(r);
    size_t choice = byte % ARRAY_SIZE(fills);

    while (byte < ANY_SENDER && method_kind_at(choice)->sender == METHOD_FROM_SERVER)
        choice = (choice + 1) % ARRAY_SIZE(fills);
    memset(out, 0, sizeof(*out));
    buf_clear(area);
    out->id = method_kind_at(choice)->id;
    if (fills[choice] != NULL)
        fills[choice](r, area, out);
}

/* ---- properties ---- */

static void add_text(struct buf *area, struct bytes text)
{
    buf_u8(area, (uint8_t)text.size);
    buf_bytes(area, text);
}

static void add_prop(struct reader *r, enum prop prop, struct buf *area)
{
    struct buf table_area;
    struct bytes table;

    switch (prop_kind(prop)) {
    case PROP_KIND_TEXT:
        add_text(area, words_name(r));
        break;
    case PROP_KIND_TABLE:
        buf_init(&table_area, AREA_MAX);
        table = words_table(r, &table_area);
        buf_be32(area, (uint32_t)table.size);
        buf_bytes(area, table);
        buf_release(&table_area);
        break;
    case PROP_KIND_OCTET:
        buf_u8(area, (uint8_t)words_number(r));
        break;
    case PROP_KIND_TIME:
        buf_be64(area, words_number(r));
        break;
    }
}

struct bytes words_props(struct reader *r, struct buf *area)
{
    size_t start = area->size;
    uint16_t flags = reader_be16(r);

    buf_be16(area, flags);
    for (unsigned i = 0; i < PROP_COUNT; i++) {
        if ((flags & (0x8000u >> i)) != 0)
            add_prop(r, (enum prop)i, area);
    }
    return behind(area, start);
}
