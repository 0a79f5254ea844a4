/* The properties of a message: content type, headers, delivery mode and the other eleven.
 *
 * On the wire (AMQP 4.2.6.1) they are flags that say which are there, and those, in the order
 * of PROP_LIST, without anything between or behind them:
 *
 *     | flags u16 | value | value | ...
 *       15: content type ... 2: cluster id, 1: zero, 0: another word of flags follows
 *
 * Of another word of flags nothing is known, so it must be zero.
 *
 * Properties are kept as they came. A message that nobody had to change leaves with `bytes`,
 * byte for byte: with an empty table of headers where it had one, and with none where it had
 * none. What must change goes through a struct props_edit, which copies the rest unchanged.
 * Texts are not required to be UTF-8; most of them are between publisher and consumer. */
#ifndef MSG_PROPS_H
#define MSG_PROPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/check.h"
#include "msg/table.h"

/* X(constant, kind, name), in their order on the wire. */
#define PROP_LIST(X)                                                                               \
    X(PROP_CONTENT_TYPE, PROP_KIND_TEXT, "content_type")                                           \
    X(PROP_CONTENT_ENCODING, PROP_KIND_TEXT, "content_encoding")                                   \
    X(PROP_HEADERS, PROP_KIND_TABLE, "headers")                                                    \
    X(PROP_DELIVERY_MODE, PROP_KIND_OCTET, "delivery_mode")                                        \
    X(PROP_PRIORITY, PROP_KIND_OCTET, "priority")                                                  \
    X(PROP_CORRELATION_ID, PROP_KIND_TEXT, "correlation_id")                                       \
    X(PROP_REPLY_TO, PROP_KIND_TEXT, "reply_to")                                                   \
    X(PROP_EXPIRATION, PROP_KIND_TEXT, "expiration")                                               \
    X(PROP_MESSAGE_ID, PROP_KIND_TEXT, "message_id")                                               \
    X(PROP_TIMESTAMP, PROP_KIND_TIME, "timestamp")                                                 \
    X(PROP_TYPE, PROP_KIND_TEXT, "type")                                                           \
    X(PROP_USER_ID, PROP_KIND_TEXT, "user_id")                                                     \
    X(PROP_APP_ID, PROP_KIND_TEXT, "app_id")                                                       \
    X(PROP_CLUSTER_ID, PROP_KIND_TEXT, "cluster_id")

enum prop {
#define X(constant, kind, name) constant,
    PROP_LIST(X)
#undef X
        PROP_COUNT
};

enum prop_kind {
    PROP_KIND_TEXT, /* at most 255 bytes */
    PROP_KIND_TABLE,
    PROP_KIND_OCTET,
    PROP_KIND_TIME, /* seconds since 1970 */
};

/* Decoded properties: where in the borrowed bytes each one lies. Plain value. */
struct props {
    struct bytes bytes;      /* flags and values, as they came */
    uint16_t flags;          /* of those that are there: prop_flag() */
    uint32_t at[PROP_COUNT]; /* of those alone */
};

static inline uint16_t prop_flag(enum prop prop)
{
    return (uint16_t)(0x8000U >> prop);
}

static inline bool props_has(const struct props *p, enum prop prop)
{
    return (p->flags & prop_flag(prop)) != 0;
}

/* "content_type": the name that the management interface gives it. */
const char *prop_name(enum prop prop);
enum prop_kind prop_kind(enum prop prop);

/* Reads flags and values, which must fill `b`. Returns ERR_INVALID when they do not, for flags
 * that mean nothing and for headers that are no table; ERR_RANGE for headers beyond the limits
 * of msg/table.h; *out then has its flags and bytes as before, but no places to go with them. */
MUST_USE int props_decode(struct bytes b, struct props *out);

/* No properties at all, in their two bytes. */
struct props props_none(void);

/* Each gives a property of its kind and returns true when it is there; else returns false and
 * leaves *out alone. */
bool props_find_text(const struct props *p, enum prop prop, struct bytes *out);
bool props_find_octet(const struct props *p, enum prop prop, uint8_t *out);
bool props_find_time(const struct props *p, enum prop prop, uint64_t *out_s);
bool props_find_headers(const struct props *p, struct table *out);

/* Properties in the making: those of a message with changes, or new ones. What is put in is
 * borrowed until props_encode(). Owner: one thread. */
struct props_edit {
    uint16_t flags;  /* of those that will be there */
    uint16_t copied; /* of these, the ones taken over: their bytes are as they were on the wire */
    struct bytes bytes[PROP_COUNT];
    uint64_t numbers[PROP_COUNT];
};

/* Starts from what a message has; NULL starts from nothing. */
void props_edit_init(struct props_edit *e, const struct props *from);

/* Each sets one property of its kind, whether it was there or not. */
void props_set_text(struct props_edit *e, enum prop prop, struct bytes value);
void props_set_octet(struct props_edit *e, enum prop prop, uint8_t value);
void props_set_time(struct props_edit *e, enum prop prop, uint64_t time_s);
void props_set_headers(struct props_edit *e, struct table headers);
void props_remove(struct props_edit *e, enum prop prop);

/* Adds flags and values to the buffer. Errors show in buf_error(). */
void props_encode(const struct props_edit *e, struct buf *out);

/* The same for a message that only gets headers: `more` comes behind its own, among which none may
 * have one of these names. */
void props_encode_more(const struct props *p, struct table more, struct buf *out);

#endif
