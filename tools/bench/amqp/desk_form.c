/* Forms are learned by writing what was read. */
#include "tools/bench/amqp/desk_form.h"

#include "base/bytes.h"

enum { IDS_SIZE = 4, TAG_SIZE = 8, FLAGS_SIZE = 1 };

void desk_form_open(struct desk_form *f, const struct method *m)
{
    struct writer w = writer_of(f->bytes, sizeof(f->bytes));
    struct bytes tag = m->basic_deliver.consumer_tag;

    writer_be32(&w, m->id);
    writer_u8(&w, (uint8_t)tag.size);
    writer_bytes(&w, tag);
    f->opening_size = (uint16_t)w.size;
    f->is_known = false;
}

void desk_form_close(struct desk_form *f, uint16_t channel, const struct content *content)
{
    struct writer w = writer_of(f->bytes + f->opening_size, sizeof(f->bytes) - f->opening_size);
    uint8_t *head;

    content_write(&w, channel, content->body_size, content->props.bytes);
    head = writer_skip(&w, FRAME_HEAD_SIZE);
    if (head == NULL)
        return; /* too long to be known */
    frame_put_head(head, FRAME_BODY, channel, content->body_size);
    f->closing_size = (uint16_t)w.size;
    f->is_known = true;
}

/* The two names behind the flags must fill what the frame has left. */
static bool read_names(const uint8_t *at, size_t size, struct bytes *key)
{
    size_t exchange;

    if (size < 2)
        return false;
    exchange = at[0];
    if (exchange + 2 > size || exchange + 2 + at[exchange + 1] != size)
        return false;
    *key = bytes_of(at + exchange + 2, at[exchange + 1]);
    return true;
}

bool desk_form_read(const struct desk_form *f, struct bytes window, uint64_t tag, size_t body_size,
                    struct desk_seen *out)
{
    const uint8_t *at = window.data, *tag_at = at + FRAME_HEAD_SIZE + f->opening_size;
    size_t before_names = (size_t)f->opening_size + TAG_SIZE + FLAGS_SIZE;
    size_t payload = get_be32(at + 3);
    size_t closing_at = FRAME_EMPTY_SIZE + payload;
    size_t body_at = closing_at + f->closing_size;

    ASSERT(f->is_known && window.size >= FRAME_HEAD_SIZE);
    if (payload < before_names || window.size < body_at + body_size + FRAME_END_SIZE)
        return false;
    if (at[0] != FRAME_METHOD || at[closing_at - 1] != FRAME_END ||
        at[body_at + body_size] != FRAME_END)
        return false;
    if (memcmp(at + FRAME_HEAD_SIZE, f->bytes, f->opening_size) != 0 ||
        memcmp(at + closing_at, f->bytes + f->opening_size, f->closing_size) != 0)
        return false;
    if (get_be64(tag_at) != tag || tag_at[TAG_SIZE] != 0)
        return false;
    if (!read_names(tag_at + TAG_SIZE + FLAGS_SIZE, payload - before_names, &out->key))
        return false;
    out->size = body_at + body_size + FRAME_END_SIZE;
    out->body = bytes_of(at + body_at, body_size);
    return true;
}
