/* Slots of those who take replies, and what was posted to them in this turn. */
#include "broker/replies.h"

#include "base/mem.h"
#include "broker/base64url.h"
#include "broker/parts.h"
#include "broker/publisher.h"
#include "msg/msg.h"

enum {
    SLOT_SIZE = 4,
    TOKEN_SIZE = SLOT_SIZE + REPLY_SECRET_SIZE,
    TOKEN_TEXT = (TOKEN_SIZE * 8 + 5) / 6,
    SLOTS_MIN = 16,
    REPLIES_KEPT = 1 << 20, /* memory that is kept for the next turn */
};

static const char prefix[] = REPLY_QUEUE ".";
enum { PREFIX_SIZE = sizeof(prefix) - 1 };
STATIC_ASSERT(PREFIX_SIZE + TOKEN_TEXT + 1 <= REPLY_NAME_SIZE, "a name fits");

struct slot {
    struct publisher *publisher; /* NULL: free */
    uint8_t secret[REPLY_SECRET_SIZE];
    size_t next_free;
};

struct replies {
    struct slot *slots; /* number 0 is never used */
    size_t count;
    size_t capacity;
    size_t free; /* first of a chain; 0: none */
    struct buf posted;
};

struct replies *replies_new(void)
{
    struct replies *r = MEM_NEW(struct replies);

    r->count = 1;
    r->capacity = SLOTS_MIN;
    r->slots = MEM_NEW_ARRAY(struct slot, SLOTS_MIN);
    buf_init(&r->posted, REPLIES_BYTES_MAX);
    return r;
}

void replies_free(struct replies *r)
{
    mem_free(r->slots);
    buf_release(&r->posted);
    mem_free(r);
}

/* ---- who takes replies ---- */

static size_t take_slot(struct replies *r)
{
    size_t at = r->free;

    if (at != 0) {
        r->free = r->slots[at].next_free;
        return at;
    }
    if (r->count == r->capacity) {
        r->capacity *= 2;
        r->slots = (struct slot *)mem_grow(r->slots, r->capacity, sizeof(*r->slots));
    }
    return r->count++;
}

bool publisher_take_replies(struct publisher *p)
{
    struct broker *b = p->visit->broker;
    size_t at = 0;

    if (p->reply_slot != 0)
        return false;
    at = take_slot(b->replies);
    b->replies->slots[at].publisher = p;
    put_le64(b->replies->slots[at].secret, io_random(b->io));
    put_le64(b->replies->slots[at].secret + 8, io_random(b->io));
    p->reply_slot = at;
    return true;
}

void publisher_drop_replies(struct publisher *p)
{
    struct replies *r = p->visit->broker->replies;

    if (p->reply_slot == 0)
        return;
    r->slots[p->reply_slot].publisher = NULL;
    r->slots[p->reply_slot].next_free = r->free;
    r->free = p->reply_slot;
    p->reply_slot = 0;
}

bool publisher_takes_replies(const struct publisher *p)
{
    return p->reply_slot != 0;
}

/* ---- names ---- */

void replies_name(const struct publisher *p, char name[REPLY_NAME_SIZE])
{
    const struct slot *s = &p->visit->broker->replies->slots[p->reply_slot];
    uint8_t token[TOKEN_SIZE];

    ASSERT(p->reply_slot != 0);
    put_le32(token, (uint32_t)p->reply_slot);
    memcpy(token + SLOT_SIZE, s->secret, REPLY_SECRET_SIZE);
    memcpy(name, prefix, PREFIX_SIZE);
    base64url_encode(bytes_of(token, sizeof(token)), name + PREFIX_SIZE);
}

bool replies_is_name(struct bytes name)
{
    return name.size > PREFIX_SIZE && memcmp(name.data, prefix, PREFIX_SIZE) == 0;
}

/* The slot's number, or 0. */
static size_t find_slot(const struct broker *b, const struct vhost *v, struct bytes name)
{
    const struct replies *r = b->replies;
    uint8_t token[TOKEN_SIZE];
    size_t at = 0;

    if (name.size != PREFIX_SIZE + TOKEN_TEXT || !replies_is_name(name) ||
        !base64url_decode(bytes_of(name.data + PREFIX_SIZE, TOKEN_TEXT), token, sizeof(token)))
        return 0;
    at = get_le32(token);
    if (at == 0 || at >= r->count || r->slots[at].publisher == NULL ||
        r->slots[at].publisher->visit->vhost != v)
        return 0;
    return memcmp(token + SLOT_SIZE, r->slots[at].secret, REPLY_SECRET_SIZE) == 0 ? at : 0;
}

bool replies_exist(const struct broker *b, const struct vhost *v, struct bytes name)
{
    return find_slot(b, v, name) != 0;
}

/* ---- messages ---- */

/* Posted: slot, secret, sizes, and the bytes. Bodies are smaller than 4 GiB. */
bool replies_post(struct broker *b, const struct vhost *v, struct bytes name,
                  const struct message *m)
{
    struct buf *out = &b->replies->posted;
    size_t at = find_slot(b, v, name);
    size_t before = out->size;

    if (at == 0)
        return false;
    buf_le32(out, (uint32_t)at);
    buf_bytes(out, bytes_of(b->replies->slots[at].secret, REPLY_SECRET_SIZE));
    buf_u8(out, (uint8_t)m->exchange.size);
    buf_u8(out, (uint8_t)name.size);
    buf_le32(out, (uint32_t)m->props.bytes.size);
    buf_le32(out, (uint32_t)m->body_size);
    buf_bytes(out, m->exchange);
    buf_bytes(out, name);
    buf_bytes(out, m->props.bytes);
    for (size_t i = 0; i < m->body_count; i++)
        buf_bytes(out, m->body[i]);
    if (buf_error(out) != 0) { /* lost */
        out->size = before;
        out->error = 0;
    }
    broker_stir(b);
    return true;
}

/* Reads one message and gives it to its taker, if he is still there. */
static void deliver_one(struct broker *b, struct reader *r)
{
    struct message m = {0};
    size_t at = reader_le32(r);
    struct bytes secret = reader_bytes(r, REPLY_SECRET_SIZE);
    size_t exchange_size = reader_u8(r);
    size_t key_size = reader_u8(r);
    size_t props_size = reader_le32(r);
    size_t body_size = reader_le32(r);
    struct bytes body;
    struct slot *s = &b->replies->slots[at];
    int rv = 0;

    m.exchange = reader_bytes(r, exchange_size);
    m.routing_key = reader_bytes(r, key_size);
    rv = props_decode(reader_bytes(r, props_size), &m.props);
    body = reader_bytes(r, body_size);
    ASSERT(rv == 0 && !r->is_failed);
    m.body = &body;
    m.body_count = body_size == 0 ? 0 : 1;
    m.body_size = body_size;
    if (s->publisher == NULL || memcmp(s->secret, secret.data, REPLY_SECRET_SIZE) != 0)
        return;
    s->publisher->ops->reply(s->publisher->owner, &m);
}

void replies_deliver(struct broker *b)
{
    struct replies *r = b->replies;
    struct buf posted = r->posted;
    struct reader at;

    if (posted.size == 0)
        return;
    buf_init(&r->posted, REPLIES_BYTES_MAX); /* a taker may publish in his turn */
    at = reader_of(buf_view(&posted));
    while (at.left > 0)
        deliver_one(b, &at);
    if (r->posted.data == NULL && posted.capacity <= REPLIES_KEPT) {
        buf_clear(&posted);
        r->posted = posted;
        return;
    }
    buf_release(&posted);
}
