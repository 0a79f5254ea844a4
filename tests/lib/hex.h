/* Bytes written down by hand, as a specification would.
 *
 *     struct bytes b = hex_new("00 0a  04 'name'  49 00000001");
 *     ...
 *     hex_free(b);
 *
 * Pairs of hexadecimal digits are bytes, what stands in quotes is text, spaces mean nothing. The
 * memory is exactly as large as the bytes, so that a sanitizer sees whoever reads too far. */
#ifndef TESTS_LIB_HEX_H
#define TESTS_LIB_HEX_H

#include "base/bytes.h"

/* New memory, owned by the caller until hex_free(). */
struct bytes hex_new(const char *text);

/* A copy of the bytes in memory of exactly their size; goes back the same way. */
struct bytes hex_copy(struct bytes b);

void hex_free(struct bytes b);

/* Fails the test, and shows both, unless the bytes are what the text says. */
void hex_expect(struct bytes b, const char *text);

#endif
