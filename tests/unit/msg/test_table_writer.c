/* Tests of msg/table_writer. */
#include "msg/table_writer.h"

#include "base/err.h"
#include "base/mem.h"
#include "tests/lib/fault_heap.h"
#include "tests/lib/hex.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"
#include "tests/unit/msg/random_table.h"

enum { LIMIT = 1 << 20 };

static void write_every_type(struct table_writer *w)
{
    table_writer_bool(w, "bool", true);
    table_writer_integer(w, "byte", FIELD_BYTE, -128);
    table_writer_integer(w, "ubyte", FIELD_UNSIGNED_BYTE, 255);
    table_writer_integer(w, "short", FIELD_SHORT, -2);
    table_writer_integer(w, "ushort", FIELD_UNSIGNED_SHORT, 65534);
    table_writer_integer(w, "int", FIELD_INT, -2);
    table_writer_integer(w, "uint", FIELD_UNSIGNED_INT, 4294967294);
    table_writer_long(w, "long", -2);
    table_writer_integer(w, "long2", FIELD_LONG_TOO, 1);
    table_writer_float(w, "float", 1.5F);
    table_writer_double(w, "double", 1.5);
    table_writer_decimal(w, "decimal", 2, 12345);
    table_writer_text(w, "text", bytes_text("hello"));
    table_writer_binary(w, "binary", bytes_of("\x00\xff", 2));
    table_writer_time(w, "time", 0x684f3c20);
    table_writer_void(w, "void");
    table_writer_begin_array(w, "array");
    table_writer_integer(w, NULL, FIELD_INT, 1);
    table_writer_text(w, NULL, bytes_text("x"));
    table_writer_begin_array(w, NULL);
    table_writer_end(w);
    table_writer_end(w);
    table_writer_begin_table(w, "table");
    table_writer_begin_table(w, "in");
    table_writer_begin_array(w, "list");
    table_writer_bool(w, NULL, false);
    table_writer_void(w, NULL);
    table_writer_end(w);
    table_writer_end(w);
    table_writer_end(w);
    table_writer_void(w, "");
}

static const char every_type[] =
    "04 'bool' 74 01  04 'byte' 62 80  05 'ubyte' 42 ff  05 'short' 73 fffe  06 'ushort' 75 fffe "
    "03 'int' 49 fffffffe  04 'uint' 69 fffffffe  04 'long' 6c fffffffffffffffe "
    "05 'long2' 4c 0000000000000001  05 'float' 66 3fc00000  06 'double' 64 3ff8000000000000 "
    "07 'decimal' 44 02 00003039  04 'text' 53 00000005 'hello'  06 'binary' 78 00000002 00ff "
    "04 'time' 54 00000000684f3c20  04 'void' 56 "
    "05 'array' 41 00000010  49 00000001  53 00000001 'x'  41 00000000 "
    "05 'table' 46 00000015  02 'in' 46 0000000d 04 'list' 41 00000003 74 00 56 "
    "00 56";

static void test_every_type_is_written_as_the_specification_says(void **state)
{
    struct buf b;
    struct table_writer w;
    struct table t;

    (void)state;
    buf_init(&b, LIMIT);
    buf_u8(&b, 0xee); /* what was there stays */
    table_writer_init(&w, &b);
    write_every_type(&w);
    assert_int_equal(table_writer_finish(&w, &t), 0);
    hex_expect(t.bytes, every_type);
    assert_ptr_equal(t.bytes.data, b.data + 1);
    assert_int_equal(b.data[0], 0xee);
    buf_release(&b);
}

static void test_an_empty_table_is_written_as_nothing(void **state)
{
    struct buf b;
    struct table_writer w;
    struct table t;

    (void)state;
    buf_init(&b, LIMIT);
    table_writer_init(&w, &b);
    assert_int_equal(table_writer_finish(&w, &t), 0);
    assert_int_equal(t.bytes.size, 0);
    buf_release(&b);
}

static void test_refused_memory_shows_at_the_end(void **state)
{
    struct fault_heap f;
    uint64_t k = 0;
    size_t refusals = 0;
    int rv = 0;

    (void)state;
    do {
        struct buf b;
        struct table_writer w;
        struct table t;
        fault_heap_start(&f, ++k, false);
        buf_init(&b, LIMIT);
        table_writer_init(&w, &b);
        write_every_type(&w);
        rv = table_writer_finish(&w, &t);
        assert_int_equal(rv, f.refused > 0 ? ERR_NO_MEMORY : 0);
        refusals += f.refused;
        buf_release(&b);
    } while (fault_heap_stop(&f));
    assert_int_equal(rv, 0);
    assert_true(refusals >= 2);
}

