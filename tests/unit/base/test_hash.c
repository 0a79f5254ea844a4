/* Tests of base/hash. */
#include "base/hash.h"

#include "base/check.h"
#include "base/rand.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"

/* Values may be stored, so they must never change: these are XXH3's own. */
static void test_known_values(void **state)
{
    struct hash128 h = hash128(bytes_of(NULL, 0), 0);

    (void)state;
    assert_int_equal(hash64(bytes_of(NULL, 0), 0), 0x2d06800538d394c2u);
    assert_int_equal(h.low, 0x6001c324468d497fu);
    assert_int_equal(h.high, 0x99aa06d3014798d8u);
}

static void test_the_seed_and_every_bit_matter(void **state)
{
    uint8_t text[300];
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    rand_fill(&r, text, sizeof(text));
    for (size_t size = 1; size <= sizeof(text); size += 23) {
        struct bytes b = bytes_of(text, size);
        uint64_t h = hash64(b, 1);
        struct hash128 wide = hash128(b, 1);
        assert_int_not_equal(hash64(b, 2), h);
        assert_int_not_equal(hash128(b, 2).high, wide.high);
        for (size_t bit = 0; bit < size * 8; bit += 5) {
            text[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_int_not_equal(hash64(b, 1), h);
            assert_int_not_equal(hash128(b, 1).low, wide.low);
            text[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        assert_int_equal(hash64(b, 1), h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_values),
        cmocka_unit_test(test_the_seed_and_every_bit_matter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
