/* Keys: a tag and the value, or the hash of it. */
#include "msg/dedup.h"

#include <string.h>

#include "base/check.h"
#include "base/hash.h"

enum { TAG_LONG = 'H', PLAIN_MAX = DEDUP_KEY_MAX - 1, HASH_SEED = 0x6d72 };

static void put(struct dedup_key *out, uint8_t tag, struct bytes value)
{
    ASSERT(value.size <= PLAIN_MAX);
    out->bytes[0] = tag;
    if (value.size > 0)
        memcpy(out->bytes + 1, value.data, value.size);
    out->size = 1 + value.size;
}

static void put_number(struct dedup_key *out, uint8_t tag, uint64_t value)
{
    uint8_t bytes[sizeof(uint64_t)];

    put_le64(bytes, value);
    put(out, tag, bytes_of(bytes, sizeof(bytes)));
}

static void put_bytes(struct dedup_key *out, const struct field *f)
{
    uint8_t bytes[1 + 2 * sizeof(uint64_t)];
    struct hash128 hash;

    if (f->bytes.size <= PLAIN_MAX) {
        put(out, (uint8_t)f->type, f->bytes);
        return;
    }
    hash = hash128(f->bytes, HASH_SEED);
    bytes[0] = (uint8_t)f->type;
    put_le64(bytes + 1, hash.low);
    put_le64(bytes + 1 + sizeof(uint64_t), hash.high);
    put(out, TAG_LONG, bytes_of(bytes, sizeof(bytes)));
}

void dedup_read(struct table headers, struct dedup_key *out)
{
    struct field f;
    int64_t integer;
    double real;

    out->size = 0;
    if (!table_find(headers, bytes_text("x-deduplication-header"), &f))
        return;
    if (field_as_integer(&f, &integer)) {
        put_number(out, FIELD_LONG, (uint64_t)integer);
        return;
    }
    if (field_as_real(&f, &real)) {
        uint64_t bits;

        memcpy(&bits, &real, sizeof(bits));
        put_number(out, FIELD_DOUBLE, bits);
        return;
    }
    if (f.type != FIELD_TABLE && f.type != FIELD_ARRAY && f.type != FIELD_VOID)
        put_bytes(out, &f);
}

bool dedup_read_ttl(struct table headers, uint64_t *ms)
{
    struct field f;
    int64_t value;

    if (!table_find(headers, bytes_text("x-cache-ttl"), &f) || !field_as_integer(&f, &value) ||
        value <= 0)
        return false;
    *ms = (uint64_t)value;
    return true;
}
