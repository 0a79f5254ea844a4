/* UTF-8: is this text what it says it is? */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

/* True when the bytes are well-formed UTF-8 as Unicode defines it: no overlong forms, no
 * surrogates, nothing above U+10FFFF, nothing cut off. A zero byte is a character like any
 * other. */
bool utf8_valid(struct bytes text);

/* The length in bytes of the well-formed character at the start of `text`, or 0 when there
 * is none. */
size_t utf8_character_size(struct bytes text);

#endif
