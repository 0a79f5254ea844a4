/* Tests of tools/bench/measure/process.h and program.h. */
#include "tools/bench/measure/process.h"

#include <string.h>
#include <unistd.h>

#include "tests/lib/test.h"
#include "tools/bench/measure/program.h"

static void test_this_process_has_memory(void **state)
{
    struct process_usage used;

    (void)state;
    assert_int_equal(process_usage(getpid(), &used, NULL), 0);
    assert_true(used.resident_bytes > 100 * 1000);
}

static void test_a_process_that_is_not_there_is_named(void **state)
{
    struct err_note note = {{0}};
    struct process_usage used;

    (void)state;
    assert_int_equal(process_usage(INT32_MAX, &used, &note), ERR_NOT_FOUND);
    assert_string_equal(note.text, "there is no process 2147483647");
}

static void test_a_folder_takes_blocks(void **state)
{
    uint64_t size = 0;

    (void)state;
    assert_int_equal(process_disk_bytes("/usr/bin", &size, NULL), 0);
    assert_true(size > 0);
    assert_int_equal(process_disk_bytes("/no/such/folder", &size, NULL), ERR_NOT_FOUND);
}

static void test_a_program_is_started_and_stopped(void **state)
{
    struct process_usage used;
    struct program p = {0};

    (void)state;
    assert_false(program_runs(&p));
    assert_int_equal(program_start_line("exec cat /dev/zero", &p, NULL), 0);
    assert_true(program_runs(&p));
    do /* it is in its group before it runs, and has memory then */
        process_group_usage(p.pid, &used);
    while (used.resident_bytes == 0);
    program_stop(&p);
    assert_false(program_runs(&p));
    process_group_usage(INT32_MAX, &used);
    assert_int_equal(used.resident_bytes, 0);
    program_kill(&p); /* there is none any more */
}

static void test_a_program_that_is_missing_is_an_error(void **state)
{
    char *const words[] = {(char[]){"/no/such/program"}, NULL};
    struct err_note note = {{0}};
    struct program p = {0};

    (void)state;
    if (program_start(words, true, &p, &note) == 0) {
        /* valgrind's processes share no memory, through which the error would come. */
        while (program_runs(&p))
            continue;
        return;
    }
    assert_non_null(strstr(note.text, "'/no/such/program'"));
    assert_int_equal(p.pid, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_this_process_has_memory),
        cmocka_unit_test(test_a_process_that_is_not_there_is_named),
        cmocka_unit_test(test_a_folder_takes_blocks),
        cmocka_unit_test(test_a_program_is_started_and_stopped),
        cmocka_unit_test(test_a_program_that_is_missing_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
