/* Encoding and decoding PUBLISH and PART records; drawn in publish_record.h. */
#include "store/publish_record.h"

#include <string.h>

#include "base/err.h"
#include "msg/slip.h"
#include "store/records.h"
#include "store/varint.h"

enum { FLAG_PARTS = 1, FLAG_SLIP = 2, FLAG_MOVED = 4 };

/* ---- Encoding ---- */

static size_t measure_targets(const struct publish_record *p)
{
    size_t size = varint_size(p->target_count);
    uint64_t before = 0;

    for (size_t i = 0; i < p->target_count; i++) {
        ASSERT(i == 0 || p->targets[i].queue > before);
        size += varint_size(p->targets[i].queue - before) + varint_size(p->targets[i].seq);
        before = p->targets[i].queue;
    }
    return size;
}

static size_t measure_parts(const struct publish_record *p)
{
    size_t size = varint_size(p->body_size) + varint_size(p->part_count);
    uint64_t before = 0;

    for (size_t i = 0; i < p->part_count; i++) {
        size += varint_size(p->parts[i] - before);
        before = p->parts[i];
    }
    return size;
}

size_t publish_record_size(const struct publish_record *p, size_t *targets_size)
{
    const struct message *m = p->message;

    *targets_size = measure_targets(p);
    return 3 + varint_size(*targets_size) + varint_size(m->props.bytes.size) + m->exchange.size +
           m->routing_key.size + *targets_size + m->props.bytes.size +
           (p->parts != NULL ? measure_parts(p) : p->body_size) +
           (UNLIKELY(m->slip.size > 0) ? varint_size(m->slip.size) + m->slip.size : 0);
}

static uint8_t *put_bytes(uint8_t *at, struct bytes b)
{
    if (b.size > 0)
        memcpy(at, b.data, b.size);
    return at + b.size;
}

static uint8_t *put_targets(const struct publish_record *p, uint8_t *at)
{
    uint64_t before = 0;

    at = varint_put(at, p->target_count);
    for (size_t i = 0; i < p->target_count; i++) {
        at = varint_put(at, p->targets[i].queue - before);
        at = varint_put(at, p->targets[i].seq);
        before = p->targets[i].queue;
    }
    return at;
}

static uint8_t *put_parts(const struct publish_record *p, uint8_t *at)
{
    uint64_t before = 0;

    at = varint_put(at, p->body_size);
    at = varint_put(at, p->part_count);
    for (size_t i = 0; i < p->part_count; i++) {
        at = varint_put(at, p->parts[i] - before);
        before = p->parts[i];
    }
    return at;
}

void body_copy(const struct bytes *pieces, size_t count, uint8_t *at)
{
    for (size_t i = 0; i < count; i++)
        at = put_bytes(at, pieces[i]);
}

void publish_record_write(const struct publish_record *p, size_t targets_size, uint8_t *at)
{
    const struct message *m = p->message;

    ASSERT(m->exchange.size <= UINT8_MAX && m->routing_key.size <= UINT8_MAX);
    *at++ = (uint8_t)((p->parts != NULL ? FLAG_PARTS : 0) | (m->slip.size > 0 ? FLAG_SLIP : 0) |
                      (p->is_moved ? FLAG_MOVED : 0));
    *at++ = (uint8_t)m->exchange.size;
    *at++ = (uint8_t)m->routing_key.size;
    at = varint_put(at, targets_size);
    at = varint_put(at, m->props.bytes.size);
    if (p->parts != NULL)
        at = put_parts(p, at);
    if (UNLIKELY(m->slip.size > 0))
        at = put_bytes(varint_put(at, m->slip.size), m->slip);
    at = put_bytes(at, m->exchange);
    at = put_bytes(at, m->routing_key);
    at = put_targets(p, at);
    at = put_bytes(at, m->props.bytes);
    if (p->parts == NULL)
        body_copy(m->body, m->body_count, at);
}

size_t part_record_size(uint64_t back, size_t size)
{
    return varint_size(back) + size;
}

uint8_t *part_record_write(uint64_t back, uint8_t *at)
{
    return varint_put(at, back);
}

/* ---- Decoding ---- */

/* Passes over the positions of the parts. */
static struct reader read_parts(struct reader *r, struct stored *out)
{
    struct reader parts;

