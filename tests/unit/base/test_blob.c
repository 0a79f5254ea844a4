/* Tests of base/blob. */
#include "base/blob.h"

#include <pthread.h>

#include "base/mailbox.h"
#include "base/mem.h"
#include "tests/lib/death.h"
#include "tests/lib/fault_heap.h"
#include "tests/lib/leaks.h"

static void count_release(void *owner)
{
    ++*(int *)owner;
}

static void test_a_blob_holds_what_was_filled_in(void **state)
{
    struct blob *b = blob_new(5);

    (void)state;
    assert_non_null(b);
    memcpy(blob_fill(b), "hello", 5);
    assert_true(bytes_equal(blob_bytes(b), bytes_text("hello")));
    blob_unref(b);
}

static void test_a_copy_does_not_depend_on_its_source(void **state)
{
    char text[] = "before";
    struct blob *b = blob_copy(bytes_text(text));
    struct blob *empty = blob_copy(bytes_of(NULL, 0));

    (void)state;
    memcpy(text, "after!", 6);
    assert_true(bytes_equal(blob_bytes(b), bytes_text("before")));
    assert_int_equal(blob_bytes(empty).size, 0);
    blob_unref(b);
    blob_unref(empty);
}

static void test_bytes_stay_until_the_last_reference_goes(void **state)
{
    struct blob *b = blob_copy(bytes_text("stay"));
    const uint8_t *at = blob_bytes(b).data;
    uint64_t used = mem_used_bytes();

    (void)state;
    assert_ptr_equal(blob_ref(b), b);
    blob_ref(b);
    blob_unref(b);
    blob_unref(b);
    assert_int_equal(mem_used_bytes(), used);
    assert_ptr_equal(blob_bytes(b).data, at); /* B2 */
    assert_memory_equal(at, "stay", 4);
    blob_unref(b);
    assert_true(mem_used_bytes() < used);
    blob_unref(NULL);
}

static void test_borrowed_bytes_are_released_once_and_last(void **state)
{
    int released = 0;
    const char text[] = "someone else's";
    struct blob *b = blob_borrow(bytes_text(text), count_release, &released);

    (void)state;
    assert_ptr_equal(blob_bytes(b).data, text);
    blob_ref(b);
    blob_unref(b);
    assert_int_equal(released, 0);
    blob_unref(b);
    assert_int_equal(released, 1);
}

static void test_refused_memory_gives_no_blob(void **state)
{
    struct fault_heap f;

    (void)state;
    fault_heap_start(&f, 1, true);
    assert_null(blob_new(100));
    assert_null(blob_copy(bytes_text("abc")));
    assert_true(fault_heap_stop(&f));
    assert_null(blob_new(SIZE_MAX)); /* would wrap */
    assert_null(blob_new(SIZE_MAX - 8));
}

static void fill_while_shared(void *owner)
{
    blob_ref(owner);
    *blob_fill(owner) = 1;
}

static void fill_what_is_borrowed(void *owner)
{
    int released = 0;

    (void)owner;
    *blob_fill(blob_borrow(bytes_text("x"), count_release, &released)) = 1;
}

static void test_changing_what_others_see_is_a_bug(void **state)
{
    struct blob *b = blob_copy(bytes_text("abc"));

    (void)state;
    expect_death(fill_while_shared, b, "== 1");
    expect_death(fill_what_is_borrowed, NULL, "b->release == NULL");
    blob_unref(b);
}

enum { BLOBS = 2000, THREADS = 3 };

struct reader_thread {
    pthread_t thread;
    struct mailbox *inbox;
    uint64_t sum;
};

/* Takes blobs out of its mailbox, reads them, and lets them go, until an empty one comes. */
static void *read_blobs(void *owner)
{
    struct reader_thread *t = owner;
    struct blob *b = NULL;
    bool is_over = false;

    while (!is_over) {
        if (mailbox_take(t->inbox, &b, 1) == 0)
            continue;
        for (size_t i = 0; i < blob_bytes(b).size; i++)
            t->sum += blob_bytes(b).data[i];
        is_over = blob_bytes(b).size == 0;
        blob_unref(b);
    }
    return NULL;
}

static void send(struct reader_thread *threads, struct blob *b)
{
    bool was_empty = false;

    assert_non_null(b);
    for (int i = 0; i < THREADS; i++) {
        blob_ref(b);
        while (mailbox_push(threads[i].inbox, &b, 1, &was_empty) != 0)
            continue;
    }
    blob_unref(b);
}

static void test_blobs_cross_threads(void **state)
{
    struct reader_thread threads[THREADS] = {0};
    uint64_t sum = 0;

    (void)state;
    for (int i = 0; i < THREADS; i++) {
        threads[i].inbox = mailbox_new(sizeof(struct blob *), 4096);
        assert_int_equal(pthread_create(&threads[i].thread, NULL, read_blobs, &threads[i]), 0);
    }
    for (int i = 0; i < BLOBS; i++) {
        uint8_t text[3] = {(uint8_t)i, (uint8_t)(i >> 8), 1};
        send(threads, blob_copy(bytes_of(text, sizeof(text))));
        sum += (uint64_t)text[0] + text[1] + text[2];
    }
    send(threads, blob_new(0));
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i].thread, NULL), 0);
        assert_int_equal(threads[i].sum, sum);
        mailbox_free(threads[i].inbox);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_a_blob_holds_what_was_filled_in),
        LEAK_CHECKED(test_a_copy_does_not_depend_on_its_source),
        LEAK_CHECKED(test_bytes_stay_until_the_last_reference_goes),
        LEAK_CHECKED(test_borrowed_bytes_are_released_once_and_last),
        LEAK_CHECKED(test_refused_memory_gives_no_blob),
        LEAK_CHECKED(test_changing_what_others_see_is_a_bug),
        LEAK_CHECKED(test_blobs_cross_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
