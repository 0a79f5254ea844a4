/* Tests of tools/bench/amqp/workload.h and scenario.h. */
#include "tools/bench/amqp/workload.h"

#include <string.h>

#include "base/check.h"
#include "tests/lib/test.h"
#include "tools/bench/amqp/scenario.h"

static struct workload workload_of(const char *options)
{
    struct workload w = {0};

    setting_defaults(workload_settings, &w);
    assert_int_equal(workload_set_all(&w, options, NULL), 0);
    return w;
}

static void test_the_defaults_agree_with_each_other(void **state)
{
    struct workload w = workload_of("");

    (void)state;
    assert_int_equal(workload_agree(&w, NULL), 0);
    assert_int_equal(w.size, 1024);
    assert_int_equal(w.producers, 1);
}

static void test_options_are_read_from_a_text(void **state)
{
    struct workload w = workload_of("size=64KiB persistent=true exchange=topic window=7");

    (void)state;
    assert_int_equal(w.size, 65536);
    assert_true(w.is_persistent);
    assert_int_equal(w.exchange, EXCHANGE_TOPIC);
    assert_int_equal(w.window, 7);
}

static void test_what_cannot_be_read_is_named(void **state)
{
    static const char *const texts[][2] = {
        {"size=15", "size"},         {"size", "NAME=VALUE"},       {"nonsense=1", "--nonsense"},
        {"exchange=round", "round"}, {"producers=x", "producers"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct err_note note = {{0}};
        struct workload w = {0};

        setting_defaults(workload_settings, &w);
        assert_true(workload_set_all(&w, texts[i][0], &note) < 0);
        assert_non_null(strstr(note.text, texts[i][1]));
    }
}

static void test_options_that_contradict_each_other_are_refused(void **state)
{
    static const char *const texts[] = {
        "shape=backlog",        "producers=0",
        "consumers=1 queues=2", "stream=true",
        "ack=10 prefetch=5",    "stream=true ack=1 prefetch=1 queues=2 consumers=3",
        "bindings=10",          "exchange=topic bindings=1 queues=2 consumers=2",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct workload w = workload_of(texts[i]);
        struct err_note note = {{0}};

        assert_int_equal(workload_agree(&w, &note), ERR_INVALID);
        assert_true(note.text[0] != '\0');
    }
}

static void test_how_many_deliveries_a_message_causes(void **state)
{
    struct workload w = workload_of("queues=10 consumers=10");

    (void)state;
    assert_int_equal(workload_fan(&w), 1);
    w = workload_of("queues=10 consumers=10 exchange=fanout");
    assert_int_equal(workload_fan(&w), 10);
    w = workload_of("queues=10 consumers=20 exchange=fanout"); /* they compete */
    assert_int_equal(workload_fan(&w), 10);
    w = workload_of("queues=2 consumers=6 stream=true");
    assert_int_equal(workload_fan(&w), 3);
}

static void test_every_scenario_agrees_with_itself(void **state)
{
    const struct scenario *s;
    size_t count = 0;

    (void)state;
    for (; (s = scenario_at(count)) != NULL; count++) {
        struct workload w = workload_of(s->options);

        assert_int_equal(workload_agree(&w, NULL), 0);
        assert_ptr_equal(scenario_find(s->name), s);
    }
    assert_true(count >= 20);
    assert_null(scenario_find("no such thing"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_defaults_agree_with_each_other),
        cmocka_unit_test(test_options_are_read_from_a_text),
        cmocka_unit_test(test_what_cannot_be_read_is_named),
        cmocka_unit_test(test_options_that_contradict_each_other_are_refused),
        cmocka_unit_test(test_how_many_deliveries_a_message_causes),
        cmocka_unit_test(test_every_scenario_agrees_with_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
