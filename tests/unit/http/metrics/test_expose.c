/* Tests of http/metrics/expose: Prometheus' text format. */
#include "http/metrics/expose.h"

#include <string.h>

#include "tests/lib/leaks.h"
#include "tests/lib/test.h"

static void expect(struct buf *b, const char *text)
{
    struct bytes view = buf_view(b);

    assert_int_equal(buf_error(b), 0);
    assert_int_equal(view.size, strlen(text));
    assert_memory_equal(view.data, text, view.size);
    buf_release(b);
}

static void test_a_family_and_its_samples(void **state)
{
    struct buf b;
    struct expose e = {.out = &b, .prefix = "x_"};

    (void)state;
    buf_init(&b, 4096);
    expose_family(&e, "things", "gauge", "Things");
    expose_begin(&e, "things", NULL);
    expose_end(&e, 7);
    expose_begin(&e, "things", "kind=\"a\"");
    expose_label(&e, "name", bytes_text("b"));
    expose_end(&e, UINT64_MAX);
    expose_begin(&e, "things", NULL);
    expose_label(&e, "name", bytes_text("c"));
    expose_end_real(&e, 0.5);
    expect(&b, "# HELP x_things Things\n# TYPE x_things gauge\n"
               "x_things 7\n"
               "x_things{kind=\"a\",name=\"b\"} 18446744073709551615\n"
               "x_things{name=\"c\"} 0.5\n");
}

static void test_no_name_can_end_a_label_or_a_line(void **state)
{
    struct buf b;
    struct expose e = {.out = &b, .prefix = ""};

    (void)state;
    buf_init(&b, 4096);
    expose_begin(&e, "m", NULL);
    expose_label(&e, "l", bytes_text("\"} 1\nm \\ \xff \xc3\xbc"));
    expose_end(&e, 1);
    expect(&b, "m{l=\"\\\"} 1\\nm \\\\ \xef\xbf\xbd \xc3\xbc\"} 1\n");
}

static void test_buckets_count_all_that_is_below(void **state)
{
    static const uint64_t bounds[] = {1000, 1000000};
    static struct histogram h;
    const struct expose_histogram row = {
        .name = "t", .labels = "p=\"0\"", .scale = 1000, .bounds = bounds, .bound_count = 2};
    struct buf b;
    struct expose e = {.out = &b, .prefix = ""};

    (void)state;
    buf_init(&b, 4096);
    histogram_record(&h, 10);
    histogram_record(&h, 20);
    histogram_record(&h, 5000);
    histogram_record(&h, 2000000);
    expose_histogram(&e, &row, &h);
    expect(&b, "t_bucket{p=\"0\",le=\"1\"} 2\n"
               "t_bucket{p=\"0\",le=\"1000\"} 3\n"
               "t_bucket{p=\"0\",le=\"+Inf\"} 4\n"
               "t_sum{p=\"0\"} 2005.03\n"
               "t_count{p=\"0\"} 4\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_a_family_and_its_samples),
        LEAK_CHECKED(test_no_name_can_end_a_label_or_a_line),
        LEAK_CHECKED(test_buckets_count_all_that_is_below),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
