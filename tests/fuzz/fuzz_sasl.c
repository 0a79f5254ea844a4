/* Fuzz target: how somebody says who he is. The first byte says what the rest is: 0 a response of
 * PLAIN, 1 of AMQPLAIN, 2 a certificate (DER), whose name is taken for EXTERNAL.
 *
 * What a response says must lie in it and be what a plain reading finds; only the right password
 * logs in; a name out of a certificate is a whole, printable one. */
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "auth/auth.h"
#include "base/utf8.h"
#include "gate/certificate.h"
#include "msg/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NAME_LIMIT = 255, SAN_INDEX_MAX = 2 };

static bool lies_in(struct bytes part, struct bytes whole)
{
    return part.size == 0 ||
           (part.data >= whole.data && part.data + part.size <= whole.data + whole.size);
}

static struct auth *make_auth(void)
{
    static const uint8_t salt[4] = {1, 2, 3, 4};
    char hash[AUTH_HASH_MAX];
    struct user_spec spec = {.name = bytes_text("guest")};
    struct auth *a = auth_new(7);
    int rv;

    auth_hash_password(AUTH_HASH_SHA256, bytes_text("sesame"), salt, hash);
    spec.password_hash = bytes_text(hash);
    rv = auth_put_user(a, &spec, NULL);
    ASSERT(rv == 0);
    spec = (struct user_spec){.name = bytes_text("locked")};
    rv = auth_put_user(a, &spec, NULL);
    ASSERT(rv == 0);
    return a;
}

static void log_in(const struct sasl_login *l)
{
    struct auth *a = make_auth();
    struct user *u = NULL;
    bool is_right =
        bytes_equal(l->name, bytes_text("guest")) && bytes_equal(l->password, bytes_text("sesame"));
    int rv = auth_check_password(a, l->name, l->password, &u);

    ASSERT(rv == (is_right ? 0 : ERR_DENIED));
    ASSERT(!is_right || bytes_equal(user_name(u), l->name));
    auth_free(a);
}

/* authzid NUL name NUL password, and the first empty or the same as the second. */
static void try_plain(struct bytes b)
{
    struct bytes parts[3] = {{0}};
    struct sasl_login login;
    size_t count = 0;
    size_t start = 0;

    for (size_t i = 0; i <= b.size; i++) {
        if (i < b.size && b.data[i] != 0)
            continue;
        if (count < ARRAY_SIZE(parts))
            parts[count] = bytes_of(b.data + start, i - start);
        count++;
        start = i + 1;
    }
    bool is_good =
        count == ARRAY_SIZE(parts) && (parts[0].size == 0 || bytes_equal(parts[0], parts[1]));
    ASSERT((sasl_plain_read(b, &login) == 0) == is_good);
    if (!is_good)
        return;
    ASSERT(bytes_equal(login.name, parts[1]) && bytes_equal(login.password, parts[2]));
    log_in(&login);
}

static void try_amqplain(struct bytes b)
{
    struct sasl_login login;
    struct table t;
    struct field f;
    struct bytes text;

    if (sasl_amqplain_read(b, &login) != 0)
        return;
    ASSERT(lies_in(login.name, b) && lies_in(login.password, b));
    int rv = table_decode(b, &t);
    ASSERT(rv == 0);
    bool is_found = table_find(t, bytes_text("LOGIN"), &f) && field_as_text(&f, &text);
    ASSERT(is_found && bytes_equal(text, login.name));
    log_in(&login);
}

static void check_name(const X509 *x, const struct tls_name_rule *rule)
{
    struct buf out;
    int rv;

    buf_init(&out, NAME_LIMIT);
    rv = certificate_name(x, rule, &out);
    ASSERT(rv == 0 || rv == ERR_NOT_FOUND || rv == ERR_INVALID || rv == ERR_FULL);
    ASSERT(rv != 0 || utf8_valid(buf_view(&out)));
    for (size_t i = 0; rv == 0 && i < out.size; i++)
        ASSERT(out.data[i] >= ' ' && out.data[i] != 0x7f);
    buf_release(&out);
}

static void try_certificate(struct bytes b)
{
    const unsigned char *at = b.data;
    X509 *x = b.size == 0 ? NULL : d2i_X509(NULL, &at, (long)b.size);
    struct tls_name_rule rule = {.from = TLS_NAME_DISTINGUISHED};
    struct buf out;

    ERR_clear_error();
    if (x == NULL)
        return;
    check_name(x, &rule);
    rule.from = TLS_NAME_COMMON;
    check_name(x, &rule);
    rule.from = TLS_NAME_ALTERNATIVE;
    for (rule.san_type = TLS_SAN_DNS; rule.san_type <= TLS_SAN_OTHER; rule.san_type++)
        for (rule.san_index = 0; rule.san_index <= SAN_INDEX_MAX; rule.san_index++)
            check_name(x, &rule);
    for (enum tls_part part = TLS_SUBJECT; part <= TLS_VALIDITY; part++) {
        buf_init(&out, NAME_LIMIT);
        int rv = certificate_part(x, part, &out);
        ASSERT(rv != 0 || out.size <= NAME_LIMIT);
        buf_release(&out);
    }
    X509_free(x);
    ERR_clear_error();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const tries[])(struct bytes) = {try_plain, try_amqplain, try_certificate};

    if (size > 0 && data[0] < ARRAY_SIZE(tries))
        tries[data[0]](bytes_of(data + 1, size - 1));
    return 0;
}
