/* Walks through graphs of exchanges, and that what is remembered is never wrong. */
#include "exchange/route.h"

#include <stdio.h>

#include "base/mem.h"
#include "exchange/parts.h"
#include "tests/lib/board.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/lib/topic_oracle.h"

static struct board b;

static void test_the_default_exchange_routes_by_queue_name(void **state)
{
    (void)state;
    board_init(&b, NULL);
    board_queue(&b, "q");
    board_queue(&b, "r");
    board_expect(&b, "", "q", "", "q");
    board_expect(&b, "", "q|r|q|s", "", "q r");
    board_expect(&b, "", "s", "", "");
    board_remove_queue(&b, "q");
    board_expect(&b, "", "q", "", "");
    board_queue(&b, "q");
    board_expect(&b, "", "q", "", "q");
    board_release(&b);
}

static void test_direct_and_fanout(void **state)
{
    (void)state;
    board_init(&b, NULL);
    board_queue(&b, "q");
    board_queue(&b, "r");
    board_bind(&b, "amq.direct", "q", "k", "");
    board_bind(&b, "amq.direct", "r", "k", "");
    board_bind(&b, "amq.direct", "r", "", "");
    board_bind(&b, "amq.fanout", "q", "k", "");
    board_expect(&b, "amq.direct", "k", "", "q r");
    board_expect(&b, "amq.direct", "", "", "r");
    board_expect(&b, "amq.direct", "l", "", "");
    board_expect(&b, "amq.fanout", "anything", "", "q");
    board_release(&b);
}

static void test_a_queue_reached_by_many_ways_is_given_once(void **state)
{
    (void)state;
    board_init(&b, NULL);
    board_queue(&b, "q");
    board_declare(&b, "x", "fanout", "");
    board_declare(&b, "y", "topic", "");
    board_bind(&b, "x", "q", "1", "");
    board_bind(&b, "x", "q", "2", "");
    board_bind(&b, "x", "@y", "", "");
    board_bind(&b, "y", "q", "#", "");
    board_bind(&b, "y", "q", "a.*", "");
    board_expect(&b, "x", "a.b", "", "q");
    board_release(&b);
}

static void test_cycles_of_exchanges_end(void **state)
{
    static const unsigned lengths[] = {2, 3, 1000};
    char name[16];
    char next[16];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
        board_init(&b, NULL);
        board_queue(&b, "q");
        for (unsigned j = 0; j < lengths[i]; j++) {
            snprintf(name, sizeof(name), "%u", j);
            board_declare(&b, name, j % 2 == 0 ? "fanout" : "topic", "");
        }
        for (unsigned j = 0; j < lengths[i]; j++) {
            snprintf(name, sizeof(name), "%u", j);
            snprintf(next, sizeof(next), "@%u", (j + 1) % lengths[i]);
            board_bind(&b, name, next, "#", "");
        }
        board_expect(&b, "0", "k", "", "");
        board_bind(&b, "1", "q", "#", "");
        board_expect(&b, "0", "k", "", "q");
        board_expect(&b, "1", "k", "", "q");
        assert_int_equal(board_unbind(&b, "1", "q", "#", ""), 0);
        board_expect(&b, "0", "k", "", "");
        board_release(&b);
    }
}

static void test_the_alternate_exchange_gets_what_matches_nothing(void **state)
{
    (void)state;
    board_init(&b, NULL);
    board_queue(&b, "q");
    board_queue(&b, "lost");
    board_declare(&b, "x", "direct", "alternate-exchange=ae");
    board_bind(&b, "x", "q", "k", "");
    board_expect(&b, "x", "l", "", ""); /* it does not exist yet */
    board_declare(&b, "ae", "fanout", "");
    board_bind(&b, "ae", "lost", "", "");
    board_expect(&b, "x", "l", "", "lost");
    board_expect(&b, "x", "k", "", "q");
    board_expect(&b, "x", "k|l", "", "q"); /* one key matched: it is routed */
    assert_int_equal(exchange_delete(b.table, board_find(&b, "ae"), false), 0);
    board_expect(&b, "x", "l", "", "");
    assert_true(bytes_equal(exchange_alternate(board_find(&b, "x")), bytes_text("ae")));
    board_release(&b);
}

