/* CRC32C (Castagnoli), the checksum of everything on disk. Uses the processor's instruction
 * where it has one and a table otherwise; both give the same value, and the choice is made
 * once. */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of `size` bytes. crc32c(NULL, 0) is 0. */
uint32_t crc32c(const void *data, size_t size);

/* Goes on from `crc`, the checksum of what came before: crc32c(ab) ==
 * crc32c_extend(crc32c(a), b). */
uint32_t crc32c_extend(uint32_t crc, const void *data, size_t size);

/* The checksum of two runs of bytes put together, from that of each; `size_b` is the length of the
 * second: crc32c(ab) == crc32c_join(crc32c(a), crc32c(b), size of b). Takes about a microsecond. */
uint32_t crc32c_join(uint32_t crc_a, uint32_t crc_b, size_t size_b);

/* The portable table version, for tests that compare the two. */
uint32_t crc32c_extend_portable(uint32_t crc, const void *data, size_t size);

#endif
