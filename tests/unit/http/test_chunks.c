/* Tests of http/chunks.h. */
#include "http/chunks.h"

#include <string.h>

#include "base/err.h"
#include "http/http.h"
#include "tests/lib/test.h"

enum { ROOM = 4096 };

struct taken {
    char body[ROOM];
    size_t size;
    size_t used; /* of what was given */
    int rv;
    bool is_done;
};

/* Feeds it in pieces of that size. */
static struct taken feed(struct bytes in, size_t piece)
{
    struct taken t = {0};
    struct http_chunks c;

    http_chunks_init(&c);
    while (t.rv == 0 && t.used < in.size && !http_chunks_are_done(&c)) {
        size_t size = in.size - t.used < piece ? in.size - t.used : piece;
        struct bytes data = {0};
        size_t used = 0;

        t.rv = http_chunks_take(&c, bytes_of(in.data + t.used, size), &used, &data);
        if (t.rv != 0)
            break;
        assert_true(t.size + data.size <= ROOM);
        if (data.size > 0)
            memcpy(t.body + t.size, data.data, data.size);
        t.size += data.size;
        t.used += used;
        assert_true(used > 0);
    }
    t.is_done = http_chunks_are_done(&c);
    return t;
}

static void test_a_body_is_the_same_however_it_comes(void **state)
{
    static const char in[] = "3\r\nabc\r\n0A;name=\"x\"\r\n0123456789\r\n0\r\nT: v\r\n\r\nGET";

    (void)state;
    for (size_t piece = 1; piece < sizeof(in); piece++) {
        struct taken t = feed(bytes_text(in), piece);

        assert_int_equal(t.rv, 0);
        assert_true(t.is_done);
        assert_true(bytes_equal(bytes_of(t.body, t.size), bytes_text("abc0123456789")));
        assert_int_equal(t.used, sizeof(in) - 1 - 3);
    }
}

static void test_what_is_no_chunk_is_refused(void **state)
{
    static const char *const bad[] = {"\r\n",
                                      "x\r\n",
                                      "-1\r\n",
                                      "1\nab",
                                      "1\r\nab\r\n",
                                      "1\r\na\n",
                                      "1 \r\na\r\n",
                                      "0x1\r\na\r\n",
                                      "0\r\nT: v\n\r\n",
                                      "1;a\nb\r\n",
                                      "1\rx",
                                      "0\r\n\rx",
                                      "1000000000000000\r\n"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        if (feed(bytes_text(bad[i]), 64).rv != ERR_INVALID)
            fail_msg("'%s' was taken", bad[i]);
}

static void test_lines_have_a_limit(void **state)
{
    static char text[2 * HTTP_CHUNK_HEAD_MAX];

    (void)state;
    memset(text, 'a', sizeof(text));
    memcpy(text, "1;", 2);
    assert_int_equal(feed(bytes_of(text, sizeof(text)), 100).rv, ERR_INVALID);
    memcpy(text, "0\r\n", 3);
    assert_int_equal(feed(bytes_of(text, sizeof(text)), 100).rv, ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_body_is_the_same_however_it_comes),
        cmocka_unit_test(test_what_is_no_chunk_is_refused),
        cmocka_unit_test(test_lines_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