static void test_alternates_form_chains_and_cycles(void **state)
{
    (void)state;
    board_init(&b, NULL);
    board_queue(&b, "q");
    board_declare(&b, "x", "direct", "alternate-exchange=y");
    board_declare(&b, "y", "topic", "alternate-exchange=z");
    board_declare(&b, "z", "headers", "alternate-exchange=x");
    board_declare(&b, "self", "direct", "alternate-exchange=self");
    board_expect(&b, "x", "k", "", "");
    board_expect(&b, "self", "k", "", "");
    board_bind(&b, "z", "q", "", "a=1");
    board_expect(&b, "x", "k", "a=1", "q");
    board_expect(&b, "x", "k", "a=2", "");
    board_declare(&b, "by-name", "direct", "alternate-exchange=");
    board_expect(&b, "by-name", "q", "", "q");
    board_remove_queue(&b, "q");
    board_expect(&b, "by-name", "q", "", "");
    board_release(&b);
}

static void test_a_policys_alternate_yields_to_the_arguments(void **state)
{
    (void)state;
    board_init(&b, NULL);
    board_queue(&b, "q");
    board_bind(&b, "amq.fanout", "q", "", "");
    struct exchange *x = board_declare(&b, "x", "direct", "");
    struct exchange *y = board_declare(&b, "y", "direct", "alternate-exchange=none");
    board_expect(&b, "x", "k", "", "");
    exchange_set_alternate(b.table, x, bytes_text("amq.fanout"));
    exchange_set_alternate(b.table, y, bytes_text("amq.fanout"));
    board_expect(&b, "x", "k", "", "q");
    board_expect(&b, "y", "k", "", "");
    exchange_set_alternate(b.table, x, bytes_of(NULL, 0));
    board_expect(&b, "x", "k", "", "");
    assert_null(exchange_alternate(x).data);
    board_release(&b);
}

static void test_an_exchange_that_leads_nowhere_counts_as_a_match(void **state)
{
    (void)state;
    board_init(&b, NULL);
    board_queue(&b, "q");
    board_declare(&b, "x", "fanout", "alternate-exchange=amq.fanout");
    board_declare(&b, "empty", "fanout", "");
    board_bind(&b, "amq.fanout", "q", "", "");
    board_expect(&b, "x", "k", "", "q");
    board_bind(&b, "x", "@empty", "", "");
    board_expect(&b, "x", "k", "", "");
    board_release(&b);
}

static void test_a_log_gets_everything_and_counts_as_no_match(void **state)
{
    (void)state;
    board_init(&b, NULL);
    board_queue(&b, "log");
    board_queue(&b, "q");
    board_queue(&b, "other");
    board_declare(&b, "x", "direct", "alternate-exchange=amq.fanout");
    board_bind(&b, "amq.fanout", "other", "", "");
    board_bind(&b, "x", "q", "k", "");
    board_expect(&b, "x", "k", "", "q");
    exchange_set_log(b.table, board_find(&b, "x"), board_queue_id(&b, "log"));
    board_expect(&b, "x", "k", "", "log q");
    board_expect(&b, "x", "nobody's", "", "log other");
    board_declare(&b, "in front", "fanout", "");
    board_bind(&b, "in front", "@x", "", "");
    board_expect(&b, "in front", "k", "", "log q");
    board_remove_queue(&b, "log");
    assert_int_equal(exchange_log(board_find(&b, "x")), 0);
    board_expect(&b, "in front", "k", "", "q");
    board_release(&b);
}

static void test_routing_allocates_nothing_once_it_is_warm(void **state)
{
    char name[16];

    (void)state;
    board_init(&b, NULL);
    board_declare(&b, "x", "fanout", "");
    for (unsigned i = 0; i < 300; i++) {
        snprintf(name, sizeof(name), "q%u", i);
        board_queue(&b, name);
        board_bind(&b, "amq.topic", name, "a.*.#", "");
        board_bind(&b, "amq.headers", name, "", "a=1");
    }
    struct bytes key = bytes_text("a.b.c");
    struct props props = props_none();
    const struct route_view view = {.keys = &key, .key_count = 1, .props = &props};
    struct route route;

    for (unsigned i = 0; i < 3; i++) {
        static uint64_t used;
        route_message(b.table, board_find(&b, "amq.topic"), &view, &route);
        assert_int_equal(route.count, 300);
        route_message(b.table, board_find(&b, "amq.headers"), &view, &route);
        assert_int_equal(route.count, 0);
        if (i == 0)
            used = mem_used_bytes();
        assert_int_equal(mem_used_bytes(), used);
    }
    board_release(&b);
}

