/* Tests of queue/stream_filter.h: patterns against a plain matcher, values by hand. */
#include "queue/stream_filter.h"

#include <stdio.h>
#include <string.h>

#include "base/rand.h"
#include "msg/props.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/lib/table_text.h"
#include "tests/lib/topic_oracle.h"

enum { PAIRS = 20000, TEXT_SIZE = 64, AREA_MAX = 1 << 16 };

/* ---- patterns ---- */

static void make_text(struct rand *r, const char *const *words, uint64_t count, char *out)
{
    uint64_t n = rand_below(r, 6);
    size_t used = 0;

    out[0] = '\0';
    for (uint64_t i = 0; i < n; i++)
        used += (size_t)snprintf(out + used, TEXT_SIZE - used, "%s%s", i > 0 ? "." : "",
                                 words[rand_below(r, count)]);
}

static void test_patterns_are_those_of_topic_exchanges(void **state)
{
    static const char *const words[] = {"a", "b", "", "ab", "*", "#"};
    char pattern[TEXT_SIZE], key[TEXT_SIZE];
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    for (int i = 0; i < PAIRS; i++) {
        make_text(&r, words, ARRAY_SIZE(words), pattern);
        make_text(&r, words, 4, key);
        bool fits = topic_pattern_fits(bytes_text(pattern), bytes_text(key));
        if (fits != oracle_topic(bytes_text(pattern), bytes_text(key)))
            fail_msg("'%s' and '%s': %d", pattern, key, fits);
    }
}

/* Many '#' before a long key cost no more than their product. */
static void test_a_bad_pattern_takes_no_time(void **state)
{
    char pattern[256], key[512];
    size_t used = 0;

    (void)state;
    for (int i = 0; i < 60; i++)
        used += (size_t)snprintf(pattern + used, sizeof(pattern) - used, "#.a.");
    snprintf(pattern + used, sizeof(pattern) - used, "b");
    used = 0;
    for (int i = 0; i < 250; i++)
        used += (size_t)snprintf(key + used, sizeof(key) - used, i == 0 ? "a" : ".a");
    assert_false(topic_pattern_fits(bytes_text(pattern), bytes_text(key)));
}

/* ---- what is asked ---- */

struct wish {
    struct buf area;
    struct stream_filter *filter;
};

static void wish(struct wish *w, const char *arguments)
{
    const struct stream_args_of of = {.queue = bytes_text("s"), .vhost = bytes_text("/")};
    struct err_note note = {{0}};
    struct stream_want want;

    buf_init(&w->area, AREA_MAX);
    if (stream_want_read(table_text(&w->area, arguments), &of, &want, &note) != 0)
        fail_msg("%s", note.text);
    w->filter = stream_filter_new(&want);
    buf_release(&w->area); /* nothing is borrowed */
}

static bool takes(const struct wish *w, const char *key, const char *headers)
{
    struct stored m = {.routing_key = bytes_text(key)};
    struct props_edit e;
    struct buf area, props;

    buf_init(&area, AREA_MAX);
    buf_init(&props, AREA_MAX);
    props_edit_init(&e, NULL);
    if (headers != NULL)
        props_set_headers(&e, table_text(&area, headers));
    props_encode(&e, &props);
    m.props = buf_view(&props);
    bool is_taken = stream_filter_takes(w->filter, &m);
    buf_release(&area);
    buf_release(&props);
    return is_taken;
}

static void test_who_asks_for_nothing_needs_no_filter(void **state)
{
    struct wish w;

    (void)state;
    wish(&w, "x-stream-match-unfiltered=true");
    assert_null(w.filter);
    stream_filter_free(NULL);
}

static void test_values_are_exact(void **state)
{
    struct wish w;

    (void)state;
    wish(&w, "x-stream-filter=[eu,us]");
    assert_true(takes(&w, "k", "x-stream-filter-value=eu"));
    assert_true(takes(&w, "k", "x-stream-filter-value=us"));
    assert_false(takes(&w, "k", "x-stream-filter-value=e"));
    assert_false(takes(&w, "k", "x-stream-filter-value=eux"));
    assert_false(takes(&w, "k", "x-stream-filter-value=5"));
    assert_false(takes(&w, "k", "other=eu"));
    assert_false(takes(&w, "k", NULL));
    stream_filter_free(w.filter);
    wish(&w, "x-stream-filter=eu x-stream-match-unfiltered=true");
    assert_true(takes(&w, "k", NULL));
    assert_true(takes(&w, "k", "other=eu"));
    assert_true(takes(&w, "k", "x-stream-filter-value=eu"));
    assert_false(takes(&w, "k", "x-stream-filter-value=us"));
    stream_filter_free(w.filter);
}

static void test_an_empty_array_wants_nothing(void **state)
{
    struct wish w;

    (void)state;
    wish(&w, "x-stream-filter=[]");
    assert_false(takes(&w, "k", "x-stream-filter-value=eu"));
    assert_false(takes(&w, "k", NULL));
    stream_filter_free(w.filter);
}

static void test_both_must_fit(void **state)
{
    struct wish w;

    (void)state;
    wish(&w, "x-stream-filter=eu x-stream-filter-key=[order.*,#.paid]");
    assert_true(takes(&w, "order.7", "x-stream-filter-value=eu"));
    assert_true(takes(&w, "order.7.paid", "x-stream-filter-value=eu"));
    assert_false(takes(&w, "order.7.sent", "x-stream-filter-value=eu"));
    assert_false(takes(&w, "order.7", "x-stream-filter-value=us"));
    stream_filter_free(w.filter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_patterns_are_those_of_topic_exchanges),
        LEAK_CHECKED(test_a_bad_pattern_takes_no_time),
        LEAK_CHECKED(test_who_asks_for_nothing_needs_no_filter),
        LEAK_CHECKED(test_values_are_exact),
        LEAK_CHECKED(test_an_empty_array_wants_nothing),
        LEAK_CHECKED(test_both_must_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
