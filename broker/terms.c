/* Definitions in bytes and back. */
#include "broker/terms.h"

#include "broker/definitions.h"

enum { TERM_SIZE_MAX = 1 << 20 };

void term_buffers_init(struct term_buffers *b)
{
    buf_init(&b->key, TERM_SIZE_MAX);
    buf_init(&b->body, TERM_SIZE_MAX);
}

void term_buffers_release(struct term_buffers *b)
{
    buf_release(&b->key);
    buf_release(&b->body);
}

static void begin(struct term_buffers *b)
{
    buf_clear(&b->key);
    buf_clear(&b->body);
}

static void end(const struct term_buffers *b)
{
    ASSERT(buf_error(&b->key) == 0 && buf_error(&b->body) == 0); /* everything has its bounds */
}

static void put_short(struct buf *b, struct bytes text)
{
    ASSERT(text.size <= UINT8_MAX);
    buf_u8(b, (uint8_t)text.size);
    buf_bytes(b, text);
}

static void put_pattern(struct buf *b, struct bytes text)
{
    ASSERT(text.size <= UINT16_MAX);
    buf_le16(b, (uint16_t)text.size);
    buf_bytes(b, text);
}

static struct bytes take_short(struct reader *r)
{
    return reader_bytes(r, reader_u8(r));
}

static struct bytes take_pattern(struct reader *r)
{
    return reader_bytes(r, reader_le16(r));
}

static struct bytes take_rest(struct reader *r)
{
    return reader_bytes(r, r->left);
}

static bool take_arguments(struct reader *r, struct table *out)
{
    struct bytes rest = take_rest(r);

    return !r->is_failed && table_decode(rest, out) == 0;
}

/* ---- virtual hosts ---- */

void vhost_term_encode(const struct vhost_term *t, struct term_buffers *out)
{
    begin(out);
    buf_bytes(&out->key, t->name);
    buf_le64(&out->body, t->id);
    buf_u8(&out->body, (uint8_t)((t->is_tracing ? 1 : 0) | (t->is_protected ? 2 : 0)));
    put_pattern(&out->body, t->description);
    put_pattern(&out->body, t->tags);
    put_short(&out->body, t->default_queue_type);
    end(out);
}

bool vhost_term_decode(const struct definition *d, struct vhost_term *out)
{
    struct reader r = reader_of(d->body);

    *out = (struct vhost_term){.name = d->key, .id = reader_le64(&r)};
    if (reader_is_done(&r)) /* as they were written before they had more */
        return true;
    uint8_t flags = reader_u8(&r);
    out->is_tracing = (flags & 1) != 0;
    out->is_protected = (flags & 2) != 0;
    out->description = take_pattern(&r);
    out->tags = take_pattern(&r);
    out->default_queue_type = take_short(&r);
    return reader_is_done(&r);
}

/* ---- users ---- */

void user_term_encode(const struct user_term *t, struct term_buffers *out)
{
    begin(out);
    buf_bytes(&out->key, t->name);
    buf_u8(&out->body, (uint8_t)t->hashing);
    put_short(&out->body, t->hash);
    buf_u8(&out->body, (uint8_t)t->tag_count);
    for (size_t i = 0; i < t->tag_count; i++)
        put_short(&out->body, t->tags[i]);
    end(out);
}

bool user_term_decode(const struct definition *d, struct user_term *out)
{
    struct reader r = reader_of(d->body);

    out->name = d->key;
    out->hashing = (enum auth_hash)reader_u8(&r);
    out->hash = take_short(&r);
    out->tag_count = reader_u8(&r);
    if (out->tag_count > AUTH_TAGS_MAX)
        return false;
    for (size_t i = 0; i < out->tag_count; i++)
        out->tags[i] = take_short(&r);
    return reader_is_done(&r);
}

/* ---- permissions ---- */

void permission_term_encode(const struct permission_term *t, struct term_buffers *out)
{
    begin(out);
    put_short(&out->key, t->user);
    put_short(&out->key, t->vhost);
    put_pattern(&out->body, t->permission.configure);
    put_pattern(&out->body, t->permission.write);
    put_pattern(&out->body, t->permission.read);
    end(out);
}