static void test_removing_a_queue_with_many_bindings_forgets_once(void **state)
{
    char key[32];

    (void)state;
    board_init(&b, NULL);
    board_queue(&b, "q");
    board_queue(&b, "r");
    for (unsigned i = 0; i < 3000; i++) {
        snprintf(key, sizeof(key), "a.%u.#", i);
        board_bind(&b, "amq.topic", "q", key, "");
    }
    board_bind(&b, "amq.topic", "r", "#", "");
    board_expect(&b, "amq.topic", "a.7.b", "", "q r");
    uint64_t version = b.table->last_version;
    board_remove_queue(&b, "q");
    assert_int_equal(b.table->last_version, version + 1);
    assert_int_equal(binding_count(b.table), 1);
    board_expect(&b, "amq.topic", "a.7.b", "", "r");
    board_release(&b);
}

/* ---- the same by a walk that knows only what is listed ---- */

enum { EXCHANGES = 7, QUEUES = 8, ROUNDS = 100, STEPS = 400 };

static const char *const types[] = {"direct", "fanout", "topic", "headers"};
static const char *const patterns[] = {"a", "b", "a.b", "*.b", "#", "a.#", "*"};
static const char *const keys[] = {"a", "b", "a.b", "c.b", "", "a.c.d"};

struct naive {
    const struct exchange *visited[EXCHANGES + 8];
    size_t count;
    uint64_t queues; /* bit by id */
};

static bool naive_matches(const struct binding_spec *spec, struct bytes key)
{
    struct bytes type = exchange_spec(spec->source).type;

    if (bytes_equal(type, bytes_text("direct")))
        return bytes_equal(spec->key, key);
    if (bytes_equal(type, bytes_text("topic")))
        return oracle_topic(spec->key, key);
    return true; /* fanout, and headers without arguments */
}

static void naive_walk(struct naive *n, const struct exchange *x, struct bytes key)
{
    size_t matches = 0;

    for (size_t i = 0; i < n->count; i++) {
        if (n->visited[i] == x)
            return;
    }
    n->visited[n->count++] = x;
    if (exchange_log(x) != 0)
        n->queues |= UINT64_C(1) << exchange_log(x);
    for (const struct binding *at = binding_next_from(x, NULL); at != NULL;
         at = binding_next_from(x, at)) {
        struct binding_spec spec = binding_spec(at);

        if (!naive_matches(&spec, key))
            continue;
        matches++;
        if (spec.destination.exchange != NULL)
            naive_walk(n, spec.destination.exchange, key);
        else
            n->queues |= UINT64_C(1) << spec.destination.queue;
    }

    struct bytes alternate = exchange_alternate(x);

    if (matches > 0 || alternate.data == NULL)
        return;
    x = exchange_find(b.table, alternate);
    if (x != NULL)
        naive_walk(n, x, key);
}

static struct exchange *some_exchange(struct rand *r)
{
    char name[16];

    snprintf(name, sizeof(name), "x%u", (unsigned)rand_below(r, EXCHANGES));
    return board_find(&b, name);
}

static void compare_some(struct rand *r)
{
    for (unsigned i = 0; i < 6; i++) {
        struct exchange *x = some_exchange(r);
        struct bytes key = bytes_text(keys[rand_below(r, ARRAY_SIZE(keys))]);
        const struct route_view view = {.keys = &key, .key_count = 1};
        struct naive naive = {.count = 0};
        struct route route;
        uint64_t queues = 0;

        if (x == NULL)
            continue;
        naive_walk(&naive, x, key);
        route_message(b.table, x, &view, &route);
        for (size_t j = 0; j < route.count; j++)
            queues |= UINT64_C(1) << route.queues[j];
        assert_int_equal(queues, naive.queues);
    }
}

