/* Tests of base/map. */
#include "base/map.h"

#include "base/mem.h"
#include "base/rand.h"
#include "tests/lib/death.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"

enum { KEYS = 300 };

static int things[KEYS]; /* to point at */
static uint64_t keys[KEYS];

/* Different keys, some close together, some far apart, other ones in every run. */
static int choose_keys(void **state)
{
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    uint64_t start = rand_next(&r);
    for (size_t i = 0; i < KEYS; i++)
        keys[i] = start + (i % 3 == 0 ? i : i % 3 == 1 ? i << 40 : i * 4096 + (1 << 30));
    return 0;
}

static void test_a_value_is_found_under_its_key_only(void **state)
{
    struct map m;

    (void)state;
    map_init(&m);
    assert_null(map_find(&m, 0));
    assert_null(map_remove(&m, 0));
    assert_null(map_put(&m, 0, &things[0]));
    assert_null(map_put(&m, UINT64_MAX, &things[1]));
    assert_ptr_equal(map_find(&m, 0), &things[0]);
    assert_ptr_equal(map_find(&m, UINT64_MAX), &things[1]);
    assert_null(map_find(&m, 1));
    assert_ptr_equal(map_put(&m, 0, &things[2]), &things[0]);
    assert_int_equal(map_count(&m), 2);
    assert_ptr_equal(map_remove(&m, 0), &things[2]);
    assert_null(map_remove(&m, 0));
    assert_int_equal(map_count(&m), 1);
    map_release(&m);
    assert_int_equal(map_count(&m), 0);
}

/* Takes out about half of what the walk meets, and checks that it met everything once. */
static void walk_and_thin(struct map *m, struct rand *r, int *model[KEYS])
{
    bool seen[KEYS] = {0};
    size_t met = 0;
    size_t expected = map_count(m);

    MAP_FOREACH (w, m) {
        size_t i = (size_t)((int *)w.value - things);
        assert_int_equal(w.key, keys[i]);
        assert_ptr_equal(model[i], w.value);
        assert_false(seen[i]);
        seen[i] = true;
        met++;
        if (rand_chance(r, 1, 2)) {
            assert_ptr_equal(map_remove(m, w.key), w.value);
            model[i] = NULL;
        }
    }
    assert_int_equal(met, expected);
    map_check(m);
}

static void test_random_use_agrees_with_an_array(void **state)
{
    int *model[KEYS] = {0};
    size_t count = 0;
    struct map m;
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    map_init(&m);
    for (int round = 0; round < 60000; round++) {
        size_t i = rand_below(&r, KEYS);
        bool favours_put = round / 3000 % 2 == 0;
        assert_ptr_equal(map_find(&m, keys[i]), model[i]);
        if (rand_chance(&r, favours_put ? 3 : 1, 4)) {
            assert_ptr_equal(map_put(&m, keys[i], &things[i]), model[i]);
            count += model[i] == NULL;
            model[i] = &things[i];
        } else {
            assert_ptr_equal(map_remove(&m, keys[i]), model[i]);
            count -= model[i] != NULL;
            model[i] = NULL;
        }
        assert_int_equal(map_count(&m), count);
        if (round % 100 == 0)
            map_check(&m);
        if (round % 2000 == 1999) {
            walk_and_thin(&m, &r, model);
            count = map_count(&m);
        }
    }
    for (size_t i = 0; i < KEYS; i++)
        assert_ptr_equal(map_find(&m, keys[i]), model[i]);
    map_release(&m);
}

static void test_a_walk_meets_each_item_of_maps_of_every_size(void **state)
{
    (void)state;
    for (size_t count = 0; count <= KEYS; count++) {
        bool seen[KEYS] = {0};
        size_t met = 0;
        struct map m;
        map_init(&m);
        for (size_t i = 0; i < count; i++)
            map_put(&m, keys[i], &things[i]);
        MAP_FOREACH (w, &m) {
            size_t i = (size_t)((int *)w.value - things);
            assert_true(i < count && !seen[i]);
            seen[i] = true;
            met++;
        }
        assert_int_equal(met, count);
        map_release(&m);
    }
}

static void test_a_walk_can_empty_the_map(void **state)
{
    struct map m;
    size_t met = 0;

    (void)state;
    map_init(&m);
    MAP_FOREACH (w, &m) {
        fail();
    }
    for (size_t i = 0; i < KEYS; i++)
        assert_null(map_put(&m, keys[i], &things[i]));
    MAP_FOREACH (w, &m) {
        assert_ptr_equal(map_remove(&m, w.key), w.value);
        met++;
    }
    assert_int_equal(met, KEYS);
    assert_int_equal(map_count(&m), 0);
    MAP_FOREACH (w, &m) {
        fail();
    }
    map_release(&m);
}

/* Two maps made by the same calls, with values and slots at other addresses. */
static void test_the_order_of_a_walk_does_not_depend_on_addresses(void **state)
{
    static int others[KEYS];
    struct map a;
    struct map b;

    (void)state;
    map_init(&a);
    map_init(&b);
    for (size_t i = 0; i < KEYS; i++) {
        map_put(&a, keys[i], &things[i]);
        map_put(&b, keys[i], &others[KEYS - 1 - i]);
    }
    for (size_t i = 0; i < KEYS; i += 7) {
        map_remove(&a, keys[i]);
        map_remove(&b, keys[i]);
    }
    struct map_walk in_b = map_walk_start(&b);
    MAP_FOREACH (w, &a) {
        assert_true(map_walk_next(&b, &in_b));
        assert_int_equal(w.key, in_b.key);
    }
    assert_false(map_walk_next(&b, &in_b));
    map_release(&a);
    map_release(&b);
}

static void test_a_million_keys_in_a_row_cost_no_long_searches(void **state)
{
    enum { MANY = 1000000 };
    struct map m;

    (void)state;
    map_init(&m);
    for (uint64_t key = 0; key < MANY; key++)
        map_put(&m, key, &things[key % KEYS]);
    map_check(
        &m); /* walks from each key's home to its slot: would never end if those lay far apart */
    for (uint64_t key = 0; key < MANY; key++)
        assert_ptr_equal(map_remove(&m, key), &things[key % KEYS]);
    map_release(&m);
}

static void put_null(void *owner)
{
    map_put(owner, 1, NULL);
}

static void test_a_value_of_null_is_a_bug(void **state)
{
    struct map m;

    (void)state;
    map_init(&m);
    expect_death(put_null, &m, "value != NULL");
    map_release(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_a_value_is_found_under_its_key_only),
        LEAK_CHECKED(test_random_use_agrees_with_an_array),
        LEAK_CHECKED(test_a_walk_meets_each_item_of_maps_of_every_size),
        LEAK_CHECKED(test_a_walk_can_empty_the_map),
        LEAK_CHECKED(test_the_order_of_a_walk_does_not_depend_on_addresses),
        LEAK_CHECKED(test_a_million_keys_in_a_row_cost_no_long_searches),
        LEAK_CHECKED(test_a_value_of_null_is_a_bug),
    };

    return cmocka_run_group_tests(tests, choose_keys, NULL);
}
