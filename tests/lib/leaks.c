/* Compares the bytes in use before and after a test. */
#include "tests/lib/leaks.h"

#include "base/mem.h"

static uint64_t used_at_setup;

int leaks_setup(void **state)
{
    (void)state;
    used_at_setup = mem_used_bytes();
    return 0;
}

int leaks_teardown(void **state)
{
    (void)state;
    assert_int_equal(mem_used_bytes(), used_at_setup);
    return 0;
}
