/* A check that a test gave back all memory it got from base/mem.
 *
 *     const struct CMUnitTest tests[] = {
 *         LEAK_CHECKED(test_of_something_that_allocates),
 *         ... */
#ifndef TESTS_LIB_LEAKS_H
#define TESTS_LIB_LEAKS_H

#include "tests/lib/test.h"

/* As cmocka_unit_test(), and fails when memory is left over. */
#define LEAK_CHECKED(test) cmocka_unit_test_setup_teardown(test, leaks_setup, leaks_teardown)

int leaks_setup(void **state);
int leaks_teardown(void **state);

#endif
