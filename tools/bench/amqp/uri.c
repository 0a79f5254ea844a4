/* Cuts a URI into its parts from left to right. */
#include "tools/bench/amqp/uri.h"

#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "base/parse.h"

enum { PORT_DEFAULT = 5672, NIBBLE_BITS = 4 };

static const char scheme[] = "amqp://";

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Reads one character, which may be written as %2F; *at moves behind it. Zero is an error. */
static char take_character(const char **at, const char *end)
{
    int high, low;

    if (**at != '%')
        return *(*at)++;
    if (end - *at < 3)
        return '\0';
    high = hex_digit((*at)[1]);
    low = hex_digit((*at)[2]);
    *at += 3;
    if (high < 0 || low < 0)
        return '\0';
    return (char)(high << NIBBLE_BITS | low);
}

/* Copies a part with its escapes undone. */
static bool take_part(const char *from, size_t size, char to[URI_PART_SIZE])
{
    const char *end = from + size;
    size_t done = 0;

    while (from < end) {
        char c = take_character(&from, end);

        if (c == '\0' || done == URI_PART_SIZE - 1)
            return false;
        to[done++] = c;
    }
    to[done] = '\0';
    return true;
}

/* "user" or "user:password". */
static bool take_login(const char *from, size_t size, struct uri *u)
{
    const char *colon = memchr(from, ':', size);
    size_t user_size = colon == NULL ? size : (size_t)(colon - from);

    if (!take_part(from, user_size, u->user))
        return false;
    return colon == NULL || take_part(colon + 1, size - user_size - 1, u->password);
}

static bool take_port(const char *from, size_t size, struct uri *u)
{
    uint64_t port = 0;

    if (parse_u64(bytes_of(from, size), 1, UINT16_MAX, &port) != 0)
        return false;
    u->port = (uint16_t)port;
    return true;
}

/* "host", "host:port", "[::1]:port". */
static bool take_host(const char *from, size_t size, struct uri *u)
{
    const char *end = from + size;
    const char *close = size > 0 && *from == '[' ? memchr(from, ']', size) : NULL;
    const char *rest = close != NULL ? close + 1 : memchr(from, ':', size);
    const char *start = close != NULL ? from + 1 : from;
    const char *stop = close != NULL ? close : rest != NULL ? rest : end;

    if (start == stop || !take_part(start, (size_t)(stop - start), u->host))
        return false;
    if (rest == NULL || rest == end)
        return true;
    return *rest == ':' && take_port(rest + 1, (size_t)(end - rest - 1), u);
}

int uri_parse(const char *text, struct uri *out, struct err_note *note)
{
    struct uri u = {.user = "guest", .password = "guest", .vhost = "/", .port = PORT_DEFAULT};
    size_t scheme_size = strlen(scheme);
    const char *at = text + scheme_size, *slash, *login_end;
    size_t authority;

    if (strncmp(text, scheme, scheme_size) != 0)
        return err_note(note, ERR_INVALID, "'%s' does not begin with %s", text, scheme);
    slash = strchr(at, '/');
    authority = slash == NULL ? strlen(at) : (size_t)(slash - at);
    login_end = memchr(at, '@', authority);
    if (login_end != NULL && !take_login(at, (size_t)(login_end - at), &u))
        return err_note(note, ERR_INVALID, "user or password of '%s' cannot be read", text);
    if (login_end != NULL) {
        authority -= (size_t)(login_end + 1 - at);
        at = login_end + 1;
    }
    if (!take_host(at, authority, &u))
        return err_note(note, ERR_INVALID, "host or port of '%s' cannot be read", text);
    if (slash != NULL && slash[1] != '\0' && !take_part(slash + 1, strlen(slash + 1), u.vhost))
        return err_note(note, ERR_INVALID, "the vhost of '%s' cannot be read", text);
    *out = u;
    return 0;
}

int uri_resolve(struct uri *u, struct err_note *note)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char host[URI_PART_SIZE];
    int failed = getaddrinfo(u->host, NULL, &hints, &found);

    if (failed == 0)
        failed = getnameinfo(found->ai_addr, found->ai_addrlen, host, sizeof(host), NULL, 0,
                             NI_NUMERICHOST);
    if (found != NULL)
        freeaddrinfo(found);
    if (failed != 0)
        return err_note(note, ERR_NOT_FOUND, "cannot find the host '%s': %s", u->host,
                        gai_strerror(failed));
    (void)snprintf(u->host, sizeof(u->host), "%s", host);
    return 0;
}
