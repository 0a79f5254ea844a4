/* Makes random tables. */
#include "tests/unit/msg/random_table.h"

#include "base/check.h"

static void random_bytes(struct rand *r, struct buf *out, size_t size)
{
    uint8_t *at = size == 0 ? NULL : buf_extend(out, size);

    ASSERT(buf_error(out) == 0);
    if (at != NULL)
        rand_fill(r, at, size);
}

/* Puts the size of what was added since `start`, where four bytes were left for it. */
static void close_size(struct buf *out, size_t start)
{
    put_be32(out->data + start - 4, (uint32_t)(out->size - start));
}

void random_field(struct rand *r, struct buf *out, unsigned depth)
{
    static const char tags[] = "tbBsuIilLfdDTVSxAF";
    static const size_t sizes[] = {1, 1, 1, 2, 2, 4, 4, 8, 8, 4, 8, 5, 8, 0};
    size_t choices = sizeof(tags) - (depth == 0 ? 3 : 1);
    size_t choice = rand_below(r, choices);

    buf_u8(out, (uint8_t)tags[choice]);
    if (choice < ARRAY_SIZE(sizes)) {
        random_bytes(r, out, sizes[choice]);
        return;
    }
    buf_be32(out, 0);
    size_t start = out->size;
    if (tags[choice] == 'F')
        random_table(r, out, 4, depth - 1);
    else if (tags[choice] == 'A')
        for (uint64_t i = rand_below(r, 5); i > 0; i--)
            random_field(r, out, depth - 1);
    else
        random_bytes(r, out, rand_below(r, 20));
    close_size(out, start);
}

void random_table(struct rand *r, struct buf *out, size_t entries, unsigned depth)
{
    for (uint64_t i = rand_below(r, entries + 1); i > 0; i--) {
        uint8_t size = (uint8_t)rand_below(r, 3);
        buf_u8(out, size);
        for (uint8_t k = 0; k < size; k++)
            buf_u8(out, (uint8_t)('a' + rand_below(r, 3))); /* few names, so many are equal */
        random_field(r, out, depth);
    }
}