static void test_a_full_buffer_shows_at_the_end_wherever_it_filled_up(void **state)
{
    struct bytes whole = hex_new(every_type);

    (void)state;
    for (size_t limit = 0; limit <= whole.size; limit++) {
        struct buf b;
        struct table_writer w;
        struct table t;
        buf_init(&b, limit);
        table_writer_init(&w, &b);
        write_every_type(&w);
        assert_int_equal(table_writer_finish(&w, &t), limit < whole.size ? ERR_FULL : 0);
        buf_release(&b);
    }
    hex_free(whole);
}

/* What comes of `depth` tables in one another, the outermost counted. */
static int write_deep(size_t depth)
{
    struct buf b;
    struct table_writer w;
    struct table t;

    buf_init(&b, LIMIT);
    table_writer_init(&w, &b);
    for (size_t i = 1; i < depth; i++)
        table_writer_begin_table(&w, "a");
    table_writer_long(&w, "bottom", 1);
    for (size_t i = 1; i < depth; i++)
        table_writer_end(&w);
    int rv = table_writer_finish(&w, &t);
    buf_release(&b);
    return rv;
}

static void test_nothing_is_written_that_could_not_be_read(void **state)
{
    char name[TABLE_NAME_MAX + 2];
    struct buf b;
    struct table_writer w;
    struct table t;

    (void)state;
    assert_int_equal(write_deep(TABLE_DEPTH_MAX), 0);
    assert_int_equal(write_deep(TABLE_DEPTH_MAX + 1), ERR_RANGE);
    assert_int_equal(write_deep(TABLE_DEPTH_MAX + 2), ERR_RANGE);
    assert_int_equal(write_deep(1000), ERR_RANGE);

    for (size_t over = 0; over <= 1; over++) {
        memset(name, 'n', sizeof(name));
        name[TABLE_NAME_MAX + over] = '\0';
        buf_init(&b, LIMIT);
        table_writer_init(&w, &b);
        table_writer_long(&w, name, 1);
        table_writer_begin_array(&w, "after");
        table_writer_void(&w, NULL);
        table_writer_end(&w);
        assert_int_equal(table_writer_finish(&w, &t), over == 0 ? 0 : ERR_RANGE);
        buf_release(&b);
    }

    buf_init(&b, LIMIT);
    table_writer_init(&w, &b);
    for (size_t i = 0; i <= TABLE_VALUES_MAX; i++)
        table_writer_void(&w, "");
    assert_int_equal(table_writer_finish(&w, &t), ERR_RANGE);
    buf_release(&b);
}

static struct table random_into(struct rand *r, struct buf *b, size_t entries, unsigned depth)
{
    struct table t;

    buf_clear(b);
    random_table(r, b, entries, depth);
    assert_int_equal(table_decode(buf_view(b), &t), 0);
    return t;
}

/* Copies value by value, those of arrays and tables as a whole. */
static void copy_fields(struct table from, struct table_writer *w)
{
    struct table_walk walk = table_walk(from);
    struct table_entry e;

    while (table_next(&walk, &e))
        table_writer_field(w, e.name, &e.value);
}

static void test_a_table_copied_field_by_field_is_the_same(void **state)
{
    struct rand r;
    struct buf from;
    struct buf to;
    struct table_writer w;
    struct table t;

    (void)state;
    rand_init(&r, test_seed());
    buf_init(&from, LIMIT);
    buf_init(&to, LIMIT);
    for (int round = 0; round < 2000; round++) {
        struct table source = random_into(&r, &from, 8, 3);
        buf_clear(&to);
        table_writer_init(&w, &to);
        copy_fields(source, &w);
        assert_int_equal(table_writer_finish(&w, &t), 0);
        assert_true(bytes_equal(t.bytes, source.bytes));
        assert_true(table_equal(t, source));
    }
    buf_release(&from);
    buf_release(&to);
}

