/* Fuzz target: the payload of a method frame. What is accepted must be written with the same size,
 * and what was written must be read and written the same again. */
#include <stddef.h>
#include <stdint.h>

#include "amqp/wire/frame.h"
#include "amqp/wire/method.h"
#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHANNEL = 0x0102 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct method m;
    struct method again;
    struct frame f;
    struct buf first;
    struct buf second;

    enum wire_result result = method_decode(bytes_of(data, size), &m);
    ASSERT((result == WIRE_METHOD_SHORT) == (size < 4));
    ASSERT(m.id == (size < 4 ? METHOD_NONE : get_be32(data)));
    if (result != WIRE_OK) {
        ASSERT((result == WIRE_METHOD_UNKNOWN) == (size >= 4 && method_kind_find(m.id) == NULL));
        return 0;
    }

    size_t frame_size = size + FRAME_EMPTY_SIZE;
    ASSERT(method_frame_size(&m) == frame_size);
    buf_init(&first, frame_size);
    buf_init(&second, frame_size);
    method_write_buf(&first, CHANNEL, &m);
    result = frame_decode(buf_view(&first), UINT32_MAX, &f);
    ASSERT(result == WIRE_OK && f.size == frame_size && f.channel == CHANNEL);
    result = method_decode(f.payload, &again);
    ASSERT(result == WIRE_OK && again.id == m.id);
    method_write_buf(&second, CHANNEL, &again);
    ASSERT(bytes_equal(buf_view(&first), buf_view(&second)));
    buf_release(&first);
    buf_release(&second);
    return 0;
}
