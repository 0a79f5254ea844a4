/* What SASL responses say. */
#include "auth/auth.h"
#include "msg/table.h"

/* Takes the bytes up to the next zero byte off the front; false when there is none. */
static bool take_part(struct bytes *rest, struct bytes *out)
{
    const uint8_t *end = rest->size == 0 ? NULL : memchr(rest->data, 0, rest->size);

    if (end == NULL)
        return false;
    *out = bytes_of(rest->data, (size_t)(end - rest->data));
    *rest = bytes_of(end + 1, rest->size - out->size - 1);
    return true;
}

int sasl_plain_read(struct bytes response, struct sasl_login *out)
{
    struct bytes other = bytes_of(NULL, 0);
    struct bytes name = bytes_of(NULL, 0);

    if (!take_part(&response, &other) || !take_part(&response, &name))
        return ERR_INVALID;
    if (response.size > 0 && memchr(response.data, 0, response.size) != NULL)
        return ERR_INVALID;
    if (other.size > 0 && !bytes_equal(other, name)) /* nobody acts for somebody else */
        return ERR_INVALID;
    *out = (struct sasl_login){.name = name, .password = response};
    return 0;
}

int sasl_amqplain_read(struct bytes response, struct sasl_login *out)
{
    struct sasl_login login;
    struct table t;
    struct field name;
    struct field password;

    if (table_decode(response, &t) != 0)
        return ERR_INVALID;
    if (!table_find(t, bytes_text("LOGIN"), &name) || !field_as_text(&name, &login.name))
        return ERR_INVALID;
    if (!table_find(t, bytes_text("PASSWORD"), &password) ||
        !field_as_text(&password, &login.password))
        return ERR_INVALID;
    *out = login;
    return 0;
}