static void test_fields_are_copied_into_arrays_without_their_names(void **state)
{
    struct buf b;
    struct table_writer w;
    struct table t;
    struct field f = {.type = FIELD_TEXT, .bytes = bytes_text("abc")};

    (void)state;
    buf_init(&b, LIMIT);
    table_writer_init(&w, &b);
    table_writer_begin_array(&w, "a");
    table_writer_field(&w, bytes_text("name"), &f);
    f = (struct field){.type = FIELD_UNSIGNED_BYTE, .bytes = bytes_of("\x07", 1)};
    table_writer_field(&w, bytes_text("name"), &f);
    table_writer_end(&w);
    assert_int_equal(table_writer_finish(&w, &t), 0);
    hex_expect(t.bytes, "01 'a' 41 0000000a 53 00000003 'abc' 42 07");
    buf_release(&b);
}

/* table_rewrite() of tables written down by hand; the names to remove are one letter each. */
static void expect_rewrite(const char *from, const char *set, const char *removed,
                           const char *expected)
{
    struct bytes from_bytes = hex_new(from);
    struct bytes set_bytes = hex_new(set);
    struct bytes names[8];
    struct table from_table;
    struct table set_table;
    struct buf b;

    assert_int_equal(table_decode(from_bytes, &from_table), 0);
    assert_int_equal(table_decode(set_bytes, &set_table), 0);
    for (size_t i = 0; removed[i] != '\0'; i++)
        names[i] = bytes_of(removed + i, 1);
    buf_init(&b, LIMIT);
    table_rewrite(from_table, set_table, names, strlen(removed), &b);
    assert_int_equal(buf_error(&b), 0);
    hex_expect(buf_view(&b), expected);
    buf_release(&b);
    hex_free(from_bytes);
    hex_free(set_bytes);
}

static void test_a_rewrite_sets_removes_and_keeps_the_order(void **state)
{
    static const char abc[] = "01'a' 6201  01'b' 7401  01'c' 53 00000001 'x'";

    (void)state;
    expect_rewrite(abc, "", "", abc);
    expect_rewrite(abc, "", "b", "01'a' 6201  01'c' 53 00000001 'x'");
    expect_rewrite(abc, "", "cab", "");
    expect_rewrite(abc, "", "z", abc);
    expect_rewrite(abc, "01'b' 56", "", "01'a' 6201  01'b' 56  01'c' 53 00000001 'x'");
    expect_rewrite(abc, "01'z' 56", "a", "01'b' 7401  01'c' 53 00000001 'x'  01'z' 56");
    expect_rewrite(abc, "01'z' 56 01'a' 4209 01'y' 56", "",
                   "01'a' 4209  01'b' 7401  01'c' 53 00000001 'x'  01'z' 56 01'y' 56");
    expect_rewrite("", "01'z' 56 01'y' 56", "", "01'z' 56 01'y' 56");
    /* Removed and set at once: the old one goes, the new one comes at the end. */
    expect_rewrite(abc, "01'a' 56", "a", "01'b' 7401  01'c' 53 00000001 'x'  01'a' 56");
}

static void test_a_rewrite_leaves_one_entry_of_equal_names_it_sets(void **state)
{
    (void)state;
    expect_rewrite("01'a' 6201 01'b' 6202 01'a' 6203", "01'a' 6209", "", "01'a' 6209 01'b' 6202");
    expect_rewrite("01'a' 6201 01'b' 6202 01'a' 6203", "", "a", "01'b' 6202");
    expect_rewrite("01'a' 6201 01'b' 6202 01'a' 6203", "01'b' 56", "",
                   "01'a' 6201 01'b' 56 01'a' 6203"); /* what is not touched stays as it is */
}

static void test_a_rewrite_sets_as_many_as_it_says(void **state)
{
    struct buf b;
    struct buf out;
    struct table set;

    (void)state;
    buf_init(&b, LIMIT);
    buf_init(&out, LIMIT);
    for (size_t i = 0; i < TABLE_SET_MAX; i++) {
        buf_u8(&b, 1);
        buf_u8(&b, (uint8_t)i);
        buf_u8(&b, 'V');
    }
    assert_int_equal(table_decode(buf_view(&b), &set), 0);
    table_rewrite(set, set, NULL, 0, &out);
    assert_true(bytes_equal(buf_view(&out), buf_view(&b)));
    buf_clear(&out);
    table_rewrite((struct table){{0}}, set, NULL, 0, &out);
    assert_true(bytes_equal(buf_view(&out), buf_view(&b)));
    buf_release(&b);
    buf_release(&out);
}

