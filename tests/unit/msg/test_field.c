/* Tests of msg/field. */
#include "msg/field.h"

#include <math.h>

#include "tests/lib/death.h"
#include "tests/lib/hex.h"
#include "tests/lib/leaks.h"
#include "tests/lib/test.h"

/* A field as it lies in a table; `memory` goes back by hex_free(). */
static struct field field_of(const char *text, struct bytes *memory)
{
    struct field f;

    *memory = hex_new(text);
    struct reader r = reader_of(*memory);
    assert_true(field_read(&r, &f));
    assert_true(reader_is_done(&r));
    return f;
}

static void test_every_type_is_read_with_its_value_and_its_name(void **state)
{
    static const struct {
        const char *bytes;
        const char *value;
        const char *name;
        enum field_type type;
    } rows[] = {
        {"74 01", "01", "bool", FIELD_BOOL},
        {"62 ff", "ff", "byte", FIELD_BYTE},
        {"42 ff", "ff", "unsignedbyte", FIELD_UNSIGNED_BYTE},
        {"73 ff00", "ff00", "short", FIELD_SHORT},
        {"75 ff00", "ff00", "unsignedshort", FIELD_UNSIGNED_SHORT},
        {"49 00000001", "00000001", "signedint", FIELD_INT},
        {"69 00000001", "00000001", "unsignedint", FIELD_UNSIGNED_INT},
        {"6c 0000000000000001", "0000000000000001", "long", FIELD_LONG},
        {"4c 0000000000000001", "0000000000000001", "long", FIELD_LONG_TOO},
        {"66 3fc00000", "3fc00000", "float", FIELD_FLOAT},
        {"64 3ff8000000000000", "3ff8000000000000", "double", FIELD_DOUBLE},
        {"44 02 0000007b", "02 0000007b", "decimal", FIELD_DECIMAL},
        {"53 00000003 'abc'", "'abc'", "longstr", FIELD_TEXT},
        {"53 00000000", "", "longstr", FIELD_TEXT},
        {"78 00000002 00ff", "00ff", "binary", FIELD_BINARY},
        {"41 00000002 7401", "7401", "array", FIELD_ARRAY},
        {"46 00000003 01 'a' 56", "01 'a' 56", "table", FIELD_TABLE},
        {"54 00000000684f3c20", "00000000684f3c20", "timestamp", FIELD_TIME},
        {"56", "", "void", FIELD_VOID},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct bytes memory;
        struct field f = field_of(rows[i].bytes, &memory);
        assert_int_equal(f.type, rows[i].type);
        assert_string_equal(field_type_name(&f), rows[i].name);
        hex_expect(f.bytes, rows[i].value);
        hex_free(memory);
    }
}

static void test_tags_of_no_type_are_refused(void **state)
{
    static const char tags[] = "tbBsuIilLfdDSAFTxV";
    size_t known = 0;

    (void)state;
    for (unsigned tag = 0; tag <= UINT8_MAX; tag++) {
        uint8_t bytes[16] = {(uint8_t)tag}; /* zeros are a value of every type */
        struct reader r = reader_of(bytes_of(bytes, sizeof(bytes)));
        struct field f;
        bool is_known = tag != 0 && strchr(tags, (int)tag) != NULL;
        assert_int_equal(field_read(&r, &f), is_known);
        known += is_known ? 1 : 0;
    }
    assert_int_equal(known, strlen(tags)); /* 'U', the specification's own, is not among them */
}

static void test_a_value_cut_anywhere_is_refused(void **state)
{
    static const char *const rows[] = {
        "74 01",       "73 0001",           "49 00000001", "6c 0000000000000001", "44 01 00000002",
        "66 3fc00000", "53 00000003 'abc'", "78 00000001", "41 00000005",         "46 7fffffff 00",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct bytes whole = hex_new(rows[i]);
        for (size_t size = 0; size < whole.size; size++) {
            struct bytes cut = hex_copy(bytes_of(whole.data, size));
            struct reader r = reader_of(cut);
            struct field f;
            assert_false(field_read(&r, &f));
            hex_free(cut);
        }
        hex_free(whole);
    }
}

