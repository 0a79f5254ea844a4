/* Tests of history.h: what is written can be read, and what is no history is refused. */
#include "tests/trust/history.h"

#include <string.h>

#include "tests/lib/leaks.h"
#include "tests/lib/test.h"

static const char text[] = "trust-history 1\n"
                           "0 start\n"
                           "1 queue name=q dead=d ttl=500 counts\n"
                           "2 publish message=1 channel=7 routes=q,r body=9f where=1 priority=0\n"
                           "18446744073709551615 deliver message=1 session=3 redelivered\n";

static void test_what_is_read_is_written_again(void **state)
{
    struct history h;
    struct buf out;

    (void)state;
    history_init(&h);
    buf_init(&out, 1 << 16);
    assert_int_equal(history_read(&h, bytes_text(text), NULL), 0);
    assert_int_equal(h.count, 4);
    assert_true(event_has(&h.events[1], FACT_COUNTS));
    assert_string_equal(history_word(&h, h.events[1].values[FACT_DEAD]), "d");
    assert_int_equal(h.events[2].values[FACT_ROUTES], 2);
    assert_int_equal(h.events[2].values[FACT_BODY], 0x9f);
    assert_int_equal(event_get(&h.events[2], FACT_TTL, 42), 42);
    history_write(&h, &out);
    assert_int_equal(out.size, strlen(text));
    assert_memory_equal(out.data, text, out.size);
    buf_release(&out);
    history_release(&h);
}

static void test_what_is_no_history_is_refused_with_its_line(void **state)
{
    static const char *const bad[] = {
        "",
        "trust-history 2\n",
        "0 start\n",
        "trust-history 1\nstart\n",
        "trust-history 1\n0 begin\n",
        "trust-history 1\n-1 start\n",
        "trust-history 1\n0 queue nam=q\n",
        "trust-history 1\n0 queue name=\n",
        "trust-history 1\n0 queue ttl=x\n",
        "trust-history 1\n0 queue counts=1\n",
        "trust-history 1\n0 publish body=xyz\n",
        "trust-history 1\n0 publish body=11111111111111111\n",
        "trust-history 1\n0 publish routes=a,,b\n",
        "trust-history 1\n0 publish routes=a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err_note note = {{0}};
        struct history h;

        history_init(&h);
        assert_int_equal(history_read(&h, bytes_text(bad[i]), &note), ERR_INVALID);
        assert_true(note.text[0] != '\0');
        history_release(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_what_is_read_is_written_again),
        LEAK_CHECKED(test_what_is_no_history_is_refused_with_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
