/* Reads frames. */
#include "amqp/wire/frame.h"

/* What the head alone can show. */
static enum wire_result check_head(const struct frame *f, size_t payload_size, uint32_t frame_max)
{
    if (UNLIKELY(payload_size > (size_t)frame_max - FRAME_EMPTY_SIZE + FRAME_TOLERANCE))
        return WIRE_FRAME_TOO_LARGE;

    switch (f->type) {
    case FRAME_METHOD:
        return WIRE_OK;
    case FRAME_HEADER:
    case FRAME_BODY:
        return f->channel == 0 ? WIRE_CONTENT_CHANNEL : WIRE_OK;
    case FRAME_HEARTBEAT:
        if (payload_size > 0)
            return WIRE_HEARTBEAT_PAYLOAD;
        return f->channel != 0 ? WIRE_HEARTBEAT_CHANNEL : WIRE_OK;
    default:
        return WIRE_FRAME_TYPE;
    }
}

enum wire_result frame_decode(struct bytes window, uint32_t frame_max, struct frame *out)
{
    ASSERT(frame_max >= FRAME_EMPTY_SIZE);
    if (window.size < FRAME_HEAD_SIZE) {
        *out = (struct frame){.size = FRAME_HEAD_SIZE};
        return WIRE_MORE;
    }

    const uint8_t *payload = window.data + FRAME_HEAD_SIZE;
    size_t payload_size = get_be32(window.data + 3);
    size_t there = window.size - FRAME_HEAD_SIZE;

    out->type = window.data[0];
    out->channel = get_be16(window.data + 1);
    out->size = payload_size + FRAME_EMPTY_SIZE;
    out->payload = bytes_of(payload, there < payload_size ? there : payload_size);

    enum wire_result result = check_head(out, payload_size, frame_max);
    if (UNLIKELY(result != WIRE_OK))
        return result;
    if (there <= payload_size)
        return WIRE_MORE;
    return LIKELY(payload[payload_size] == FRAME_END) ? WIRE_OK : WIRE_FRAME_END;
}

void frame_write_heartbeat(struct writer *w)
{
    uint8_t *at = writer_skip(w, FRAME_EMPTY_SIZE);

    if (at != NULL)
        *frame_put_head(at, FRAME_HEARTBEAT, 0, 0) = FRAME_END;
}
