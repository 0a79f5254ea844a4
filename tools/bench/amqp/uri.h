/* Where a broker is and who we are there: amqp://user:password@host:port/vhost.
 *
 * Everything but the host may be missing: guest, guest, 5672 and the vhost "/". Characters
 * may be written as %2F in user, password and vhost. An IPv6 host stands in brackets. */
#ifndef TOOLS_BENCH_AMQP_URI_H
#define TOOLS_BENCH_AMQP_URI_H

#include <stdint.h>

#include "base/check.h"
#include "base/err.h"

enum { URI_PART_SIZE = 256 };

struct uri {
    char user[URI_PART_SIZE];
    char password[URI_PART_SIZE];
    char host[URI_PART_SIZE];
    char vhost[URI_PART_SIZE];
    uint16_t port;
};

/* Errors: ERR_INVALID with a note. */
MUST_USE int uri_parse(const char *text, struct uri *out, struct err_note *note);

/* Looks the host up and writes its numeric address in its place. Errors: ERR_NOT_FOUND with a
 * note. Blocks. */
MUST_USE int uri_resolve(struct uri *u, struct err_note *note);

#endif
