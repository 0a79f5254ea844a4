/* Tests of io/system.c, on what the system of this machine tells. */
#include "io/system.h"

#include <string.h>
#include <unistd.h>

#include "io/disk.h"
#include "io/real.h"
#include "tests/lib/test.h"

static void test_numbers_are_found(void **state)
{
    static const struct {
        const char *text;
        const char *name;
        uint64_t number;
    } rows[] = {
        {"MemTotal:       16384000 kB\n", "MemTotal:", 16384000},
        {"a: 1\nb: 22\n", "b:", 22},
        {"4096\n", "", 4096},
        {"max\n", "", 0},
        {"300 20 1\n", " ", 20},
        {"a: 1\n", "c:", 0},
        {"a:", "a:", 0},
        {"a: 99999999999999999999999\n", "a:", 0},
        {"", "a:", 0},
        {"", "", 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_int_equal(system_number_behind(bytes_text(rows[i].text), rows[i].name),
                         rows[i].number);
}

static void test_a_process_is_looked_at(void **state)
{
    struct system_process before, after;
    int fds[2];

    (void)state;
    system_look_at_process(real_disk(), &before);
    assert_int_equal(pipe(fds), 0);
    system_look_at_process(real_disk(), &after);
    assert_int_equal(after.open_fds, before.open_fds + 2);
    assert_true(after.fds_max >= after.open_fds);
    assert_true(after.resident_bytes > 100 * 1024);
    assert_int_equal(after.id, getpid());
    assert_true(after.threads >= 1);
    assert_true(after.threads_max >= after.threads);
    assert_true(after.processors >= 1 &&
                after.processors <= (uint64_t)sysconf(_SC_NPROCESSORS_CONF));
    assert_int_equal(close(fds[0]), 0);
    assert_int_equal(close(fds[1]), 0);
}

static void test_what_is_not_told_is_empty(void **state)
{
    char area[SYSTEM_FILE_MAX];

    (void)state;
    assert_int_equal(system_read(real_disk(), "/proc/self/no_such_file", area).size, 0);
    assert_true(system_read(real_disk(), "/proc/self/limits", area).size > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_are_found),
        cmocka_unit_test(test_a_process_is_looked_at),
        cmocka_unit_test(test_what_is_not_told_is_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
