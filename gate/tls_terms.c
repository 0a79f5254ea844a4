/* From files and options to what OpenSSL needs. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <string.h>

#include "base/mem.h"
#include "gate/revoked.h"
#include "gate/tls_parts.h"
#include "gate/tls_socket.h"

enum {
    CLIENT_CHAIN_MAX = 32 * 1024, /* bytes of certificates that a client may send */
    CIPHER_LIST_SIZE = 2048,
    CIPHER_NAME_MAX = 100,
};

/* What the terms are made of, while they are. */
struct draft {
    SSL_CTX *ctx;
    const struct tls_options *o;
    const char *where;
    struct err_note *note;
};

/* ---- certificate and key ---- */

static BIO *bio_of(struct bytes b)
{
    BIO *bio = BIO_new_mem_buf(b.size == 0 ? "" : (const void *)b.data, (int)b.size);

    ASSERT(bio != NULL);
    return bio;
}

/* Never asks on a terminal. */
static int give_password(char *buf, int size, int is_writing, void *arg)
{
    struct bytes password = bytes_text((const char *)arg);

    (void)is_writing;
    if (password.size == 0 || password.size > (size_t)size)
        return -1;
    memcpy(buf, password.data, password.size);
    return (int)password.size;
}

/* Reads the next certificate. ERR_NOT_FOUND: there is none any more; ERR_INVALID. */
static int next_certificate(BIO *bio, X509 **out)
{
    X509 *x = NULL;
    unsigned long why = 0;

    ERR_clear_error();
    x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    if (x != NULL) {
        *out = x;
        return 0;
    }
    why = ERR_peek_last_error();
    return ERR_GET_LIB(why) == ERR_LIB_PEM && ERR_GET_REASON(why) == PEM_R_NO_START_LINE
               ? ERR_NOT_FOUND
               : ERR_INVALID;
}

static int fail_file(const struct draft *d, const char *what, const char *path)
{
    return err_note(d->note, ERR_INVALID, "cannot use the %s '%s': %s", what, path, tls_reason());
}

/* The first is ours, those behind it lead to its authority. */
static int use_certificates(const struct draft *d, struct bytes pem)
{
    BIO *bio = bio_of(pem);
    X509 *x = NULL;
    int rv = next_certificate(bio, &x);
    bool is_used = rv == 0 && SSL_CTX_use_certificate(d->ctx, x) == 1;

    if (rv == 0)
        X509_free(x);
    if (rv == 0 && !is_used)
        rv = ERR_INVALID;
    while (rv == 0 && (rv = next_certificate(bio, &x)) == 0) {
        if (SSL_CTX_add0_chain_cert(d->ctx, x) == 1)
            continue;
        X509_free(x);
        rv = ERR_INVALID;
    }
    BIO_free(bio);
    if (is_used && rv == ERR_NOT_FOUND)
        return 0;
    if (rv == ERR_NOT_FOUND)
        return err_note(d->note, ERR_INVALID, "there is no certificate in '%s'", d->o->certfile);
    return fail_file(d, "certificate", d->o->certfile);
}

static int use_key(const struct draft *d, struct bytes pem)
{
    BIO *bio = bio_of(pem);
    EVP_PKEY *key = NULL;
    bool is_used = false;

    ERR_clear_error();
    key = PEM_read_bio_PrivateKey(bio, NULL, give_password, d->o->password);
    BIO_free(bio);
    if (key == NULL)
        return fail_file(d, "key", d->o->keyfile);
    /* It also compares the two, with a worse sentence than ours. */
    is_used = X509_check_private_key(SSL_CTX_get0_certificate(d->ctx), key) == 1;
    if (!is_used) {
        EVP_PKEY_free(key);
        return err_note(d->note, ERR_INVALID, "the key '%s' is not that of the certificate '%s'",
                        d->o->keyfile, d->o->certfile);
    }
    is_used = SSL_CTX_use_PrivateKey(d->ctx, key) == 1;
    EVP_PKEY_free(key);
    return is_used ? 0 : fail_file(d, "key", d->o->keyfile);
}

