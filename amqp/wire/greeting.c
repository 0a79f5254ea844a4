/* Tells protocols by their first eight bytes. */
#include "amqp/wire/greeting.h"

#include <stdbool.h>

#include "base/check.h"

static const uint8_t answer[GREETING_SIZE] = {'A', 'M', 'Q', 'P', 0, 0, 9, 1};

static bool begins_with(struct bytes window, const char *text)
{
    struct bytes prefix = bytes_text(text);

    return window.size >= prefix.size && bytes_equal(bytes_of(window.data, prefix.size), prefix);
}

/* The four bytes behind "AMQP": protocol id, major, minor, revision. */
static enum greeting greeting_of_version(uint32_t version)
{
    switch (version) {
    case 0x00000901:
        return GREETING_AMQP_0_9_1;
    case 0x01010009:
        return GREETING_AMQP_0_9;
    case 0x00010000:
        return GREETING_AMQP_1_0;
    case 0x02010000:
        return GREETING_AMQP_1_0_TLS;
    case 0x03010000:
        return GREETING_AMQP_1_0_SASL;
    default:
        return GREETING_WRONG_VERSION;
    }
}

/* A TLS record of type handshake (22) of version 3.x with a ClientHello (1) in it. */
static bool is_client_hello(struct bytes window)
{
    return window.data[0] == 0x16 && window.data[1] == 0x03 && window.data[5] == 0x01;
}

enum greeting greeting_of(struct bytes window)
{
    if (window.size < GREETING_SIZE)
        return GREETING_MORE;
    if (begins_with(window, "AMQP"))
        return greeting_of_version(get_be32(window.data + 4));
    if (begins_with(window, "GET "))
        return GREETING_HTTP;
    return is_client_hello(window) ? GREETING_TLS : GREETING_OTHER;
}

struct bytes greeting_answer(void)
{
    STATIC_ASSERT(sizeof(answer) == GREETING_SIZE, "its size is known");
    return bytes_of(answer, sizeof(answer));
}
