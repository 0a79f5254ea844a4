/* The table from errno to ERR_x. */
#include "io/real_errno.h"

#include <errno.h>

#include "base/err.h"
#include "tests/lib/test.h"

static void test_each_errno_that_callers_tell_apart_has_its_error(void **state)
{
    (void)state;
    assert_int_equal(real_errno(ENOSPC), ERR_NO_SPACE);
    assert_int_equal(real_errno(EDQUOT), ERR_NO_SPACE);
    assert_int_equal(real_errno(EFBIG), ERR_NO_SPACE);
    assert_int_equal(real_errno(EMFILE), ERR_NO_FILES);
    assert_int_equal(real_errno(ENFILE), ERR_NO_FILES);
    assert_int_equal(real_errno(ENOENT), ERR_NOT_FOUND);
    assert_int_equal(real_errno(EEXIST), ERR_EXISTS);
    assert_int_equal(real_errno(EACCES), ERR_DENIED);
    assert_int_equal(real_errno(EPERM), ERR_DENIED);
    assert_int_equal(real_errno(EROFS), ERR_DENIED);
    assert_int_equal(real_errno(EADDRINUSE), ERR_BUSY);
    assert_int_equal(real_errno(ELOOP), ERR_INVALID);
    assert_int_equal(real_errno(EISDIR), ERR_INVALID);
}

static void test_all_other_errnos_are_io(void **state)
{
    (void)state;
    assert_int_equal(real_errno(EIO), ERR_IO);
    assert_int_equal(real_errno(EBADF), ERR_IO);
    assert_int_equal(real_errno(9999), ERR_IO);
    for (int number = 1; number < 200; number++)
        assert_true(real_errno(number) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_errno_that_callers_tell_apart_has_its_error),
        cmocka_unit_test(test_all_other_errnos_are_io),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
