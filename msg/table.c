/* Checks and walks of field tables. The check does not recurse, because bytes that nobody has
 * checked yet decide how deep it would go. */
#include "msg/table.h"

#include "base/err.h"

/* What is left of a table or array. */
struct level {
    struct reader rest;
    bool is_array;
};

int table_decode(struct bytes b, struct table *out)
{
    struct level around[TABLE_DEPTH_MAX]; /* the levels that the one below is in */
    struct level in = {.rest = reader_of(b)};
    size_t depth = 0;
    size_t values = 0;

    for (;;) {
        struct field f;
        if (in.rest.left == 0) {
            if (depth == 0)
                break;
            in = around[--depth];
            continue;
        }
        if (!in.is_array)
            (void)reader_skip(&in.rest, reader_u8(&in.rest)); /* if it is cut, so is the value */
        if (!field_read(&in.rest, &f))
            return ERR_INVALID;
        if (++values > TABLE_VALUES_MAX)
            return ERR_RANGE; /* T3 */
        if (f.type != FIELD_TABLE && f.type != FIELD_ARRAY)
            continue;
        if (depth + 1 == TABLE_DEPTH_MAX)
            return ERR_RANGE; /* T2 */
        around[depth++] = in;
        in = (struct level){.rest = reader_of(f.bytes), .is_array = f.type == FIELD_ARRAY};
    }
    out->bytes = b;
    return 0;
}

/* The next entry's name and value. */
static inline bool next(struct reader *rest, struct bytes *name, struct field *value)
{
    if (rest->left == 0)
        return false;
    *name = reader_bytes(rest, reader_u8(rest));
    bool is_whole = field_read(rest, value);
    ASSERT(is_whole); /* T1 */
    return true;
}

struct table_walk table_walk(struct table t)
{
    return (struct table_walk){.rest = reader_of(t.bytes)};
}

bool table_next(struct table_walk *w, struct table_entry *out)
{
    const uint8_t *from = w->rest.at;

    if (!next(&w->rest, &out->name, &out->value))
        return false;
    out->whole = bytes_of(from, (size_t)(w->rest.at - from));
    return true;
}

struct array_walk array_walk(struct array a)
{
    return (struct array_walk){.rest = reader_of(a.bytes)};
}

bool array_next(struct array_walk *w, struct field *out)
{
    if (w->rest.left == 0)
        return false;
    bool is_whole = field_read(&w->rest, out);
    ASSERT(is_whole); /* T1 */
    return true;
}

bool table_find(struct table t, struct bytes name, struct field *out)
{
    struct reader rest = reader_of(t.bytes);
    struct bytes its_name;
    struct field value;
    bool is_found = false;

    while (next(&rest, &its_name, &value)) {
        if (!bytes_equal(its_name, name))
            continue;
        *out = value;
        is_found = true;
    }
    return is_found;
}

size_t table_count(struct table t)
{
    struct table_walk w = table_walk(t);
    struct table_entry e;
    size_t count = 0;

    while (table_next(&w, &e))
        count++;
    ASSERT(count <= TABLE_VALUES_MAX); /* T3 */
    return count;
}

size_t array_count(struct array a)
{
    struct array_walk w = array_walk(a);
    struct field f;
    size_t count = 0;

    while (array_next(&w, &f))
        count++;
    ASSERT(count <= TABLE_VALUES_MAX); /* T3 */
    return count;
}

bool table_equal(struct table a, struct table b)
{
    struct table_walk walk_a = table_walk(a);
    struct table_walk walk_b = table_walk(b);
    struct table_entry entry_a;
    struct table_entry entry_b;

    while (table_next(&walk_a, &entry_a)) {
        if (!table_next(&walk_b, &entry_b) || !bytes_equal(entry_a.name, entry_b.name) ||
            !field_equal(&entry_a.value, &entry_b.value))
            return false;
    }
    return walk_b.rest.left == 0;
}

bool array_equal(struct array a, struct array b)
{
    struct array_walk walk_a = array_walk(a);
    struct array_walk walk_b = array_walk(b);
    struct field field_a;
    struct field field_b;

    while (array_next(&walk_a, &field_a)) {
        if (!array_next(&walk_b, &field_b) || !field_equal(&field_a, &field_b))
            return false;
    }
    return walk_b.rest.left == 0;
}

/* Numbers are equal by value; NaN, which is equal to nothing, by its bytes. */
static bool real_equal(const struct field *a, const struct field *b)
{
    double value_a = 0;
    double value_b = 0;

    if (a->type == b->type && bytes_equal(a->bytes, b->bytes))
        return true;
    return field_as_real(a, &value_a) && field_as_real(b, &value_b) && value_a == value_b;
}

/* Recurses through tables and arrays: T2. */
bool field_equal(const struct field *a, const struct field *b)
{
    int64_t integer_a = 0;
    int64_t integer_b = 0;

    if (field_as_integer(a, &integer_a))
        return field_as_integer(b, &integer_b) && integer_a == integer_b;
    if (a->type == FIELD_FLOAT || a->type == FIELD_DOUBLE)
        return real_equal(a, b);
    if (a->type != b->type)
        return false;

    switch (a->type) {
    case FIELD_BOOL:
        return (a->bytes.data[0] != 0) == (b->bytes.data[0] != 0);
    case FIELD_TABLE:
        return table_equal((struct table){a->bytes}, (struct table){b->bytes});
    case FIELD_ARRAY:
        return array_equal((struct array){a->bytes}, (struct array){b->bytes});
    default:
        return bytes_equal(a->bytes, b->bytes);
    }
}
