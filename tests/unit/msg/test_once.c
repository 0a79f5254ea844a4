/* Tests of msg/once. */
#include "msg/once.h"

#include <string.h>

#include "base/buf.h"
#include "msg/table_writer.h"
#include "tests/lib/leaks.h"
#include "tests/lib/table_text.h"
#include "tests/lib/test.h"

static enum once_fault read(struct buf *area, const char *headers, struct once *out)
{
    memset(out, 0xaa, sizeof(*out));
    return once_read(table_text(area, headers), out);
}

static void test_what_is_well(void **state)
{
    struct once once;
    struct buf area;

    (void)state;
    buf_init(&area, 4096);
    assert_int_equal(read(&area, "x-publisher-id=p x-publish-seq=7", &once), ONCE_OK);
    assert_true(bytes_equal(once.publisher, bytes_text("p")));
    assert_int_equal(once.seq, 7);
    assert_int_equal(read(&area, "x-publish-seq=i:0 a=1 x-publisher-id=p", &once), ONCE_OK);
    assert_int_equal(once.seq, 0);
    assert_int_equal(read(&area, "a=1", &once), ONCE_OK);
    assert_null(once.publisher.data);
    buf_release(&area);
}

static void test_what_is_not(void **state)
{
    static const struct {
        const char *headers;
        enum once_fault fault;
    } rows[] = {
        {"x-publisher-id=5 x-publish-seq=7", ONCE_BAD_PUBLISHER},
        {"x-publisher-id=true", ONCE_BAD_PUBLISHER},
        {"x-publisher-id=p x-publish-seq=seven", ONCE_BAD_SEQ},
        {"x-publisher-id=p x-publish-seq=-1", ONCE_BAD_SEQ},
        {"x-publisher-id=p x-publish-seq=d:7", ONCE_BAD_SEQ},
        {"x-publisher-id=p", ONCE_NO_SEQ},
        {"x-publish-seq=7", ONCE_NO_PUBLISHER},
    };
    struct once once;
    struct buf area;

    (void)state;
    buf_init(&area, 4096);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(read(&area, rows[i].headers, &once), rows[i].fault);
        assert_null(once.publisher.data);
    }
    buf_release(&area);
}

static void test_names_have_a_limit(void **state)
{
    char name[ONCE_ID_MAX + 2];

    (void)state;
    for (size_t size = 0; size <= ONCE_ID_MAX + 1; size += size == 0 ? ONCE_ID_MAX - 1 : 1) {
        struct table_writer w;
        struct once once;
        struct table t;
        struct buf area;

        memset(name, 'p', sizeof(name));
        buf_init(&area, 4096);
        table_writer_init(&w, &area);
        table_writer_text(&w, "x-publisher-id", bytes_of(name, size));
        table_writer_long(&w, "x-publish-seq", 1);
        assert_int_equal(table_writer_finish(&w, &t), 0);
        assert_int_equal(once_read(t, &once),
                         size > 0 && size <= ONCE_ID_MAX ? ONCE_OK : ONCE_BAD_PUBLISHER);
        buf_release(&area);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_what_is_well),
        LEAK_CHECKED(test_what_is_not),
        LEAK_CHECKED(test_names_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
