/* Words for ciphers: OpenSSL's names, taken apart and put together as RabbitMQ has them.
 *
 *     TLSv1.3, TLS_AES_256_GCM_SHA384        tlsv1.3, any, aes_256_gcm, aead
 *     TLSv1.2, ECDHE-RSA-AES128-SHA256       tlsv1.2, ecdhe_rsa, aes_128_cbc, sha256 */
#include "gate/tls_words.h"

#include <ctype.h>
#include <openssl/objects.h>
#include <stdio.h>

/* In small letters, words joined by `_`. */
static void put(char *out, const char *name)
{
    size_t size = 0;

    for (; *name != '\0' && size < TLS_WORD_SIZE - 1; name++)
        out[size++] = *name == '-' ? '_' : (char)tolower((unsigned char)*name);
    out[size] = '\0';
}

/* What stands behind the kind in a name such as "kx-ecdhe" and "auth-rsa". */
static const char *short_name(int nid)
{
    const char *name = OBJ_nid2ln(nid);
    const char *dash = name == NULL ? NULL : strchr(name, '-');

    return dash == NULL ? "" : dash + 1;
}

static void put_key_exchange(const SSL_CIPHER *cipher, char *out)
{
    int kx = SSL_CIPHER_get_kx_nid(cipher);
    int auth = SSL_CIPHER_get_auth_nid(cipher);
    char name[TLS_WORD_SIZE];

    if (kx == NID_kx_any) {
        put(out, "any");
        return;
    }
    (void)snprintf(name, sizeof(name), "%s%s%s", short_name(kx), kx == NID_kx_rsa ? "" : "-",
                   kx == NID_kx_rsa ? "" : short_name(auth));
    put(out, name);
}

void tls_words_of(const SSL *ssl, struct tls_words *out)
{
    const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
    const char *name = OBJ_nid2ln(SSL_CIPHER_get_cipher_nid(cipher));
    int digest = SSL_CIPHER_get_digest_nid(cipher);

    ASSERT(cipher != NULL);
    put(out->version, SSL_get_version(ssl));
    put_key_exchange(cipher, out->key_exchange);
    put(out->cipher, name == NULL ? "" : name);
    put(out->hash, SSL_CIPHER_is_aead(cipher) != 0 ? "aead" : OBJ_nid2ln(digest));
}
