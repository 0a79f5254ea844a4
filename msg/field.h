/* One value of an AMQP field table, borrowed from the bytes it lies in.
 *
 * On the wire a value is a tag and what the tag announces:
 *
 *     | tag u8 | 0, 1, 2, 4, 5 or 8 bytes |           fixed: numbers, times, void
 *     | tag u8 | size u32 | size bytes ... |          S x text and binary, F A nested
 *
 * All numbers are big-endian. The tags are RabbitMQ's, which all clients follow, and differ from
 * those of the specification (AMQP 4.2.1): 's' is a number, 'U' is unknown, 'L' has a sign.
 *
 * A value is kept and passed on exactly as it came; NaN, a decimal's scale of 255 or a time
 * beyond all calendars are nobody's business here. */
#ifndef MSG_FIELD_H
#define MSG_FIELD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/check.h"

/* Stands for "a size in four bytes, then so many" where a row below wants a size. */
enum { FIELD_SIZED = 0xfe };

/* X(constant, tag, size of the value, name that RabbitMQ uses in its texts) */
#define FIELD_LIST(X)                                                                              \
    X(FIELD_BOOL, 't', 1, "bool")                                                                  \
    X(FIELD_BYTE, 'b', 1, "byte")                                                                  \
    X(FIELD_UNSIGNED_BYTE, 'B', 1, "unsignedbyte")                                                 \
    X(FIELD_SHORT, 's', 2, "short")                                                                \
    X(FIELD_UNSIGNED_SHORT, 'u', 2, "unsignedshort")                                               \
    X(FIELD_INT, 'I', 4, "signedint")                                                              \
    X(FIELD_UNSIGNED_INT, 'i', 4, "unsignedint")                                                   \
    X(FIELD_LONG, 'l', 8, "long")                                                                  \
    X(FIELD_LONG_TOO, 'L', 8, "long")                                                              \
    X(FIELD_FLOAT, 'f', 4, "float")                                                                \
    X(FIELD_DOUBLE, 'd', 8, "double")                                                              \
    X(FIELD_DECIMAL, 'D', 5, "decimal")                                                            \
    X(FIELD_TEXT, 'S', FIELD_SIZED, "longstr")                                                     \
    X(FIELD_BINARY, 'x', FIELD_SIZED, "binary")                                                    \
    X(FIELD_ARRAY, 'A', FIELD_SIZED, "array")                                                      \
    X(FIELD_TABLE, 'F', FIELD_SIZED, "table")                                                      \
    X(FIELD_TIME, 'T', 8, "timestamp")                                                             \
    X(FIELD_VOID, 'V', 0, "void")

enum field_type {
#define X(name, tag, size, text) name = (tag),
    FIELD_LIST(X)
#undef X
};

struct field {
    enum field_type type;
    struct bytes bytes; /* the value alone, without its tag and its size */
};

/* The entries of a field table that table_decode() found good, borrowed; see msg/table.h. */
struct table {
    struct bytes bytes; /* without the size in front of them */
};

/* The values of a field array inside such a table. */
struct array {
    struct bytes bytes;
};

/* How many bytes a tag and its value take, by tag; FIELD_SIZED + 1 when the value says it itself,
 * 0 when there is no such tag. */
extern const uint8_t field_extents[UINT8_MAX + 1];

/* Reads a tag and its value. Does not look inside tables and arrays. Returns false for an
 * unknown tag and for a value that is cut off; reader and *out are then of no more use. */
MUST_USE static inline bool field_read(struct reader *r, struct field *out)
{
    uint8_t tag = reader_u8(r);
    size_t extent = field_extents[tag];

    if (UNLIKELY(extent == 0)) /* also for the zero that a failed read gives */
        return false;
    out->type = (enum field_type)tag;
    out->bytes = reader_bytes(r, extent == FIELD_SIZED + 1 ? reader_be32(r) : extent - 1);
    return !r->is_failed;
}

/* "signedint", "longstr": the type as RabbitMQ's error texts say it. */
const char *field_type_name(const struct field *f);

bool field_is_integer(const struct field *f);

/* Each gives the value and returns true when the field has that type; else returns false and
 * leaves *out alone. Integers are of one type here, whatever their width. */
bool field_as_integer(const struct field *f, int64_t *out);
bool field_as_bool(const struct field *f, bool *out);
bool field_as_text(const struct field *f, struct bytes *out);
bool field_as_binary(const struct field *f, struct bytes *out);
bool field_as_time(const struct field *f, uint64_t *out_s);
/* Floats and doubles. */
bool field_as_real(const struct field *f, double *out);
/* The number is value / 10^scale. */
bool field_as_decimal(const struct field *f, uint8_t *scale, uint32_t *value);
/* The field must come from a checked table. */
bool field_as_table(const struct field *f, struct table *out);
bool field_as_array(const struct field *f, struct array *out);

#endif
