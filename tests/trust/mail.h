/* The messages of a run: made so that they can be told apart and checked byte for byte. */
#ifndef TESTS_TRUST_MAIL_H
#define TESTS_TRUST_MAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "msg/props.h"
#include "tests/trust/history.h"

/* Properties that the broker reads. */
struct mail_spec {
    uint64_t number;
    size_t size;         /* of the body, at least MAIL_SIZE_MIN */
    uint64_t expiration; /* 0: none */
    uint64_t delay;      /* 0: none */
    uint8_t priority;
    bool is_transient;
    const char *partition_key; /* NULL: none; so the others */
    const char *label;         /* what filters of streams look at */
    const char *publisher;     /* who numbers it */
    uint64_t seq;              /* its number then */
};

enum { MAIL_SIZE_MIN = 8, MAIL_OVERHEAD = 700 /* what else a message takes on a disk, at most */ };

/* Adds the properties, and the body, to the buffers. */
void mail_make(const struct mail_spec *spec, struct buf *props, struct buf *body);

/* The number that the body says; 0 for none. */
uint64_t mail_number(struct bytes body);
/* Of body and properties, without what the broker may change. */
uint64_t mail_digest(const struct props *props, struct bytes body);
uint64_t mail_where(struct bytes exchange, struct bytes key);

/* What the broker says in the headers of a delivery. False: it does not. */
bool mail_count(const struct props *props, uint64_t *out);
bool mail_partition_key(const struct props *props, struct bytes *out);
bool mail_offset(const struct props *props, uint64_t *out);
bool mail_death(const struct props *props, struct bytes *queue, struct bytes *reason);

#endif
