/* Tests of log/log_settings: the table fills the options. */
#include "log/log_settings.h"

#include <string.h>

#include "base/mem.h"
#include "tests/lib/leaks.h"

static void test_defaults_fill_every_field(void **state)
{
    struct log_options o;

    (void)state;
    memset(&o, 0xff, sizeof(o));
    setting_defaults(log_settings, &o);
    assert_int_equal(o.segment_bytes, 64 << 20);
    assert_int_equal(o.block_bytes, 1 << 20);
    assert_int_equal(o.cache_bytes, 32 << 20);
    assert_int_equal(o.pending_bytes_max, 64 << 20);
    assert_int_equal(o.spare_segments, 3);
    assert_int_equal(o.cold_segment_bytes, 64 << 20);
    assert_int_equal(o.cold_compression, 0);
    assert_int_equal(o.sorter_buffer_bytes, 8 << 20);
    assert_int_equal(o.sync_interval_ms, 0);
    assert_int_equal(o.watermark_interval_ms, 1000);
    assert_int_equal(o.trash_keep_ms, 7 * 86400000);
    assert_int_equal(o.burst_bytes_max, 0);
    assert_int_equal(o.debt_bytes_max, 4ull << 30);
}

/* Each row has a field of its own, and together they are the whole struct. */
static void test_rows_and_fields_are_as_many(void **state)
{
    bool is_met[sizeof(struct log_options) / 8] = {false};
    size_t count = 0;

    (void)state;
    for (const struct setting *s = log_settings; s->name != NULL; s++, count++) {
        assert_int_equal(strncmp(s->name, "millrace.log.", 13), 0);
        assert_int_equal(s->offset % 8, 0);
        assert_true(s->offset < sizeof(struct log_options));
        assert_false(is_met[s->offset / 8]);
        is_met[s->offset / 8] = true;
        for (const struct setting *t = log_settings; t != s; t++)
            assert_string_not_equal(s->name, t->name);
    }
    assert_int_equal(count, ARRAY_SIZE(is_met));
}

static void test_every_row_has_a_sentence_and_bounds_that_hold_its_default(void **state)
{
    (void)state;
    for (const struct setting *s = log_settings; s->name != NULL; s++) {
        struct log_options o = {0};
        struct err_note note = {{0}};
        size_t length = strlen(s->help);

        assert_true(length > 20 && s->help[length - 1] == '.');
        assert_true(s->min < s->max);
        assert_int_equal(setting_set(s, &o, s->fallback, &note), 0);
        assert_string_equal(note.text, "");
    }
}

static void test_values_out_of_bounds_are_refused(void **state)
{
    static const struct {
        const char *name;
        const char *too_small;
        const char *too_large;
    } rows[] = {
        {"millrace.log.segment_size", "1MiB", "3GiB"},
        {"millrace.log.block_size", "4KiB", "16MiB"},
        {"millrace.log.pending_max", "1KiB", "8GiB"},
        {"millrace.log.spare_segments", "1", "65"},
        {"millrace.log.cold_segment_size", "1KiB", "8GiB"},
        {"millrace.log.cold_compression", "-1", "20"},
        {"millrace.log.sorter_buffer", "1KiB", "2GiB"},
        {"millrace.log.watermark_interval", "1ms", "61s"},
        {"millrace.log.debt_max", "1KiB", "2TiB"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct setting *s = log_settings;
        struct log_options o = {0};
        struct err_note note = {{0}};

        while (strcmp(s->name, rows[i].name) != 0)
            s++;
        assert_true(setting_set(s, &o, rows[i].too_small, &note) < 0);
        assert_non_null(strstr(note.text, s->name));
        assert_true(setting_set(s, &o, rows[i].too_large, &note) < 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_defaults_fill_every_field),
        LEAK_CHECKED(test_rows_and_fields_are_as_many),
        LEAK_CHECKED(test_every_row_has_a_sentence_and_bounds_that_hold_its_default),
        LEAK_CHECKED(test_values_out_of_bounds_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
