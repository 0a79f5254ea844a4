/* A message in the making: a publish whose content comes in several pieces, or waits to be tried
 * again.
 *
 *     basic.publish -> header wanted -> body wanted -> complete
 *
 * The body is kept in pieces that grow with what came, so what a header announces is never
 * allocated ahead. Owner: one channel. */
#ifndef AMQP_COLLECT_H
#define AMQP_COLLECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "amqp/wire/method.h"
#include "msg/msg.h"

enum collect_state { COLLECT_HEADER, COLLECT_BODY, COLLECT_COMPLETE };

struct collect {
    enum collect_state state;
    bool is_mandatory;
    bool is_uploaded;      /* the body goes on to the broker as it comes */
    unsigned empty_frames; /* body frames without a body, in a row */
    uint64_t body_size;    /* announced */
    uint64_t got;          /* of it */
    struct bytes exchange; /* in `names` */
    struct bytes routing_key;
    uint8_t *names;
    uint8_t *props; /* flags and values, decoded into `decoded` */
    struct props decoded;
    struct bytes *pieces;
    size_t piece_count;
    size_t piece_capacity;
    size_t room;    /* of the last piece */
    size_t dropped; /* bytes at the front of the first piece */
};

/* Copies what the method says. */
struct collect *collect_new(const struct method_basic_publish *m);
void collect_free(struct collect *k);

/* The header came. Copies its properties. */
void collect_header(struct collect *k, const struct props *props, uint64_t body_size);

/* Some of the body came, not more than is missing. Errors: ERR_NO_MEMORY. */
MUST_USE int collect_body(struct collect *k, struct bytes part);

/* Bytes of the body that lie here. */
size_t collect_held(const struct collect *k);
/* The first piece that lies here; there must be one. */
struct bytes collect_front(const struct collect *k);
/* So many bytes at the front of the first piece are needed no more. */
void collect_drop(struct collect *k, size_t size);

/* The message, with what lies here of its body. */
struct message collect_message(const struct collect *k);

#endif
