/* Tests of amqp/wire/result. */
#include "amqp/wire/result.h"

#include <string.h>

#include "base/check.h"
#include "tests/lib/test.h"

static const enum wire_result results[] = {
#define X(constant, code, text) constant,
    WIRE_RESULT_LIST(X)
#undef X
};

static void test_success_is_zero(void **state)
{
    (void)state;
    assert_int_equal(WIRE_OK, 0);
    assert_string_equal(wire_result_name(WIRE_OK), "WIRE_OK");
}

static void test_each_result_has_its_own_name_and_sentence(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
        assert_int_equal(results[i], i);
        assert_int_equal(strncmp(wire_result_name(results[i]), "WIRE_", 5), 0);
        assert_true(strlen(wire_result_text(results[i])) > 10);
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(wire_result_name(results[i]), wire_result_name(results[k]));
            assert_string_not_equal(wire_result_text(results[i]), wire_result_text(results[k]));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_success_is_zero),
        cmocka_unit_test(test_each_result_has_its_own_name_and_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
