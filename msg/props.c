/* Basic properties: found in place, and put together again. */
#include "msg/props.h"

#include "base/err.h"
#include "msg/shortstr.h"

enum {
    FLAGS_CONTINUE = 0x0001,
    FLAGS_UNKNOWN = 0x0002,
    FLAGS_SIZE = 2,
};

STATIC_ASSERT(PROP_COUNT == 14, "fourteen flags, and two that name no property");

static const struct {
    const char *name;
    enum prop_kind kind;
} kinds[PROP_COUNT] = {
#define X(constant, its_kind, text) [constant] = {.name = (text), .kind = (its_kind)},
    PROP_LIST(X)
#undef X
};

const char *prop_name(enum prop prop)
{
    ASSERT(prop < PROP_COUNT);
    return kinds[prop].name;
}

enum prop_kind prop_kind(enum prop prop)
{
    ASSERT(prop < PROP_COUNT);
    return kinds[prop].kind;
}

/* The first property of a set of flags that is not empty. */
static enum prop first_of(uint16_t flags)
{
    ASSERT(flags != 0);
    return (enum prop)(__builtin_clz(flags) - 16);
}

/* Steps over one value. */
static int skip_value(struct reader *r, enum prop_kind kind)
{
    struct table headers;

    switch (kind) {
    case PROP_KIND_TEXT:
        (void)reader_skip(r, reader_u8(r));
        return 0;
    case PROP_KIND_OCTET:
        (void)reader_u8(r);
        return 0;
    case PROP_KIND_TIME:
        (void)reader_be64(r);
        return 0;
    case PROP_KIND_TABLE:
        break;
    }
    return table_decode(reader_bytes(r, reader_be32(r)), &headers);
}

int props_decode(struct bytes b, struct props *out)
{
    struct reader r = reader_of(b);
    uint16_t flags = reader_be16(&r);

    if ((flags & FLAGS_UNKNOWN) != 0 || b.size > UINT32_MAX)
        return ERR_INVALID;
    if ((flags & FLAGS_CONTINUE) != 0 && reader_be16(&r) != 0)
        return ERR_INVALID;

    flags &= (uint16_t)~FLAGS_CONTINUE;
    for (uint16_t left = flags; left != 0;) {
        enum prop prop = first_of(left);
        out->at[prop] = (uint32_t)(b.size - r.left);
        int rv = skip_value(&r, kinds[prop].kind);
        if (rv != 0)
            return rv;
        left &= (uint16_t)~prop_flag(prop);
    }
    if (!reader_is_done(&r))
        return ERR_INVALID;
    out->bytes = b;
    out->flags = flags;
    return 0;
}

struct props props_none(void)
{
    static const uint8_t no_flags[FLAGS_SIZE];

    return (struct props){.bytes = bytes_of(no_flags, sizeof(no_flags))};
}

/* The bytes from a property on, when it is there; NULL when it is not. */
static const uint8_t *find(const struct props *p, enum prop prop, enum prop_kind kind)
{
    ASSERT(prop_kind(prop) == kind);
    return props_has(p, prop) ? p->bytes.data + p->at[prop] : NULL;
}

bool props_find_text(const struct props *p, enum prop prop, struct bytes *out)
{
    const uint8_t *at = find(p, prop, PROP_KIND_TEXT);

    if (at == NULL)
        return false;
    *out = bytes_of(at + 1, at[0]);
    return true;
}

bool props_find_octet(const struct props *p, enum prop prop, uint8_t *out)
{
    const uint8_t *at = find(p, prop, PROP_KIND_OCTET);

    if (at == NULL)
        return false;
    *out = at[0];
    return true;
}

bool props_find_time(const struct props *p, enum prop prop, uint64_t *out_s)
{
    const uint8_t *at = find(p, prop, PROP_KIND_TIME);

    if (at == NULL)
        return false;
    *out_s = get_be64(at);
    return true;
}

bool props_find_headers(const struct props *p, struct table *out)
{
    const uint8_t *at = find(p, PROP_HEADERS, PROP_KIND_TABLE);

    if (at == NULL)
        return false;
    out->bytes = bytes_of(at + 4, get_be32(at));
    return true;
}

void props_edit_init(struct props_edit *e, const struct props *from)
{
    size_t end = from == NULL ? 0 : from->bytes.size;

    *e = (struct props_edit){0};
    if (from == NULL)
        return;
    e->flags = from->flags;
    e->copied = from->flags;
    /* From the last to the first, as each ends where the next one begins. */
    for (unsigned i = PROP_COUNT; i-- > 0;) {
        if (!props_has(from, (enum prop)i))
            continue;
        e->bytes[i] = bytes_of(from->bytes.data + from->at[i], end - from->at[i]);
        end = from->at[i];
    }
}

