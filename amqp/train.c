/* Publishes that look the same are found, and deliveries that do are written. */
#include "amqp/train.h"

#include <string.h>

#include "amqp/deliver.h"
#include "amqp/subscriber.h"
#include "amqp/wire/content.h"
#include "amqp/wire/frame.h"

enum {
    BODY_SIZE_AT = FRAME_HEAD_SIZE + 4, /* in a header frame */
    FRONT_MAX = 1024,                   /* of deliveries that are written in one go */
};

/* ---- in ---- */

struct train_form train_form_of(struct bytes frames, size_t method_size)
{
    size_t front_size = method_size + BODY_SIZE_AT;
    size_t back_at = front_size + sizeof(uint64_t);

    ASSERT(back_at <= frames.size);
    return (struct train_form){
        .front = bytes_of(frames.data, front_size),
        .back = bytes_of(frames.data + back_at, frames.size - back_at),
        .channel = get_be16(frames.data + 1),
        .body_max = TRAIN_BODY_MAX,
    };
}

/* A body of that size in one frame, or nothing at all for an empty one. False: it is not so. */
static bool find_body(const struct train_form *form, struct bytes window, uint64_t size,
                      struct bytes *out)
{
    const uint8_t *at = window.data;

    if (size == 0) {
        *out = bytes_of(at, 0);
        return true;
    }
    if (size > form->body_max || window.size < FRAME_EMPTY_SIZE + (size_t)size)
        return false;
    *out = bytes_of(at + FRAME_HEAD_SIZE, (size_t)size);
    return at[0] == FRAME_BODY && get_be16(at + 1) == form->channel && get_be32(at + 3) == size &&
           at[FRAME_HEAD_SIZE + size] == FRAME_END;
}

size_t train_gather(const struct train_form *form, struct bytes window, struct bytes *bodies,
                    size_t max)
{
    struct bytes front = form->front;
    struct bytes back = form->back;
    size_t head_size = front.size + sizeof(uint64_t) + back.size;
    size_t count = 0;

    while (count < max && window.size >= head_size) {
        const uint8_t *at = window.data;
        struct bytes rest = bytes_of(at + head_size, window.size - head_size);

        if (memcmp(at, front.data, front.size) != 0 ||
            memcmp(at + front.size + sizeof(uint64_t), back.data, back.size) != 0 ||
            !find_body(form, rest, get_be64(at + front.size), &bodies[count]))
            break;
        const uint8_t *end = train_body_end(bodies[count++]);
        window = bytes_of(end, (size_t)(window.data + window.size - end));
    }
    return count;
}

const uint8_t *train_body_end(struct bytes body)
{
    return body.data + body.size + (body.size > 0 ? FRAME_END_SIZE : 0);
}

/* ---- out ---- */

/* The frames of a delivery up to its body, made once. */
struct front {
    uint8_t bytes[FRONT_MAX];
    size_t size;    /* with the head of a body frame */
    size_t tag_at;  /* in them: the delivery tag, */
    size_t size_at; /* and the size of the body */
};

static void make_front(struct front *f, const struct subscriber *s, const struct stored *m)
{
    uint16_t channel = s->channel->id;
    size_t method_size = deliver_method_size(s, m);
    size_t header_size = content_frame_size(m->props.size);
    struct writer w = writer_of(f->bytes + method_size, header_size);

    f->size = method_size + header_size + FRAME_HEAD_SIZE;
    f->tag_at = s->head_size;
    f->size_at = method_size + BODY_SIZE_AT;
    deliver_put_method(f->bytes, s, 0, m);
    content_write(&w, channel, 0, m->props);
    ASSERT(!w.is_failed);
    frame_put_head(f->bytes + method_size + header_size, FRAME_BODY, channel, 0);
}

static size_t size_with(const struct front *f, struct bytes body)
{
    return body.size == 0 ? f->size - FRAME_HEAD_SIZE : f->size + body.size + FRAME_END_SIZE;
}

static uint8_t *put_one(uint8_t *at, const struct front *f, uint64_t tag, struct bytes body)
{
    size_t size = size_with(f, body);

    memcpy(at, f->bytes, body.size == 0 ? size : f->size);
    put_be64(at + f->tag_at, tag);
    put_be64(at + f->size_at, body.size);
    if (body.size == 0)
        return at + size;
    put_be32(at + f->size - sizeof(uint32_t), (uint32_t)body.size);
    memcpy(at + f->size, body.data, body.size);
    at[size - FRAME_END_SIZE] = FRAME_END;
    return at + size;
}

/* As many as go into one piece of memory. Returns how many. */
static size_t put_some(struct output *o, const struct front *f, uint64_t tag,
                       const struct bytes *bodies, size_t count)
{
    size_t room = output_room(o);
    size_t size = size_with(f, bodies[0]);
    size_t n = 1;

    while (n < count && size + size_with(f, bodies[n]) <= room)
        size += size_with(f, bodies[n++]);
    uint8_t *at = output_extend(o, size);
    const uint8_t *end = at + size;
    for (size_t i = 0; i < n; i++)
        at = put_one(at, f, tag + i, bodies[i]);
    ASSERT(at == end);
    return n;
}

/* With long names or properties, or small frames. */
static void deliver_each(struct subscriber *s, const struct stored *m, const struct bytes *bodies,
                         size_t count)
{
    const struct store_pin none = {NULL, NULL};
    const struct delivery d = {.consumer = s->consumer};
    struct stored one = *m;

    for (size_t i = 0; i < count; i++) {
        one.body = bodies[i];
        one.body_size = bodies[i].size;
        deliver_stored(s, s->channel->next_tag++, &d, &one, none);
    }
}

static bool has_room(void *owner)
{
    const struct subscriber *s = owner;

    return !channel_is_held(s->channel) && !visit_is_traced(channel_visit(s->channel));
}

static void deliver(void *owner, const struct stored *m, const struct bytes *bodies, size_t count)
{
    struct subscriber *s = owner;
    struct channel *ch = s->channel;
    struct output *o = &ch->connection->session.output;
    struct front f; /* not cleared: it is large */

    ASSERT(s->is_no_ack);
    ch->counts.deliver_no_ack += count;
    if (UNLIKELY(deliver_method_size(s, m) + content_frame_size(m->props.size) + FRAME_HEAD_SIZE >
                     FRONT_MAX ||
                 ch->connection->frame_max < TRAIN_BODY_MAX + FRAME_EMPTY_SIZE)) {
        deliver_each(s, m, bodies, count);
        return;
    }
    make_front(&f, s, m);
    while (count > 0) {
        size_t done = put_some(o, &f, ch->next_tag, bodies, count);

        ch->next_tag += done;
        bodies += done;
        count -= done;
    }
    session_flush(&ch->connection->session);
}

const struct train_ops subscriber_train_ops = {.has_room = has_room, .deliver = deliver};