    out->body_size = reader_varint(r);
    out->parts = reader_varint(r);
    parts = *r;
    if (out->parts == 0 || out->parts > r->left)
        r->is_failed = true;
    out->part_first = reader_varint(r);
    for (uint64_t i = 1; i < out->parts && !r->is_failed; i++)
        (void)reader_varint(r);
    parts.left -= r->left;
    return parts;
}

/* Reads all but the targets, which it passes over. */
static int read_publish(const struct record *r, struct stored *out, struct reader *parts,
                        struct reader *targets)
{
    struct reader in = reader_of(r->body);
    uint8_t flags = reader_u8(&in);
    size_t exchange_size = reader_u8(&in), key_size = reader_u8(&in);
    uint64_t targets_size = reader_varint(&in), props_size = reader_varint(&in);

    if (r->kind != RECORD_PUBLISH || (flags & ~(FLAG_PARTS | FLAG_SLIP | FLAG_MOVED)) != 0)
        return ERR_CORRUPT;
    out->parts = 0;
    out->is_moved = (flags & FLAG_MOVED) != 0;
    *parts = (struct reader){0};
    if (UNLIKELY((flags & FLAG_PARTS) != 0))
        *parts = read_parts(&in, out);
    out->slip = bytes_of(NULL, 0);
    if (UNLIKELY((flags & FLAG_SLIP) != 0))
        out->slip = reader_bytes(&in, reader_varint(&in));
    out->exchange = reader_bytes(&in, exchange_size);
    out->routing_key = reader_bytes(&in, key_size);
    *targets = reader_sub(&in, targets_size);
    out->props = reader_bytes(&in, props_size);
    if (in.is_failed || (out->parts > 0 && in.left > 0) || out->slip.size > SLIP_MAX)
        return ERR_CORRUPT;
    out->body = bytes_of(in.at, in.left);
    if (out->parts == 0)
        out->body_size = in.left;
    out->time_ms = r->time_ms;
    out->place = r->number;
    return 0;
}

/* A record with all sizes in one byte each and no parts, as most are. False: look slowly. */
static inline bool view_small(const struct record *r, struct stored *out)
{
    enum { FIXED = 5 };
    const uint8_t *p = r->body.data;
    size_t size = r->body.size, used;

    if (size < FIXED || r->kind != RECORD_PUBLISH || p[0] != 0 || ((p[3] | p[4]) & 0x80) != 0)
        return false;
    used = FIXED + (size_t)p[1] + p[2] + p[3] + p[4];
    if (used > size)
        return false;
    out->exchange = bytes_of(p + FIXED, p[1]);
    out->routing_key = bytes_of(p + FIXED + p[1], p[2]);
    out->props = bytes_of(p + used - p[4], p[4]);
    out->body = bytes_of(p + used, size - used);
    out->body_size = size - used;
    out->slip = bytes_of(NULL, 0);
    out->is_moved = false;
    out->parts = 0;
    out->time_ms = r->time_ms;
    out->place = r->number;
    return true;
}

int publish_record_view(const struct record *r, struct stored *out)
{
    struct reader parts, targets;

    return LIKELY(view_small(r, out)) ? 0 : read_publish(r, out, &parts, &targets);
}

int part_record_view(const struct record *r, uint64_t *first, struct bytes *out)
{
    struct reader in = reader_of(r->body);
    uint64_t back = reader_varint(&in);

    if (r->kind != RECORD_PART || in.is_failed || back > r->number || in.left == 0)
        return ERR_CORRUPT;
    *first = r->number - back;
    *out = bytes_of(in.at, in.left);
    return 0;
}

int store_record_decode(const struct record *r, struct store_record *out)
{
    struct store_record s = {0};
    uint64_t count;
    int rv = read_publish(r, &s.stored, &s.parts, &s.targets);

    if (rv != 0)
        return rv;
    count = reader_varint(&s.targets);
    if (s.targets.is_failed || count > STORE_TARGETS_MAX || count > s.targets.left)
        return ERR_CORRUPT;
    s.target_count = (size_t)count;
    *out = s;
    return 0;
}

bool store_target_next(struct reader *targets, struct store_target *out)
{
    uint64_t difference, seq;

    if (targets->left == 0)
        return false;
    difference = reader_varint(targets);
    seq = reader_varint(targets);
    if (targets->is_failed)
        return false;
    out->queue += difference;
    out->seq = seq;
    return true;
}
