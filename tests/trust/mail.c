/* Messages that prove themselves. */
#include "tests/trust/mail.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/rand.h"
#include "msg/table_writer.h"

enum { FIELDS_MAX = 4096 };

static void make_headers(const struct mail_spec *spec, struct rand *rand, struct props_edit *e,
                         struct buf *fields)
{
    struct table_writer w;
    struct table headers;

    table_writer_init(&w, fields);
    if (spec->delay > 0)
        table_writer_long(&w, "x-delay", (int64_t)spec->delay);
    if (rand_chance(rand, 1, 2))
        table_writer_long(&w, "k", (int64_t)rand_next(rand));
    if (spec->partition_key != NULL)
        table_writer_text(&w, "x-partition-key", bytes_text(spec->partition_key));
    if (spec->label != NULL)
        table_writer_text(&w, "x-stream-filter-value", bytes_text(spec->label));
    if (spec->publisher != NULL) {
        table_writer_text(&w, "x-publisher-id", bytes_text(spec->publisher));
        table_writer_long(&w, "x-publish-seq", (int64_t)spec->seq);
    }
    if (table_writer_finish(&w, &headers) == 0 && table_count(headers) > 0)
        props_set_headers(e, headers);
}

void mail_make(const struct mail_spec *spec, struct buf *props, struct buf *body)
{
    static const enum prop texts[] = {PROP_CONTENT_TYPE, PROP_CORRELATION_ID, PROP_MESSAGE_ID,
                                      PROP_TYPE, PROP_APP_ID};
    struct props_edit e;
    struct rand rand;
    struct buf fields;
    char expiration[24];
    char text[24];

    rand_init(&rand, spec->number);
    buf_init(&fields, FIELDS_MAX);
    props_edit_init(&e, NULL);
    snprintf(text, sizeof(text), "t%" PRIx64, rand_next(&rand));
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (rand_chance(&rand, 1, 4))
            props_set_text(&e, texts[i], bytes_text(text));
    if (rand_chance(&rand, 1, 4))
        props_set_time(&e, PROP_TIMESTAMP, rand_next(&rand) >> 20);
    snprintf(expiration, sizeof(expiration), "%" PRIu64, spec->expiration);
    if (spec->expiration > 0)
        props_set_text(&e, PROP_EXPIRATION, bytes_text(expiration));
    if (spec->priority > 0)
        props_set_octet(&e, PROP_PRIORITY, spec->priority);
    props_set_octet(&e, PROP_DELIVERY_MODE, spec->is_transient ? 1 : 2);
    make_headers(spec, &rand, &e, &fields);
    props_encode(&e, props);
    buf_release(&fields);

    uint8_t *at = buf_extend(body, spec->size);

    ASSERT(at != NULL && spec->size >= MAIL_SIZE_MIN);
    rand_fill(&rand, at, spec->size);
    put_be64(at, spec->number);
}

uint64_t mail_number(struct bytes body)
{
    return body.size < MAIL_SIZE_MIN ? 0 : get_be64(body.data);
}

static uint64_t read_prop(const struct props *props, enum prop prop)
{
    struct bytes text = {0};
    uint64_t number = 0;
    uint8_t octet = 0;

    switch (prop_kind(prop)) {
    case PROP_KIND_TEXT:
        return props_find_text(props, prop, &text) ? hash64(text, 2) : 0;
    case PROP_KIND_OCTET:
        return props_find_octet(props, prop, &octet) ? octet : 0;
    case PROP_KIND_TIME:
        return props_find_time(props, prop, &number) ? number : 0;
    case PROP_KIND_TABLE:
        break;
    }
    return 0;
}

uint64_t mail_digest(const struct props *props, struct bytes body)
{
    uint64_t digest = hash64(body, 1);
    struct table headers;
    struct field k;

    for (unsigned prop = 0; prop < PROP_COUNT; prop++) {
        uint64_t number = 0;

        if (prop == PROP_EXPIRATION || prop == PROP_HEADERS || !props_has(props, (enum prop)prop))
            continue;
        number = read_prop(props, (enum prop)prop);
        digest = (digest ^ (number + prop)) * UINT64_C(0x9e3779b97f4a7c15);
    }
    if (props_find_headers(props, &headers) && table_find(headers, bytes_text("k"), &k))
        digest ^= hash64(k.bytes, 5);
    return digest;
}

uint64_t mail_where(struct bytes exchange, struct bytes key)
{
    return hash64(exchange, 3) ^ hash64(key, 4);
}

/* A header that is a number. */
static bool find_number(const struct props *props, const char *name, uint64_t *out)
{
    struct table headers;
    struct field f;

    int64_t value = 0;

    if (!props_find_headers(props, &headers) || !table_find(headers, bytes_text(name), &f) ||
        !field_as_integer(&f, &value))
        return false;
    *out = (uint64_t)value;
    return true;
}

static bool find_text(const struct props *props, const char *name, struct bytes *out)
{
    struct table headers;
    struct field f;

    if (!props_find_headers(props, &headers) || !table_find(headers, bytes_text(name), &f))
        return false;
    *out = f.bytes;
    return true;
}

bool mail_count(const struct props *props, uint64_t *out)
{
    return find_number(props, "x-delivery-count", out);
}

bool mail_offset(const struct props *props, uint64_t *out)
{
    return find_number(props, "x-stream-offset", out);
}

bool mail_partition_key(const struct props *props, struct bytes *out)
{
    return find_text(props, "x-partition-key", out);
}

bool mail_death(const struct props *props, struct bytes *queue, struct bytes *reason)
{
    return find_text(props, "x-last-death-queue", queue) &&
           find_text(props, "x-last-death-reason", reason);
}
