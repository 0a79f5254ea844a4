/* Words, tables and methods out of a fuzzer's bytes: mostly what a broker knows, now and then any
 * bytes at all. Bytes behind the end of the input are zero, so every input is a whole script.
 *
 * Owner: a fuzz target. */
#ifndef TESTS_FUZZ_WORDS_H
#define TESTS_FUZZ_WORDS_H

#include <stdint.h>

#include "amqp/wire/method.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "msg/table.h"

/* A name: of a queue, an exchange, a key, a consumer. One byte, or 0xff, a size and any bytes. */
struct bytes words_name(struct reader *r);

/* Any bytes, at most 255: a size and they. */
struct bytes words_raw(struct reader *r);

/* A small number mostly: one byte, or 0xff and eight more. */
uint64_t words_number(struct reader *r);

/* Arguments or headers, as bytes: a count and two bytes for each, its name and whose value it has;
 * or 0xff and raw bytes that need not be a table. Added to the area, borrowed until it changes. */
struct bytes words_table(struct reader *r, struct buf *area);

/* The method that a byte names, one that clients send unless it is 0xe0 or more; each field filled
 * from what follows. Borrows from input and area, which is cleared before. */
void words_method(struct reader *r, struct buf *area, struct method *out);

/* Properties of a message, flags and values, added to the area. */
struct bytes words_props(struct reader *r, struct buf *area);

#endif
