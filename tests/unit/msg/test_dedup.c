/* Tests of msg/dedup. */
#include "msg/dedup.h"

#include <string.h>

#include "base/buf.h"
#include "msg/table_writer.h"
#include "tests/lib/leaks.h"
#include "tests/lib/table_text.h"
#include "tests/lib/test.h"

static struct dedup_key key(const char *headers)
{
    struct dedup_key k;
    struct buf area;

    buf_init(&area, 4096);
    dedup_read(table_text(&area, headers), &k);
    buf_release(&area);
    return k;
}

static bool same(const char *a, const char *b)
{
    struct dedup_key x = key(a), y = key(b);

    return bytes_equal(dedup_key_bytes(&x), dedup_key_bytes(&y));
}

static void test_values_are_the_same_by_type_and_content(void **state)
{
    (void)state;
    assert_true(same("x-deduplication-header=a", "b=1 x-deduplication-header=a"));
    assert_false(same("x-deduplication-header=a", "x-deduplication-header=b"));
    assert_true(same("x-deduplication-header=5", "x-deduplication-header=i:5"));
    assert_false(same("x-deduplication-header=5", "x-deduplication-header=t:5"));
    assert_false(same("x-deduplication-header=5", "x-deduplication-header=d:5"));
    assert_false(same("x-deduplication-header=true", "x-deduplication-header=false"));
}

static void test_what_has_no_key(void **state)
{
    (void)state;
    assert_int_equal(key("a=1").size, 0);
    assert_int_equal(key("x-deduplication-header=void").size, 0);
    assert_int_equal(key("x-deduplication-header=[a,b]").size, 0);
}

static struct dedup_key key_of_text(struct bytes text)
{
    struct table_writer w;
    struct dedup_key k;
    struct table t;
    struct buf area;

    buf_init(&area, 1 << 20);
    table_writer_init(&w, &area);
    table_writer_text(&w, "x-deduplication-header", text);
    assert_int_equal(table_writer_finish(&w, &t), 0);
    dedup_read(t, &k);
    buf_release(&area);
    return k;
}

static void test_long_texts_are_known_too(void **state)
{
    char text[1000];

    (void)state;
    memset(text, 'x', sizeof(text));
    for (size_t size = 0; size < sizeof(text); size++) {
        struct dedup_key a = key_of_text(bytes_of(text, size));
        struct dedup_key b = key_of_text(bytes_of(text, size + 1));

        assert_true(a.size > 0 && a.size <= DEDUP_KEY_MAX);
        assert_false(bytes_equal(dedup_key_bytes(&a), dedup_key_bytes(&b)));
        text[size / 2] ^= 1;
        b = key_of_text(bytes_of(text, size));
        assert_true(size == 0 || !bytes_equal(dedup_key_bytes(&a), dedup_key_bytes(&b)));
        text[size / 2] ^= 1;
    }
}

static void test_times_to_live(void **state)
{
    struct buf area;
    uint64_t ms = 0;

    (void)state;
    buf_init(&area, 4096);
    assert_true(dedup_read_ttl(table_text(&area, "x-cache-ttl=5"), &ms));
    assert_int_equal(ms, 5);
    assert_false(dedup_read_ttl(table_text(&area, "x-cache-ttl=0"), &ms));
    assert_false(dedup_read_ttl(table_text(&area, "x-cache-ttl=-5"), &ms));
    assert_false(dedup_read_ttl(table_text(&area, "x-cache-ttl=long"), &ms));
    assert_false(dedup_read_ttl(table_text(&area, "a=1"), &ms));
    buf_release(&area);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_values_are_the_same_by_type_and_content),
        LEAK_CHECKED(test_what_has_no_key),
        LEAK_CHECKED(test_long_texts_are_known_too),
        LEAK_CHECKED(test_times_to_live),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
