/* Tests of base/mem, and of the fault heap of tests/lib. */
#include "base/mem.h"

#include <malloc.h>
#include <pthread.h>
#include <string.h>

#include "tests/lib/death.h"
#include "tests/lib/fault_heap.h"
#include "tests/lib/leaks.h"
#include "tests/lib/test.h"

/* Asked by the sanitizers when they start: let malloc fail as it does without them. */
const char *__asan_default_options(void);
const char *__tsan_default_options(void);

const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void test_new_memory_is_zeroed(void **state)
{
    uint32_t *numbers = MEM_NEW_ARRAY(uint32_t, 1000);
    uint64_t *one = MEM_NEW(uint64_t);

    (void)state;
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(numbers[i], 0);
    assert_int_equal(*one, 0);
    mem_free(numbers);
    mem_free(one);
}

static void test_an_empty_allocation_has_an_address(void **state)
{
    void *a = mem_alloc(0);
    void *b = mem_zero(0, 8);
    void *c = mem_try(0);
    void *d = mem_grow(NULL, 0, 8);

    (void)state;
    assert_true(a != NULL && b != NULL && c != NULL && d != NULL);
    mem_free(a);
    mem_free(b);
    mem_free(c);
    mem_free(d);
}

static void test_growing_keeps_the_content(void **state)
{
    char *text = mem_text("hold this");

    (void)state;
    text = mem_grow(text, 1000, 1000);
    assert_string_equal(text, "hold this");
    text = mem_grow(text, 1, 5);
    assert_memory_equal(text, "hold ", 5);
    mem_free(text);
}

static void test_formatted_text_has_the_size_it_needs(void **state)
{
    char *text = mem_format("%s-%0*d", "x", 3000, 7);

    (void)state;
    assert_int_equal(strlen(text), 3002);
    assert_int_equal(text[3001], '7');
    mem_free(text);
    text = mem_format("%s", "");
    assert_string_equal(text, "");
    mem_free(text);
}

/* Without it malloc keeps the second in the heap, where it stays. */
static void test_large_areas_are_mapped_also_when_one_was_freed_before(void **state)
{
    const size_t size = 8 << 20;
    size_t before;

    (void)state;
    mem_return_large();
    mem_free(mem_alloc(size));
    before = mallinfo2().hblkhd;
    void *area = mem_alloc(size);
    size_t with = mallinfo2().hblkhd;

    mem_free(area);
    if (with == 0) /* another malloc counts otherwise */
        skip();
    assert_true(with >= before + size);
    assert_int_equal(mallinfo2().hblkhd, before);
}

/* In the heap it would leave a hole that fits no other one. */
static void test_an_aligned_mebibyte_is_mapped(void **state)
{
    const size_t size = 1 << 20;
    size_t before;

    (void)state;
    mem_return_large();
    before = mallinfo2().hblkhd;
    void *area = mem_try_aligned(4096, size);
    size_t with = mallinfo2().hblkhd;

    mem_free(area);
    if (with == 0) /* another malloc counts otherwise */
        skip();
    assert_true(with >= before + size);
    assert_int_equal(mallinfo2().hblkhd, before);
}

static void test_aligned_memory_is_aligned(void **state)
{
    (void)state;
    for (size_t align = 1; align <= 1 << 16; align *= 2) {
        void *ptr = mem_try_aligned(align, 100);
        assert_non_null(ptr);
        assert_int_equal((uintptr_t)ptr % align, 0);
        mem_free(ptr);
    }
}

static void test_used_bytes_go_up_and_come_back(void **state)
{
    uint64_t before = mem_used_bytes();
    void *a = mem_alloc(1 << 20);

    (void)state;
    assert_true(mem_used_bytes() >= before + (1 << 20));
    a = mem_grow(a, 2, 1 << 20);
    assert_true(mem_used_bytes() >= before + (2 << 20));
    assert_true(mem_used_bytes() < before + (3 << 20));
    mem_free(a);
    assert_int_equal(mem_used_bytes(), before);
    mem_free(NULL);
    assert_int_equal(mem_used_bytes(), before);
}

