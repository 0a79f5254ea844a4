/* Routing key, header or property, as a number. */
#include "exchange/hash_source.h"

#include "base/hash.h"
#include "exchange/arguments.h"

enum { SOURCE_SEED = 0x7063 }; /* fixed for ever */

static const struct {
    const char *name;
    enum prop property;
} properties[] = {
    {"message_id", PROP_MESSAGE_ID},
    {"correlation_id", PROP_CORRELATION_ID},
    {"timestamp", PROP_TIMESTAMP},
};

static int read_property(struct bytes name, struct hash_source *out, struct err_note *note)
{
    for (size_t i = 0; i < ARRAY_SIZE(properties); i++) {
        if (!bytes_equal(name, bytes_text(properties[i].name)))
            continue;
        *out = (struct hash_source){.kind = HASH_PROPERTY, .property = properties[i].property};
        return 0;
    }
    return err_note(note, ERR_INVALID, "Unsupported property: %.*s", (int)name.size,
                    (const char *)name.data);
}

int hash_source_read(struct table arguments, struct hash_source *out, struct err_note *note)
{
    struct field header;
    struct field property;
    struct bytes text;
    bool has_header = table_find(arguments, bytes_text("hash-header"), &header);
    bool has_property = table_find(arguments, bytes_text("hash-property"), &property);

    if (has_header && has_property)
        return err_note(note, ERR_INVALID, "hash-header and hash-property are mutually exclusive");
    if (has_property) {
        if (!field_as_text(&property, &text))
            return err_note(note, ERR_INVALID, "invalid type '%s' for arg 'hash-property'",
                            field_type_name(&property));
        return read_property(text, out, note);
    }
    if (has_header && !field_as_text(&header, &text))
        return err_note(note, ERR_INVALID, "invalid type '%s' for arg 'hash-header'",
                        field_type_name(&header));
    *out = (struct hash_source){.kind = has_header ? HASH_HEADER : HASH_KEY};
    if (has_header)
        out->header = text;
    return 0;
}

static uint64_t hash_header(struct bytes name, const struct walk *w)
{
    struct table headers;
    struct field value;

    if (w->view->props == NULL || !props_find_headers(w->view->props, &headers) ||
        !table_find(headers, name, &value))
        return hash64(bytes_of(NULL, 0), SOURCE_SEED);
    return field_hash(&value, SOURCE_SEED);
}

static uint64_t hash_property(enum prop property, const struct props *p)
{
    struct bytes text = bytes_of(NULL, 0);
    uint64_t time_s = 0;
    uint8_t time_bytes[sizeof(time_s)];

    if (p != NULL && prop_kind(property) == PROP_KIND_TIME &&
        props_find_time(p, property, &time_s)) {
        put_le64(time_bytes, time_s);
        text = bytes_of(time_bytes, sizeof(time_bytes));
    } else if (p != NULL && prop_kind(property) == PROP_KIND_TEXT) {
        (void)props_find_text(p, property, &text);
    }
    return hash64(text, SOURCE_SEED);
}

uint64_t hash_source_hash(const struct hash_source *s, const struct walk *w)
{
    ASSERT(w->view->key_count > 0);
    switch (s->kind) {
    case HASH_HEADER:
        return hash_header(s->header, w);
    case HASH_PROPERTY:
        return hash_property(s->property, w->view->props);
    case HASH_KEY:
    default:
        return hash64(w->view->keys[0], SOURCE_SEED);
    }
}
