/* CRC32C by tables, and the choice between tables and hardware.
 *
 * The tables are those of "slicing by 8": table[k][b] is the checksum of byte b followed by
 * k zero bytes, so that eight bytes are worked off by eight independent look-ups. They are
 * computed, and the choice is made, before main() starts: no thread can see them half done. */
#include "base/crc32c.h"

#include "base/bytes.h"
#include "base/check.h"
#include "base/crc32c_hardware.h"

enum {
    SLICES = 8,
    BYTE_POWER = 3, /* a byte is x^(2^3) */
    POWERS = 64,    /* as many as a size has bits */
};

static uint32_t table[SLICES][256];
static uint32_t powers[POWERS + BYTE_POWER]; /* [n]: x^(2^n) modulo the polynomial */
static crc32c_fn *chosen;

/* The product of two polynomials modulo the one of the checksum. Bit 31 is x^0. */
static uint32_t multiply(uint32_t a, uint32_t b)
{
    uint32_t product = 0;

    for (int bit = CRC32C_BITS - 1; bit >= 0; bit--) {
        if ((a >> bit & 1) != 0)
            product ^= b;
        b = b >> 1 ^ ((b & 1) != 0 ? CRC32C_POLYNOMIAL : 0); /* times x */
    }
    return product;
}

__attribute__((constructor)) static void crc32c_init(void)
{
    powers[0] = UINT32_C(1) << (CRC32C_BITS - 2); /* x */
    for (size_t n = 1; n < ARRAY_SIZE(powers); n++)
        powers[n] = multiply(powers[n - 1], powers[n - 1]);
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

/* What comes before b counts for x^(8 * size) times as much as it does alone; that the sums are
 * inverted at both ends cancels out. */
uint32_t crc32c_join(uint32_t crc_a, uint32_t crc_b, size_t size_b)
{
    for (size_t n = BYTE_POWER; size_b > 0; n++, size_b >>= 1) {
        if ((size_b & 1) != 0)
            crc_a = multiply(powers[n], crc_a);
    }
    return crc_a ^ crc_b;
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
