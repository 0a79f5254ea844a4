/* Tests of gate/certificate.c: names in certificates, the odd ones too. */
#include "gate/certificate.h"

#include <openssl/asn1t.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "tests/lib/leaks.h"
#include "tests/lib/test.h"
#include "tests/unit/gate/identity.h"

enum { NAME_MAX_BYTES = 300 };

/* A part of a distinguished name. `set` as X509_NAME_add_entry() has it: 0 begins a new set, -1
 * joins the one before. */
struct part {
    const char *kind;
    int type;
    const char *value;
    int size; /* -1: up to its zero byte */
    int set;
};

static X509_NAME *subject_of(const struct part *parts, size_t count)
{
    X509_NAME *name = X509_NAME_new();

    for (size_t i = 0; i < count; i++)
        assert_int_equal(X509_NAME_add_entry_by_txt(name, parts[i].kind, parts[i].type,
                                                    (const unsigned char *)parts[i].value,
                                                    parts[i].size, -1, parts[i].set),
                         1);
    return name;
}

static struct tls_name_rule rule_of(int from)
{
    return (struct tls_name_rule){.from = from};
}

/* The name by that rule, or the name of the error. */
static const char *name_of(const struct identity *id, const struct tls_name_rule *rule)
{
    static char text[NAME_MAX_BYTES + 1];
    struct buf out;
    int rv = 0;

    buf_init(&out, NAME_MAX_BYTES);
    rv = certificate_name(id->certificate, rule, &out);
    if (rv == 0) {
        memcpy(text, out.data, out.size);
        text[out.size] = '\0';
    }
    buf_release(&out);
    return rv == 0 ? text : err_name(rv);
}

static void expect_subject(const struct part *parts, size_t count, const char *distinguished,
                           const char *cn)
{
    struct identity id = identity_new(&(struct identity_spec){.subject = subject_of(parts, count)});
    const struct tls_name_rule by_whole = rule_of(TLS_NAME_DISTINGUISHED);
    const struct tls_name_rule by_cn = rule_of(TLS_NAME_COMMON);

    assert_string_equal(name_of(&id, &by_whole), distinguished);
    assert_string_equal(name_of(&id, &by_cn), cn);
    identity_release(&id);
}

static void test_a_distinguished_name_has_its_last_part_first(void **state)
{
    const struct part parts[] = {{"C", MBSTRING_ASC, "DE", -1, 0},
                                 {"O", MBSTRING_ASC, "test", -1, 0},
                                 {"OU", MBSTRING_ASC, "one", -1, 0},
                                 {"CN", MBSTRING_ASC, "visitor", -1, 0}};

    (void)state;
    expect_subject(parts, ARRAY_SIZE(parts), "CN=visitor,OU=one,O=test,C=DE", "visitor");
}

static void test_parts_of_one_set_are_joined_by_a_plus(void **state)
{
    const struct part parts[] = {{"O", MBSTRING_ASC, "test", -1, 0},
                                 {"CN", MBSTRING_ASC, "a", -1, 0},
                                 {"UID", MBSTRING_ASC, "7", -1, -1},
                                 {"L", MBSTRING_ASC, "here", -1, 0}};
    const char *both[] = {"L=here,CN=a+UID=7,O=test", "L=here,UID=7+CN=a,O=test"};
    struct identity id =
        identity_new(&(struct identity_spec){.subject = subject_of(parts, ARRAY_SIZE(parts))});
    const struct tls_name_rule rule = rule_of(TLS_NAME_DISTINGUISHED);
    const char *name = name_of(&id, &rule);

    (void)state;
    assert_true(strcmp(name, both[0]) == 0 || strcmp(name, both[1]) == 0);
    identity_release(&id);
}

static void test_what_has_a_meaning_is_escaped(void **state)
{
    const struct part parts[] = {{"O", MBSTRING_ASC, " a, b+c\"<d>;\\ ", -1, 0},
                                 {"CN", MBSTRING_ASC, "#1 # 2", -1, 0}};

    (void)state;
    expect_subject(parts, ARRAY_SIZE(parts), "CN=\\#1 # 2,O=\\ a\\, b\\+c\\\"\\<d\\>\\;\\\\\\ ",
                   "#1 # 2");
}

static void test_text_beyond_ascii_is_escaped_in_one_and_itself_in_the_other(void **state)
{
    const struct part parts[] = {{"CN", MBSTRING_UTF8, "Jürgen", -1, 0}};
    /* the same by UTF-16 */
    const struct part wide[] = {{"CN", V_ASN1_BMPSTRING, "\0J\0\xfc\0r", 6, 0}};

    (void)state;
    expect_subject(parts, ARRAY_SIZE(parts), "CN=J\\C3\\BCrgen", "Jürgen");
    expect_subject(wide, ARRAY_SIZE(wide), "CN=J\\C3\\BCr", "Jür");
}

/* Nobody gets in as "guest" by a name that only begins so. */
static void test_a_zero_byte_never_shortens_a_name(void **state)
{
    const struct part parts[] = {{"CN", MBSTRING_ASC, "guest\0.evil", 11, 0}};
    const struct part wide[] = {{"CN", V_ASN1_BMPSTRING, "\0g\0\0\0x", 6, 0}};
    const struct part line[] = {{"CN", MBSTRING_ASC, "a\nb", -1, 0}};

    (void)state;
    expect_subject(parts, ARRAY_SIZE(parts), "CN=guest\\00.evil", "ERR_INVALID");
    expect_subject(wide, ARRAY_SIZE(wide), "CN=g\\00x", "ERR_INVALID");
    expect_subject(line, ARRAY_SIZE(line), "CN=a\\0Ab", "ERR_INVALID");
}