static void test_integers_of_all_widths_keep_their_sign(void **state)
{
    static const struct {
        const char *bytes;
        int64_t value;
    } rows[] = {
        {"62 7f", 127},
        {"62 80", -128},
        {"42 80", 128},
        {"42 ff", 255},
        {"73 7fff", 32767},
        {"73 8000", -32768},
        {"75 8000", 32768},
        {"75 ffff", 65535},
        {"49 7fffffff", 2147483647},
        {"49 80000000", -2147483648LL},
        {"69 80000000", 2147483648LL},
        {"69 ffffffff", 4294967295LL},
        {"6c 7fffffffffffffff", INT64_MAX},
        {"6c 8000000000000000", INT64_MIN},
        {"6c ffffffffffffffff", -1},
        {"4c ffffffffffffffff", -1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct bytes memory;
        struct field f = field_of(rows[i].bytes, &memory);
        int64_t value = 0;
        assert_true(field_is_integer(&f));
        assert_true(field_as_integer(&f, &value));
        assert_true(value == rows[i].value);
        hex_free(memory);
    }
}

/* How many of the questions about its type a field says yes to. */
static unsigned types_of(const struct field *f)
{
    int64_t integer = 7;
    uint64_t time = 7;
    double real = 7;
    bool truth = true;
    struct bytes bytes = {0};
    struct table table = {{0}};
    struct array array = {{0}};
    uint8_t scale = 7;
    uint32_t value = 7;
    unsigned count = 0;

    count += field_as_integer(f, &integer) ? 1 : 0;
    count += field_as_bool(f, &truth) ? 1 : 0;
    count += field_as_text(f, &bytes) ? 1 : 0;
    count += field_as_binary(f, &bytes) ? 1 : 0;
    count += field_as_time(f, &time) ? 1 : 0;
    count += field_as_real(f, &real) ? 1 : 0;
    count += field_as_decimal(f, &scale, &value) ? 1 : 0;
    count += field_as_table(f, &table) ? 1 : 0;
    count += field_as_array(f, &array) ? 1 : 0;
    return count;
}

static void test_a_field_has_one_type_and_void_has_none(void **state)
{
    static const char tags[] = "tbBsuIilLfdDSAFTxV";

    (void)state;
    for (const char *tag = tags; *tag != '\0'; tag++) {
        uint8_t bytes[16] = {(uint8_t)*tag}; /* zeros are a value of every type */
        struct reader r = reader_of(bytes_of(bytes, sizeof(bytes)));
        struct field f;
        assert_true(field_read(&r, &f));
        assert_int_equal(types_of(&f), *tag == 'V' ? 0 : 1);
    }
}

static void ask_a_short_field(void *owner)
{
    struct field f = {.type = FIELD_INT, .bytes = bytes_of(owner, 3)};

    (void)field_is_integer(&f);
}

static void test_a_field_whose_bytes_are_too_few_stops_the_program(void **state)
{
    uint8_t bytes[3] = {0};

    (void)state;
    expect_death(ask_a_short_field, bytes, "field_extents");
}

static void test_a_question_answered_no_leaves_the_value_alone(void **state)
{
    struct bytes memory;
    struct field f = field_of("53 00000001 'a'", &memory);
    int64_t integer = 7;
    bool truth = true;

    (void)state;
    assert_false(field_as_integer(&f, &integer));
    assert_int_equal(integer, 7);
    assert_false(field_as_bool(&f, &truth));
    assert_true(truth);
    assert_false(field_is_integer(&f));
    hex_free(memory);
}

static void test_other_values_are_read_as_they_are(void **state)
{
    struct bytes memory;
    struct field f = field_of("74 02", &memory);
    bool truth = false;
    double real = 0;
    uint64_t time = 0;
    uint8_t scale = 0;
    uint32_t value = 0;

    (void)state;
    assert_true(field_as_bool(&f, &truth) && truth); /* anything but zero is true */
    hex_free(memory);
    f = field_of("74 00", &memory);
    assert_true(field_as_bool(&f, &truth) && !truth);
    hex_free(memory);
    f = field_of("66 bfc00000", &memory);
    assert_true(field_as_real(&f, &real) && real == -1.5);
    hex_free(memory);
    f = field_of("64 7ff0000000000000", &memory);
    assert_true(field_as_real(&f, &real) && isinf(real));
    hex_free(memory);
    f = field_of("64 7ff8000000000001", &memory);
    assert_true(field_as_real(&f, &real) && isnan(real));
    hex_free(memory);
    f = field_of("54 8000000000000000", &memory);
    assert_true(field_as_time(&f, &time) && time == UINT64_C(1) << 63);
    hex_free(memory);
    f = field_of("44 ff 80000001", &memory);
    assert_true(field_as_decimal(&f, &scale, &value) && scale == 255 && value == 0x80000001);
    hex_free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_every_type_is_read_with_its_value_and_its_name),
        LEAK_CHECKED(test_tags_of_no_type_are_refused),
        LEAK_CHECKED(test_a_value_cut_anywhere_is_refused),
        LEAK_CHECKED(test_integers_of_all_widths_keep_their_sign),
        LEAK_CHECKED(test_a_field_has_one_type_and_void_has_none),
        LEAK_CHECKED(test_a_field_whose_bytes_are_too_few_stops_the_program),
        LEAK_CHECKED(test_a_question_answered_no_leaves_the_value_alone),
        LEAK_CHECKED(test_other_values_are_read_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
