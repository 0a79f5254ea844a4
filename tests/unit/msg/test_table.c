/* Tests of msg/table. */
#include "msg/table.h"

#include "base/err.h"
#include "base/mem.h"
#include "tests/lib/death.h"
#include "tests/lib/hex.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"
#include "tests/unit/msg/random_table.h"

enum { RANDOM_SIZE_MAX = 1 << 20 };

/* One entry of every type, and tables and arrays in one another. */
static const char every_type[] =
    "04 'bool' 74 01  04 'byte' 62 80  05 'ubyte' 42 ff  05 'short' 73 fffe  06 'ushort' 75 fffe "
    "03 'int' 49 fffffffe  04 'uint' 69 fffffffe  04 'long' 6c fffffffffffffffe "
    "05 'long2' 4c 0000000000000001  05 'float' 66 3fc00000  06 'double' 64 3ff8000000000000 "
    "07 'decimal' 44 02 00003039  04 'text' 53 00000005 'hello'  06 'binary' 78 00000002 00ff "
    "04 'time' 54 00000000684f3c20  04 'void' 56 "
    "05 'array' 41 00000010  49 00000001  53 00000001 'x'  41 00000000 "
    "05 'table' 46 00000015  02 'in' 46 0000000d 04 'list' 41 00000003 74 00 56 "
    "00 56";

static int check(struct bytes b)
{
    struct table t = {.bytes = bytes_of(NULL, 77)};
    int rv = table_decode(b, &t);

    if (rv == 0)
        assert_true(t.bytes.data == b.data && t.bytes.size == b.size);
    else
        assert_int_equal(t.bytes.size, 77); /* untouched */
    return rv;
}

static struct table checked(struct bytes b)
{
    struct table t;

    assert_int_equal(table_decode(b, &t), 0);
    return t;
}

static void test_a_table_with_every_type_is_walked_in_its_order(void **state)
{
    static const char *const names[] = {
        "bool", "byte",  "ubyte", "short",  "ushort",  "int",  "uint",
        "long", "long2", "float", "double", "decimal", "text", "binary",
        "time", "void",  "array", "table",  "",
    };
    struct bytes b = hex_new(every_type);
    struct table t = checked(b);
    struct table_walk w = table_walk(t);
    struct table_entry e;
    size_t count = 0;
    const uint8_t *at = b.data;

    (void)state;
    assert_int_equal(table_count(t), ARRAY_SIZE(names));
    while (table_next(&w, &e)) {
        assert_true(count < ARRAY_SIZE(names));
        assert_true(bytes_equal(e.name, bytes_text(names[count])));
        assert_ptr_equal(e.whole.data, at); /* without gaps, up to the end */
        at += e.whole.size;
        count++;
    }
    assert_ptr_equal(at, b.data + b.size);
    assert_int_equal(count, ARRAY_SIZE(names));
    hex_free(b);
}

static void test_nested_tables_and_arrays_are_walked(void **state)
{
    struct bytes b = hex_new(every_type);
    struct table t = checked(b);
    struct table inner = {{0}};
    struct array list = {{0}};
    struct array_walk w;
    struct field f;
    int64_t one = 0;

    (void)state;
    assert_true(table_find(t, bytes_text("array"), &f) && field_as_array(&f, &list));
    assert_int_equal(array_count(list), 3);
    w = array_walk(list);
    assert_true(array_next(&w, &f) && field_as_integer(&f, &one) && one == 1);
    assert_true(array_next(&w, &f) && f.type == FIELD_TEXT);
    assert_true(array_next(&w, &f) && field_as_array(&f, &list) && array_count(list) == 0);
    assert_false(array_next(&w, &f));
    assert_true(table_find(t, bytes_text("table"), &f) && field_as_table(&f, &inner));
    assert_true(table_find(inner, bytes_text("in"), &f) && field_as_table(&f, &inner));
    assert_true(table_find(inner, bytes_text("list"), &f) && field_as_array(&f, &list));
    assert_int_equal(array_count(list), 2);
    hex_free(b);
}

static void test_find_gives_the_last_of_equal_names(void **state)
{
    struct bytes b = hex_new("01 'a' 62 01  01 'b' 62 02  01 'a' 62 03  02 'aa' 62 04");
    struct table t = checked(b);
    struct field f;
    int64_t value = 0;

    (void)state;
    assert_true(table_find(t, bytes_text("a"), &f) && field_as_integer(&f, &value));
    assert_int_equal(value, 3);
    assert_true(table_find(t, bytes_text("b"), &f) && field_as_integer(&f, &value));
    assert_int_equal(value, 2);
    assert_false(table_find(t, bytes_text(""), &f));
    assert_false(table_find(t, bytes_text("A"), &f));
    hex_free(b);
}

