/* The receive buffer of a session. */
#include "amqp/input.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"

enum { CAPACITY_MIN = 512 };

void input_release(struct input *in)
{
    mem_free(in->data);
    *in = (struct input){0};
}

struct bytes input_left(const struct input *in)
{
    ASSERT(in->start <= in->size && in->size <= in->capacity);
    if (in->data == NULL)
        return bytes_of(NULL, 0);
    return bytes_of(in->data + in->start, in->size - in->start);
}

static size_t capacity_for(size_t size)
{
    size_t capacity = CAPACITY_MIN;

    while (capacity < size)
        capacity *= 2;
    return capacity;
}

struct input_window input_window(struct input *in, uint8_t *scratch)
{
    struct bytes left = input_left(in);

    if (left.size <= INPUT_SMALL_SIZE) {
        if (left.size > 0)
            memcpy(scratch, left.data, left.size);
        return (struct input_window){scratch, left.size, INPUT_SCRATCH_SIZE - left.size};
    }
    if (in->start > 0)
        memmove(in->data, left.data, left.size);
    in->start = 0;
    in->size = left.size;
    if (in->size == in->capacity) {
        in->capacity *= 2;
        in->data = mem_grow(in->data, in->capacity, 1);
    }
    return (struct input_window){in->data, in->size, in->capacity - in->size};
}

void input_keep(struct input *in, struct bytes window, size_t taken)
{
    size_t left = window.size - taken;

    ASSERT(taken <= window.size);
    if (left == 0) {
        input_release(in);
        return;
    }
    if (in->data != NULL && window.data >= in->data && window.data < in->data + in->capacity) {
        in->start = (size_t)(window.data - in->data) + taken;
        in->size = in->start + left;
        return;
    }
    if (left > in->capacity) {
        in->capacity = capacity_for(left);
        mem_free(in->data);
        in->data = mem_alloc(in->capacity);
    }
    memcpy(in->data, window.data + taken, left);
    in->start = 0;
    in->size = left;
}
