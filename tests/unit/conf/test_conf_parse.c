/* Lines of a configuration file, good ones and bad ones. */
#include "conf/conf_parse.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"

/* Reads the whole text and writes what came out, one line each: "3 key=value" or "3 ! sentence". */
static char *trace_of(struct bytes text)
{
    static char trace[16 * 1024];
    struct conf_reader r;
    struct conf_entry e;
    struct err_note note;
    size_t used = 0;
    int rv = conf_reader_init(&r, text, &note);

    trace[0] = '\0';
    if (rv != 0) {
        snprintf(trace, sizeof(trace), "%d ! %s\n", r.line, note.text);
        return trace;
    }
    while ((rv = conf_read(&r, &e, &note)) != ERR_NOT_FOUND && used < sizeof(trace)) {
        if (rv == 0)
            used += (size_t)snprintf(trace + used, sizeof(trace) - used, "%d %s=%s\n", r.line,
                                     e.key, e.value);
        else
            used += (size_t)snprintf(trace + used, sizeof(trace) - used, "%d ! %s\n", r.line,
                                     note.text);
    }
    return trace;
}

static void check(const char *text, const char *expected)
{
    assert_string_equal(trace_of(bytes_text(text)), expected);
}

/* ---- good files ---- */

static void test_keys_and_values_are_read_with_their_lines(void **state)
{
    (void)state;
    check("", "");
    check("\n\n   \n\t\n", "");
    check("# only\n  # comments\n", "");
    check("a=1\n", "1 a=1\n");
    check("a = 1\n\n# x\n\tb.c-d_e.F2\t=\tx y\t\nc=d=e\n", "1 a=1\n4 b.c-d_e.F2=x y\n5 c=d=e\n");
    check("a\\.b.c = 1\n", "1 a\\.b.c=1\n");
}

static void test_a_hash_begins_a_comment_unless_quoted(void **state)
{
    (void)state;
    check("a = 1 # one\n", "1 a=1\n");
    check("a = 1#one\n", "1 a=1\n");
    check("a = '1 # one ' # two\n", "1 a=1 # one \n");
    check("a = ''\n", "1 a=\n");
    check("a = 'b'\n", "1 a=b\n");
    check("a = b'c'\n", "1 a=b'c'\n");
    check("a = \"b\"\n", "1 a=\"b\"\n");
}

static void test_lines_may_end_in_either_way_or_not_at_all(void **state)
{
    (void)state;
    check("a = 1\r\nb = 2\r\n\r\n", "1 a=1\n2 b=2\n");
    check("a = 1\nb = 2", "1 a=1\n2 b=2\n");
    check("a = 1\r\nb = 2\r", "1 a=1\n2 b=2\n");
}

static void test_a_byte_order_mark_is_skipped(void **state)
{
    (void)state;
    check("\xef\xbb\xbf"
          "a = 1\n",
          "1 a=1\n");
    check("\xef\xbb\xbf", "");
    check("a = \xc3\xa4\n", "1 a=\xc3\xa4\n");
}

static void test_a_key_and_a_line_may_be_as_long_as_the_limit(void **state)
{
    static char text[CONF_LINE_MAX + 2];
    static char expected[CONF_LINE_MAX + 8];

    (void)state;
    memset(text, 'k', CONF_LINE_MAX);
    text[CONF_KEY_MAX] = '=';
    text[CONF_LINE_MAX] = '\n';
    snprintf(expected, sizeof(expected), "1 %s", text);
    check(text, expected);
}

/* ---- bad files ---- */

static void test_each_bad_line_is_one_sentence_and_the_next_is_read(void **state)
{
    (void)state;
    check("a\nb = 1\n", "1 ! expected 'key = value', found 'a'\n2 b=1\n");
    check("just some words of a person who thinks this is a letter\n",
          "1 ! expected 'key = value', found 'just'\n");
    check("= 1\n", "1 ! '' is no key; a key is letters, digits, '_' and '-', with dots between its "
                   "words\n");
    check("a..b = 1\n", "1 ! 'a..b' is no key; a key is letters, digits, '_' and '-', with dots "
                        "between its words\n");
    check(
        "a. = 1\n.a = 1\na b = 1\na\\b = 1\n[a] = 1\n\\ = 1\n",
        "1 ! 'a.' is no key; a key is letters, digits, '_' and '-', with dots between its words\n"
        "2 ! '.a' is no key; a key is letters, digits, '_' and '-', with dots between its words\n"
        "3 ! 'a b' is no key; a key is letters, digits, '_' and '-', with dots between its words\n"
        "4 ! 'a\\b' is no key; a key is letters, digits, '_' and '-', with dots between its words\n"
        "5 ! '[a]' is no key; a key is letters, digits, '_' and '-', with dots between its words\n"
        "6 ! '\\' is no key; a key is letters, digits, '_' and '-', with dots between its words\n");
    check("a =\nb = # c\n", "1 ! 'a' has no value; write '' for an empty one\n"
                            "2 ! 'b' has no value; write '' for an empty one\n");
    check("a = 'b\nc = 'd' e\n", "1 ! the quote of 'a' does not end on its line\n"
                                 "2 ! something stands behind the quoted value of 'c'\n");
    check("include conf.d/*.conf\n",
          "1 ! include is not supported; name several files, or a folder, with --conf\n");
    check("include = 1\n", "1 include=1\n");
}

