/* Fuzz target: a headers exchange against the oracle. The input has the arguments of some bindings,
 * each of a queue of its own, and then the headers of messages; half-way half of the bindings go.
 *
 *     | bindings u8 | table ... | headers of a message ... |        tables as in words.h */
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "exchange/exchange.h"
#include "exchange/route.h"
#include "tests/fuzz/words.h"
#include "tests/lib/headers_oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BINDINGS_MAX = 12, MESSAGES_MAX = 8, AREA_LIMIT = 1 << 16 };

struct bound {
    struct table arguments;
    bool is_bound;
    struct buf area;
};

struct headers_world {
    struct exchange_table *table;
    struct bound bound[BINDINGS_MAX];
    size_t count;
};

static struct binding_spec spec_of(const struct headers_world *w, size_t i)
{
    return (struct binding_spec){
        .source = exchange_find(w->table, bytes_text("amq.headers")),
        .destination = {.queue = i + 1},
        .key = bytes_text(""),
        .arguments = w->bound[i].arguments,
    };
}

/* A table that decodes; else an empty one. */
static struct table read_table(struct reader *r, struct buf *area)
{
    struct table t;

    buf_clear(area);
    return table_decode(words_table(r, area), &t) == 0 ? t : (struct table){{0}};
}

static void bind_all(struct headers_world *w, struct reader *r)
{
    w->count = reader_u8(r) % (BINDINGS_MAX + 1);
    for (size_t i = 0; i < w->count; i++) {
        struct bound *b = &w->bound[i];
        uint8_t name = (uint8_t)i;
        bool is_new = false;
        int rv = exchange_add_queue(w->table, i + 1, bytes_of(&name, 1), true);

        ASSERT(rv == 0);
        buf_init(&b->area, AREA_LIMIT);
        b->arguments = read_table(r, &b->area);
        struct binding_spec spec = spec_of(w, i);
        b->is_bound = exchange_bind(w->table, &spec, &is_new, NULL) == 0;
        ASSERT(b->is_bound == is_new);
    }
}

static void unbind_half(struct headers_world *w)
{
    for (size_t i = 0; i < w->count; i += 2) {
        struct binding_spec spec = spec_of(w, i);
        int rv = exchange_unbind(w->table, &spec);

        ASSERT(rv == (w->bound[i].is_bound ? 0 : ERR_NOT_FOUND));
        w->bound[i].is_bound = false;
    }
}

static void expect_route(const struct headers_world *w, const struct props *props,
                         struct table headers)
{
    struct bytes key = bytes_text("k");
    const struct route_view view = {.keys = &key, .key_count = 1, .props = props};
    struct route route;
    size_t at = 0;

    route_message(w->table, exchange_find(w->table, bytes_text("amq.headers")), &view, &route);
    for (size_t i = 0; i < w->count; i++) {
        bool is_in = at < route.count && route.queues[at] == i + 1;

        at += is_in;
        ASSERT(is_in == (w->bound[i].is_bound && oracle_headers(w->bound[i].arguments, headers)));
    }
    ASSERT(at == route.count);
}

static void expect(const struct headers_world *w, struct table headers)
{
    struct props props;
    struct buf area;

    buf_init(&area, AREA_LIMIT);
    buf_be16(&area, prop_flag(PROP_HEADERS));
    buf_be32(&area, (uint32_t)headers.bytes.size);
    buf_bytes(&area, headers.bytes);
    int rv = props_decode(buf_view(&area), &props);
    ASSERT(rv == 0);
    expect_route(w, &props, headers);
    buf_release(&area);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct exchange_options o = exchange_options_default();
    struct reader r = reader_of(bytes_of(data, size));
    struct headers_world w = {0};
    struct rand chance;
    struct buf area;

    rand_init(&chance, 1);
    o.rand = &chance;
    w.table = exchange_table_new(&o);
    bind_all(&w, &r);
    buf_init(&area, AREA_LIMIT);
    for (unsigned i = 0; i < MESSAGES_MAX && r.left > 0; i++) {
        expect(&w, read_table(&r, &area));
        if (i == MESSAGES_MAX / 2)
            unbind_half(&w);
    }
    exchange_table_check(w.table);
    exchange_table_free(w.table);
    for (size_t i = 0; i < w.count; i++)
        buf_release(&w.bound[i].area);
    buf_release(&area);
    return 0;
}