static void test_an_empty_table_is_a_table(void **state)
{
    struct field f;
    struct table t = checked(bytes_of(NULL, 0));

    (void)state;
    assert_int_equal(table_count(t), 0);
    assert_false(table_find(t, bytes_text(""), &f));
}

static void test_a_table_cut_anywhere_but_between_entries_is_refused(void **state)
{
    struct bytes whole = hex_new(every_type);
    struct table_walk w = table_walk(checked(whole));
    struct table_entry e;
    size_t next_start = 0;

    (void)state;
    for (size_t size = 0; size < whole.size; size++) {
        struct bytes cut = hex_copy(bytes_of(whole.data, size));
        assert_int_equal(check(cut), size == next_start ? 0 : ERR_INVALID);
        if (size == next_start) {
            assert_true(table_next(&w, &e));
            next_start += e.whole.size;
        }
        hex_free(cut);
    }
    hex_free(whole);
}

static void test_broken_tables_are_refused(void **state)
{
    static const char *const rows[] = {
        "01 'a'",                                     /* no value */
        "05 'a' 56",                                  /* a name longer than the table */
        "ff",                                         /* the same, nothing there */
        "01 'a' 00",                                  /* tag 0 */
        "01 'a' 55 0001",                             /* 'U', the specification's short */
        "01 'a' 7a",                                  /* 'z' */
        "01 'a' 53 ffffffff",                         /* a text of 4 GiB */
        "01 'a' 53 80000000 00",                      /* ... of 2 GiB */
        "01 'a' 46 00000004 01 'b' 56",               /* a table longer than the rest */
        "01 'a' 46 00000002 01 'b' 56",               /* ... ending inside an entry */
        "01 'a' 46 00000003 01 'b' 62 01",            /* ... its value going on outside */
        "01 'a' 41 00000004 49 00000001",             /* an array ending inside a value */
        "01 'a' 41 00000002 7a 00",                   /* an unknown tag in an array */
        "01 'a' 41 00000003 53 0000",                 /* a size cut in an array */
        "01 'a' 46 00000008 01 'b' 46 00000002 56",   /* a table leaving the one around it */
        "01 'a' 46 00000008 01 'b' 41 00000003 5656", /* an array doing so */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct bytes b = hex_new(rows[i]);
        assert_int_equal(check(b), ERR_INVALID);
        hex_free(b);
    }
}

/* `depth` tables or arrays (every k-th is an array; 0: none) in one another, the outermost
 * counted. */
static struct bytes deep(size_t depth, size_t k)
{
    size_t size = 7 * (depth - 1);
    uint8_t *bytes = mem_zero(1, size + 1);
    size_t at = 0;
    bool in_array = false;

    for (size_t level = 1; level < depth; level++) {
        bool is_array = k > 0 && level % k == 0;
        if (!in_array) {
            bytes[at++] = 1;
            bytes[at++] = 'n';
        }
        bytes[at++] = is_array ? 'A' : 'F';
        at += 4;
        in_array = is_array;
    }
    size = at;
    /* The sizes, from the innermost outwards: each is what follows it. */
    for (size_t i = 0; i + 5 <= size; i++) {
        if (bytes[i] == 'A' || bytes[i] == 'F')
            put_be32(bytes + i + 1, (uint32_t)(size - i - 5));
        i += bytes[i] == 'A' || bytes[i] == 'F' ? 4 : 0;
    }
    struct bytes exact = hex_copy(bytes_of(bytes, size));
    mem_free(bytes);
    return exact;
}

static void test_tables_may_lie_32_deep_and_no_deeper(void **state)
{
    (void)state;
    for (size_t k = 0; k <= 3; k++) {
        static const size_t depths[] = {1, 2, 31, 32, 33, 34, 100, 10000};
        for (size_t i = 0; i < ARRAY_SIZE(depths); i++) {
            struct bytes b = deep(depths[i], k);
            assert_int_equal(check(b), depths[i] <= TABLE_DEPTH_MAX ? 0 : ERR_RANGE);
            hex_free(b);
        }
    }
}

static void test_many_levels_beside_one_another_are_not_deep(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, RANDOM_SIZE_MAX);
    for (size_t i = 0; i < 1000; i++) {
        struct bytes level = hex_new("01 'a' 41 00000005 41 00000000");
        buf_bytes(&b, level);
        hex_free(level);
    }
    assert_int_equal(check(buf_view(&b)), 0);
    buf_release(&b);
}

/* An array of that many voids in a table: one byte each, the narrowest there is. */
static struct bytes voids(size_t count)
{
    uint8_t *bytes = mem_alloc(6 + count);

    bytes[0] = 0;
    bytes[1] = 'A';
    put_be32(bytes + 2, (uint32_t)count);
    memset(bytes + 6, 'V', count);
    return bytes_of(bytes, 6 + count);
}

