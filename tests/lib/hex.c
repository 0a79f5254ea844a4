/* Hexadecimal text to bytes. */
#include "tests/lib/hex.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tests/lib/test.h"

static uint8_t digit_value(char digit)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = digit == '\0' ? NULL : strchr(digits, digit);

    ASSERT(at != NULL); /* hexadecimal digits come in pairs, in lower case */
    return (uint8_t)(at - digits);
}

struct bytes hex_new(const char *text)
{
    uint8_t *bytes = mem_alloc(strlen(text)); /* never fewer than there will be */
    size_t size = 0;

    while (*text != '\0') {
        if (*text == ' ') {
            text++;
        } else if (*text == '\'') {
            for (text++; *text != '\''; text++)
                bytes[size++] = (uint8_t)*text;
            text++;
        } else {
            bytes[size++] = (uint8_t)(digit_value(text[0]) << 4 | digit_value(text[1]));
            text += 2;
        }
    }
    struct bytes exact = hex_copy(bytes_of(bytes, size));
    mem_free(bytes);
    return exact;
}

struct bytes hex_copy(struct bytes b)
{
    uint8_t *copy = mem_alloc(b.size);

    if (b.size > 0)
        memcpy(copy, b.data, b.size);
    return bytes_of(copy, b.size);
}

void hex_free(struct bytes b)
{
    mem_free((void *)(uintptr_t)b.data);
}

static void show(const char *what, struct bytes b)
{
    (void)fprintf(stderr, "%s", what);
    for (size_t i = 0; i < b.size; i++)
        (void)fprintf(stderr, isgraph(b.data[i]) ? " %02x(%c)" : " %02x", b.data[i], b.data[i]);
    (void)fprintf(stderr, "\n");
}

void hex_expect(struct bytes b, const char *text)
{
    struct bytes expected = hex_new(text);
    bool is_equal = bytes_equal(b, expected);

    if (!is_equal) {
        show("expected", expected);
        show("found   ", b);
    }
    hex_free(expected);
    assert_true(is_equal);
}
