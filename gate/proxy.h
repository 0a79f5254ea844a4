/* The header of the PROXY protocol, versions 1 and 2: what somebody in between says of whom he
 * brings.
 *
 *     1   PROXY TCP4 192.0.2.7 198.51.100.1 4711 5672\r\n      at most 107 bytes
 *         PROXY UNKNOWN ...\r\n
 *     2   FROM   SIZE  WHAT
 *              0   12  \r\n\r\n\0\r\nQUIT\n
 *             12    1  version and command: 0x20 for himself, 0x21 for somebody
 *             13    1  0x00 unspecified, 0x11 TCP over IPv4, 0x21 over IPv6, 0x31 a unix stream
 *             14    2  size of what follows, big endian
 *             16       addresses: source, destination, their ports; then pieces of more, each a
 *                      type, two bytes of size, and its value
 *
 * A pure reader: bytes in, an address out. Private to gate. */
#ifndef GATE_PROXY_H
#define GATE_PROXY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/check.h"
#include "io/net.h"

enum { PROXY_HEADER_MAX = 4096 };

struct proxy_header {
    bool has_peer; /* else whoever brings him counts */
    struct net_address peer;
};

/* What it came to, when there is no header yet. */
struct proxy_look {
    size_t missing;  /* ERR_AGAIN: at least so many more bytes belong to it */
    const char *why; /* ERR_INVALID: what is wrong with it, as the end of a sentence */
};

/* Reads a header that fills `head`. Errors: ERR_AGAIN, ERR_INVALID. `head` never holds more than
 * the header, nor more than PROXY_HEADER_MAX, when no more is read than is said to be missing. */
MUST_USE int proxy_read(struct bytes head, struct proxy_header *out, struct proxy_look *look);

#endif
