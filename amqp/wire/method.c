/* Reads and writes methods. For each one in methods.def three functions are made here, which the
 * compiler turns into straight code: decode_x(), size_of_x() and put_x(). */
#include "amqp/wire/method.h"

#include "amqp/wire/frame.h"
#include "base/err.h"
#include "base/utf8.h"
#include "msg/shortstr.h"

enum {
    IDS_SIZE = 4,
    BITS_PER_OCTET = 8,
};

/* ---- what is fixed ---- */

enum kind_index {
#define METHOD(CONSTANT, ...) KIND_##CONSTANT,
#define METHOD_EMPTY(...)     METHOD(__VA_ARGS__)
#include "amqp/wire/methods.def"
    KIND_COUNT
};

static const struct method_kind kinds[KIND_COUNT] = {
#define METHOD(CONSTANT, class, method, class_id, method_id, from, content, first, second)         \
    [KIND_##CONSTANT] = {.id = METHOD_##CONSTANT,                                                  \
                         .name = #class "." #method,                                               \
                         .sender = METHOD_FROM_##from,                                             \
                         .has_content = HAS_##content,                                             \
                         .reply = METHOD_##first,                                                  \
                         .other_reply = METHOD_##second},
#define METHOD_EMPTY(...) METHOD(__VA_ARGS__)
#define HAS_CONTENT       true
#define HAS_BARE          false
#include "amqp/wire/methods.def"
#undef HAS_CONTENT
#undef HAS_BARE
};

const struct method_kind *method_kind_find(uint32_t id)
{
    switch (id) {
#define METHOD(CONSTANT, ...)                                                                      \
    case METHOD_##CONSTANT:                                                                        \
        return &kinds[KIND_##CONSTANT];
#define METHOD_EMPTY(...) METHOD(__VA_ARGS__)
#include "amqp/wire/methods.def"
    default:
        return NULL;
    }
}

const struct method_kind *method_kind_at(size_t index)
{
    return index < KIND_COUNT ? &kinds[index] : NULL;
}

/* ---- decode ---- */

/* Reads fields one after the other. What is wrong gathers here and is asked for at the end. */
struct field_reader {
    struct reader rest;
    unsigned octet;     /* the bits of it that were not read yet, the next one lowest */
    unsigned bits_left; /* in it */
    bool has_bad_text;
    bool has_bad_table;
};

static inline bool is_ascii(struct bytes text)
{
    const uint64_t high_bits = 0x8080808080808080u;
    uint64_t seen = 0;

    if (text.size >= sizeof(seen)) {
        for (size_t i = 0; i + sizeof(seen) <= text.size; i += sizeof(seen))
            seen |= get_le64(text.data + i);
        seen |= get_le64(text.data + text.size - sizeof(seen));
    } else {
        for (size_t i = 0; i < text.size; i++)
            seen |= text.data[i];
    }
    return (seen & high_bits) == 0;
}

static inline bool read_bit(struct field_reader *f)
{
    if (f->bits_left == 0) {
        f->octet = reader_u8(&f->rest);
        f->bits_left = BITS_PER_OCTET;
    }
    bool bit = (f->octet & 1) != 0;
    f->octet >>= 1;
    f->bits_left--;
    return bit;
}

static inline struct bytes read_shortstr(struct field_reader *f)
{
    struct bytes text = reader_bytes(&f->rest, reader_u8(&f->rest));

    if (UNLIKELY(!is_ascii(text)) && !utf8_valid(text))
        f->has_bad_text = true;
    return text;
}

static inline struct bytes read_longstr(struct field_reader *f)
{
    return reader_bytes(&f->rest, reader_be32(&f->rest));
}

static inline struct table read_table(struct field_reader *f)
{
    struct bytes entries = read_longstr(f);
    struct table table = {.bytes = bytes_of(NULL, 0)};

    if (entries.size > 0 && table_decode(entries, &table) != 0)
        f->has_bad_table = true;
    return table;
}

#define METHOD(CONSTANT, class, method, ...)                                                       \
    static void decode_##class##_##method(struct field_reader *f,                                  \
                                          struct method_##class##_##method *m)                     \
    {
#define END        }
#define BIT(field) m->field = read_bit(f);
#define OCTET(field)                                                                               \
    f->bits_left = 0;                                                                              \
    m->field = reader_u8(&f->rest);
#define SHORT(field)                                                                               \
    f->bits_left = 0;                                                                              \
    m->field = reader_be16(&f->rest);
#define LONG(field)                                                                                \
    f->bits_left = 0;                                                                              \
    m->field = reader_be32(&f->rest);
#define LONGLONG(field)                                                                            \
    f->bits_left = 0;                                                                              \
    m->field = reader_be64(&f->rest);
#define SHORTSTR(field)                                                                            \
    f->bits_left = 0;                                                                              \
    m->field = read_shortstr(f);
#define LONGSTR(field)                                                                             \
    f->bits_left = 0;                                                                              \
    m->field = read_longstr(f);
#define TABLE(field)                                                                               \
    f->bits_left = 0;                                                                              \
    m->field = read_table(f);
#include "amqp/wire/methods.def"

enum wire_result method_decode(struct bytes payload, struct method *out)
{
    out->id = METHOD_NONE;
    if (payload.size < IDS_SIZE)
        return WIRE_METHOD_SHORT;
    out->id = get_be32(payload.data);

    struct bytes fields = bytes_of(payload.data + IDS_SIZE, payload.size - IDS_SIZE);
    struct field_reader f = {.rest = reader_of(fields)};
    switch (out->id) {
#define METHOD(CONSTANT, class, method, ...)                                                       \
    case METHOD_##CONSTANT:                                                                        \
        decode_##class##_##method(&f, &out->class##_##method);                                     \
        break;
#include "amqp/wire/methods.def"
    default: /* a method without fields */
        if (UNLIKELY(method_kind_find(out->id) == NULL))
            return WIRE_METHOD_UNKNOWN;
    }

    if (UNLIKELY(f.rest.is_failed))
        return WIRE_FIELDS_CUT;
    if (UNLIKELY(f.rest.left > 0))
        return WIRE_FIELDS_LEFT;
    if (UNLIKELY(f.has_bad_table))
        return WIRE_FIELD_TABLE;
    return UNLIKELY(f.has_bad_text) ? WIRE_FIELD_TEXT : WIRE_OK;
}

/* A short string of ASCII at *at, before `end`. */
static inline bool take_ascii(const uint8_t **at, const uint8_t *end, struct bytes *out)
{
    size_t left = (size_t)(end - *at);

    if (UNLIKELY(left == 0 || left - 1 < **at))
        return false;
    *out = bytes_of(*at + 1, **at);
    *at += 1 + out->size;
    return is_ascii(*out);
}

bool method_read_publish(struct bytes payload, struct method_basic_publish *out)
{
    const uint8_t *at = payload.data + IDS_SIZE + sizeof(out->ticket);
    const uint8_t *end = payload.data + payload.size;

    if (payload.size < IDS_SIZE + sizeof(out->ticket) ||
        get_be32(payload.data) != METHOD_BASIC_PUBLISH)
        return false;
    if (!take_ascii(&at, end, &out->exchange) || !take_ascii(&at, end, &out->routing_key))
        return false;
    if (UNLIKELY(end - at != 1))
        return false;
    out->ticket = get_be16(payload.data + IDS_SIZE);
    out->mandatory = (*at & 1) != 0;
    out->immediate = (*at & 2) != 0;
    return true;
}

/* ---- encode ---- */

/* Adds up the bytes of fields. */
struct field_sizer {
    size_t size;
    unsigned bits_left; /* room in the octet that the last bit went to */
};

static inline void size_bit(struct field_sizer *s)
{
    if (s->bits_left == 0) {
        s->size++;
        s->bits_left = BITS_PER_OCTET;
    }
    s->bits_left--;
}

static inline void size_fixed(struct field_sizer *s, size_t size)
{
    s->bits_left = 0;
    s->size += size;
}

#define METHOD(CONSTANT, class, method, ...)                                                       \
    static void size_##class##_##method(struct field_sizer *s,                                     \
                                        const struct method_##class##_##method *m)                 \
    {                                                                                              \
        (void)m;
#define END             }
#define BIT(field)      size_bit(s);
#define OCTET(field)    size_fixed(s, sizeof(m->field));
#define SHORT(field)    size_fixed(s, sizeof(m->field));
#define LONG(field)     size_fixed(s, sizeof(m->field));
#define LONGLONG(field) size_fixed(s, sizeof(m->field));
#define SHORTSTR(field) size_fixed(s, 1 + m->field.size);
#define LONGSTR(field)  size_fixed(s, 4 + m->field.size);
#define TABLE(field)    size_fixed(s, 4 + m->field.bytes.size);
#include "amqp/wire/methods.def"

static size_t payload_size(const struct method *m)
{
    struct field_sizer s = {.size = IDS_SIZE};

    switch (m->id) {
#define METHOD(CONSTANT, class, method, ...)                                                       \
    case METHOD_##CONSTANT:                                                                        \
        size_##class##_##method(&s, &m->class##_##method);                                         \
        break;
#include "amqp/wire/methods.def"
    default: /* a method without fields */
        ASSERT(method_kind_find(m->id) != NULL);
    }
    return s.size;
}

size_t method_frame_size(const struct method *m)
{
    return FRAME_EMPTY_SIZE + payload_size(m);
}

/* Puts fields where there is room for them. */
struct field_writer {
    uint8_t *at;
    unsigned bits_left; /* room in the octet before `at` */
};

static inline void put_bit(struct field_writer *f, bool bit)
{
    if (f->bits_left == 0) {
        *f->at++ = 0;
        f->bits_left = BITS_PER_OCTET;
    }
    f->at[-1] |= (uint8_t)((unsigned)bit << (BITS_PER_OCTET - f->bits_left));
    f->bits_left--;
}

/* The place for a field that is no bit. */
static inline uint8_t *put_at(struct field_writer *f, size_t size)
{
    uint8_t *at = f->at;

    f->bits_left = 0;
    f->at += size;
    return at;
}

static inline void put_bytes(struct field_writer *f, struct bytes bytes)
{
    uint8_t *at = put_at(f, bytes.size);

    if (bytes.size > 0)
        memcpy(at, bytes.data, bytes.size);
}

static inline void put_shortstr(struct field_writer *f, struct bytes text)
{
    ASSERT(text.size <= SHORTSTR_MAX);
    *put_at(f, 1) = (uint8_t)text.size;
    put_bytes(f, text);
}

static inline void put_longstr(struct field_writer *f, struct bytes text)
{
    ASSERT(text.size <= UINT32_MAX);
    put_be32(put_at(f, 4), (uint32_t)text.size);
    put_bytes(f, text);
}

#define METHOD(CONSTANT, class, method, ...)                                                       \
    static void put_##class##_##method(struct field_writer *f,                                     \
                                       const struct method_##class##_##method *m)                  \
    {
#define END             }
#define BIT(field)      put_bit(f, m->field);
#define OCTET(field)    *put_at(f, 1) = m->field;
#define SHORT(field)    put_be16(put_at(f, 2), m->field);
#define LONG(field)     put_be32(put_at(f, 4), m->field);
#define LONGLONG(field) put_be64(put_at(f, 8), m->field);
#define SHORTSTR(field) put_shortstr(f, m->field);
#define LONGSTR(field)  put_longstr(f, m->field);
#define TABLE(field)    put_longstr(f, m->field.bytes);
#include "amqp/wire/methods.def"

/* Puts a frame where there is room for method_frame_size(). */
static void put_frame(uint8_t *at, uint16_t channel, const struct method *m, size_t size)
{
    const uint8_t *end = at + size - FRAME_END_SIZE;
    struct field_writer f = {
        .at = frame_put_head(at, FRAME_METHOD, channel, size - FRAME_EMPTY_SIZE)};

    put_be32(put_at(&f, IDS_SIZE), m->id);
    switch (m->id) {
#define METHOD(CONSTANT, class, method, ...)                                                       \
    case METHOD_##CONSTANT:                                                                        \
        put_##class##_##method(&f, &m->class##_##method);                                          \
        break;
#include "amqp/wire/methods.def"
    default:
        break; /* a method without fields */
    }
    ASSERT(f.at == end);
    *f.at = FRAME_END;
}

void method_write(struct writer *w, uint16_t channel, const struct method *m)
{
    size_t size = method_frame_size(m);
    uint8_t *at = writer_skip(w, size);

    if (at != NULL)
        put_frame(at, channel, m, size);
}

void method_write_buf(struct buf *b, uint16_t channel, const struct method *m)
{
    size_t size = method_frame_size(m);
    uint8_t *at = buf_extend(b, size);

    if (at != NULL)
        put_frame(at, channel, m, size);
}
