/* Content: what follows basic.publish, deliver, return and get-ok (AMQP 4.2.6).
 *
 *     header frame   | class u16 | weight u16 | body size u64 | properties ... |
 *     body frames    | part of the body ... |          as many as it takes; none for an empty body
 *
 * The class is that of the method, which is always basic; the weight is always zero. */
#ifndef AMQP_WIRE_CONTENT_H
#define AMQP_WIRE_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "amqp/wire/frame.h"
#include "amqp/wire/result.h"
#include "base/bytes.h"
#include "base/check.h"
#include "msg/props.h"

enum {
    CONTENT_HEAD_SIZE = 12, /* class, weight and body size */
    CONTENT_CLASS = 60,     /* basic */
};

struct content_head {
    uint16_t class_id;
    uint16_t weight;
    uint64_t body_size;
};

struct content {
    uint16_t class_id;
    uint16_t weight;
    uint64_t body_size;
    struct props props; /* in the payload, borrowed */
};

/* Reads the payload of a header frame. All but WIRE_OK ends the connection; *out then has class,
 * weight and body size (unless WIRE_CONTENT_SHORT), but no properties. A body larger than
 * MESSAGE_BODY_MAX is refused here, a smaller limit is the caller's. */
MUST_USE enum wire_result content_decode(struct bytes payload, struct content *out);
/* The same into a message in the making; the properties are not moved once more. */
MUST_USE enum wire_result content_decode_to(struct bytes payload, struct content_head *out,
                                            struct props *props);

/* The size of the header frame for properties of that many bytes. */
static inline size_t content_frame_size(size_t props_size)
{
    return FRAME_EMPTY_SIZE + CONTENT_HEAD_SIZE + props_size;
}

/* Adds a header frame. `props` are flags and values as in struct props. A frame that does not fit
 * is not written at all. */
void content_write(struct writer *w, uint16_t channel, uint64_t body_size, struct bytes props);

/* How many bytes the body frames take for a body (or a part of one, whose frames stand for
 * themselves) of that size. */
size_t body_frames_size(size_t body_size, uint32_t frame_max);

/* Adds all body frames, or none when they do not fit. */
void body_write(struct writer *w, uint16_t channel, struct bytes body, uint32_t frame_max);

/* Cuts a body into what goes into one frame each, for those who send it from where it lies:
 *
 *     struct body_cut cut = body_cut(body, frame_max);
 *     struct bytes part;
 *     while (body_next(&cut, &part))
 *         send a head by frame_put_head(), the part, and FRAME_END */
struct body_cut {
    struct bytes left;
    size_t part_max;
};
struct body_cut body_cut(struct bytes body, uint32_t frame_max);
bool body_next(struct body_cut *cut, struct bytes *part);

#endif
