/* Tests of base/names. */
#include "base/names.h"

#include <stdbool.h>
#include <stdio.h>

#include "base/rand.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"

enum { NAMES = 200 };

static int things[NAMES];

static void test_names_are_bytes_of_any_kind(void **state)
{
    struct names n;
    static const struct bytes zero = {(const uint8_t *)"a\0b", 3};

    (void)state;
    names_init(&n, test_seed());
    assert_null(names_find(&n, bytes_text("")));
    assert_null(names_put(&n, bytes_of(NULL, 0), &things[0]));
    assert_null(names_put(&n, bytes_text("a"), &things[1]));
    assert_null(names_put(&n, zero, &things[2]));
    assert_ptr_equal(names_find(&n, bytes_text("")), &things[0]);
    assert_ptr_equal(names_find(&n, bytes_text("a")), &things[1]);
    assert_ptr_equal(names_find(&n, zero), &things[2]);
    assert_null(names_find(&n, bytes_text("A")));
    assert_int_equal(names_count(&n), 3);
    names_check(&n);
    names_release(&n);
}

static void test_a_name_is_copied(void **state)
{
    char text[] = "orders";
    struct names n;

    (void)state;
    names_init(&n, 1);
    names_put(&n, bytes_text(text), &things[0]);
    text[0] = 'b';
    assert_ptr_equal(names_find(&n, bytes_text("orders")), &things[0]);
    assert_null(names_find(&n, bytes_text(text)));
    assert_string_equal((const char *)names_first(&n)->name.data, "orders");
    names_release(&n);
}

static void test_putting_again_replaces_and_keeps_the_place(void **state)
{
    struct names n;

    (void)state;
    names_init(&n, 1);
    names_put(&n, bytes_text("a"), &things[0]);
    names_put(&n, bytes_text("b"), &things[1]);
    assert_ptr_equal(names_put(&n, bytes_text("a"), &things[2]), &things[0]);
    assert_int_equal(names_count(&n), 2);
    assert_ptr_equal(names_first(&n)->value, &things[2]);
    assert_ptr_equal(names_remove(&n, bytes_text("a")), &things[2]);
    assert_null(names_remove(&n, bytes_text("a")));
    assert_ptr_equal(names_first(&n)->value, &things[1]);
    assert_null(names_next(&n, names_first(&n)));
    names_release(&n);
}

static void test_a_walk_goes_in_the_order_of_insertion_whatever_the_seed(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 10; seed++) {
        struct names n;
        size_t i = 0;
        names_init(&n, seed);
        assert_null(names_first(&n));
        for (i = 0; i < NAMES; i++) {
            char text[16];
            snprintf(text, sizeof(text), "queue-%zu", i);
            names_put(&n, bytes_text(text), &things[i]);
        }
        i = 0;
        for (struct names_entry *e = names_first(&n); e != NULL; e = names_next(&n, e))
            assert_ptr_equal(e->value, &things[i++]);
        assert_int_equal(i, NAMES);
        names_release(&n);
    }
}

static struct bytes name_of(size_t i, char text[16])
{
    snprintf(text, 16, "%zu", i);
    return bytes_of(text, strlen(text));
}

static void walk_and_thin(struct names *n, struct rand *r, int *model[NAMES])
{
    size_t met = 0;
    size_t expected = names_count(n);
    struct names_entry *next = NULL;

    for (struct names_entry *e = names_first(n); e != NULL; e = next) {
        size_t i = (size_t)((int *)e->value - things);
        next = names_next(n, e);
        met++;
        assert_ptr_equal(model[i], e->value);
        if (rand_chance(r, 1, 2)) {
            names_remove(n, e->name);
            model[i] = NULL;
        }
    }
    assert_int_equal(met, expected);
}

static void test_random_use_agrees_with_an_array(void **state)
{
    int *model[NAMES] = {0};
    size_t count = 0;
    struct names n;
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    names_init(&n, rand_next(&r));
    for (int round = 0; round < 30000; round++) {
        char text[16];
        size_t i = rand_below(&r, NAMES);
        struct bytes name = name_of(i, text);
        assert_ptr_equal(names_find(&n, name), model[i]);
        if (rand_chance(&r, 1, 2)) {
            assert_ptr_equal(names_put(&n, name, &things[i]), model[i]);
            count += model[i] == NULL;
            model[i] = &things[i];
        } else {
            assert_ptr_equal(names_remove(&n, name), model[i]);
            count -= model[i] != NULL;
            model[i] = NULL;
        }
        assert_int_equal(names_count(&n), count);
        if (round % 500 == 499) {
            names_check(&n);
            walk_and_thin(&n, &r, model);
            names_check(&n);
            count = names_count(&n);
        }
    }
    names_release(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_names_are_bytes_of_any_kind),
        LEAK_CHECKED(test_a_name_is_copied),
        LEAK_CHECKED(test_putting_again_replaces_and_keeps_the_place),
        LEAK_CHECKED(test_a_walk_goes_in_the_order_of_insertion_whatever_the_seed),
        LEAK_CHECKED(test_random_use_agrees_with_an_array),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
