/* CRC32C by tables, and the choice between tables and hardware.
 *
 * The tables are those of "slicing by 8": table[k][b] is the checksum of byte b followed by
 * k zero bytes, so that eight bytes are worked off by eight independent look-ups. They are
 * computed, and the choice is made, before main() starts: no thread can see them half done. */
#include "base/crc32c.h"

#include "base/bytes.h"
#include "base/check.h"
#include "base/crc32c_hardware.h"

enum { SLICES = 8 };

static uint32_t table[SLICES][256];
static crc32c_fn *chosen;

__attribute__((constructor)) static void crc32c_init(void)
{
    for (uint32_t b = 0; b < 256; b++) {
        uint32_t crc = b;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ ((crc & 1) != 0 ? CRC32C_POLYNOMIAL : 0);
        table[0][b] = crc;
    }
    for (uint32_t b = 0; b < 256; b++) {
        for (int k = 1; k < SLICES; k++)
            table[k][b] = table[k - 1][b] >> 8 ^ table[0][table[k - 1][b] & 0xff];
    }
    chosen = crc32c_hardware();
    if (chosen == NULL)
        chosen = crc32c_extend_portable;
}

uint32_t crc32c(const void *data, size_t size)
{
    return crc32c_extend(0, data, size);
}

uint32_t crc32c_extend(uint32_t crc, const void *data, size_t size)
{
    ASSERT(data != NULL || size == 0);
    return chosen(crc, data, size);
}

uint32_t crc32c_extend_portable(uint32_t crc, const void *data, size_t size)
{
    const uint8_t *at = (const uint8_t *)data;

    crc = ~crc;
    for (; size >= SLICES; at += SLICES, size -= SLICES) {
        uint32_t low = crc ^ get_le32(at);
        crc = table[7][low & 0xff] ^ table[6][low >> 8 & 0xff] ^ table[5][low >> 16 & 0xff] ^
              table[4][low >> 24] ^ table[3][at[4]] ^ table[2][at[5]] ^ table[1][at[6]] ^
              table[0][at[7]];
    }
    for (; size > 0; at++, size--)
        crc = crc >> 8 ^ table[0][(crc ^ *at) & 0xff];
    return ~crc;
}
