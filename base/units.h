/* Units of bytes, and of time in milliseconds. */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include <stdint.h>

#include "base/check.h"

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define TIB (UINT64_C(1) << 40)
#define PIB (UINT64_C(1) << 50)
#define EIB (UINT64_C(1) << 60)

#define KB UINT64_C(1000)
#define MB (1000 * KB)
#define GB (1000 * MB)
#define TB (1000 * GB)
#define PB (1000 * TB)
#define EB (1000 * PB)

#define SECOND_MS UINT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)

STATIC_ASSERT(EIB / KIB / MIB == GIB && EB / KB / MB == GB, "no unit overflows");

#endif
