/* Tests of base/err. */
#include "base/err.h"

#include <string.h>

#include "tests/lib/death.h"
#include "tests/lib/test.h"

static void test_every_error_has_its_own_number_name_and_text(void **state)
{
    static const int all[] = {
#define X(name, value, text) name,
        ERR_LIST(X)
#undef X
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        assert_true(all[i] < 0);
        assert_string_not_equal(err_text(all[i]), "unknown error");
        assert_int_equal(strncmp(err_name(all[i]), "ERR_", 4), 0);
        for (size_t k = 0; k < i; k++) {
            assert_int_not_equal(all[i], all[k]);
            assert_string_not_equal(err_text(all[i]), err_text(all[k]));
            assert_string_not_equal(err_name(all[i]), err_name(all[k]));
        }
    }
    assert_string_equal(err_name(ERR_IO), "ERR_IO");
    assert_string_equal(err_text(ERR_CORRUPT), "stored bytes fail their checksum");
}

static void test_success_and_unknown_numbers_have_texts_too(void **state)
{
    (void)state;
    assert_string_equal(err_text(0), "success");
    assert_string_equal(err_name(0), "success");
    assert_string_equal(err_text(-9999), "unknown error");
    assert_string_equal(err_text(1), "unknown error");
    assert_string_equal(err_name(-9999), "unknown error");
}

static void test_a_note_is_written_and_the_error_returned(void **state)
{
    struct err_note note = {0};

    (void)state;
    assert_int_equal(err_note(&note, ERR_DENIED, "cannot open '%s'", "a/b"), ERR_DENIED);
    assert_string_equal(note.text, "cannot open 'a/b'");
    assert_int_equal(err_note(NULL, ERR_IO, "nobody %s", "asks"), ERR_IO);
}

static void test_a_note_can_quote_the_note_it_replaces(void **state)
{
    struct err_note note = {0};

    (void)state;
    err_note(&note, ERR_IO, "the inner reason");
    err_note(&note, ERR_IO, "cannot start: %s", note.text);
    assert_string_equal(note.text, "cannot start: the inner reason");
}

static void test_a_long_note_is_cut(void **state)
{
    char text[2 * ERR_NOTE_SIZE];
    struct err_note note = {0};

    (void)state;
    memset(text, 'y', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    err_note(&note, ERR_IO, "%s", text);
    assert_int_equal(strlen(note.text), ERR_NOTE_SIZE - 1);
}

static void note_a_success(void *owner)
{
    err_note(owner, 0, "all is well");
}

static void test_a_note_about_no_error_is_a_bug(void **state)
{
    struct err_note note = {0};

    (void)state;
    expect_death(note_a_success, &note, "err < 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_error_has_its_own_number_name_and_text),
        cmocka_unit_test(test_success_and_unknown_numbers_have_texts_too),
        cmocka_unit_test(test_a_note_is_written_and_the_error_returned),
        cmocka_unit_test(test_a_note_can_quote_the_note_it_replaces),
        cmocka_unit_test(test_a_long_note_is_cut),
        cmocka_unit_test(test_a_note_about_no_error_is_a_bug),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