static void test_several_cns_are_joined(void **state)
{
    const struct part parts[] = {{"CN", MBSTRING_ASC, "a", -1, 0},
                                 {"O", MBSTRING_ASC, "test", -1, 0},
                                 {"CN", MBSTRING_ASC, "b", -1, 0}};

    (void)state;
    expect_subject(parts, ARRAY_SIZE(parts), "CN=b,O=test,CN=a", "a,b");
}

static void test_a_subject_may_be_empty(void **state)
{
    const struct part parts[] = {{"O", MBSTRING_ASC, "test", -1, 0}};

    (void)state;
    expect_subject(parts, 1, "O=test", "ERR_NOT_FOUND");
    expect_subject(parts, 0, "ERR_NOT_FOUND", "ERR_NOT_FOUND");
}

static void test_kinds_without_a_word_have_their_numbers(void **state)
{
    const struct part parts[] = {{"2.5.4.17", MBSTRING_ASC, "12345", -1, 0}};

    (void)state;
    expect_subject(parts, 1, "2.5.4.17=12345", "ERR_NOT_FOUND");
}

static void test_a_long_name_is_refused_whole(void **state)
{
    struct part parts[10];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        parts[i] =
            (struct part){"OU", MBSTRING_ASC, "0123456789012345678901234567890123456789", -1, 0};
    expect_subject(parts, ARRAY_SIZE(parts), "ERR_FULL", "ERR_NOT_FOUND");
}

static void expect_alternative(const struct identity *id, int type, int64_t index, const char *name)
{
    const struct tls_name_rule rule = {
        .from = TLS_NAME_ALTERNATIVE, .san_type = type, .san_index = index};

    assert_string_equal(name_of(id, &rule), name);
}

static void test_alternative_names_are_chosen_by_type_and_place(void **state)
{
    struct identity id = identity_new(&(struct identity_spec){
        .name = "x",
        .alternatives = "DNS:one.test,email:a@b.test,DNS:two.test,IP:192.0.2.7,IP:2001:db8::1,"
                        "URI:spiffe://test/x,otherName:1.2.3.4;UTF8:other one,"
                        "otherName:1.2.3.4;INTEGER:5"});

    (void)state;
    expect_alternative(&id, TLS_SAN_DNS, 0, "one.test");
    expect_alternative(&id, TLS_SAN_DNS, 1, "two.test");
    expect_alternative(&id, TLS_SAN_DNS, 2, "ERR_NOT_FOUND");
    expect_alternative(&id, TLS_SAN_EMAIL, 0, "a@b.test");
    expect_alternative(&id, TLS_SAN_IP, 0, "192.0.2.7");
    expect_alternative(&id, TLS_SAN_IP, 1, "2001:db8:0:0:0:0:0:1");
    expect_alternative(&id, TLS_SAN_URI, 0, "spiffe://test/x");
    expect_alternative(&id, TLS_SAN_OTHER, 0, "other one");
    expect_alternative(&id, TLS_SAN_OTHER, 1, "ERR_INVALID");
    identity_release(&id);
    id = identity_new(&(struct identity_spec){.name = "x"});
    expect_alternative(&id, TLS_SAN_DNS, 0, "ERR_NOT_FOUND");
    identity_release(&id);
}

/* A name with a zero byte in it, which OpenSSL would not write by itself. */
static void test_a_zero_byte_never_shortens_an_alternative_name(void **state)
{
    struct identity id = identity_new(&(struct identity_spec){.name = "x"});
    GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();
    GENERAL_NAME *n = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();

    (void)state;
    ASN1_STRING_set(text, "guest\0.evil", 11);
    GENERAL_NAME_set0_value(n, GEN_DNS, text);
    sk_GENERAL_NAME_push(all, n);
    assert_int_equal(X509_add1_ext_i2d(id.certificate, NID_subject_alt_name, all, 0, 0), 1);
    GENERAL_NAMES_free(all);
    expect_alternative(&id, TLS_SAN_DNS, 0, "ERR_INVALID");
    identity_release(&id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_a_distinguished_name_has_its_last_part_first),
        LEAK_CHECKED(test_parts_of_one_set_are_joined_by_a_plus),
        LEAK_CHECKED(test_what_has_a_meaning_is_escaped),
        LEAK_CHECKED(test_text_beyond_ascii_is_escaped_in_one_and_itself_in_the_other),
        LEAK_CHECKED(test_a_zero_byte_never_shortens_a_name),
        LEAK_CHECKED(test_several_cns_are_joined),
        LEAK_CHECKED(test_a_subject_may_be_empty),
        LEAK_CHECKED(test_kinds_without_a_word_have_their_numbers),
        LEAK_CHECKED(test_a_long_name_is_refused_whole),
        LEAK_CHECKED(test_alternative_names_are_chosen_by_type_and_place),
        LEAK_CHECKED(test_a_zero_byte_never_shortens_an_alternative_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