static void test_a_sorted_table_is_ordered_by_the_bytes_of_its_names(void **state)
{
    struct bytes b =
        hex_new("01'b' 6201  00 6202  02'ab' 6203  01'a' 6204  01 ff 6205  01'b' 6206");
    struct table t;
    struct buf out;

    (void)state;
    assert_int_equal(table_decode(b, &t), 0);
    buf_init(&out, LIMIT);
    table_sort(t, &out);
    hex_expect(buf_view(&out),
               "00 6202  01'a' 6204  02'ab' 6203  01'b' 6201  01'b' 6206  01 ff 6205");
    buf_clear(&out);
    table_sort((struct table){{0}}, &out);
    assert_int_equal(out.size, 0);
    buf_release(&out);
    hex_free(b);
}

/* Adds the entries in another order; equal names keep theirs, as they are not mixed. */
static void shuffle(struct rand *r, struct table t, struct buf *out)
{
    size_t count = table_count(t);
    struct table_entry *entries = MEM_NEW_ARRAY(struct table_entry, count + 1);
    struct table_walk w = table_walk(t);

    for (size_t i = 0; i < count; i++)
        assert_true(table_next(&w, &entries[i]));
    for (size_t i = 0; i + 1 < 4 * count; i++) {
        size_t k = rand_below(r, count - 1);
        struct table_entry left = entries[k];
        if (bytes_equal(left.name, entries[k + 1].name))
            continue;
        entries[k] = entries[k + 1];
        entries[k + 1] = left;
    }
    for (size_t i = 0; i < count; i++)
        buf_bytes(out, entries[i].whole);
    mem_free(entries);
}

static void test_the_same_entries_in_any_order_sort_to_the_same_bytes(void **state)
{
    struct rand r;
    struct buf from;
    struct buf shuffled;
    struct buf sorted[2];
    struct table t;
    size_t moved = 0;

    (void)state;
    rand_init(&r, test_seed());
    buf_init(&from, LIMIT);
    buf_init(&shuffled, LIMIT);
    buf_init(&sorted[0], LIMIT);
    buf_init(&sorted[1], LIMIT);
    for (int round = 0; round < 1000; round++) {
        struct table source = random_into(&r, &from, 12, 1);
        if (table_count(source) < 2)
            continue;
        buf_clear(&shuffled);
        shuffle(&r, source, &shuffled);
        moved += bytes_equal(buf_view(&shuffled), source.bytes) ? 0 : 1;
        assert_int_equal(table_decode(buf_view(&shuffled), &t), 0);
        buf_clear(&sorted[0]);
        buf_clear(&sorted[1]);
        table_sort(source, &sorted[0]);
        table_sort(t, &sorted[1]);
        assert_int_equal(sorted[0].size, source.bytes.size);
        assert_true(bytes_equal(buf_view(&sorted[0]), buf_view(&sorted[1])));
    }
    assert_true(moved > 100);
    buf_release(&from);
    buf_release(&shuffled);
    buf_release(&sorted[0]);
    buf_release(&sorted[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_every_type_is_written_as_the_specification_says),
        LEAK_CHECKED(test_an_empty_table_is_written_as_nothing),
        LEAK_CHECKED(test_refused_memory_shows_at_the_end),
        LEAK_CHECKED(test_a_full_buffer_shows_at_the_end_wherever_it_filled_up),
        LEAK_CHECKED(test_nothing_is_written_that_could_not_be_read),
        LEAK_CHECKED(test_a_table_copied_field_by_field_is_the_same),
        LEAK_CHECKED(test_fields_are_copied_into_arrays_without_their_names),
        LEAK_CHECKED(test_a_rewrite_sets_removes_and_keeps_the_order),
        LEAK_CHECKED(test_a_rewrite_leaves_one_entry_of_equal_names_it_sets),
        LEAK_CHECKED(test_a_rewrite_sets_as_many_as_it_says),
        LEAK_CHECKED(test_a_sorted_table_is_ordered_by_the_bytes_of_its_names),
        LEAK_CHECKED(test_the_same_entries_in_any_order_sort_to_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
