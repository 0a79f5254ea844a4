/* Tests of broker/diag_exchange: lines of diagnostics reach who binds a queue to amq.rabbitmq.log.
 */
#include "broker/diag_exchange.h"

#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/diag_tap.h"
#include "broker/look.h"
#include "tests/lib/broker_world.h"
#include "tests/lib/leaks.h"

enum { SOON_MS = 2 * DIAG_EXCHANGE_MS };

static unsigned lines_said;

static void count_line(void *owner, const char *line)
{
    (void)owner;
    (void)line;
    lines_said++;
}

static void begin(struct broker_world *w, bool has_exchange)
{
    lines_said = 0;
    diag_set_sink(count_line, NULL);
    broker_world_init(w);
    diag_set_level(DIAG_INFO);
    w->options.has_diag_exchange = has_exchange;
    broker_world_open(w);
}

static void end(struct broker_world *w)
{
    broker_world_close(w);
    broker_world_release(w);
    assert_false(diag_tap_is_open());
    diag_set_sink(NULL, NULL);
}

static void listen(struct broker_world *w, const char *queue, const char *key)
{
    char ends[128];

    snprintf(ends, sizeof(ends), DIAG_EXCHANGE " %s", queue);
    assert_int_equal(world_queue(w, queue, "durable", ""), 0);
    assert_int_equal(world_bind(w, ends, key, ""), 0);
}

static void test_each_line_has_its_level_as_key(void **state)
{
    struct broker_world w;

    (void)state;
    begin(&w, true);
    listen(&w, "all", "#");
    listen(&w, "errors", "error");
    world_run_ms(&w, SOON_MS);
    assert_int_equal(world_delete(&w, "all", ""), 0); /* with what the start had to say */
    listen(&w, "all", "#");
    diag(DIAG_ERROR, "a", "%s", "one");
    diag(DIAG_INFO, "a", "%s", "two");
    diag(DIAG_DEBUG, "a", "%s", "below the threshold");
    world_run_ms(&w, SOON_MS);
    assert_int_equal(world_ready(&w, "all"), 2);
    assert_int_equal(world_ready(&w, "errors"), 1);
    world_run_ms(&w, SOON_MS * 10);
    assert_int_equal(world_ready(&w, "all"), 2); /* messages make no lines */
    end(&w);
}

static void test_nobody_may_publish_there(void **state)
{
    const struct world_message forged = {DIAG_EXCHANGE, "info", "", "forged"};
    struct broker_world w;

    (void)state;
    begin(&w, true);
    assert_int_equal(world_publish_as(&w, &w.publisher, &forged, NULL), ERR_DENIED);
    assert_int_equal(w.refusal.code, REFUSE_ACCESS);
    end(&w);
}

static void test_without_the_setting_there_is_no_exchange(void **state)
{
    struct broker_world w;
    struct look_exchange x;

    (void)state;
    begin(&w, false);
    assert_false(look_find_exchange(w.broker, bytes_text("/"), bytes_text(DIAG_EXCHANGE), &x));
    assert_false(diag_tap_is_open());
    end(&w);
}

static void test_with_nobody_bound_lines_are_gone(void **state)
{
    struct broker_world w;

    (void)state;
    begin(&w, true);
    diag(DIAG_ERROR, "a", "%s", "early");
    world_run_ms(&w, SOON_MS);
    listen(&w, "q", "#");
    world_run_ms(&w, SOON_MS);
    assert_int_equal(world_ready(&w, "q"), 0);
    end(&w);
}

static void test_a_flood_is_cut_and_told_of(void **state)
{
    struct broker_world w;
    unsigned before = 0;

    (void)state;
    begin(&w, true);
    listen(&w, "q", "#");
    world_run_ms(&w, SOON_MS);
    before = (unsigned)world_ready(&w, "q");
    for (unsigned i = 0; i < 20000; i++)
        diag(DIAG_INFO, "a", "%0100u", i);
    lines_said = 0;
    world_run_ms(&w, SOON_MS);
    assert_int_equal(lines_said, 1); /* that lines were lost */
    assert_true(world_ready(&w, "q") > before + 1000);
    assert_true(world_ready(&w, "q") < before + 10000);
    end(&w);
}

static void test_a_binding_survives(void **state)
{
    struct broker_world w;

    (void)state;
    begin(&w, true);
    listen(&w, "q", "error");
    assert_int_equal(world_wait(&w), 0);
    broker_world_close(&w);
    broker_world_open(&w);
    diag(DIAG_ERROR, "a", "%s", "one");
    world_run_ms(&w, SOON_MS);
    assert_int_equal(world_ready(&w, "q"), 1);
    end(&w);
}

static void test_without_the_setting_a_binding_of_before_means_nothing(void **state)
{
    struct broker_world w;

    (void)state;
    begin(&w, true);
    listen(&w, "q", "error");
    assert_int_equal(world_wait(&w), 0);
    broker_world_close(&w);
    w.options.has_diag_exchange = false;
    broker_world_open(&w);
    assert_false(diag_tap_is_open());
    diag(DIAG_ERROR, "a", "%s", "one");
    world_run_ms(&w, SOON_MS);
    assert_int_equal(world_ready(&w, "q"), 0);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_each_line_has_its_level_as_key),
        LEAK_CHECKED(test_nobody_may_publish_there),
        LEAK_CHECKED(test_without_the_setting_there_is_no_exchange),
        LEAK_CHECKED(test_with_nobody_bound_lines_are_gone),
        LEAK_CHECKED(test_a_flood_is_cut_and_told_of),
        LEAK_CHECKED(test_a_binding_survives),
        LEAK_CHECKED(test_without_the_setting_a_binding_of_before_means_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
