/* Lists of certificates that were taken back. */
#include "gate/revoked.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>

int revoked_read(SSL_CTX *ctx, struct bytes pem)
{
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    size_t count = 0;
    X509_CRL *list = NULL;
    unsigned long why = 0;
    BIO *bio = NULL;

    ASSERT(pem.size <= INT_MAX);
    bio = BIO_new_mem_buf(pem.size == 0 ? "" : (const void *)pem.data, (int)pem.size);
    ASSERT(bio != NULL);
    ERR_clear_error();
    while ((list = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)) != NULL) {
        bool is_used = X509_STORE_add_crl(store, list) == 1;

        X509_CRL_free(list);
        if (!is_used)
            break;
        count++;
    }
    BIO_free(bio);
    why = ERR_peek_last_error();
    if (ERR_GET_LIB(why) != ERR_LIB_PEM || ERR_GET_REASON(why) != PEM_R_NO_START_LINE)
        return ERR_INVALID;
    ERR_clear_error();
    return count > 0 ? 0 : ERR_NOT_FOUND;
}

/* Of whom no list says anything, nobody knows anything bad. */
static int forgive_missing(int is_good, X509_STORE_CTX *x)
{
    if (is_good == 1 || X509_STORE_CTX_get_error(x) != X509_V_ERR_UNABLE_TO_GET_CRL)
        return is_good;
    X509_STORE_CTX_set_error(x, X509_V_OK);
    return 1;
}

void revoked_check(SSL_CTX *ctx, enum tls_crl_check check)
{
    unsigned long flags = X509_V_FLAG_CRL_CHECK;

    ASSERT(check != TLS_CRL_NONE);
    if (check != TLS_CRL_PEER)
        flags |= X509_V_FLAG_CRL_CHECK_ALL;
    if (X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx), flags) != 1)
        check_failed("OpenSSL looks into lists", __FILE__, __LINE__);
    if (check == TLS_CRL_BEST_EFFORT)
        SSL_CTX_set_verify(ctx, SSL_CTX_get_verify_mode(ctx), forgive_missing);
}
