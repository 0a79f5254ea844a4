/* Fuzz target: a field table from a peer. What is accepted must be walkable at every depth, equal
 * to itself, and the same after each of the ways to copy it. */
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "msg/table.h"
#include "msg/table_writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t values_in_table(struct table t);

static size_t values_in(const struct field *f)
{
    struct table t;
    struct array a;
    size_t count = 1;

    ASSERT(field_type_name(f) != NULL);
    if (field_as_table(f, &t))
        count += values_in_table(t);
    if (field_as_array(f, &a)) {
        struct array_walk w = array_walk(a);
        struct field item;
        while (array_next(&w, &item))
            count += values_in(&item);
    }
    return count;
}

static size_t values_in_table(struct table t)
{
    struct table_walk w = table_walk(t);
    struct table_entry e;
    size_t count = 0;

    while (table_next(&w, &e))
        count += values_in(&e.value);
    return count;
}

static void check_copies(struct table t, struct buf *out)
{
    struct table_walk w = table_walk(t);
    struct table_writer writer;
    struct table_entry e;
    struct table copy;

    table_writer_init(&writer, out);
    while (table_next(&w, &e))
        table_writer_field(&writer, e.name, &e.value);
    int rv = table_writer_finish(&writer, &copy);
    ASSERT(rv == 0);
    ASSERT(bytes_equal(copy.bytes, t.bytes));

    buf_clear(out);
    table_rewrite(t, (struct table){{0}}, NULL, 0, out);
    ASSERT(bytes_equal(buf_view(out), t.bytes));

    buf_clear(out);
    table_sort(t, out);
    rv = table_decode(buf_view(out), &copy);
    ASSERT(rv == 0);
    ASSERT(copy.bytes.size == t.bytes.size && table_count(copy) == table_count(t));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct table t;
    struct table_entry e;
    struct field found;
    struct buf out;

    if (table_decode(bytes_of(data, size), &t) != 0)
        return 0;
    ASSERT(values_in_table(t) <= TABLE_VALUES_MAX);
    ASSERT(table_equal(t, t));
    struct table_walk w = table_walk(t);
    if (table_next(&w, &e)) {
        bool is_found = table_find(t, e.name, &found);
        ASSERT(is_found);
    }
    buf_init(&out, size);
    check_copies(t, &out);
    buf_release(&out);
    return 0;
}