/* Notes that the property will be there and is not a copy. */
static void set(struct props_edit *e, enum prop prop, enum prop_kind kind)
{
    ASSERT(prop_kind(prop) == kind);
    e->flags |= prop_flag(prop);
    e->copied &= (uint16_t)~prop_flag(prop);
}

void props_set_text(struct props_edit *e, enum prop prop, struct bytes value)
{
    ASSERT(value.size <= SHORTSTR_MAX);
    set(e, prop, PROP_KIND_TEXT);
    e->bytes[prop] = value;
}

void props_set_octet(struct props_edit *e, enum prop prop, uint8_t value)
{
    set(e, prop, PROP_KIND_OCTET);
    e->numbers[prop] = value;
}

void props_set_time(struct props_edit *e, enum prop prop, uint64_t time_s)
{
    set(e, prop, PROP_KIND_TIME);
    e->numbers[prop] = time_s;
}

void props_set_headers(struct props_edit *e, struct table headers)
{
    ASSERT(headers.bytes.size <= UINT32_MAX);
    set(e, PROP_HEADERS, PROP_KIND_TABLE);
    e->bytes[PROP_HEADERS] = headers.bytes;
}

void props_remove(struct props_edit *e, enum prop prop)
{
    ASSERT(prop < PROP_COUNT);
    e->flags &= (uint16_t)~prop_flag(prop);
    e->copied &= (uint16_t)~prop_flag(prop);
}

static void encode_value(const struct props_edit *e, enum prop prop, struct buf *out)
{
    if ((e->copied & prop_flag(prop)) != 0) {
        buf_bytes(out, e->bytes[prop]);
        return;
    }
    switch (prop_kind(prop)) {
    case PROP_KIND_TEXT:
        buf_u8(out, (uint8_t)e->bytes[prop].size);
        buf_bytes(out, e->bytes[prop]);
        break;
    case PROP_KIND_TABLE:
        buf_be32(out, (uint32_t)e->bytes[prop].size);
        buf_bytes(out, e->bytes[prop]);
        break;
    case PROP_KIND_OCTET:
        buf_u8(out, (uint8_t)e->numbers[prop]);
        break;
    case PROP_KIND_TIME:
        buf_be64(out, e->numbers[prop]);
        break;
    }
}

void props_encode(const struct props_edit *e, struct buf *out)
{
    ASSERT((e->copied & ~e->flags) == 0);
    buf_be16(out, e->flags);
    for (uint16_t left = e->flags; left != 0;) {
        enum prop prop = first_of(left);
        encode_value(e, prop, out);
        left &= (uint16_t)~prop_flag(prop);
    }
}

/* Where the first of these properties begins; the end when it has none of them. */
static uint32_t start_of(const struct props *p, uint16_t flags)
{
    uint16_t left = p->flags & flags;

    return left == 0 ? (uint32_t)p->bytes.size : p->at[first_of(left)];
}

void props_encode_more(const struct props *p, struct table more, struct buf *out)
{
    const uint8_t *from = p->bytes.data;
    struct table headers = {.bytes = bytes_of(NULL, 0)};
    uint32_t start = start_of(p, (uint16_t)~FLAGS_CONTINUE);
    uint32_t behind = start_of(p, (uint16_t)(prop_flag(PROP_HEADERS) - 1));
    uint32_t before = props_find_headers(p, &headers) ? p->at[PROP_HEADERS] : behind;
    size_t table_size = headers.bytes.size + more.bytes.size;
    size_t size = FLAGS_SIZE + (before - start) + 4 + table_size + (p->bytes.size - behind);
    uint8_t *at = table_size > UINT32_MAX ? NULL : buf_extend(out, size);

    if (at == NULL)
        return;
    struct writer w = writer_of(at, size);
    writer_be16(&w, p->flags | prop_flag(PROP_HEADERS));
    writer_bytes(&w, bytes_of(from + start, before - start));
    writer_be32(&w, (uint32_t)table_size);
    writer_bytes(&w, headers.bytes);
    writer_bytes(&w, more.bytes);
    writer_bytes(&w, bytes_of(from + behind, p->bytes.size - behind));
    ASSERT(!w.is_failed);
}