bool permission_term_decode(const struct definition *d, struct permission_term *out)
{
    struct reader key = reader_of(d->key);
    struct reader body = reader_of(d->body);

    out->user = take_short(&key);
    out->vhost = take_short(&key);
    out->permission.configure = take_pattern(&body);
    out->permission.write = take_pattern(&body);
    out->permission.read = take_pattern(&body);
    return reader_is_done(&key) && reader_is_done(&body);
}

void topic_permission_term_encode(const struct topic_permission_term *t, struct term_buffers *out)
{
    begin(out);
    put_short(&out->key, t->user);
    put_short(&out->key, t->permission.vhost);
    put_short(&out->key, t->permission.exchange);
    put_pattern(&out->body, t->permission.write);
    put_pattern(&out->body, t->permission.read);
    end(out);
}

bool topic_permission_term_decode(const struct definition *d, struct topic_permission_term *out)
{
    struct reader key = reader_of(d->key);
    struct reader body = reader_of(d->body);

    out->user = take_short(&key);
    out->permission.vhost = take_short(&key);
    out->permission.exchange = take_short(&key);
    out->permission.write = take_pattern(&body);
    out->permission.read = take_pattern(&body);
    return reader_is_done(&key) && reader_is_done(&body);
}

/* ---- exchanges ---- */

void exchange_term_encode(const struct exchange_term *t, struct term_buffers *out)
{
    begin(out);
    buf_le64(&out->key, t->vhost);
    put_short(&out->key, t->name);
    buf_le64(&out->body, t->id);
    buf_u8(&out->body, t->flags);
    put_short(&out->body, t->type);
    buf_bytes(&out->body, t->arguments.bytes);
    end(out);
}

bool exchange_term_decode(const struct definition *d, struct exchange_term *out)
{
    struct reader key = reader_of(d->key);
    struct reader body = reader_of(d->body);

    out->vhost = reader_le64(&key);
    out->name = take_short(&key);
    out->id = reader_le64(&body);
    out->flags = reader_u8(&body);
    out->type = take_short(&body);
    return take_arguments(&body, &out->arguments) && reader_is_done(&key);
}

/* ---- queues ---- */

void queue_term_encode(const struct queue_term *t, struct term_buffers *out)
{
    begin(out);
    buf_le64(&out->key, t->id);
    buf_le64(&out->body, t->vhost);
    buf_le32(&out->body, t->partition);
    buf_u8(&out->body, t->flags);
    if ((t->flags & TERM_SPREAD) != 0)
        buf_le32(&out->body, t->homes);
    put_short(&out->body, t->name);
    buf_bytes(&out->body, t->arguments.bytes);
    end(out);
}

bool queue_term_decode(const struct definition *d, struct queue_term *out)
{
    struct reader key = reader_of(d->key);
    struct reader body = reader_of(d->body);

    out->id = reader_le64(&key);
    out->vhost = reader_le64(&body);
    out->partition = reader_le32(&body);
    out->flags = reader_u8(&body);
    out->homes = (out->flags & TERM_SPREAD) != 0 ? reader_le32(&body) : 1;
    out->name = take_short(&body);
    return take_arguments(&body, &out->arguments) && reader_is_done(&key);
}

/* ---- bindings ---- */

void binding_term_encode(const struct binding_term *t, struct term_buffers *out)
{
    begin(out);
    buf_le64(&out->key, t->vhost);
    buf_le64(&out->key, t->source);
    put_short(&out->key, t->source_name);
    buf_u8(&out->key, t->is_to_exchange ? 1 : 0);
    buf_le64(&out->key, t->destination);
    put_short(&out->key, t->destination_name);
    put_short(&out->key, t->routing_key);
    buf_bytes(&out->key, t->arguments.bytes);
    end(out);
}

bool binding_term_decode(const struct definition *d, struct binding_term *out)
{
    struct reader key = reader_of(d->key);

    out->vhost = reader_le64(&key);
    out->source = reader_le64(&key);
    out->source_name = take_short(&key);
    out->is_to_exchange = reader_u8(&key) != 0;
    out->destination = reader_le64(&key);
    out->destination_name = take_short(&key);
    out->routing_key = take_short(&key);
    return take_arguments(&key, &out->arguments);
}

/* ---- limits, policies, global parameters ---- */

