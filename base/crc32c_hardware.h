/* Private to crc32c.c: what the processor itself can do. Exactly one of crc32c_x86.c,
 * crc32c_arm.c and crc32c_none.c defines the function below, by the machine the house is
 * built for. */
#ifndef BASE_CRC32C_HARDWARE_H
#define BASE_CRC32C_HARDWARE_H

#include <stddef.h>
#include <stdint.h>

/* Bits reflected, as everywhere in CRC32C: bit 31 is the coefficient of x^0. */
enum { CRC32C_BITS = 32 };
#define CRC32C_POLYNOMIAL 0x82f63b78u

typedef uint32_t crc32c_fn(uint32_t crc, const void *data, size_t size);

/* The fast version for this processor, or NULL when it has none. Called once, before main(). */
crc32c_fn *crc32c_hardware(void);

#endif
