/* CRC32C on machines whose processor does not help. */
#include "base/crc32c_hardware.h"

#if !defined(__x86_64__) && !(defined(__aarch64__) && defined(__ARM_FEATURE_CRC32))

crc32c_fn *crc32c_hardware(void)
{
    return NULL;
}

#endif
