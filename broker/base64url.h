/* Bytes as text that may stand in names: the letters of base64 for URLs, without padding. */
#ifndef BROKER_BASE64URL_H
#define BROKER_BASE64URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/* Writes the text and a zero byte: four letters for three bytes, rounded up to whole letters. */
void base64url_encode(struct bytes b, char *out);

/* Reads text of exactly `size` bytes; false when it is none. */
bool base64url_decode(struct bytes text, uint8_t *out, size_t size);

#endif