static void change_bindings(struct rand *r)
{
    struct exchange *to = some_exchange(r);
    struct binding_spec spec = {
        .source = some_exchange(r),
        .destination = {.queue = 1 + rand_below(r, QUEUES)},
        .key = bytes_text(patterns[rand_below(r, ARRAY_SIZE(patterns))]),
    };
    bool is_new = false;
    int rv = 0;

    if (spec.source == NULL)
        return;
    if (to != NULL && rand_chance(r, 1, 3))
        spec.destination = (struct binding_end){.exchange = to};
    if (rand_chance(r, 1, 2))
        rv = exchange_bind(b.table, &spec, &is_new, NULL);
    else
        rv = exchange_unbind(b.table, &spec);
    assert_true(rv == 0 || rv == ERR_NOT_FOUND);
}

static void change_exchanges(struct rand *r)
{
    char name[16];
    char alternate[32];
    struct exchange *x = some_exchange(r);

    if (x != NULL && rand_chance(r, 1, 4)) {
        assert_int_equal(exchange_delete(b.table, x, false), 0);
        return;
    }
    snprintf(name, sizeof(name), "x%u", (unsigned)rand_below(r, EXCHANGES));
    snprintf(alternate, sizeof(alternate), "alternate-exchange=x%u",
             (unsigned)rand_below(r, EXCHANGES));
    if (rand_chance(r, 1, 3))
        alternate[0] = '\0';
    if (board_find(&b, name) != NULL)
        return;
    if (rand_chance(r, 1, 4))
        board_declare_auto(&b, name, types[rand_below(r, ARRAY_SIZE(types))]);
    else
        board_declare(&b, name, types[rand_below(r, ARRAY_SIZE(types))], alternate);
}

static void change_queues(struct rand *r)
{
    uint64_t queue = 1 + rand_below(r, QUEUES);
    char name[16];

    snprintf(name, sizeof(name), "q%u", (unsigned)queue);
    exchange_remove_queue(b.table, queue);
    assert_int_equal(exchange_add_queue(b.table, queue, bytes_text(name), true), 0);
}

/* A queue becomes the log of an exchange, or is none any more. */
static void change_logs(struct rand *r)
{
    struct exchange *x = some_exchange(r);
    uint64_t queue = 1 + rand_below(r, QUEUES);

    for (struct exchange *at = exchange_next(b.table, NULL); at != NULL;
         at = exchange_next(b.table, at)) {
        if (exchange_log(at) == queue)
            exchange_set_log(b.table, at, 0);
    }
    if (x != NULL)
        exchange_set_log(b.table, x, rand_chance(r, 1, 3) ? 0 : queue);
}

static void change(struct rand *r)
{
    switch (rand_below(r, 13)) {
    case 0:
    case 1:
        change_exchanges(r);
        break;
    case 2:
        change_queues(r);
        break;
    case 3:
        change_logs(r);
        break;
    default:
        change_bindings(r);
        break;
    }
}

static void test_routes_are_right_whatever_changes(void **state)
{
    struct exchange_options o = exchange_options_default();
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    for (unsigned round = 0; round < ROUNDS; round++) {
        o.cache_entries_max = round % 4 == 0 ? 0 : 4U << round % 4;
        board_init(&b, &o);
        for (unsigned i = 0; i < QUEUES; i++) {
            char name[16];
            snprintf(name, sizeof(name), "q%u", i + 1);
            board_queue(&b, name);
        }
        for (unsigned i = 0; i < STEPS; i++) {
            change(&r);
            compare_some(&r);
            exchange_table_check(b.table);
        }
        assert_true(route_stats(b.table).hits > 0 || o.cache_entries_max == 0);
        board_release(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_the_default_exchange_routes_by_queue_name),
        LEAK_CHECKED(test_direct_and_fanout),
        LEAK_CHECKED(test_a_queue_reached_by_many_ways_is_given_once),
        LEAK_CHECKED(test_cycles_of_exchanges_end),
        LEAK_CHECKED(test_the_alternate_exchange_gets_what_matches_nothing),
        LEAK_CHECKED(test_alternates_form_chains_and_cycles),
        LEAK_CHECKED(test_a_policys_alternate_yields_to_the_arguments),
        LEAK_CHECKED(test_an_exchange_that_leads_nowhere_counts_as_a_match),
        LEAK_CHECKED(test_a_log_gets_everything_and_counts_as_no_match),
        LEAK_CHECKED(test_routing_allocates_nothing_once_it_is_warm),
        LEAK_CHECKED(test_removing_a_queue_with_many_bindings_forgets_once),
        LEAK_CHECKED(test_routes_are_right_whatever_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
