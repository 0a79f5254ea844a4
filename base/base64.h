/* Bytes as text: base64 with padding (RFC 4648, 4). */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/check.h"

/* The most bytes that a text of that size stands for. */
size_t base64_size_max(size_t text_size);

/* Writes the bytes that the text stands for to `out`, which has base64_size_max() bytes.
 * ERR_INVALID when it has other letters, is cut off or has bits too many. */
MUST_USE int base64_decode(struct bytes text, uint8_t *out, size_t *size);

/* Adds the text for the bytes. Errors show in buf_error(). */
void base64_encode(struct bytes b, struct buf *out);

#endif
