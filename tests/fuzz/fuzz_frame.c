/* Fuzz target: what comes over a new connection: a greeting, then frames, in pieces of any size.
 *
 *     | limit u8 | seed of the pieces u8 | the bytes that a peer sends ... |
 *
 * However the bytes are cut, the frames must be the same as when all are there at once. */
#include <stddef.h>
#include <stdint.h>

#include "amqp/wire/content.h"
#include "amqp/wire/frame.h"
#include "amqp/wire/greeting.h"
#include "amqp/wire/method.h"
#include "base/rand.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OPTIONS_SIZE = 2 };

/* Looks into a frame as a connection does. */
static void look_into(const struct frame *f)
{
    struct method m;
    struct content c;
    enum wire_result result = WIRE_OK;

    ASSERT(f->size == f->payload.size + FRAME_EMPTY_SIZE);
    if (f->type == FRAME_METHOD)
        result = method_decode(f->payload, &m);
    if (f->type == FRAME_HEADER)
        result = content_decode(f->payload, &c);
    ASSERT(wire_result_text(result) != NULL);
}

/* Where the stream stops being frames, and how many there were. */
struct end {
    size_t at;
    size_t count;
    enum wire_result result;
};

/* Reads with all bytes in the window. */
static struct end read_at_once(struct bytes stream, uint32_t frame_max)
{
    struct end end = {0};
    struct frame f;

    while ((end.result = frame_decode(bytes_of(stream.data + end.at, stream.size - end.at),
                                      frame_max, &f)) == WIRE_OK) {
        look_into(&f);
        end.at += f.size;
        end.count++;
    }
    return end;
}

/* Reads with a window that grows by pieces, and only when a frame asks for more. */
static struct end read_in_pieces(struct bytes stream, uint32_t frame_max, struct rand *r)
{
    struct end end = {0};
    size_t come = 0;
    struct frame f;

    for (;;) {
        end.result = frame_decode(bytes_of(stream.data + end.at, come - end.at), frame_max, &f);
        if (end.result == WIRE_OK) {
            end.at += f.size;
            end.count++;
            continue;
        }
        if (end.result != WIRE_MORE || come == stream.size)
            return end;
        ASSERT(f.size > come - end.at);
        come += 1 + rand_below(r, 16);
        come = come < stream.size ? come : stream.size;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rand r;

    if (size < OPTIONS_SIZE)
        return 0;
    uint32_t frame_max = FRAME_EMPTY_SIZE + 16U * data[0];
    struct bytes stream = bytes_of(data + OPTIONS_SIZE, size - OPTIONS_SIZE);
    enum greeting greeting = greeting_of(stream);
    ASSERT((greeting == GREETING_MORE) == (stream.size < GREETING_SIZE));
    if (greeting == GREETING_AMQP_0_9_1)
        stream = bytes_of(stream.data + GREETING_SIZE, stream.size - GREETING_SIZE);

    rand_init(&r, data[1]);
    struct end once = read_at_once(stream, frame_max);
    struct end pieces = read_in_pieces(stream, frame_max, &r);
    ASSERT(once.at == pieces.at);
    ASSERT(once.count == pieces.count);
    ASSERT(once.result == pieces.result);
    return 0;
}