static void test_the_number_of_values_has_a_limit(void **state)
{
    static const size_t counts[] = {
        0, 1, TABLE_VALUES_MAX - 2, TABLE_VALUES_MAX - 1, TABLE_VALUES_MAX, 1000000};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
        struct bytes b = voids(counts[i]);
        assert_int_equal(check(b), counts[i] + 1 <= TABLE_VALUES_MAX ? 0 : ERR_RANGE);
        hex_free(b);
    }
}

static void test_a_hundred_thousand_equal_names_are_a_table(void **state)
{
    enum { COUNT = 100000 };
    struct buf b;
    struct field f;
    int64_t value = 0;

    (void)state;
    buf_init(&b, RANDOM_SIZE_MAX);
    for (uint32_t i = 0; i < COUNT; i++) {
        buf_be16(&b, 0x0161); /* the name "a" */
        buf_u8(&b, 'i');
        buf_be32(&b, i);
    }
    struct table t = checked(buf_view(&b));
    assert_int_equal(table_count(t), COUNT);
    assert_true(table_find(t, bytes_text("a"), &f) && field_as_integer(&f, &value));
    assert_int_equal(value, COUNT - 1);
    buf_release(&b);
}

/* The plainest check there is, with bytes left over allowed: how many bytes the value takes, 0
 * when it is none. */
static size_t plain_value(struct bytes b, size_t depth, size_t *values);

static bool plain_table(struct bytes b, size_t depth, size_t *values, bool is_array)
{
    size_t at = 0;

    if (depth > TABLE_DEPTH_MAX)
        return false;
    while (at < b.size) {
        if (!is_array)
            at += 1u + b.data[at];
        if (at >= b.size)
            return false;
        size_t size = plain_value(bytes_of(b.data + at, b.size - at), depth, values);
        if (size == 0)
            return false;
        at += size;
    }
    return true;
}

static size_t plain_value(struct bytes b, size_t depth, size_t *values)
{
    static const char fixed[] = "V0t1b1B1s2u2I4i4f4D5l8L8d8T8";
    const char *row = b.data[0] == 0 ? NULL : strchr(fixed, b.data[0]);

    if (++*values > TABLE_VALUES_MAX)
        return 0;
    if (row != NULL && b.data[0] > '9')
        return 1u + (size_t)(row[1] - '0') <= b.size ? 1u + (size_t)(row[1] - '0') : 0;
    if (b.data[0] == 0 || strchr("SxAF", b.data[0]) == NULL || b.size < 5)
        return 0;
    size_t size = get_be32(b.data + 1);
    if (size > b.size - 5)
        return 0;
    if (b.data[0] == 'S' || b.data[0] == 'x')
        return 5 + size;
    return plain_table(bytes_of(b.data + 5, size), depth + 1, values, b.data[0] == 'A') ? 5 + size
                                                                                        : 0;
}

static void test_random_and_damaged_tables_are_judged_as_by_a_plain_check(void **state)
{
    struct rand r;
    struct buf b;
    size_t good = 0;
    size_t bad = 0;

    (void)state;
    rand_init(&r, test_seed());
    buf_init(&b, RANDOM_SIZE_MAX);
    for (int round = 0; round < 20000; round++) {
        buf_clear(&b);
        random_table(&r, &b, 6, 3);
        if (round % 2 == 0)
            assert_int_equal(check(buf_view(&b)), 0);
        for (uint64_t i = rand_below(&r, 3); i > 0 && b.size > 0; i--)
            b.data[rand_below(&r, b.size)] =
                (uint8_t)(rand_chance(&r, 1, 2) ? rand_below(&r, 8) : rand_next(&r));
        struct bytes exact = hex_copy(buf_view(&b));
        size_t values = 0;
        bool is_good = plain_table(exact, 1, &values, false);
        assert_int_equal(check(exact) == 0, is_good);
        good += is_good ? 1 : 0;
        bad += is_good ? 0 : 1;
        hex_free(exact);
    }
    assert_true(good > 1000 && bad > 1000);
    buf_release(&b);
}

static bool equal(const char *text_a, const char *text_b)
{
    struct bytes a = hex_new(text_a);
    struct bytes b = hex_new(text_b);
    struct reader reader_a = reader_of(a);
    struct reader reader_b = reader_of(b);
    struct field field_a;
    struct field field_b;

    assert_true(field_read(&reader_a, &field_a) && field_read(&reader_b, &field_b));
    bool is_equal = field_equal(&field_a, &field_b);
    assert_int_equal(field_equal(&field_b, &field_a), is_equal);
    assert_true(field_equal(&field_a, &field_a));
    hex_free(a);
    hex_free(b);
    return is_equal;
}

