/* Makes certificates and keys: elliptic ones, because they are quick to make. */
#include "tests/unit/gate/identity.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/mem.h"
#include "tests/lib/test.h"

static void add_extension(X509 *x, const struct identity *issuer, int kind, const char *value)
{
    X509V3_CTX terms;
    X509_EXTENSION *e = NULL;

    X509V3_set_ctx_nodb(&terms);
    X509V3_set_ctx(&terms, issuer->certificate, x, NULL, NULL, 0);
    e = X509V3_EXT_conf_nid(NULL, &terms, kind, value);
    assert_non_null(e);
    assert_int_equal(X509_add_ext(x, e, -1), 1);
    X509_EXTENSION_free(e);
}

static void set_subject(X509 *x, const struct identity_spec *spec)
{
    X509_NAME *name = spec->subject;

    if (name == NULL) {
        name = X509_NAME_new();
        assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                                    (const unsigned char *)spec->name, -1, -1, 0),
                         1);
    }
    assert_int_equal(X509_set_subject_name(x, name), 1);
    X509_NAME_free(name);
}

struct identity identity_new(const struct identity_spec *spec)
{
    static long serial;
    struct identity id = {.certificate = X509_new(), .key = EVP_EC_gen("P-256")};
    const struct identity *issuer = spec->issuer == NULL ? &id : spec->issuer;
    int64_t from = spec->from_s == 0 ? IDENTITY_NOW - IDENTITY_DAY : spec->from_s;
    int64_t until = spec->until_s == 0 ? IDENTITY_NOW + 30 * IDENTITY_DAY : spec->until_s;

    assert_non_null(id.certificate);
    assert_non_null(id.key);
    assert_int_equal(X509_set_version(id.certificate, X509_VERSION_3), 1);
    ASN1_INTEGER_set(X509_get_serialNumber(id.certificate), ++serial);
    ASN1_TIME_set(X509_getm_notBefore(id.certificate), from);
    ASN1_TIME_set(X509_getm_notAfter(id.certificate), until);
    set_subject(id.certificate, spec);
    X509_set_issuer_name(id.certificate, X509_get_subject_name(issuer->certificate));
    X509_set_pubkey(id.certificate, id.key);
    if (spec->is_authority)
        add_extension(id.certificate, issuer, NID_basic_constraints, "critical,CA:TRUE");
    if (spec->alternatives != NULL)
        add_extension(id.certificate, issuer, NID_subject_alt_name, spec->alternatives);
    assert_true(X509_sign(id.certificate, issuer->key, EVP_sha256()) > 0);
    return id;
}

void identity_release(struct identity *id)
{
    X509_free(id->certificate);
    EVP_PKEY_free(id->key);
    *id = (struct identity){0};
}

static char *text_of(BIO *bio)
{
    char *data = NULL;
    long size = BIO_get_mem_data(bio, &data);
    char *text = mem_alloc((size_t)size + 1);

    memcpy(text, data, (size_t)size);
    text[size] = '\0';
    BIO_free(bio);
    return text;
}

char *identity_certificate(const struct identity *id)
{
    BIO *bio = BIO_new(BIO_s_mem());

    assert_int_equal(PEM_write_bio_X509(bio, id->certificate), 1);
    return text_of(bio);
}

char *identity_key(const struct identity *id, const char *password)
{
    BIO *bio = BIO_new(BIO_s_mem());
    int size = password == NULL ? 0 : (int)strlen(password);

    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, id->key,
                                                   password == NULL ? NULL : EVP_aes_256_cbc(),
                                                   password, size, NULL, NULL),
                     1);
    return text_of(bio);
}
