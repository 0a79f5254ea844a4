/* Numeric IPv4 and IPv6 addresses. No name is ever looked up: that would block. */
#include "io/real_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static struct sockaddr_in *v4_of(struct real_address *a)
{
    return (struct sockaddr_in *)&a->storage;
}

static struct sockaddr_in6 *v6_of(struct real_address *a)
{
    return (struct sockaddr_in6 *)&a->storage;
}

void real_address_any_v4(uint16_t port, struct real_address *out)
{
    *out = (struct real_address){.size = sizeof(struct sockaddr_in)};
    v4_of(out)->sin_family = AF_INET;
    v4_of(out)->sin_port = htons(port);
    v4_of(out)->sin_addr.s_addr = htonl(INADDR_ANY);
}

int real_address_parse(const char *host, uint16_t port, struct real_address *out,
                       struct err_note *note)
{
    struct real_address a = {.size = sizeof(struct sockaddr_in6)};

    v6_of(&a)->sin6_family = AF_INET6;
    v6_of(&a)->sin6_port = htons(port);
    v6_of(&a)->sin6_addr = in6addr_any;
    if (host[0] == '\0' || inet_pton(AF_INET6, host, &v6_of(&a)->sin6_addr) == 1) {
        *out = a;
        return 0;
    }
    real_address_any_v4(port, &a);
    if (inet_pton(AF_INET, host, &v4_of(&a)->sin_addr) != 1)
        return err_note(note, ERR_INVALID, "'%s' is not a numeric IPv4 or IPv6 address", host);
    *out = a;
    return 0;
}

void real_address_show(const struct real_address *a, struct net_address *out)
{
    struct real_address copy = *a;
    char host[INET6_ADDRSTRLEN] = "?";
    const struct in6_addr *v6 = &v6_of(&copy)->sin6_addr;

    if (a->storage.ss_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(v6)) {
        inet_ntop(AF_INET6, v6, host, sizeof(host));
        (void)snprintf(out->text, sizeof(out->text), "[%s]:%u", host, real_address_port(a));
        return;
    }
    if (a->storage.ss_family == AF_INET6)
        inet_ntop(AF_INET, &v6->s6_addr[12], host, sizeof(host));
    else if (a->storage.ss_family == AF_INET)
        inet_ntop(AF_INET, &v4_of(&copy)->sin_addr, host, sizeof(host));
    (void)snprintf(out->text, sizeof(out->text), "%s:%u", host, real_address_port(a));
}

uint16_t real_address_port(const struct real_address *a)
{
    struct real_address copy = *a;

    if (a->storage.ss_family == AF_INET6)
        return ntohs(v6_of(&copy)->sin6_port);
    if (a->storage.ss_family == AF_INET)
        return ntohs(v4_of(&copy)->sin_port);
    return 0;
}
