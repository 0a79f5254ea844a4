/* Tests of log/keymap: the newest number of each key, in bounded memory. */
#include "log/keymap.h"

#include "base/mem.h"
#include "base/rand.h"
#include "tests/lib/death.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"

enum { SMALLEST = 48 /* keys that a map of the smallest size holds */ };

static struct bytes key_of(const uint64_t *n)
{
    return bytes_of(n, sizeof(*n));
}

static void test_the_newest_number_of_a_key_is_kept(void **state)
{
    struct keymap m;
    uint64_t n = 77;

    (void)state;
    keymap_init(&m, 1 << 16);
    assert_false(keymap_get(&m, bytes_text("a"), &n));
    assert_int_equal(n, 77);
    assert_true(keymap_put(&m, bytes_text("a"), 0));
    assert_true(keymap_put(&m, bytes_text("b"), 5));
    assert_true(keymap_put(&m, bytes_text("a"), 9));
    assert_true(keymap_get(&m, bytes_text("a"), &n));
    assert_int_equal(n, 9);
    assert_true(keymap_get(&m, bytes_text("b"), &n));
    assert_int_equal(n, 5);
    assert_false(keymap_get(&m, bytes_text("ab"), &n));
    assert_false(keymap_get(&m, bytes_text(""), &n));
    assert_true(keymap_put(&m, bytes_text(""), 10));
    assert_true(keymap_get(&m, bytes_text(""), &n));
    assert_int_equal(n, 10);
    assert_int_equal(m.count, 3);
    keymap_release(&m);
}

static void test_a_full_map_refuses_new_keys_and_goes_on_with_known_ones(void **state)
{
    struct keymap m;
    uint64_t n = 0, number = 0;

    (void)state;
    keymap_init(&m, 0);
    for (n = 0; n < SMALLEST; n++)
        assert_true(keymap_put(&m, key_of(&n), n));
    assert_false(keymap_put(&m, key_of(&n), n)); /* one more */
    assert_false(keymap_get(&m, key_of(&n), &number));
    n = 3;
    assert_true(keymap_put(&m, key_of(&n), 1000));
    assert_true(keymap_get(&m, key_of(&n), &number));
    assert_int_equal(number, 1000);
    for (n = 4; n < SMALLEST; n++) {
        assert_true(keymap_get(&m, key_of(&n), &number));
        assert_int_equal(number, n);
    }
    keymap_release(&m);
}

static void test_memory_stays_within_what_was_allowed(void **state)
{
    enum { MOST = 1 << 18 };
    uint64_t before = mem_used_bytes(), n = 0;
    struct keymap m;

    (void)state;
    keymap_init(&m, MOST);
    assert_true(mem_used_bytes() - before < 4096); /* a small lane takes little */
    while (keymap_put(&m, key_of(&n), n)) {
        n++;
        assert_true(mem_used_bytes() - before <= MOST);
    }
    assert_true(n >= MOST / sizeof(struct keymap_slot) / 8 * 3);
    assert_int_equal(m.count, n);
    while (n-- > 0) { /* none was lost while it grew */
        uint64_t number = 0;

        assert_true(keymap_get(&m, key_of(&n), &number));
        assert_int_equal(number, n);
    }
    keymap_release(&m);

    keymap_init(&m, 128 * sizeof(struct keymap_slot)); /* what is allowed is used */
    for (n = 0; keymap_put(&m, key_of(&n), n); n++)
        ;
    assert_int_equal(n, 96);
    keymap_release(&m);
    assert_int_equal(mem_used_bytes(), before);
}

static void test_random_use_agrees_with_an_array(void **state)
{
    enum { KEYS = 3000, ROUNDS = 40000 };
    static uint64_t newest[KEYS]; /* 0: never put */
    struct keymap m;
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    keymap_init(&m, 1 << 20);
    for (uint64_t number = 1; number <= ROUNDS; number++) {
        uint64_t k = rand_below(&r, rand_below(&r, KEYS) + 1);
        assert_true(keymap_put(&m, key_of(&k), number));
        newest[k] = number;
    }
    for (uint64_t k = 0; k < KEYS; k++) {
        uint64_t number = 0;
        assert_int_equal(keymap_get(&m, key_of(&k), &number), newest[k] != 0);
        assert_int_equal(number, newest[k]);
    }
    keymap_release(&m);
}

static void put_backwards(void *owner)
{
    (void)!keymap_put(owner, bytes_text("a"), 4);
}

static void test_misuse_is_a_bug(void **state)
{
    struct keymap m;

    (void)state;
    keymap_init(&m, 0);
    assert_true(keymap_put(&m, bytes_text("a"), 5));
    expect_death(put_backwards, &m, "number >= s->number");
    keymap_release(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_the_newest_number_of_a_key_is_kept),
        LEAK_CHECKED(test_a_full_map_refuses_new_keys_and_goes_on_with_known_ones),
        LEAK_CHECKED(test_memory_stays_within_what_was_allowed),
        LEAK_CHECKED(test_random_use_agrees_with_an_array),
        LEAK_CHECKED(test_misuse_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
