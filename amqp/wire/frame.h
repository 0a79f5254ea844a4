/* Frames: what everything on a connection is wrapped in (AMQP 4.2.3).
 *
 *     | type u8 | channel u16 | size u32 | payload, size bytes ... | 0xCE |
 *
 * All numbers on the wire are big-endian. Frames are read where they lie in the receive buffer;
 * nothing is believed of a size before it was compared with the limit. */
#ifndef AMQP_WIRE_FRAME_H
#define AMQP_WIRE_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "amqp/wire/result.h"
#include "base/bytes.h"
#include "base/check.h"

enum frame_type {
    FRAME_METHOD = 1,
    FRAME_HEADER = 2,
    FRAME_BODY = 3,
    FRAME_HEARTBEAT = 8,
};

enum {
    FRAME_HEAD_SIZE = 7,
    FRAME_END_SIZE = 1,
    FRAME_EMPTY_SIZE = FRAME_HEAD_SIZE + FRAME_END_SIZE,
    FRAME_END = 0xce,

    /* frame_max counts the whole frame. Many clients take it for the payload alone; so that
     * much more is let through, as RabbitMQ does. */
    FRAME_TOLERANCE = 8,
};

/* A frame in a window of bytes, borrowed from it. */
struct frame {
    uint8_t type;
    uint16_t channel;
    size_t size;          /* of the whole frame, as its head says */
    struct bytes payload; /* as much of it as is in the window */
};

/* Reads the frame at the front of the window.
 *
 * WIRE_OK: *out is a whole frame that may be looked into; the next one begins out->size bytes on.
 * WIRE_MORE: calling again is of use once the window has out->size bytes.
 * Otherwise the connection has to end. A size, a type or a channel that is wrong shows as soon as
 * the head is there. *out has what the head says, for the reply's text.
 *
 * frame_max is what was negotiated, or the limit before that; at least FRAME_EMPTY_SIZE. */
MUST_USE enum wire_result frame_decode(struct bytes window, uint32_t frame_max, struct frame *out);

/* Writes the head of a frame; returns where its payload goes. For those who put payloads
 * there themselves; the others call method_write() and its like. */
static inline uint8_t *frame_put_head(uint8_t *at, enum frame_type type, uint16_t channel,
                                      size_t payload_size)
{
    ASSERT(payload_size <= UINT32_MAX);
    at[0] = (uint8_t)type;
    put_be16(at + 1, channel);
    put_be32(at + 3, (uint32_t)payload_size);
    return at + FRAME_HEAD_SIZE;
}

/* Adds a heartbeat: FRAME_EMPTY_SIZE bytes. One that does not fit is not written. */
void frame_write_heartbeat(struct writer *w);

#endif
