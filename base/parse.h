/* Numbers, sizes and times written by people.
 *
 * The whole text must be the number: no spaces, no plus sign, no fraction, nothing behind
 * it. All digits are decimal; leading zeros change nothing. The result lies in [min, max].
 * The text is borrowed and need not end with a zero byte.
 *
 * All return ERR_INVALID when the text is no such number and ERR_RANGE when it is one but
 * lies outside the bounds, however far; *out is then untouched. */
#ifndef BASE_PARSE_H
#define BASE_PARSE_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/check.h"

/* 0, 42 */
MUST_USE int parse_u64(struct bytes text, uint64_t min, uint64_t max, uint64_t *out);

/* 0, 42, -42 */
MUST_USE int parse_i64(struct bytes text, int64_t min, int64_t max, int64_t *out);

/* Bytes. The unit may follow the digits, in upper or lower case, up to the exa:
 *
 *     4096           bytes
 *     64k   64KiB    64 * 1024, also M, G, T, P, E and MiB, GiB, TiB, PiB, EiB
 *     64kB           64 * 1000, also MB, GB, TB, PB, EB */
MUST_USE int parse_size(struct bytes text, uint64_t min, uint64_t max, uint64_t *out);

/* Milliseconds. The unit may follow the digits: ms, s, m, h, d; without one it is ms. */
MUST_USE int parse_duration(struct bytes text, uint64_t min, uint64_t max, uint64_t *out);

/* true, false, on, off, as the settings spell them. */
MUST_USE int parse_bool(struct bytes text, bool *out);

#endif