void limit_term_encode(const struct limit_term *t, struct term_buffers *out)
{
    begin(out);
    put_short(&out->key, t->owner);
    put_short(&out->key, t->limit);
    buf_le64(&out->body, (uint64_t)t->value);
    end(out);
}

bool limit_term_decode(const struct definition *d, struct limit_term *out)
{
    struct reader key = reader_of(d->key);
    struct reader body = reader_of(d->body);

    out->owner = take_short(&key);
    out->limit = take_short(&key);
    out->value = (int64_t)reader_le64(&body);
    return reader_is_done(&key) && reader_is_done(&body);
}

void policy_term_encode(const struct policy_term *t, struct term_buffers *out)
{
    begin(out);
    put_short(&out->key, t->vhost);
    put_short(&out->key, t->name);
    buf_u8(&out->body, t->apply_to);
    buf_le64(&out->body, (uint64_t)t->priority);
    put_pattern(&out->body, t->pattern);
    buf_bytes(&out->body, t->definition.bytes);
    end(out);
}

bool policy_term_decode(const struct definition *d, struct policy_term *out)
{
    struct reader key = reader_of(d->key);
    struct reader body = reader_of(d->body);

    out->vhost = take_short(&key);
    out->name = take_short(&key);
    out->apply_to = reader_u8(&body);
    out->priority = (int64_t)reader_le64(&body);
    out->pattern = take_pattern(&body);
    return take_arguments(&body, &out->definition) && reader_is_done(&key);
}

void global_term_encode(const struct global_term *t, struct term_buffers *out)
{
    begin(out);
    put_short(&out->key, t->name);
    buf_bytes(&out->body, t->value);
    end(out);
}

bool global_term_decode(const struct definition *d, struct global_term *out)
{
    struct reader key = reader_of(d->key);

    out->name = take_short(&key);
    out->value = d->body;
    return reader_is_done(&key);
}

/* ---- replays ---- */

enum { REPLAY_ONE_OFF = 1, REPLAY_BOUND = 2 };

void replay_term_encode_key(uint64_t id, struct term_buffers *out)
{
    begin(out);
    buf_le64(&out->key, id);
    end(out);
}

void replay_term_encode(const struct replay_term *t, struct term_buffers *out)
{
    begin(out);
    buf_le64(&out->key, t->id);
    buf_le64(&out->body, t->vhost);
    buf_le64(&out->body, t->queue);
    buf_le64(&out->body, t->exchange);
    buf_u8(&out->body,
           (uint8_t)((t->is_one_off ? REPLAY_ONE_OFF : 0) | (t->is_bound ? REPLAY_BOUND : 0)));
    buf_le64(&out->body, (uint64_t)t->until_ms);
    put_short(&out->body, t->source);
    put_short(&out->body, t->routing_key);
    buf_le16(&out->body, (uint16_t)t->part_count);
    for (size_t i = 0; i < t->part_count; i++) {
        buf_u8(&out->body, t->parts[i].kind);
        buf_le64(&out->body, (uint64_t)t->parts[i].value);
        buf_le64(&out->body, t->parts[i].end);
    }
    buf_bytes(&out->body, t->arguments.bytes);
    end(out);
}

bool replay_term_decode(const struct definition *d, struct replay_term *out)
{
    struct reader key = reader_of(d->key);
    struct reader body = reader_of(d->body);
    uint8_t flags = 0;

    out->id = reader_le64(&key);
    out->vhost = reader_le64(&body);
    out->queue = reader_le64(&body);
    out->exchange = reader_le64(&body);
    flags = reader_u8(&body);
    out->is_one_off = (flags & REPLAY_ONE_OFF) != 0;
    out->is_bound = (flags & REPLAY_BOUND) != 0;
    out->until_ms = (int64_t)reader_le64(&body);
    out->source = take_short(&body);
    out->routing_key = take_short(&body);
    out->part_count = reader_le16(&body);
    if (out->part_count > TERM_PARTS_MAX)
        return false;
    for (size_t i = 0; i < out->part_count; i++) {
        out->parts[i].kind = reader_u8(&body);
        out->parts[i].value = (int64_t)reader_le64(&body);
        out->parts[i].end = reader_le64(&body);
    }
    return take_arguments(&body, &out->arguments) && reader_is_done(&key);
}
