/* Tests of broker/base64url. */
#include "broker/base64url.h"

#include <string.h>

#include "base/rand.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"

static void test_known_texts(void **state)
{
    static const struct {
        const char *bytes;
        const char *text;
    } rows[] = {{"", ""},
                {"f", "Zg"},
                {"fo", "Zm8"},
                {"foo", "Zm9v"},
                {"foob", "Zm9vYg"},
                {"fooba", "Zm9vYmE"},
                {"foobar", "Zm9vYmFy"},
                {"\xff\xef\xbe", "_---"},
                {"\xfb\xff\xbf", "-_-_"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char text[16];
        uint8_t back[16];
        struct bytes b = bytes_text(rows[i].bytes);

        base64url_encode(b, text);
        assert_string_equal(text, rows[i].text);
        assert_true(base64url_decode(bytes_text(text), back, b.size));
        assert_memory_equal(back, rows[i].bytes, b.size);
    }
}

static void test_any_bytes_come_back(void **state)
{
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    for (int i = 0; i < 2000; i++) {
        uint8_t bytes[32];
        uint8_t back[32];
        char text[64];
        size_t size = rand_below(&r, sizeof(bytes) + 1);

        rand_fill(&r, bytes, size);
        base64url_encode(bytes_of(bytes, size), text);
        assert_int_equal(strlen(text), (size * 8 + 5) / 6);
        assert_true(base64url_decode(bytes_text(text), back, size));
        assert_memory_equal(back, bytes, size);
    }
}

static void test_what_is_no_such_text(void **state)
{
    uint8_t out[8];

    (void)state;
    assert_false(base64url_decode(bytes_text("Zg="), out, 1));
    assert_false(base64url_decode(bytes_text("Z"), out, 1));
    assert_false(base64url_decode(bytes_text("Zh"), out, 1)); /* bits that mean nothing */
    assert_false(base64url_decode(bytes_text("Z+"), out, 1));
    assert_false(base64url_decode(bytes_text("Zm9v"), out, 2));
    assert_false(base64url_decode(bytes_text(""), out, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_known_texts),
        LEAK_CHECKED(test_any_bytes_come_back),
        LEAK_CHECKED(test_what_is_no_such_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