static int use_own(const struct draft *d, const struct tls_files *files)
{
    int rv = 0;

    if (d->o->certfile[0] == '\0')
        return err_note(d->note, ERR_INVALID, "TLS needs a certificate: set '%s.certfile'",
                        d->where);
    if (d->o->keyfile[0] == '\0')
        return err_note(d->note, ERR_INVALID, "TLS needs a key: set '%s.keyfile'", d->where);
    rv = use_certificates(d, files->certificate);
    return rv != 0 ? rv : use_key(d, files->key);
}

/* ---- clients ---- */

static int use_authorities(const struct draft *d, struct bytes pem)
{
    X509_STORE *store = SSL_CTX_get_cert_store(d->ctx);
    BIO *bio = bio_of(pem);
    size_t count = 0;
    X509 *x = NULL;
    int rv = 0;

    while ((rv = next_certificate(bio, &x)) == 0) {
        bool is_used = X509_STORE_add_cert(store, x) == 1 && SSL_CTX_add_client_CA(d->ctx, x) == 1;
        X509_free(x);
        if (!is_used)
            break;
        count++;
    }
    BIO_free(bio);
    if (rv != ERR_NOT_FOUND)
        return fail_file(d, "authorities", d->o->cacertfile);
    if (count == 0)
        return err_note(d->note, ERR_INVALID, "there is no certificate in '%s'", d->o->cacertfile);
    ERR_clear_error();
    return 0;
}

/* Lists of certificates that were taken back. */
static int set_lists(const struct draft *d, struct bytes lists)
{
    int rv = 0;

    if (d->o->crl_check == TLS_CRL_NONE)
        return 0;
    if (d->o->verify == TLS_VERIFY_NONE)
        return err_note(d->note, ERR_INVALID, "'%s.crl_check' needs '%s.verify = verify_peer'",
                        d->where, d->where);
    if (d->o->crlfile[0] == '\0')
        return err_note(d->note, ERR_INVALID,
                        "'%s.crl_check' needs lists: set 'millrace.%s.crlfile'", d->where,
                        d->where);
    rv = revoked_read(d->ctx, lists);
    if (rv == ERR_NOT_FOUND)
        return err_note(d->note, ERR_INVALID, "there is no list of certificates in '%s'",
                        d->o->crlfile);
    if (rv != 0)
        return fail_file(d, "lists of certificates", d->o->crlfile);
    revoked_check(d->ctx, (enum tls_crl_check)d->o->crl_check);
    return 0;
}

static int set_verify(const struct draft *d, struct bytes authorities)
{
    int mode = SSL_VERIFY_PEER;

    if (d->o->verify == TLS_VERIFY_NONE && d->o->fail_if_no_peer_cert)
        return err_note(d->note, ERR_INVALID,
                        "'%s.fail_if_no_peer_cert' needs '%s.verify = verify_peer'", d->where,
                        d->where);
    if (d->o->verify == TLS_VERIFY_NONE)
        return 0;
    if (d->o->cacertfile[0] == '\0')
        return err_note(d->note, ERR_INVALID,
                        "clients cannot be verified without authorities: set '%s.cacertfile'",
                        d->where);
    if (d->o->fail_if_no_peer_cert)
        mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(d->ctx, mode, NULL);
    SSL_CTX_set_verify_depth(d->ctx, (int)d->o->depth);
    return use_authorities(d, authorities);
}

/* ---- versions and ciphers ---- */

static bool has_version(const struct tls_options *o, int version)
{
    bool is_default = true;

    for (size_t i = 0; i < TLS_VERSIONS_MAX; i++) {
        if (o->versions[i] == version)
            return true;
        is_default = is_default && o->versions[i] == TLS_VERSION_DEFAULT;
    }
    return is_default;
}

/* Names of TLS 1.3 begin with TLS_, as none of those before does in OpenSSL's spelling. */
static bool is_suite_1_3(const char *cipher)
{
    return strncmp(cipher, "TLS_", 4) == 0;
}