static void test_bytes_that_are_no_text_are_refused_with_their_line(void **state)
{
    (void)state;
    check("a = 1\nb = \x1b[31m\n", "1 a=1\n2 ! the line has a control character, 0x1b\n");
    check("a = 1\rb = 2\n", "1 ! the line has a control character, 0x0d\n");
    check("a = \x7f\n", "1 ! the line has a control character, 0x7f\n");
    check("a = \xff\n", "1 ! the line is not valid UTF-8\n");
    check("# \xc3\na = 1\n", "1 ! the line is not valid UTF-8\n2 a=1\n");
    check("\xff\xfe"
          "a",
          "0 ! the file is UTF-16; save it as UTF-8\n");
    check("\xfe\xff", "0 ! the file is UTF-16; save it as UTF-8\n");
    assert_string_equal(trace_of(bytes_of("a = 1\n\nb = \0\n", 12)),
                        "3 ! the line has a zero byte; this is no text file\n");
}

static void test_what_is_too_long_is_refused(void **state)
{
    static char text[CONF_LINE_MAX + 32];
    char *big = mem_zero(1, CONF_SIZE_MAX + 1);

    (void)state;
    memset(text, 'k', CONF_LINE_MAX + 1);
    text[1] = '=';
    text[CONF_LINE_MAX + 1] = '\n';
    memcpy(text + CONF_LINE_MAX + 2, "a=1\n", 5);
    check(text, "1 ! the line is longer than 4096 bytes\n2 a=1\n");

    memset(text, 'k', CONF_KEY_MAX + 1);
    memcpy(text + CONF_KEY_MAX + 1, "=1\n", 4);
    check(text, "1 ! the key is longer than 255 bytes\n");

    memset(big, '\n', CONF_SIZE_MAX + 1);
    assert_string_equal(trace_of(bytes_of(big, CONF_SIZE_MAX)), "");
    assert_string_equal(trace_of(bytes_of(big, CONF_SIZE_MAX + 1)),
                        "0 ! the file is larger than 1048576 bytes\n");
    mem_free(big);
}

/* ---- --set ---- */

static void test_the_value_of_a_set_is_taken_as_it_stands(void **state)
{
    struct conf_entry e;
    struct err_note note;

    (void)state;
    assert_int_equal(conf_read_set("a.b= 'x#y' = ", &e, &note), 0);
    assert_string_equal(e.key, "a.b");
    assert_string_equal(e.value, " 'x#y' = ");
    assert_int_equal(conf_read_set("a=", &e, &note), 0);
    assert_string_equal(e.value, "");

    assert_int_equal(conf_read_set("a", &e, &note), ERR_INVALID);
    assert_string_equal(note.text, "expected 'key=value', found 'a'");
    assert_int_equal(conf_read_set("", &e, &note), ERR_INVALID);
    assert_int_equal(conf_read_set("=1", &e, &note), ERR_INVALID);
    assert_int_equal(conf_read_set("a=\n", &e, &note), ERR_INVALID);
    assert_int_equal(conf_read_set("a=\xff", &e, &note), ERR_INVALID);
}

/* ---- any bytes ---- */

/* Whatever comes in, reading ends, stays in its bounds and gives only well-formed entries. */
static void test_any_bytes_are_read_to_the_end(void **state)
{
    static const char letters[] = "ab.=#'\\ \t\r\n\n\n_-1\xc3\xa4\xff\x01";
    struct rand chance;

    (void)state;
    rand_init(&chance, test_seed());
    for (int round = 0; round < 20 * 1000; round++) {
        size_t size = (size_t)rand_below(&chance, 200);
        uint8_t *text = mem_alloc(size + 1); /* of its own, for the address sanitizer */
        struct conf_reader r;
        struct conf_entry e;
        struct err_note note;
        int rv = 0;
        int line = 0;

        for (size_t i = 0; i < size; i++)
            text[i] = (uint8_t)letters[rand_below(&chance, sizeof(letters))];
        if (conf_reader_init(&r, bytes_of(text, size), &note) == 0) {
            while ((rv = conf_read(&r, &e, &note)) != ERR_NOT_FOUND) {
                assert_true(r.line > line);
                line = r.line;
                assert_true(rv == 0 || (rv == ERR_INVALID && note.text[0] != '\0'));
                assert_true(rv != 0 || (e.key[0] != '\0' && strpbrk(e.key, " =#'") == NULL));
                assert_true(rv != 0 || strpbrk(e.value, "\r\n'") == NULL || e.value[0] != '\'');
            }
            assert_int_equal(r.rest.size, 0);
        }
        mem_free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_and_values_are_read_with_their_lines),
        cmocka_unit_test(test_a_hash_begins_a_comment_unless_quoted),
        cmocka_unit_test(test_lines_may_end_in_either_way_or_not_at_all),
        cmocka_unit_test(test_a_byte_order_mark_is_skipped),
        cmocka_unit_test(test_a_key_and_a_line_may_be_as_long_as_the_limit),
        cmocka_unit_test(test_each_bad_line_is_one_sentence_and_the_next_is_read),
        cmocka_unit_test(test_bytes_that_are_no_text_are_refused_with_their_line),
        cmocka_unit_test(test_what_is_too_long_is_refused),
        cmocka_unit_test(test_the_value_of_a_set_is_taken_as_it_stands),
        cmocka_unit_test(test_any_bytes_are_read_to_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
