/* Tests of tools/bench/amqp/table.h. */
#include "tools/bench/amqp/table.h"

#include <string.h>

#include "tests/lib/test.h"

static const struct table_text text = {
    .scenario = "a-scenario", .what = "what it is", .options = "size=16"};

static void add_round(struct table_column *c, double rate, double wait)
{
    struct figures f = {.count = 0};

    figures_add(&f, "delivered", "/s", rate);
    figures_add(&f, "wait", "us", wait);
    table_add(c, &f);
}

static char *shown(void (*show)(const struct table_text *, const struct table_column *, size_t,
                                struct buf *),
                   const struct table_column *columns, size_t count, struct buf *out)
{
    buf_init(out, 1 << 20);
    show(&text, columns, count, out);
    buf_u8(out, '\0');
    assert_int_equal(buf_error(out), 0);
    return (char *)out->data;
}

static void test_a_figure_is_the_median_with_its_bounds(void **state)
{
    struct table_column c = {.broker = "ours"};
    struct buf out;
    char *seen;

    (void)state;
    add_round(&c, 1234567, 9);
    add_round(&c, 1000000, 7);
    add_round(&c, 2000000, 8);
    seen = shown(table_show, &c, 1, &out);
    assert_non_null(strstr(seen, "1,234,567 [1,000,000 2,000,000]"));
    assert_non_null(strstr(seen, "8.00 [7.00 9.00]"));
    buf_release(&out);
}

static void test_a_second_broker_has_a_ratio(void **state)
{
    struct table_column c[2] = {{.broker = "ours"}, {.broker = "theirs"}};
    struct buf out;
    char *seen;

    (void)state;
    add_round(&c[0], 300000, 10);
    add_round(&c[1], 100000, 20);
    seen = shown(table_show, c, 2, &out);
    assert_non_null(strstr(seen, "3.00"));
    assert_non_null(strstr(seen, "0.500"));
    buf_release(&out);
}

static void test_a_failure_is_a_sentence(void **state)
{
    struct table_column c = {.broker = "ours", .failure = {"1 lost \"quoted\""}};
    struct buf out;
    char *seen = shown(table_show, &c, 1, &out);

    (void)state;
    assert_non_null(strstr(seen, "FAILED on ours: 1 lost"));
    buf_release(&out);
    seen = shown(table_json, &c, 1, &out);
    assert_non_null(strstr(seen, "\"failure\": \"1 lost \\\"quoted\\\"\""));
    buf_release(&out);
}

static void test_json_is_a_line_for_each_broker(void **state)
{
    struct table_column c[3] = {{.broker = "ours"}, {.broker = "theirs"}, {.is_left_out = true}};
    struct buf out;
    char *seen;

    (void)state;
    add_round(&c[0], 5, 1);
    add_round(&c[0], 7, 1);
    add_round(&c[1], 3, 1);
    seen = shown(table_json, c, 3, &out);
    assert_non_null(strstr(seen, "{\"scenario\": \"a-scenario\", \"options\": \"size=16\", "
                                 "\"broker\": \"ours\", \"figures\": {\"delivered\": "
                                 "{\"unit\": \"/s\", \"median\": 6, \"min\": 5, \"max\": 7, "
                                 "\"values\": [5, 7]}"));
    assert_int_equal(seen[strlen(seen) - 1], '\n');
    assert_ptr_equal(strchr(strchr(seen, '\n') + 1, '\n'), seen + strlen(seen) - 1);
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_figure_is_the_median_with_its_bounds),
        cmocka_unit_test(test_a_second_broker_has_a_ratio),
        cmocka_unit_test(test_a_failure_is_a_sentence),
        cmocka_unit_test(test_json_is_a_line_for_each_broker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