/* A name and nothing else: a list of OpenSSL may hold commands too. */
static bool is_name(const char *cipher)
{
    return strlen(cipher) <= CIPHER_NAME_MAX &&
           cipher[strspn(cipher, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")] == '\0';
}

static bool is_known(SSL_CTX *ctx, const char *cipher)
{
    if (!is_name(cipher))
        return false;
    return is_suite_1_3(cipher) ? SSL_CTX_set_ciphersuites(ctx, cipher) == 1
                                : SSL_CTX_set_cipher_list(ctx, cipher) == 1;
}

/* Two lists, with colons between the names. */
struct cipher_lists {
    char old[CIPHER_LIST_SIZE];
    char new[CIPHER_LIST_SIZE];
    size_t old_size;
    size_t new_size;
};

static void add_cipher(char *list, size_t *size, const char *cipher)
{
    size_t length = strlen(cipher);

    ASSERT(*size + length + 2 <= CIPHER_LIST_SIZE);
    if (*size > 0)
        list[(*size)++] = ':';
    memcpy(list + *size, cipher, length + 1);
    *size += length;
}

static int gather_ciphers(const struct draft *d, struct cipher_lists *lists)
{
    for (size_t i = 0; i < TLS_CIPHERS_MAX; i++) {
        const char *cipher = d->o->ciphers[i];

        if (cipher[0] == '\0')
            continue;
        if (!is_known(d->ctx, cipher))
            return err_note(d->note, ERR_INVALID,
                            "'%s.ciphers.%zu' is '%.*s', which is no cipher suite that can be "
                            "used; `openssl ciphers` lists them",
                            d->where, i + 1, CIPHER_NAME_MAX, cipher);
        if (is_suite_1_3(cipher))
            add_cipher(lists->new, &lists->new_size, cipher);
        else
            add_cipher(lists->old, &lists->old_size, cipher);
    }
    return 0;
}

static int set_versions_and_ciphers(const struct draft *d)
{
    struct cipher_lists lists = {.old_size = 0};
    bool has_1_2 = has_version(d->o, TLS_VERSION_1_2);
    bool has_1_3 = has_version(d->o, TLS_VERSION_1_3);
    int rv = gather_ciphers(d, &lists);

    if (rv != 0)
        return rv;
    if (lists.old_size + lists.new_size > 0) {
        /* A version none of whose suites is wanted would only be agreed on to fail. */
        has_1_2 = has_1_2 && lists.old_size > 0;
        has_1_3 = has_1_3 && lists.new_size > 0;
        rv = SSL_CTX_set_ciphersuites(d->ctx, lists.new) == 1 ? 0 : ERR_INVALID;
        if (rv == 0 && lists.old_size > 0)
            rv = SSL_CTX_set_cipher_list(d->ctx, lists.old) == 1 ? 0 : ERR_INVALID;
    }
    if (rv != 0 || (!has_1_2 && !has_1_3))
        return err_note(d->note, ERR_INVALID,
                        "no suite of '%s.ciphers' belongs to a version of '%s.versions'", d->where,
                        d->where);
    if (SSL_CTX_set_min_proto_version(d->ctx, has_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(d->ctx, has_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION) != 1)
        check_failed("OpenSSL speaks TLS 1.2 and 1.3", __FILE__, __LINE__);
    return 0;
}

/* ---- all of it ---- */

static void set_manners(SSL_CTX *ctx, bool is_our_order)
{
    uint64_t options = SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET;

    if (is_our_order)
        options |= SSL_OP_CIPHER_SERVER_PREFERENCE;
    SSL_CTX_set_options(ctx, options);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(ctx, 0);
    SSL_CTX_set_max_early_data(ctx, 0);
    SSL_CTX_set_max_cert_list(ctx, CLIENT_CHAIN_MAX);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_msg_callback(ctx, tls_socket_on_message);
}

int tls_terms_new(const struct tls_options *o, const char *where, const struct tls_files *files,
                  struct tls_terms **out, struct err_note *note)
{
    struct draft d = {
        .ctx = SSL_CTX_new(TLS_server_method()), .o = o, .where = where, .note = note};
    int rv = 0;

    ASSERT(d.ctx != NULL);
    set_manners(d.ctx, o->honor_cipher_order);
    rv = set_versions_and_ciphers(&d);
    if (rv == 0)
        rv = use_own(&d, files);
    if (rv == 0)
        rv = set_verify(&d, files->authorities);
    if (rv == 0)
        rv = set_lists(&d, files->lists);
    ERR_clear_error();
    if (rv != 0) {
        SSL_CTX_free(d.ctx);
        return rv;
    }
    *out = MEM_NEW(struct tls_terms);
    (*out)->ctx = d.ctx;
    return 0;
}

void tls_terms_free(struct tls_terms *t)
{
    if (t == NULL)
        return;
    SSL_CTX_free(t->ctx);
    mem_free(t);
}