static void test_integers_are_equal_by_number_whatever_their_width(void **state)
{
    static const char *const ones[] = {
        "62 01",
        "42 01",
        "73 0001",
        "75 0001",
        "49 00000001",
        "69 00000001",
        "6c 0000000000000001",
        "4c 0000000000000001",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(ones); i++) {
        for (size_t k = 0; k < ARRAY_SIZE(ones); k++)
            assert_true(equal(ones[i], ones[k]));
        assert_false(equal(ones[i], "62 02"));
        assert_false(equal(ones[i], "74 01"));               /* no bool */
        assert_false(equal(ones[i], "54 0000000000000001")); /* no time */
        assert_false(equal(ones[i], "64 3ff0000000000000")); /* no double */
        assert_false(equal(ones[i], "44 00 00000001"));      /* no decimal */
        assert_false(equal(ones[i], "53 00000001 '1'"));     /* no text */
    }
    assert_true(equal("62 ff", "6c ffffffffffffffff")); /* -1 */
    assert_false(equal("42 ff", "62 ff"));              /* 255 and -1 */
    assert_false(equal("69 ffffffff", "49 ffffffff"));
}

static void test_other_values_are_equal_by_type_and_content(void **state)
{
    (void)state;
    assert_true(equal("74 01", "74 ff")); /* both true */
    assert_false(equal("74 01", "74 00"));
    assert_true(equal("66 3fc00000", "64 3ff8000000000000")); /* 1.5 */
    assert_false(equal("66 3fc00000", "64 3ff8000000000001"));
    assert_true(equal("66 80000000", "66 00000000"));          /* -0 and 0 */
    assert_false(equal("66 7fc00000", "64 7ff8000000000000")); /* NaN, but not the same bytes */
    assert_true(equal("53 00000001 'a'", "53 00000001 'a'"));
    assert_false(equal("53 00000001 'a'", "53 00000001 'b'"));
    assert_false(equal("53 00000001 'a'", "78 00000001 'a'")); /* binary is no text */
    assert_true(equal("44 01 00000002", "44 01 00000002"));
    assert_false(equal("44 01 00000002", "44 02 00000014"));
    assert_true(equal("56", "56"));
    assert_false(equal("56", "74 00"));
    assert_true(equal("54 0000000000000001", "54 0000000000000001"));
}

static void test_tables_and_arrays_are_equal_entry_by_entry(void **state)
{
    (void)state;
    assert_true(equal("46 00000004 01 'a' 62 01", "46 00000005 01 'a' 73 0001"));
    assert_false(equal("46 00000004 01 'a' 62 01", "46 00000004 01 'b' 62 01"));
    assert_false(equal("46 00000004 01 'a' 62 01", "46 00000000"));
    assert_false(equal("46 00000000", "41 00000000"));
    assert_true(equal("41 00000003 62 01 56", "41 00000006 49 00000001 56"));
    assert_false(equal("41 00000003 62 01 56", "41 00000002 62 01"));
    assert_false(equal("41 00000003 56 62 01", "41 00000003 62 01 56")); /* the order counts */
    assert_true(equal("41 00000007 46 00000002 00 56", "41 00000007 46 00000002 00 56"));
    assert_false(equal("41 00000007 46 00000002 00 56", "41 00000008 46 00000003 00 74 00"));
}

static void walk_over_garbage(void *owner)
{
    struct table t = {.bytes = *(struct bytes *)owner};
    struct field f;

    (void)table_find(t, bytes_text("a"), &f);
}

static void test_a_walk_over_an_unchecked_table_stops_the_program(void **state)
{
    struct bytes b = bytes_of("\1aU", 3);

    (void)state;
    expect_death(walk_over_garbage, &b, "is_whole");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_a_table_with_every_type_is_walked_in_its_order),
        LEAK_CHECKED(test_nested_tables_and_arrays_are_walked),
        LEAK_CHECKED(test_find_gives_the_last_of_equal_names),
        LEAK_CHECKED(test_an_empty_table_is_a_table),
        LEAK_CHECKED(test_a_table_cut_anywhere_but_between_entries_is_refused),
        LEAK_CHECKED(test_broken_tables_are_refused),
        LEAK_CHECKED(test_tables_may_lie_32_deep_and_no_deeper),
        LEAK_CHECKED(test_many_levels_beside_one_another_are_not_deep),
        LEAK_CHECKED(test_the_number_of_values_has_a_limit),
        LEAK_CHECKED(test_a_hundred_thousand_equal_names_are_a_table),
        LEAK_CHECKED(test_random_and_damaged_tables_are_judged_as_by_a_plain_check),
        LEAK_CHECKED(test_integers_are_equal_by_number_whatever_their_width),
        LEAK_CHECKED(test_other_values_are_equal_by_type_and_content),
        LEAK_CHECKED(test_tables_and_arrays_are_equal_entry_by_entry),
        LEAK_CHECKED(test_a_walk_over_an_unchecked_table_stops_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
