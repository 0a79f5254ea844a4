/* The values of field tables: sizes and names by tag, and what is in them. */
#include "msg/field.h"

#include <stddef.h>

const uint8_t field_extents[UINT8_MAX + 1] = {
#define X(constant, tag, size, text) [(tag)] = 1 + (size),
    FIELD_LIST(X)
#undef X
};

const char *field_type_name(const struct field *f)
{
    static const char *const names[UINT8_MAX + 1] = {
#define X(constant, tag, size, text) [(tag)] = (text),
        FIELD_LIST(X)
#undef X
    };

    ASSERT((unsigned)f->type <= UINT8_MAX && names[f->type] != NULL);
    return names[f->type];
}

bool field_is_integer(const struct field *f)
{
    int64_t ignored = 0;

    return field_as_integer(f, &ignored);
}

/* The value of a field whose type has a fixed size. */
static const uint8_t *fixed(const struct field *f)
{
    ASSERT(f->bytes.size + 1 == field_extents[f->type]);
    return f->bytes.data;
}

bool field_as_integer(const struct field *f, int64_t *out)
{
    switch (f->type) {
    case FIELD_BYTE:
        *out = *fixed(f) <= INT8_MAX ? *fixed(f) : *fixed(f) - 0x100;
        return true;
    case FIELD_UNSIGNED_BYTE:
        *out = *fixed(f);
        return true;
    case FIELD_SHORT:
        *out = (int16_t)get_be16(fixed(f));
        return true;
    case FIELD_UNSIGNED_SHORT:
        *out = get_be16(fixed(f));
        return true;
    case FIELD_INT:
        *out = (int32_t)get_be32(fixed(f));
        return true;
    case FIELD_UNSIGNED_INT:
        *out = get_be32(fixed(f));
        return true;
    case FIELD_LONG:
    case FIELD_LONG_TOO:
        *out = (int64_t)get_be64(fixed(f));
        return true;
    default:
        return false;
    }
}

bool field_as_bool(const struct field *f, bool *out)
{
    if (f->type != FIELD_BOOL)
        return false;
    *out = *fixed(f) != 0;
    return true;
}

/* The bytes of a field that has this type. */
static bool as_bytes(const struct field *f, enum field_type type, struct bytes *out)
{
    if (f->type != type)
        return false;
    *out = f->bytes;
    return true;
}

bool field_as_text(const struct field *f, struct bytes *out)
{
    return as_bytes(f, FIELD_TEXT, out);
}

bool field_as_binary(const struct field *f, struct bytes *out)
{
    return as_bytes(f, FIELD_BINARY, out);
}

bool field_as_time(const struct field *f, uint64_t *out_s)
{
    if (f->type != FIELD_TIME)
        return false;
    *out_s = get_be64(fixed(f));
    return true;
}

bool field_as_real(const struct field *f, double *out)
{
    if (f->type == FIELD_FLOAT) {
        uint32_t bits = get_be32(fixed(f));
        float value = 0;
        memcpy(&value, &bits, sizeof(value));
        *out = (double)value;
        return true;
    }
    if (f->type == FIELD_DOUBLE) {
        uint64_t bits = get_be64(fixed(f));
        memcpy(out, &bits, sizeof(*out));
        return true;
    }
    return false;
}

bool field_as_decimal(const struct field *f, uint8_t *scale, uint32_t *value)
{
    if (f->type != FIELD_DECIMAL)
        return false;
    *scale = *fixed(f);
    *value = get_be32(fixed(f) + 1);
    return true;
}

bool field_as_table(const struct field *f, struct table *out)
{
    return as_bytes(f, FIELD_TABLE, &out->bytes);
}

bool field_as_array(const struct field *f, struct array *out)
{
    return as_bytes(f, FIELD_ARRAY, &out->bytes);
}
