/* Builds field tables, and copies them with changes. */
#include "msg/table_writer.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"

enum { SIZE_SIZE = 4 };

static bool is_in_array(const struct table_writer *w)
{
    ASSERT(w->depth <= TABLE_DEPTH_MAX);
    return w->depth > 0 && w->open[w->depth - 1].is_array;
}

/* What stands before each value: its name, where it has one, and the tag. */
static void put_name_and_tag(struct table_writer *w, struct bytes name, enum field_type type)
{
    if (name.size > TABLE_NAME_MAX)
        w->error = ERR_RANGE;
    if (w->error != 0)
        return;
    if (is_in_array(w)) {
        buf_u8(w->out, (uint8_t)type);
        return;
    }
    uint8_t *at = buf_extend(w->out, 1 + name.size + 1);
    if (at == NULL)
        return;
    struct writer to = writer_of(at, 1 + name.size + 1);
    writer_u8(&to, (uint8_t)name.size);
    writer_bytes(&to, name);
    writer_u8(&to, (uint8_t)type);
}

static void put_head(struct table_writer *w, const char *name, enum field_type type)
{
    ASSERT(w->error != 0 || (name == NULL) == is_in_array(w));
    put_name_and_tag(w, name == NULL ? bytes_of(NULL, 0) : bytes_text(name), type);
}

static void put_sized(struct table_writer *w, struct bytes value)
{
    ASSERT(value.size <= UINT32_MAX);
    buf_be32(w->out, (uint32_t)value.size);
    buf_bytes(w->out, value);
}

void table_writer_init(struct table_writer *w, struct buf *out)
{
    w->out = out;
    w->start = out->size;
    w->depth = 0;
    w->error = 0;
}

void table_writer_bool(struct table_writer *w, const char *name, bool value)
{
    put_head(w, name, FIELD_BOOL);
    buf_u8(w->out, value ? 1 : 0);
}

void table_writer_integer(struct table_writer *w, const char *name, enum field_type type,
                          int64_t value)
{
    put_head(w, name, type);
    switch (type) {
    case FIELD_BYTE:
        ASSERT(value >= INT8_MIN && value <= INT8_MAX);
        buf_u8(w->out, (uint8_t)value);
        break;
    case FIELD_UNSIGNED_BYTE:
        ASSERT(value >= 0 && value <= UINT8_MAX);
        buf_u8(w->out, (uint8_t)value);
        break;
    case FIELD_SHORT:
        ASSERT(value >= INT16_MIN && value <= INT16_MAX);
        buf_be16(w->out, (uint16_t)value);
        break;
    case FIELD_UNSIGNED_SHORT:
        ASSERT(value >= 0 && value <= UINT16_MAX);
        buf_be16(w->out, (uint16_t)value);
        break;
    case FIELD_INT:
        ASSERT(value >= INT32_MIN && value <= INT32_MAX);
        buf_be32(w->out, (uint32_t)value);
        break;
    case FIELD_UNSIGNED_INT:
        ASSERT(value >= 0 && value <= UINT32_MAX);
        buf_be32(w->out, (uint32_t)value);
        break;
    default:
        ASSERT(type == FIELD_LONG || type == FIELD_LONG_TOO);
        buf_be64(w->out, (uint64_t)value);
        break;
    }
}

void table_writer_long(struct table_writer *w, const char *name, int64_t value)
{
    table_writer_integer(w, name, FIELD_LONG, value);
}

void table_writer_float(struct table_writer *w, const char *name, float value)
{
    uint32_t bits = 0;

    STATIC_ASSERT(sizeof(bits) == sizeof(value), "a float has four bytes");
    memcpy(&bits, &value, sizeof(bits));
    put_head(w, name, FIELD_FLOAT);
    buf_be32(w->out, bits);
}

void table_writer_double(struct table_writer *w, const char *name, double value)
{
    uint64_t bits = 0;

    STATIC_ASSERT(sizeof(bits) == sizeof(value), "a double has eight bytes");
    memcpy(&bits, &value, sizeof(bits));
    put_head(w, name, FIELD_DOUBLE);
    buf_be64(w->out, bits);
}

void table_writer_decimal(struct table_writer *w, const char *name, uint8_t scale, uint32_t value)
{
    put_head(w, name, FIELD_DECIMAL);
    buf_u8(w->out, scale);
    buf_be32(w->out, value);
}

void table_writer_text(struct table_writer *w, const char *name, struct bytes value)
{
    put_head(w, name, FIELD_TEXT);
    put_sized(w, value);
}

void table_writer_binary(struct table_writer *w, const char *name, struct bytes value)
{
    put_head(w, name, FIELD_BINARY);
    put_sized(w, value);
}

void table_writer_time(struct table_writer *w, const char *name, uint64_t time_s)
{
    put_head(w, name, FIELD_TIME);
    buf_be64(w->out, time_s);
}

