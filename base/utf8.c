/* Well-formed UTF-8, after table 3-7 of the Unicode standard.
 *
 *     first byte   then
 *     00..7f
 *     c2..df       80..bf
 *     e0           a0..bf  80..bf
 *     e1..ef       80..bf  80..bf          (ed: 80..9f only, the rest are surrogates)
 *     f0           90..bf  80..bf  80..bf
 *     f1..f3       80..bf  80..bf  80..bf
 *     f4           80..8f  80..bf  80..bf */
#include "base/utf8.h"

#include "base/check.h"

static size_t size_by_first_byte(uint8_t first)
{
    if (first < 0x80)
        return 1;
    if (first < 0xc2)
        return 0;
    if (first < 0xe0)
        return 2;
    if (first < 0xf0)
        return 3;
    return first < 0xf5 ? 4 : 0;
}

/* The second byte has a narrower range after some first bytes. */
static bool second_fits(uint8_t first, uint8_t second)
{
    uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;

    return second >= low && second <= high;
}

size_t utf8_character_size(struct bytes text)
{
    if (text.size == 0)
        return 0;

    size_t size = size_by_first_byte(text.data[0]);

    if (size > text.size)
        return 0;
    if (size > 1 && !second_fits(text.data[0], text.data[1]))
        return 0;
    for (size_t i = 2; i < size; i++) {
        if ((text.data[i] & 0xc0) != 0x80)
            return 0;
    }
    return size;
}

bool utf8_valid(struct bytes text)
{
    while (text.size > 0) {
        /* Most text is ASCII: eight bytes at a time while none has its high bit set. */
        if (text.size >= 8 && (get_le64(text.data) & 0x8080808080808080u) == 0) {
            text = bytes_of(text.data + 8, text.size - 8);
            continue;
        }
        size_t size = utf8_character_size(text);
        if (size == 0)
            return false;
        ASSERT(size <= text.size);
        text = bytes_of(text.data + size, text.size - size);
    }
    return true;
}
