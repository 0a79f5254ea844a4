/* Tests of base/names when names have equal hashes. This program brings its own, very bad,
 * hash; the linker takes it in place of the one in base/hash.c. */
#include "base/names.h"

#include <stdbool.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/rand.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"

enum { NAMES = 40, HASHES = 3 };

static int things[NAMES];

uint64_t hash64(struct bytes data, uint64_t seed)
{
    return (data.data[data.size - 1] + seed) % HASHES;
}

static void test_chains_of_equal_hashes_keep_names_apart(void **state)
{
    int *model[NAMES] = {0};
    struct names n;
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    names_init(&n, 0);
    for (int round = 0; round < 20000; round++) {
        size_t i = rand_below(&r, NAMES);
        uint8_t text[2] = {'x', (uint8_t)i};
        struct bytes name = bytes_of(text, 2);
        assert_ptr_equal(names_find(&n, name), model[i]);
        if (rand_chance(&r, 1, 2)) {
            assert_ptr_equal(names_put(&n, name, &things[i]), model[i]);
            model[i] = &things[i];
        } else {
            assert_ptr_equal(names_remove(&n, name), model[i]);
            model[i] = NULL;
        }
        assert_true(map_count(&n.by_hash) <=
                    HASHES); /* else the hash above is not the one in use */
        names_check(&n);
    }
    names_release(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_chains_of_equal_hashes_keep_names_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
