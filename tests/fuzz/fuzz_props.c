/* Fuzz target: the properties of a message, and texts of expirations. What is accepted must come
 * out of an edit as it went in, but for a second word of flags. */
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "msg/props.h"
#include "msg/shortstr.h"
#include "msg/ttl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_values(const struct props *p)
{
    struct table headers;
    struct bytes text;
    uint8_t octet = 0;
    uint64_t time = 0;
    uint8_t area[SHORTSTR_MAX];

    for (unsigned i = 0; i < PROP_COUNT; i++) {
        enum prop prop = (enum prop)i;
        bool is_found = false;
        switch (prop_kind(prop)) {
        case PROP_KIND_TEXT:
            is_found = props_find_text(p, prop, &text);
            break;
        case PROP_KIND_TABLE:
            is_found = props_find_headers(p, &headers);
            break;
        case PROP_KIND_OCTET:
            is_found = props_find_octet(p, prop, &octet);
            break;
        case PROP_KIND_TIME:
            is_found = props_find_time(p, prop, &time);
            break;
        }
        ASSERT(is_found == props_has(p, prop));
    }
    if (props_find_headers(p, &headers))
        ASSERT(table_equal(headers, headers));
    if (props_find_text(p, PROP_EXPIRATION, &text))
        ASSERT(ttl_parse(text).ms <= TTL_MAX_MS);
    if (props_find_text(p, PROP_REPLY_TO, &text))
        ASSERT(shortstr_without_line_ends(text, area).size <= text.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct props p;
    struct props again;
    struct props_edit e;
    struct buf out;

    if (props_decode(bytes_of(data, size), &p) != 0)
        return 0;
    ASSERT(p.bytes.data == data && p.bytes.size == size);
    check_values(&p);

    buf_init(&out, size);
    props_edit_init(&e, &p);
    props_encode(&e, &out);
    size_t flags_size = (data[1] & 1) != 0 ? 4 : 2;
    ASSERT(out.size == size + 2 - flags_size);
    ASSERT(bytes_equal(bytes_of(out.data + 2, out.size - 2),
                       bytes_of(data + flags_size, size - flags_size)));
    int rv = props_decode(buf_view(&out), &again);
    ASSERT(rv == 0 && again.flags == p.flags);
    buf_release(&out);
    return 0;
}
