/* Salted hashes, by libcrypto. */
#include "auth/password.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

enum { SALT_SIZE = 4, SALTED_MAX = SALT_SIZE + EVP_MAX_MD_SIZE };

/* base64 of the largest one, and its zero byte. */
STATIC_ASSERT((SALTED_MAX + 2) / 3 * 4 + 1 <= AUTH_HASH_MAX, "a hash fits into its text");

static const EVP_MD *digest_of(enum auth_hash hashing)
{
    switch (hashing) {
    case AUTH_HASH_SHA256:
        return EVP_sha256();
    case AUTH_HASH_SHA512:
        return EVP_sha512();
    case AUTH_HASH_MD5:
        return EVP_md5();
    }
    return NULL;
}

static size_t digest_size(enum auth_hash hashing)
{
    const EVP_MD *md = digest_of(hashing);

    return md == NULL ? 0 : (size_t)EVP_MD_get_size(md);
}

/* Writes salt and digest; false when the library refuses this kind (a policy may forbid MD5). */
static bool salt_and_hash(enum auth_hash hashing, struct bytes password, const uint8_t *salt,
                          uint8_t *out)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    unsigned size = 0;
    bool is_done = md != NULL && EVP_DigestInit_ex(md, digest_of(hashing), NULL) == 1 &&
                   EVP_DigestUpdate(md, salt, SALT_SIZE) == 1 &&
                   EVP_DigestUpdate(md, password.data, password.size) == 1 &&
                   EVP_DigestFinal_ex(md, out + SALT_SIZE, &size) == 1;

    EVP_MD_CTX_free(md);
    memcpy(out, salt, SALT_SIZE);
    ASSERT(!is_done || size == digest_size(hashing));
    return is_done;
}

static bool is_base64(struct bytes text)
{
    size_t padding = 0;

    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];

        if (c == '=')
            padding++;
        else if (padding > 0 || !((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                                  (c >= '0' && c <= '9') || c == '+' || c == '/'))
            return false;
    }
    return text.size % 4 == 0 && padding <= 2;
}

/* Decodes into `out` of SALTED_MAX + 2 bytes. Returns the size, 0 when it is no such text. */
static size_t decode(struct bytes hash, uint8_t *out)
{
    size_t size = hash.size / 4 * 3;

    if (hash.size == 0 || size > SALTED_MAX + 2 || !is_base64(hash))
        return 0;
    if (EVP_DecodeBlock(out, hash.data, (int)hash.size) != (int)size)
        return 0;
    for (size_t i = hash.size; i > 0 && hash.data[i - 1] == '='; i--)
        size--;
    return size;
}

int password_hash_check(struct bytes hash, enum auth_hash hashing, struct err_note *note)
{
    uint8_t decoded[SALTED_MAX + 2];

    if (digest_size(hashing) == 0)
        return err_note(note, ERR_INVALID, "unknown password hashing algorithm");
    if (decode(hash, decoded) != SALT_SIZE + digest_size(hashing))
        return err_note(note, ERR_INVALID, "the password hash is not base64 of %zu bytes",
                        SALT_SIZE + digest_size(hashing));
    return 0;
}

bool password_matches(struct bytes hash, enum auth_hash hashing, struct bytes password)
{
    uint8_t stored[SALTED_MAX + 2] = {0};
    uint8_t given[SALTED_MAX] = {0};
    size_t size = decode(hash, stored);
    bool is_hashed = salt_and_hash(hashing, password, stored, given);
    bool is_same = CRYPTO_memcmp(stored, given, SALT_SIZE + digest_size(hashing)) == 0;

    OPENSSL_cleanse(given, sizeof(given));
    return is_hashed && is_same && size == SALT_SIZE + digest_size(hashing);
}

void auth_hash_password(enum auth_hash hashing, struct bytes password, const uint8_t salt[4],
                        char *out)
{
    uint8_t salted[SALTED_MAX];

    out[0] = '\0'; /* nobody logs in with that */
    if (salt_and_hash(hashing, password, salt, salted))
        EVP_EncodeBlock((unsigned char *)out, salted, (int)(SALT_SIZE + digest_size(hashing)));
}
