/* CRC32C by the instruction of ARMv8, when the compiler was told that the machine has it. */
#include "base/crc32c_hardware.h"

#if defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)

#include <arm_acle.h>

#include "base/bytes.h"

static uint32_t extend(uint32_t crc, const void *data, size_t size)
{
    const uint8_t *at = (const uint8_t *)data;

    crc = ~crc;
    for (; size >= sizeof(uint64_t); at += sizeof(uint64_t), size -= sizeof(uint64_t))
        crc = __crc32cd(crc, get_le64(at));
    for (; size > 0; at++, size--)
        crc = __crc32cb(crc, *at);
    return ~crc;
}

crc32c_fn *crc32c_hardware(void)
{
    return extend;
}

#endif
