/* Tests of base/base64.h. */
#include "base/base64.h"

#include <string.h>

#include "base/err.h"
#include "tests/lib/test.h"

static void test_bytes_come_back(void **state)
{
    static const char *const pairs[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"\xff\xfe", "//4="},
        {"\xfb\xef\xbe", "++++"},
        {"guest:guest", "Z3Vlc3Q6Z3Vlc3Q="},
    };
    struct buf out;
    uint8_t area[64];
    size_t size = 0;

    (void)state;
    buf_init(&out, 64);
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        struct bytes text = bytes_text(pairs[i][1]);

        buf_clear(&out);
        base64_encode(bytes_text(pairs[i][0]), &out);
        assert_true(bytes_equal(buf_view(&out), text));
        assert_true(base64_size_max(text.size) <= sizeof(area));
        assert_int_equal(base64_decode(text, area, &size), 0);
        assert_true(bytes_equal(bytes_of(area, size), bytes_text(pairs[i][0])));
    }
    buf_release(&out);
}

static void test_what_is_no_base64_is_refused(void **state)
{
    static const char *const bad[] = {"Z",    "Zg",   "Zg=",    "Zg=a",  "Z===",     "====",
                                      "Zh==", "Zm9=", "Zm9v\n", "Zm 9v", "Zg==Zg==", "-_-_"};
    uint8_t area[64];
    size_t size = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        if (base64_decode(bytes_text(bad[i]), area, &size) != ERR_INVALID)
            fail_msg("'%s' was taken", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_come_back),
        cmocka_unit_test(test_what_is_no_base64_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
