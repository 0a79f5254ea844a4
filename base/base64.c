/* base64, both ways. */
#include "base/base64.h"

#include "base/err.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int value_of(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+')
        return 62;
    return c == '/' ? 63 : -1;
}

size_t base64_size_max(size_t text_size)
{
    return text_size / 4 * 3;
}

/* How many letters of the four are padding. */
static size_t padding_of(const uint8_t *four, bool is_last)
{
    if (!is_last || four[3] != '=')
        return 0;
    return four[2] == '=' ? 2 : 1;
}

int base64_decode(struct bytes text, uint8_t *out, size_t *size)
{
    size_t at = 0;

    if (text.size % 4 != 0)
        return ERR_INVALID;
    for (size_t i = 0; i < text.size; i += 4) {
        size_t padding = padding_of(text.data + i, i + 4 == text.size);
        uint32_t bits = 0;

        for (size_t k = 0; k < 4; k++) {
            int value = k < 4 - padding ? value_of(text.data[i + k]) : 0;

            if (value < 0)
                return ERR_INVALID;
            bits = bits << 6 | (uint32_t)value;
        }
        if ((bits & ((1U << (8 * padding)) - 1)) != 0)
            return ERR_INVALID;
        for (size_t k = 0; k < 3 - padding; k++)
            out[at++] = (uint8_t)(bits >> (16 - 8 * k));
    }
    *size = at;
    return 0;
}

void base64_encode(struct bytes b, struct buf *out)
{
    for (size_t i = 0; i < b.size; i += 3) {
        size_t size = b.size - i < 3 ? b.size - i : 3;
        uint32_t bits = (uint32_t)b.data[i] << 16;
        uint8_t *text = buf_extend(out, 4);

        if (text == NULL)
            return;
        if (size > 1)
            bits |= (uint32_t)b.data[i + 1] << 8;
        if (size > 2)
            bits |= b.data[i + 2];
        for (size_t k = 0; k < 4; k++)
            text[k] = k <= size ? (uint8_t)letters[bits >> (18 - 6 * k) & 63] : '=';
    }
}
