/* Methods: the commands of AMQP 0-9-1 as structs, made from the one table in methods.def.
 *
 *     payload of a method frame   | class u16 | method u16 | fields ... |
 *
 * For each method that has fields there is a struct and a member of the union below:
 *
 *     METHOD_BASIC_PUBLISH     struct method_basic_publish     m.basic_publish.routing_key
 *
 * Fields keep the names of the specification, with _ for its hyphens. Strings and tables are
 * views into the frame; tables have been checked (msg/table.h), short strings are UTF-8.
 * Bits that belong to no field are not looked at and are written as zero. */
#ifndef AMQP_WIRE_METHOD_H
#define AMQP_WIRE_METHOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "amqp/wire/result.h"
#include "base/buf.h"
#include "msg/table.h"

enum method_id {
    METHOD_NONE = 0,
#define METHOD(CONSTANT, class, method, class_id, method_id, ...)                                  \
    METHOD_##CONSTANT = (class_id) << 16 | (method_id),
#define METHOD_EMPTY(...) METHOD(__VA_ARGS__)
#include "amqp/wire/methods.def"
};

/* clang-format off */
#define METHOD(CONSTANT, class, method, ...) struct method_##class##_##method {
#define END };
/* clang-format on */
#define BIT(field)      bool field;
#define OCTET(field)    uint8_t field;
#define SHORT(field)    uint16_t field;
#define LONG(field)     uint32_t field;
#define LONGLONG(field) uint64_t field;
#define SHORTSTR(field) struct bytes field;
#define LONGSTR(field)  struct bytes field;
#define TABLE(field)    struct table field;
#include "amqp/wire/methods.def"

struct method {
    uint32_t id; /* an enum method_id, or what the peer sent instead of one */
    union {
#define METHOD(CONSTANT, class, method, ...) struct method_##class##_##method class##_##method;
#include "amqp/wire/methods.def"
    };
};

enum method_sender {
    METHOD_FROM_CLIENT = 1,
    METHOD_FROM_SERVER = 2,
    METHOD_FROM_BOTH = METHOD_FROM_CLIENT | METHOD_FROM_SERVER,
};

/* What is fixed about a method. */
struct method_kind {
    enum method_id id;
    const char *name; /* "basic.consume_ok", as RabbitMQ's diagnostics spell it */
    enum method_sender sender;
    bool has_content; /* a content header and a body follow */
    /* What answers it when it is a synchronous request; METHOD_NONE for nothing. */
    enum method_id reply;
    enum method_id other_reply;
};

static inline uint16_t method_class_of(uint32_t id)
{
    return (uint16_t)(id >> 16);
}

static inline uint16_t method_number_of(uint32_t id)
{
    return (uint16_t)id;
}

/* Reads the payload of a method frame. All but WIRE_OK ends the connection; out->id is then what
 * the frame says, 0 with WIRE_METHOD_SHORT, and no field may be looked at.
 *
 * Either side's methods are read; whether this peer may send one, method_kind_find() knows. */
MUST_USE enum wire_result method_decode(struct bytes payload, struct method *out);

/* The short way for the method that comes most: true when the payload is a basic.publish as
 * method_decode() would read it, with names in ASCII. False says nothing. */
MUST_USE bool method_read_publish(struct bytes payload, struct method_basic_publish *out);

/* The size of the whole frame. Short strings must fit their length byte. */
size_t method_frame_size(const struct method *m);

/* Adds the whole frame. One that does not fit is not written at all, and the writer, or the
 * buffer, has failed. */
void method_write(struct writer *w, uint16_t channel, const struct method *m);
void method_write_buf(struct buf *b, uint16_t channel, const struct method *m);

/* What is known of the method; NULL when there is none with this id. */
const struct method_kind *method_kind_find(uint32_t id);

/* For walks over all methods: the one at `index`, NULL behind the last. */
const struct method_kind *method_kind_at(size_t index);

#endif
