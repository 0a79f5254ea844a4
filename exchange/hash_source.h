/* What a hash exchange hashes of a message. Private.
 *
 * The hash is the same in every process and version, so that a key goes on going to the same
 * queue when the broker comes back. */
#ifndef EXCHANGE_HASH_SOURCE_H
#define EXCHANGE_HASH_SOURCE_H

#include <stdint.h>

#include "base/check.h"
#include "exchange/walk.h"

enum hash_source_kind { HASH_KEY, HASH_HEADER, HASH_PROPERTY };

struct hash_source {
    enum hash_source_kind kind;
    struct bytes header; /* borrowed from the arguments */
    enum prop property;
};

/* Reads `hash-header` and `hash-property`. Returns ERR_INVALID with a note when they make no
 * sense; the note may be NULL. */
MUST_USE int hash_source_read(struct table arguments, struct hash_source *out,
                              struct err_note *note);

/* The hash of the message's routing key (the first, if it has several), header or property. What
 * is missing has one hash, too. */
uint64_t hash_source_hash(const struct hash_source *s, const struct walk *w);

#endif
