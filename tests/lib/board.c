/* See board.h. */
#include "tests/lib/board.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "tests/lib/seed.h"
#include "tests/lib/table_text.h"
#include "tests/lib/test.h"

enum { BOARD_KEYS_MAX = 16 };

static void on_unbound(void *owner, const struct binding *b)
{
    assert_non_null(binding_spec(b).source);
    ((struct board *)owner)->told.unbound++;
}

static void on_deleted(void *owner, const struct exchange *x)
{
    struct board_told *told = &((struct board *)owner)->told;
    struct bytes name = exchange_spec(x).name;

    told->deleted++;
    snprintf(told->last_deleted, sizeof(told->last_deleted), "%.*s", (int)name.size,
             (const char *)name.data);
}

static void on_let_go(void *owner, uint64_t message)
{
    struct board_told *told = &((struct board *)owner)->told;

    told->let_go++;
    told->last_let_go = message;
}

void board_init(struct board *b, const struct exchange_options *options)
{
    struct exchange_options o = options == NULL ? exchange_options_default() : *options;

    memset(b, 0, sizeof(*b));
    rand_init(&b->rand, test_seed());
    names_init(&b->queues, 0);
    buf_init(&b->fields, 1 << 20);
    buf_init(&b->props, 1 << 20);
    o.rand = &b->rand;
    o.calls = (struct exchange_calls){b, on_unbound, on_deleted, on_let_go};
    b->table = exchange_table_new(&o);
}

void board_release(struct board *b)
{
    exchange_table_check(b->table);
    exchange_table_free(b->table);
    names_release(&b->queues);
    buf_release(&b->fields);
    buf_release(&b->props);
}

struct table board_table(struct board *b, const char *text)
{
    return table_text(&b->fields, text);
}

static int declare(struct board *b, const struct exchange_spec *spec, struct exchange **out)
{
    b->note.text[0] = '\0';
    return exchange_declare(b->table, spec, out, &b->difference, &b->note);
}

int board_try_declare(struct board *b, const char *name, const char *type, const char *arguments)
{
    struct exchange *x = NULL;
    const struct exchange_spec spec = {
        .name = bytes_text(name),
        .type = bytes_text(type),
        .is_durable = true,
        .arguments = board_table(b, arguments),
    };

    return declare(b, &spec, &x);
}

struct exchange *board_declare(struct board *b, const char *name, const char *type,
                               const char *arguments)
{
    assert_int_equal(board_try_declare(b, name, type, arguments), 0);
    return board_find(b, name);
}

struct exchange *board_declare_auto(struct board *b, const char *name, const char *type)
{
    struct exchange *x = NULL;
    const struct exchange_spec spec = {
        .name = bytes_text(name), .type = bytes_text(type), .is_auto_delete = true};

    assert_int_equal(declare(b, &spec, &x), 0);
    return x;
}

uint64_t board_hidden_queue(struct board *b, const char *name)
{
    uint64_t id = ++b->last_queue;

    names_put(&b->queues, bytes_text(name), (void *)(uintptr_t)id);
    return id;
}

uint64_t board_queue(struct board *b, const char *name)
{
    uint64_t id = board_hidden_queue(b, name);

    assert_int_equal(exchange_add_queue(b->table, id, bytes_text(name), true), 0);
    return id;
}

uint64_t board_queue_id(const struct board *b, const char *name)
{
    return (uint64_t)(uintptr_t)names_find(&b->queues, bytes_text(name));
}

void board_remove_queue(struct board *b, const char *name)
{
    exchange_remove_queue(b->table, board_queue_id(b, name));
    names_remove(&b->queues, bytes_text(name));
}

struct exchange *board_find(const struct board *b, const char *name)
{
    return exchange_find(b->table, bytes_text(name));
}

static struct binding_spec spec_of(struct board *b, const char *source, const char *destination)
{
    struct binding_spec spec = {.source = board_find(b, source)};

    assert_non_null(spec.source);
    if (destination[0] == '@')
        spec.destination.exchange = board_find(b, destination + 1);
    else
        spec.destination.queue = board_queue_id(b, destination);
    return spec;
}

int board_try_bind(struct board *b, const char *source, const char *destination, const char *key,
                   const char *arguments)
{
    struct binding_spec spec = spec_of(b, source, destination);
    bool is_new = false;

    spec.key = bytes_text(key);
    spec.arguments = board_table(b, arguments);
    b->note.text[0] = '\0';

    int rv = exchange_bind(b->table, &spec, &is_new, &b->note);

    if (rv != 0)
        return rv;
    return is_new ? 0 : ERR_EXISTS;
}

int board_unbind(struct board *b, const char *source, const char *destination, const char *key,
                 const char *arguments)
{
    struct binding_spec spec = spec_of(b, source, destination);

    spec.key = bytes_text(key);
    spec.arguments = board_table(b, arguments);
    return exchange_unbind(b->table, &spec);
}

void board_bind(struct board *b, const char *source, const char *destination, const char *key,
                const char *arguments)
{
    assert_int_equal(board_try_bind(b, source, destination, key, arguments), 0);
}

/* The name of a queue; ids are few in such tests. */
static struct bytes name_of(const struct board *b, uint64_t id)
{
    for (struct names_entry *e = names_first(&b->queues); e != NULL;
         e = names_next(&b->queues, e)) {
        if ((uint64_t)(uintptr_t)e->value == id)
            return e->name;
    }
    fail_msg("a route leads to a queue that is not there");
    return bytes_text("");
}

static struct props props_of(struct board *b, const char *headers)
{
    struct props_edit edit;
    struct props props;

    props_edit_init(&edit, NULL);
    props_set_headers(&edit, board_table(b, headers));
    buf_clear(&b->props);
    props_encode(&edit, &b->props);
    int rv = props_decode(buf_view(&b->props), &props);
    assert_int_equal(rv, 0);
    return props;
}

const char *board_route(struct board *b, const char *exchange, const char *keys,
                        const char *headers)
{
    struct bytes split[BOARD_KEYS_MAX];
    struct route_view view = {
        .keys = split, .is_delayed = b->sends_delayed, .is_keyed = b->sends_keyed};
    struct route route;
    struct props props = props_of(b, headers);
    size_t at = 0;

    for (;;) {
        size_t size = strcspn(keys, "|");

        assert_true(view.key_count < BOARD_KEYS_MAX);
        split[view.key_count++] = bytes_of(keys, size);
        if (keys[size] == '\0')
            break;
        keys += size + 1;
    }
    view.props = headers[0] == '\0' ? NULL : &props;
    route_message(b->table, board_find(b, exchange), &view, &route);
    b->text[0] = '\0';
    for (size_t i = 0; i < route.count; i++) {
        struct bytes name = name_of(b, route.queues[i]);

        assert_true(i == 0 || route.queues[i - 1] < route.queues[i]);
        at += (size_t)snprintf(b->text + at, sizeof(b->text) - at, "%s%.*s", i == 0 ? "" : " ",
                               (int)name.size, (const char *)name.data);
    }
    return b->text;
}

void board_expect(struct board *b, const char *exchange, const char *keys, const char *headers,
                  const char *queues)
{
    assert_string_equal(board_route(b, exchange, keys, headers), queues);
    assert_string_equal(board_route(b, exchange, keys, headers), queues);
}
