/* Names in certificates, written as RabbitMQ writes them: so a user made for it fits.
 *
 *     distinguished name  RFC 4514: the last part first, "CN=visitor,O=test", with RabbitMQ's words
 *                         for the kinds of parts; all that is not printable ASCII becomes \HH
 *     common name         several are joined by commas
 *     alternative name    of a kind, by its place among those of its kind */
#include "gate/certificate.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/utf8.h"

enum { ADDRESS_V4 = 4, ADDRESS_V6 = 16, OID_TEXT_SIZE = 128 };

struct word {
    int nid;
    const char *text;
};

static const struct word words[] = {
    {NID_surname, "SN"},
    {NID_givenName, "GIVENNAME"},
    {NID_initials, "INITIALS"},
    {NID_generationQualifier, "GENERATIONQUALIFIER"},
    {NID_commonName, "CN"},
    {NID_localityName, "L"},
    {NID_stateOrProvinceName, "ST"},
    {NID_organizationName, "O"},
    {NID_organizationalUnitName, "OU"},
    {NID_title, "TITLE"},
    {NID_countryName, "C"},
    {NID_serialNumber, "SERIALNUMBER"},
    {NID_pseudonym, "PSEUDONYM"},
    {NID_domainComponent, "DC"},
    {NID_pkcs9_emailAddress, "EMAILADDRESS"},
    {NID_streetAddress, "STREET"},
    {NID_userId, "UID"},
};

/* A string of a certificate in UTF-8, whatever kind it has there. OpenSSL's memory. */
struct text {
    unsigned char *data;
    struct bytes bytes;
};

static int text_of(const ASN1_STRING *s, struct text *out)
{
    unsigned char *data = NULL;
    int size = ASN1_STRING_to_UTF8(&data, s);

    if (size < 0) {
        ERR_clear_error();
        return ERR_INVALID;
    }
    *out = (struct text){.data = data, .bytes = bytes_of(data, (size_t)size)};
    return 0;
}

/* Appends it as it is, when it is fit to be a name. */
static int add_name(const ASN1_STRING *s, struct buf *out)
{
    struct text t;
    int rv = text_of(s, &t);

    if (rv != 0)
        return rv;
    if (t.bytes.size == 0 || !utf8_valid(t.bytes))
        rv = ERR_INVALID;
    for (size_t i = 0; i < t.bytes.size && rv == 0; i++)
        if (t.bytes.data[i] < ' ' || t.bytes.data[i] == 0x7f)
            rv = ERR_INVALID;
    if (rv == 0)
        buf_bytes(out, t.bytes);
    OPENSSL_free(t.data);
    return rv;
}

/* ---- distinguished names ---- */

static void add_word(const ASN1_OBJECT *kind, struct buf *out)
{
    char oid[OID_TEXT_SIZE];
    int nid = OBJ_obj2nid(kind);

    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (words[i].nid == nid) {
            buf_text(out, "%s=", words[i].text);
            return;
        }
    }
    if (OBJ_obj2txt(oid, sizeof(oid), kind, 1) <= 0)
        oid[0] = '\0';
    buf_text(out, "%s=", oid);
}

static bool is_marked(struct bytes value, size_t i)
{
    uint8_t c = value.data[i];

    if (c == ' ')
        return i == 0 || i == value.size - 1;
    if (c == '#')
        return i == 0;
    return c != '\0' && strchr("\"+,;<>\\", c) != NULL;
}

static void add_escaped(struct bytes value, struct buf *out)
{
    for (size_t i = 0; i < value.size; i++) {
        uint8_t c = value.data[i];

        if (c < ' ' || c >= '~')
            buf_text(out, "\\%02X", c);
        else if (is_marked(value, i))
            buf_text(out, "\\%c", c);
        else
            buf_u8(out, c);
    }
}

static int add_part(const X509_NAME_ENTRY *e, struct buf *out)
{
    struct text t;
    int rv = text_of(X509_NAME_ENTRY_get_data(e), &t);

    if (rv != 0)
        return rv;
    add_word(X509_NAME_ENTRY_get_object(e), out);
    add_escaped(t.bytes, out);
    OPENSSL_free(t.data);
    return 0;
}

/* The parts of one set stand in their order, joined by a plus. */
static int add_set(const X509_NAME *name, int first, int last, struct buf *out)
{
    int rv = 0;

    for (int i = first; i <= last && rv == 0; i++) {
        if (i > first)
            buf_u8(out, '+');
        rv = add_part(X509_NAME_get_entry(name, i), out);
    }
    return rv;
}

static int set_of(const X509_NAME *name, int i)
{
    return X509_NAME_ENTRY_set(X509_NAME_get_entry(name, i));
}

