/* Properties and bodies of messages. */
#include "http/api/shapes_messages.h"

#include "base/base64.h"
#include "base/err.h"
#include "base/utf8.h"
#include "http/api/shapes.h"

static void tell_prop(struct tell *t, const struct props *p, enum prop prop)
{
    struct table headers;
    struct bytes text;
    uint64_t time_s = 0;
    uint8_t octet = 0;

    if (!props_has(p, prop))
        return;
    switch (prop_kind(prop)) {
    case PROP_KIND_TEXT:
        if (props_find_text(p, prop, &text))
            tell_text(t, prop_name(prop), text);
        break;
    case PROP_KIND_OCTET:
        if (props_find_octet(p, prop, &octet))
            tell_uint(t, prop_name(prop), octet);
        break;
    case PROP_KIND_TIME:
        if (props_find_time(p, prop, &time_s))
            tell_uint(t, prop_name(prop), time_s);
        break;
    case PROP_KIND_TABLE:
        if (props_find_headers(p, &headers))
            tell_table(t, prop_name(prop), headers);
        break;
    }
}

void tell_props(struct tell *t, const struct props *props)
{
    tell_object(t, "properties");
    for (int prop = 0; prop < PROP_COUNT; prop++)
        tell_prop(t, props, (enum prop)prop);
    tell_end(t);
}

/* ---- bodies ---- */

void payload_init(struct payload *p, store_ready_fn *ready, void *owner)
{
    *p = (struct payload){.ready = ready, .owner = owner};
    buf_init(&p->bytes, PAYLOADS_MAX);
}

static void close_parts(struct payload *p)
{
    if (p->parts != NULL)
        store_body_close(p->parts);
    p->parts = NULL;
}

void payload_release(struct payload *p)
{
    close_parts(p);
    buf_release(&p->bytes);
}

int payload_begin(struct payload *p, struct store *s, const struct stored *m, uint64_t max)
{
    close_parts(p);
    buf_clear(&p->bytes);
    p->left = m->body_size < max ? m->body_size : max;
    if (m->parts == 0) {
        buf_bytes(&p->bytes, bytes_of(m->body.data, (size_t)p->left));
        return buf_error(&p->bytes) == 0 ? 0 : ERR_FULL;
    }
    p->parts = store_body_open(s, m, p->ready, p->owner);
    return payload_more(p);
}

static int read_parts(struct payload *p)
{
    while (p->left > 0) {
        struct store_pin pin;
        struct bytes piece;
        int rv = store_body_next(p->parts, &piece, &pin);

        if (rv == ERR_AGAIN)
            return rv;
        if (rv != 0)
            return ERR_CORRUPT;
        bool is_empty = piece.size == 0;
        if (piece.size > p->left)
            piece.size = (size_t)p->left;
        buf_bytes(&p->bytes, piece);
        p->left -= piece.size;
        store_pin_release(pin);
        if (is_empty)
            return ERR_CORRUPT;
        if (buf_error(&p->bytes) != 0)
            return ERR_FULL;
    }
    return 0;
}

int payload_more(struct payload *p)
{
    int rv = read_parts(p);

    if (rv != ERR_AGAIN)
        close_parts(p);
    return rv;
}

int tell_payload(struct tell *t, const struct payload *p, bool is_base64)
{
    struct bytes payload = buf_view(&p->bytes);
    bool is_string = !is_base64 && utf8_valid(payload);
    int rv = 0;

    if (is_string) {
        tell_text(t, "payload", payload);
    } else {
        struct buf text;

        buf_init(&text, PAYLOADS_MAX);
        buf_u8(&text, '"');
        base64_encode(payload, &text);
        buf_u8(&text, '"');
        tell_raw(t, "payload", buf_view(&text));
        rv = buf_error(&text) != 0 ? ERR_FULL : 0;
        buf_release(&text);
    }
    tell_string(t, "payload_encoding", is_string ? "string" : "base64");
    return rv;
}

bool payload_encoding(struct bytes word, bool *is_base64)
{
    *is_base64 = bytes_equal(word, bytes_text("base64"));
    return *is_base64 || bytes_equal(word, bytes_text("auto"));
}
