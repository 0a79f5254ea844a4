/* Topic exchange against the oracle. Each line of the input is a pattern that a queue of its own is
 * bound with, the last one a routing key; then half of the bindings go and it is routed again. */
#include <stdint.h>

#include "base/check.h"
#include "exchange/exchange.h"
#include "exchange/route.h"
#include "tests/lib/topic_oracle.h"

enum { PATTERNS_MAX = 48, PATTERN_SIZE_MAX = 255 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct lines {
    struct bytes at[PATTERNS_MAX + 1];
    size_t count;
};

static void split(struct bytes text, struct lines *out)
{
    size_t start = 0;

    out->count = 0;
    for (size_t i = 0; i <= text.size && out->count <= PATTERNS_MAX; i++) {
        if (i < text.size && text.data[i] != '\n' && i - start < PATTERN_SIZE_MAX)
            continue;
        out->at[out->count++] = bytes_of(text.data + start, i - start);
        start = i + 1;
    }
}

static struct binding_spec spec_of(struct exchange_table *t, size_t queue, struct bytes pattern)
{
    return (struct binding_spec){
        .source = exchange_find(t, bytes_text("amq.topic")),
        .destination = {.queue = queue},
        .key = pattern,
    };
}

static void expect(struct exchange_table *t, const struct lines *l, const bool *is_bound)
{
    struct bytes key = l->at[l->count - 1];
    const struct route_view view = {.keys = &key, .key_count = 1};
    struct route route;
    size_t at = 0;

    route_message(t, exchange_find(t, bytes_text("amq.topic")), &view, &route);
    for (size_t i = 0; i + 1 < l->count; i++) {
        bool is_in = at < route.count && route.queues[at] == i;

        at += is_in;
        ASSERT(is_in == (is_bound[i] && oracle_topic(l->at[i], key)));
    }
    ASSERT(at == route.count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct exchange_options o = exchange_options_default();
    struct lines l;
    struct rand r;
    bool is_bound[PATTERNS_MAX + 1] = {false};

    if (size == 0)
        return 0;
    split(bytes_of(data, size), &l);
    rand_init(&r, 1);
    o.rand = &r;
    o.topic_hashes_max = 8;
    struct exchange_table *t = exchange_table_new(&o);

    for (size_t i = 0; i + 1 < l.count; i++) {
        struct binding_spec spec = spec_of(t, i, l.at[i]);
        uint8_t name = (uint8_t)i;
        bool is_new = false;
        int rv = exchange_add_queue(t, i, bytes_of(&name, 1), true);

        ASSERT(rv == 0);
        is_bound[i] = exchange_bind(t, &spec, &is_new, NULL) == 0;
        ASSERT(is_bound[i] == is_new);
    }
    expect(t, &l, is_bound);
    exchange_table_check(t);
    for (size_t i = 0; i + 1 < l.count; i += 2) {
        struct binding_spec spec = spec_of(t, i, l.at[i]);
        int rv = exchange_unbind(t, &spec);

        ASSERT(rv == (is_bound[i] ? 0 : ERR_NOT_FOUND));
        is_bound[i] = false;
    }
    expect(t, &l, is_bound);
    exchange_table_check(t);
    exchange_table_free(t);
    return 0;
}
