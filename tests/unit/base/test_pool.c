/* Tests of base/pool. */
#include "base/pool.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "tests/lib/death.h"
#include "tests/lib/fault_heap.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"

static void test_a_full_pool_refuses_until_something_comes_back(void **state)
{
    void *objects[3];
    struct pool p;

    (void)state;
    pool_init(&p, 40, 3);
    for (int i = 0; i < 3; i++) {
        objects[i] = pool_take(&p);
        assert_non_null(objects[i]);
    }
    assert_int_equal(pool_used(&p), 3);
    assert_null(pool_take(&p));
    assert_int_equal(pool_used(&p), 3);
    pool_give(&p, objects[1]);
    objects[1] = pool_take(&p);
    assert_non_null(objects[1]);
    for (int i = 0; i < 3; i++)
        pool_give(&p, objects[i]);
    assert_int_equal(pool_used(&p), 0);
    pool_release(&p);
}

static void test_an_unused_pool_holds_no_memory(void **state)
{
    struct pool p;
    uint64_t before = mem_used_bytes();

    (void)state;
    pool_init(&p, 1 << 20, 1000);
    assert_int_equal(pool_held_bytes(&p), 0);
    assert_int_equal(mem_used_bytes(), before);
    pool_release(&p);
}

static void test_memory_is_kept_and_used_again(void **state)
{
    enum { OBJECTS = 5000 };
    static void *objects[OBJECTS];
    struct pool p;
    size_t held = 0;

    (void)state;
    pool_init(&p, 100, OBJECTS);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < OBJECTS; i++)
            objects[i] = pool_take(&p);
        if (round == 0)
            held = pool_held_bytes(&p);
        assert_int_equal(pool_held_bytes(&p), held);
        for (int i = 0; i < OBJECTS; i++)
            pool_give(&p, objects[i]);
        assert_int_equal(pool_held_bytes(&p), held);
    }
    assert_true(held >= OBJECTS * 100);
    assert_true(held < OBJECTS * 112 + 100 * 64);
    pool_release(&p);
}

static void test_large_objects_are_made_few_at_a_time(void **state)
{
    struct pool p;
    void *object = NULL;

    (void)state;
    pool_init(&p, 1 << 20, 100);
    object = pool_take(&p);
    assert_non_null(object);
    assert_true(pool_held_bytes(&p) < 2 << 20);
    pool_give(&p, object);
    pool_release(&p);
}

static void test_objects_are_aligned_for_any_type_and_do_not_overlap(void **state)
{
    enum { OBJECTS = 300 };
    uint8_t *objects[OBJECTS];

    (void)state;
    for (size_t size = 1; size < 70; size += 4) {
        struct pool p;
        pool_init(&p, size, OBJECTS);
        for (size_t i = 0; i < OBJECTS; i++) {
            objects[i] = pool_take(&p);
            assert_non_null(objects[i]);
            assert_int_equal((uintptr_t)objects[i] % _Alignof(max_align_t), 0);
            memset(objects[i], (int)(i & 0xff), size);
        }
        for (size_t i = 0; i < OBJECTS; i++) {
            for (size_t k = 0; k < size; k++)
                assert_int_equal(objects[i][k], i & 0xff);
            pool_give(&p, objects[i]);
        }
        pool_release(&p);
    }
}

static void test_refused_memory_is_a_refusal_and_nothing_more(void **state)
{
    struct fault_heap f;
    struct pool p;

    (void)state;
    pool_init(&p, 30000, 100);
    fault_heap_start(&f, 1, true);
    assert_null(pool_take(&p));
    assert_true(fault_heap_stop(&f));
    pool_check(&p);
    assert_int_equal(pool_used(&p), 0);

    void *object = pool_take(&p);
    assert_non_null(object);
    pool_give(&p, object);
    pool_release(&p);
}

static void test_random_use_agrees_with_a_count(void **state)
{
    enum { LIMIT = 400, ROUNDS = 50000 };
    static uint64_t *objects[LIMIT];
    struct fault_heap f;
    struct pool p;
    struct rand r;
    size_t count = 0;

    (void)state;
    rand_init(&r, test_seed());
    pool_init(&p, 900, LIMIT);
    fault_heap_start(&f, 3, true); /* there will never be memory for all */
    for (uint64_t round = 0; round < ROUNDS; round++) {
        if (rand_chance(&r, 55, 100)) {
            uint64_t *object = pool_take(&p);
            if (object == NULL)
                continue;
            assert_true(count < LIMIT);
            *object = round;
            objects[count++] = object;
        } else if (count > 0) {
            size_t i = rand_below(&r, count);
            assert_true(*objects[i] < round);
            pool_give(&p, objects[i]);
            objects[i] = objects[--count];
        }
        assert_int_equal(pool_used(&p), count);
        pool_check(&p);
    }
    assert_true(fault_heap_stop(&f));
    while (count > 0)
        pool_give(&p, objects[--count]);
    pool_release(&p);
}

static void release_with_one_out(void *owner)
{
    void *object = pool_take(owner);

    assert_non_null(object);
    pool_release(owner);
}

static void test_releasing_a_pool_in_use_is_a_bug(void **state)
{
    struct pool p;

    (void)state;
    pool_init(&p, 8, 8);
    expect_death(release_with_one_out, &p, "p->used == 0");
    pool_release(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_a_full_pool_refuses_until_something_comes_back),
        LEAK_CHECKED(test_an_unused_pool_holds_no_memory),
        LEAK_CHECKED(test_memory_is_kept_and_used_again),
        LEAK_CHECKED(test_large_objects_are_made_few_at_a_time),
        LEAK_CHECKED(test_objects_are_aligned_for_any_type_and_do_not_overlap),
        LEAK_CHECKED(test_refused_memory_is_a_refusal_and_nothing_more),
        LEAK_CHECKED(test_random_use_agrees_with_a_count),
        LEAK_CHECKED(test_releasing_a_pool_in_use_is_a_bug),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