static int add_distinguished(const X509_NAME *name, struct buf *out)
{
    int last = X509_NAME_entry_count(name) - 1;
    int rv = last < 0 ? ERR_NOT_FOUND : 0;

    while (last >= 0 && rv == 0) {
        int first = last;

        while (first > 0 && set_of(name, first - 1) == set_of(name, last))
            first--;
        rv = add_set(name, first, last, out);
        last = first - 1;
        if (last >= 0)
            buf_u8(out, ',');
    }
    return rv;
}

/* ---- common names ---- */

static int add_cn(const X509_NAME *name, struct buf *out)
{
    int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    int rv = at < 0 ? ERR_NOT_FOUND : 0;
    bool is_first = true;

    while (at >= 0 && rv == 0) {
        if (!is_first)
            buf_u8(out, ',');
        is_first = false;
        rv = add_name(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)), out);
        at = X509_NAME_get_index_by_NID(name, NID_commonName, at);
    }
    return rv;
}

/* ---- alternative names ---- */

static const int kinds[] = {
    [TLS_SAN_DNS] = GEN_DNS, [TLS_SAN_IP] = GEN_IPADD,        [TLS_SAN_EMAIL] = GEN_EMAIL,
    [TLS_SAN_URI] = GEN_URI, [TLS_SAN_OTHER] = GEN_OTHERNAME,
};

static int add_address(const ASN1_OCTET_STRING *s, struct buf *out)
{
    const uint8_t *a = ASN1_STRING_get0_data(s);
    int size = ASN1_STRING_length(s);

    if (size == ADDRESS_V4) {
        buf_text(out, "%u.%u.%u.%u", a[0], a[1], a[2], a[3]);
        return 0;
    }
    if (size != ADDRESS_V6)
        return ERR_INVALID;
    for (int i = 0; i < ADDRESS_V6; i += 2)
        buf_text(out, "%s%x", i == 0 ? "" : ":", (unsigned)(a[i] << 8 | a[i + 1]));
    return 0;
}

static bool is_text(int type)
{
    return type == V_ASN1_UTF8STRING || type == V_ASN1_IA5STRING ||
           type == V_ASN1_PRINTABLESTRING || type == V_ASN1_BMPSTRING ||
           type == V_ASN1_UNIVERSALSTRING || type == V_ASN1_T61STRING;
}

static int add_one(const GENERAL_NAME *n, struct buf *out)
{
    switch (n->type) {
    case GEN_IPADD:
        return add_address(n->d.iPAddress, out);
    case GEN_OTHERNAME:
        if (!is_text(n->d.otherName->value->type))
            return ERR_INVALID;
        return add_name(n->d.otherName->value->value.asn1_string, out);
    default:
        return add_name(n->d.ia5, out);
    }
}

static int add_alternative(const X509 *x, const struct tls_name_rule *rule, struct buf *out)
{
    GENERAL_NAMES *all = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    int64_t left = rule->san_index;
    int rv = ERR_NOT_FOUND;

    ERR_clear_error();
    for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
        const GENERAL_NAME *n = sk_GENERAL_NAME_value(all, i);

        if (n->type != kinds[rule->san_type] || left-- > 0)
            continue;
        rv = add_one(n, out);
        break;
    }
    GENERAL_NAMES_free(all);
    return rv;
}

int certificate_name(const X509 *x, const struct tls_name_rule *rule, struct buf *out)
{
    const X509_NAME *subject = X509_get_subject_name(x);
    int rv = ERR_INVALID;

    if (rule->from == TLS_NAME_DISTINGUISHED)
        rv = add_distinguished(subject, out);
    else if (rule->from == TLS_NAME_COMMON)
        rv = add_cn(subject, out);
    else
        rv = add_alternative(x, rule, out);
    return rv != 0 ? rv : buf_error(out);
}

/* ---- for a look ---- */

static int add_date(const ASN1_TIME *at, struct buf *out)
{
    struct tm tm = {0};

    if (ASN1_TIME_to_tm(at, &tm) != 1) {
        ERR_clear_error();
        return ERR_INVALID;
    }
    buf_text(out, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
             tm.tm_hour, tm.tm_min, tm.tm_sec);
    return 0;
}

static int add_validity(const X509 *x, struct buf *out)
{
    int rv = add_date(X509_get0_notBefore(x), out);

    buf_text(out, " - ");
    return rv != 0 ? rv : add_date(X509_get0_notAfter(x), out);
}

int certificate_part(const X509 *x, enum tls_part part, struct buf *out)
{
    int rv = 0;

    switch (part) {
    case TLS_SUBJECT:
        rv = add_distinguished(X509_get_subject_name(x), out);
        break;
    case TLS_ISSUER:
        rv = add_distinguished(X509_get_issuer_name(x), out);
        break;
    case TLS_VALIDITY:
        rv = add_validity(x, out);
        break;
    }
    return rv != 0 ? rv : buf_error(out);
}
