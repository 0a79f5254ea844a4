/* Content headers and bodies. */
#include "amqp/wire/content.h"

#include "msg/msg.h"

/* All but the properties. */
static inline enum wire_result decode_head(struct bytes payload, struct content_head *out)
{
    if (UNLIKELY(payload.size < CONTENT_HEAD_SIZE))
        return WIRE_CONTENT_SHORT;

    out->class_id = get_be16(payload.data);
    out->weight = get_be16(payload.data + 2);
    out->body_size = get_be64(payload.data + 4);
    /* RabbitMQ looks at them in this order. */
    if (UNLIKELY(out->weight != 0))
        return WIRE_CONTENT_WEIGHT;
    if (UNLIKELY(out->class_id != CONTENT_CLASS))
        return WIRE_CONTENT_CLASS;
    return LIKELY(out->body_size <= MESSAGE_BODY_MAX) ? WIRE_OK : WIRE_CONTENT_SIZE;
}

enum wire_result content_decode_to(struct bytes payload, struct content_head *out,
                                   struct props *props)
{
    enum wire_result result = decode_head(payload, out);

    if (UNLIKELY(result != WIRE_OK))
        return result;
    struct bytes rest =
        bytes_of(payload.data + CONTENT_HEAD_SIZE, payload.size - CONTENT_HEAD_SIZE);
    return props_decode(rest, props) == 0 ? WIRE_OK : WIRE_CONTENT_PROPS;
}

enum wire_result content_decode(struct bytes payload, struct content *out)
{
    struct content_head head = {.class_id = 0};
    enum wire_result result = content_decode_to(payload, &head, &out->props);

    out->class_id = head.class_id;
    out->weight = head.weight;
    out->body_size = head.body_size;
    return result;
}

void content_write(struct writer *w, uint16_t channel, uint64_t body_size, struct bytes props)
{
    uint8_t *at = writer_skip(w, content_frame_size(props.size));

    ASSERT(body_size <= MESSAGE_BODY_MAX);
    ASSERT(props.size >= 2); /* its flags */
    if (at == NULL)
        return;
    at = frame_put_head(at, FRAME_HEADER, channel, CONTENT_HEAD_SIZE + props.size);
    put_be16(at, CONTENT_CLASS);
    put_be16(at + 2, 0);
    put_be64(at + 4, body_size);
    memcpy(at + CONTENT_HEAD_SIZE, props.data, props.size);
    at[CONTENT_HEAD_SIZE + props.size] = FRAME_END;
}

static size_t part_max_of(uint32_t frame_max)
{
    ASSERT(frame_max > FRAME_EMPTY_SIZE);
    return frame_max - FRAME_EMPTY_SIZE;
}

size_t body_frames_size(size_t body_size, uint32_t frame_max)
{
    size_t part_max = part_max_of(frame_max);

    if (LIKELY(body_size <= part_max)) /* most are, and a division costs as much as the rest */
        return body_size == 0 ? 0 : body_size + FRAME_EMPTY_SIZE;
    size_t count = body_size / part_max + (body_size % part_max != 0);

    return body_size + count * FRAME_EMPTY_SIZE;
}

void body_write(struct writer *w, uint16_t channel, struct bytes body, uint32_t frame_max)
{
    size_t size = body_frames_size(body.size, frame_max);
    struct body_cut cut = body_cut(body, frame_max);
    uint8_t *at = size == 0 ? NULL : writer_skip(w, size);
    struct bytes part;

    if (at == NULL)
        return;
    const uint8_t *end = at + size;
    while (body_next(&cut, &part)) {
        at = frame_put_head(at, FRAME_BODY, channel, part.size);
        memcpy(at, part.data, part.size);
        at[part.size] = FRAME_END;
        at += part.size + FRAME_END_SIZE;
    }
    ASSERT(at == end);
}

struct body_cut body_cut(struct bytes body, uint32_t frame_max)
{
    return (struct body_cut){.left = body, .part_max = part_max_of(frame_max)};
}

bool body_next(struct body_cut *cut, struct bytes *part)
{
    struct bytes left = cut->left;
    size_t size = left.size < cut->part_max ? left.size : cut->part_max;

    if (size == 0)
        return false;
    *part = bytes_of(left.data, size);
    cut->left = bytes_of(left.data + size, left.size - size);
    return true;
}
