/* Tests of base/zoo.h: nothing is loose unless somebody lets it out. */
#include "base/zoo.h"

#include "tests/lib/test.h"

static void test_nothing_is_loose(void **state)
{
    (void)state;
    assert_false(ZOO(SYNC_SKIPPED));
    assert_false(ZOO(SILENCE_IGNORED));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_loose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