void table_writer_void(struct table_writer *w, const char *name)
{
    put_head(w, name, FIELD_VOID);
}

/* A level deeper than any reader would follow is counted, so that its end is known, but not
 * kept. */
static void begin(struct table_writer *w, const char *name, enum field_type type)
{
    if (w->depth >= TABLE_DEPTH_MAX)
        w->error = ERR_RANGE;
    if (w->error == 0) {
        put_head(w, name, type);
        buf_be32(w->out, 0); /* its size, once it is known */
        w->open[w->depth].start = w->out->size;
        w->open[w->depth].is_array = type == FIELD_ARRAY;
    }
    w->depth++;
}

void table_writer_begin_table(struct table_writer *w, const char *name)
{
    begin(w, name, FIELD_TABLE);
}

void table_writer_begin_array(struct table_writer *w, const char *name)
{
    begin(w, name, FIELD_ARRAY);
}

void table_writer_end(struct table_writer *w)
{
    ASSERT(w->depth > 0);
    w->depth--;
    if (w->error != 0 || buf_error(w->out) != 0)
        return;

    size_t start = w->open[w->depth].start;
    size_t size = w->out->size - start;
    ASSERT(size <= UINT32_MAX);
    put_be32(w->out->data + start - SIZE_SIZE, (uint32_t)size);
}

void table_writer_field(struct table_writer *w, struct bytes name, const struct field *value)
{
    put_name_and_tag(w, name, value->type);
    switch (value->type) {
    case FIELD_TEXT:
    case FIELD_BINARY:
    case FIELD_ARRAY:
    case FIELD_TABLE:
        put_sized(w, value->bytes);
        break;
    default:
        buf_bytes(w->out, value->bytes);
        break;
    }
}

int table_writer_finish(struct table_writer *w, struct table *out)
{
    ASSERT(w->depth == 0);
    if (w->error != 0)
        return w->error;
    if (buf_error(w->out) != 0)
        return buf_error(w->out);

    struct reader r = reader_of(buf_view(w->out));
    (void)reader_skip(&r, w->start);
    int rv = table_decode(bytes_of(r.at, r.left), out);
    ASSERT(rv == 0 || rv == ERR_RANGE); /* what was written can be read */
    return rv;
}

/* One table_rewrite(): what is set, and which of it has found its place. */
struct change {
    struct table set;
    uint64_t placed;
};

/* Adds the new entry for that name, unless it is there already. Returns whether there is one. */
static bool place(struct change *c, struct bytes name, struct buf *out)
{
    struct table_walk w = table_walk(c->set);
    struct table_entry e;

    for (uint64_t bit = 1; table_next(&w, &e); bit <<= 1) {
        if (!bytes_equal(e.name, name))
            continue;
        if ((c->placed & bit) == 0)
            buf_bytes(out, e.whole);
        c->placed |= bit;
        return true;
    }
    return false;
}

static bool is_one_of(struct bytes name, const struct bytes *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes_equal(name, names[i]))
            return true;
    }
    return false;
}

void table_rewrite(struct table from, struct table set, const struct bytes *remove, size_t count,
                   struct buf *out)
{
    struct change c = {.set = set};
    struct table_walk w = table_walk(from);
    struct table_entry e;

    ASSERT(table_count(set) <= TABLE_SET_MAX);
    while (table_next(&w, &e)) {
        if (!is_one_of(e.name, remove, count) && !place(&c, e.name, out))
            buf_bytes(out, e.whole);
    }
    w = table_walk(set);
    while (table_next(&w, &e))
        (void)place(&c, e.name, out);
}

/* Orders entries, each given by a pointer to its first byte, by name; those of one name by where
 * they lie, as all are in one table. */
static int by_name(const void *a, const void *b)
{
    const uint8_t *left = *(const uint8_t *const *)a;
    const uint8_t *right = *(const uint8_t *const *)b;
    size_t both = left[0] < right[0] ? left[0] : right[0];
    int order = memcmp(left + 1, right + 1, both);

    if (order != 0)
        return order;
    if (left[0] != right[0])
        return left[0] < right[0] ? -1 : 1;
    return left == right ? 0 : left < right ? -1 : 1;
}

void table_sort(struct table from, struct buf *out)
{
    size_t count = table_count(from);
    struct table_walk w = table_walk(from);
    struct table_entry e;

    if (count == 0)
        return;
    const uint8_t **entries = mem_zero(count, sizeof(*entries));
    const uint8_t *end = from.bytes.data + from.bytes.size;
    for (size_t i = 0; table_next(&w, &e); i++)
        entries[i] = e.whole.data;
    qsort(entries, count, sizeof(*entries), by_name);
    for (size_t i = 0; i < count; i++) {
        w = table_walk((struct table){bytes_of(entries[i], (size_t)(end - entries[i]))});
        (void)table_next(&w, &e);
        buf_bytes(out, e.whole);
    }
    mem_free(entries);
}