static void *free_it(void *ptr)
{
    mem_free(ptr);
    return NULL;
}

static void test_memory_freed_by_another_thread_is_counted(void **state)
{
    uint64_t before = mem_used_bytes();

    (void)state;
    for (int i = 0; i < 40; i++) { /* more threads than there are counters */
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, free_it, mem_alloc(5000)), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
    assert_int_equal(mem_used_bytes(), before);
}

static void zero_too_much(void *owner)
{
    mem_free(mem_zero(SIZE_MAX / 2, *(size_t *)owner));
}

static void grow_too_much(void *owner)
{
    mem_free(mem_grow(NULL, SIZE_MAX / 2, *(size_t *)owner));
}

static void alloc_more_than_there_is(void *owner)
{
    mem_free(mem_alloc(*(size_t *)owner));
}

static void test_a_product_that_overflows_stops_the_program(void **state)
{
    size_t three = 3;

    (void)state;
    expect_death(zero_too_much, &three, "!too_large");
    expect_death(grow_too_much, &three, "!too_large");
}

static void test_running_out_stops_the_program_unless_it_asked_to_try(void **state)
{
    volatile size_t most = SIZE_MAX / 2; /* more than any machine has; hidden from the compiler */
    size_t size = most;

    (void)state;
    assert_null(mem_try(size));
    assert_null(mem_try_aligned(4096, size));
    expect_death(alloc_more_than_there_is, &size, "the system has memory left");
}

static void test_the_fault_hook_refuses_only_what_may_fail(void **state)
{
    struct fault_heap f;

    (void)state;
    fault_heap_start(&f, 1, true);
    void *sure = mem_alloc(10);
    void *tried = mem_try(10);
    void *aligned = mem_try_aligned(64, 10);
    assert_true(fault_heap_stop(&f));
    assert_non_null(sure);
    assert_null(tried);
    assert_null(aligned);
    assert_int_equal(f.calls, 2);
    assert_int_equal(f.refused, 2);
    mem_free(sure);
}

static void test_the_fault_heap_refuses_exactly_the_call_it_was_told(void **state)
{
    struct fault_heap f;
    void *got[3];

    (void)state;
    fault_heap_start(&f, 2, false);
    for (size_t i = 0; i < 3; i++)
        got[i] = mem_try(8);
    assert_true(fault_heap_stop(&f));
    assert_non_null(got[0]);
    assert_null(got[1]);
    assert_non_null(got[2]);
    mem_free(got[0]);
    mem_free(got[2]);

    fault_heap_start(&f, 2, false);
    mem_free(mem_try(8));
    assert_false(fault_heap_stop(&f));
    got[0] = mem_try(8); /* the hook is gone */
    assert_non_null(got[0]);
    mem_free(got[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_new_memory_is_zeroed),
        LEAK_CHECKED(test_an_empty_allocation_has_an_address),
        LEAK_CHECKED(test_growing_keeps_the_content),
        LEAK_CHECKED(test_formatted_text_has_the_size_it_needs),
        LEAK_CHECKED(test_large_areas_are_mapped_also_when_one_was_freed_before),
        LEAK_CHECKED(test_an_aligned_mebibyte_is_mapped),
        LEAK_CHECKED(test_aligned_memory_is_aligned),
        LEAK_CHECKED(test_used_bytes_go_up_and_come_back),
        LEAK_CHECKED(test_memory_freed_by_another_thread_is_counted),
        LEAK_CHECKED(test_a_product_that_overflows_stops_the_program),
        LEAK_CHECKED(test_running_out_stops_the_program_unless_it_asked_to_try),
        LEAK_CHECKED(test_the_fault_hook_refuses_only_what_may_fail),
        LEAK_CHECKED(test_the_fault_heap_refuses_exactly_the_call_it_was_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
