/* What the TLS sockets of a shard share. */
#include "gate/tls.h"

#include <openssl/err.h>

#include "base/mem.h"
#include "gate/tls_parts.h"
#include "gate/tls_socket.h"

struct tls *tls_new(struct io *io, struct tls_terms *terms)
{
    struct tls *t = MEM_NEW(struct tls);

    ASSERT(terms != NULL);
    t->io = io;
    t->terms = terms;
    t->bio = tls_socket_bio();
    t->area = mem_alloc(TLS_AREA_SIZE);
    t->block = mem_alloc(TLS_BLOCK_SIZE);
    t->plain = mem_alloc(TLS_RECORD_MAX);
    return t;
}

void tls_renew(struct tls *t, struct tls_terms *terms)
{
    ASSERT(terms != NULL);
    tls_terms_free(t->terms);
    t->terms = terms;
}

void tls_free(struct tls *t)
{
    if (t == NULL)
        return;
    ASSERT(t->socket_count == 0);
    tls_terms_free(t->terms);
    BIO_meth_free(t->bio);
    mem_free(t->area);
    mem_free(t->block);
    mem_free(t->plain);
    mem_free(t);
}

const char *tls_reason(void)
{
    unsigned long first = ERR_get_error();
    const char *text = first == 0 ? NULL : ERR_reason_error_string(first);

    ERR_clear_error();
    return text == NULL ? "no reason given" : text;
}
