/* Private to the real world: numeric addresses, from text and to text. */
#ifndef IO_REAL_ADDRESS_H
#define IO_REAL_ADDRESS_H

#include <stdint.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/err.h"
#include "io/net.h"

struct real_address {
    struct sockaddr_storage storage;
    socklen_t size;
};

/* Reads "127.0.0.1" or "::1"; "" is every IPv6 address. Errors: ERR_INVALID with a note. */
MUST_USE int real_address_parse(const char *host, uint16_t port, struct real_address *out,
                                struct err_note *note);

/* Every IPv4 address, for machines without IPv6. */
void real_address_any_v4(uint16_t port, struct real_address *out);

/* An IPv4 address that came through an IPv6 socket is written as the IPv4 address it is. */
void real_address_show(const struct real_address *a, struct net_address *out);

uint16_t real_address_port(const struct real_address *a);

#endif
