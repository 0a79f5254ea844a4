/* Virtual hosts, users, permissions, limits: what administrators change. */
#include <string.h>

#include "base/mem.h"
#include "broker/admin.h"
#include "broker/vhost.h"
#include "http/api/pages.h"
#include "http/api/shapes.h"
#include "transfer/json_table.h"

/* Answers with the error, or when it is safe with 201 or 204. */
static void answer(struct api_call *c, int rv, const struct err_note *note, bool is_old)
{
    if (rv != 0)
        api_failed(c, rv, note);
    else
        api_answer_when_safe(c, is_old ? 204 : 201);
}

/* ---- words: "a,b" or ["a","b"] ---- */

/* Reads a member that is a list of words into `out` as one text with commas. */
static bool read_words(struct api_call *c, const char *name, struct buf *out, bool *is_there)
{
    const json_t *value = json_object_get(c->body, name);

    *is_there = value != NULL;
    if (json_is_string(value))
        buf_bytes(out, json_text(value));
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (!json_is_string(json_array_get(value, i))) {
            api_bad_request(c, "'%s' must be words", name);
            return false;
        }
        if (i > 0)
            buf_u8(out, ',');
        buf_bytes(out, json_text(json_array_get(value, i)));
    }
    if (value == NULL || ((json_is_string(value) || json_is_array(value)) && buf_error(out) == 0))
        return true;
    api_bad_request(c, "'%s' must be words", name);
    return false;
}

/* Cuts a text at its commas; returns how many words there are, or `max + 1`. */
static size_t cut_words(struct bytes text, struct bytes words[], size_t max)
{
    size_t count = 0;

    while (text.size > 0) {
        const uint8_t *comma = memchr(text.data, ',', text.size);
        struct bytes word =
            bytes_of(text.data, comma == NULL ? text.size : (size_t)(comma - text.data));
        size_t taken = word.size + (comma != NULL);

        text = bytes_of(text.data + taken, text.size - taken);
        while (word.size > 0 && word.data[0] == ' ')
            word = bytes_of(word.data + 1, word.size - 1);
        while (word.size > 0 && word.data[word.size - 1] == ' ')
            word.size--;
        if (word.size == 0)
            continue;
        if (count == max)
            return max + 1;
        words[count++] = word;
    }
    return count;
}

/* ---- virtual hosts ---- */

static void keep_vhost(const struct api_call *c, struct admin_vhost *v, bool *is_old)
{
    struct look_vhost old;

    *is_old = look_find_vhost(c->api->broker, c->vhost, &old);
    if (!*is_old)
        return;
    v->description = old.description;
    v->tags = old.tags;
    v->default_queue_type = old.default_queue_type;
    v->is_tracing = old.is_tracing;
    v->is_protected = old.is_protected;
}

/* Whoever makes a virtual host may do everything in it, as in RabbitMQ. */
static int grant_all(struct api_call *c, struct err_note *note)
{
    const struct bytes any = bytes_text(".*");
    const struct permission all = {any, any, any};
    struct permission found;

    if (auth_find_permission(broker_auth(c->api->broker), c->user, c->vhost, &found))
        return 0;
    return admin_put_permission(c->api->broker, user_name(c->user), c->vhost, &all, note);
}

void vhost_put(struct api_call *c)
{
    struct admin_vhost v = {.name = c->vhost};
    struct err_note note = {{0}};
    struct buf tags;
    bool has_tags = false;
    bool is_old = false;

    buf_init(&tags, 4096);
    keep_vhost(c, &v, &is_old);
    if (read_words(c, "tags", &tags, &has_tags) &&
        api_body_text(c, "description", false, &v.description) &&
        api_body_text(c, "default_queue_type", false, &v.default_queue_type) &&
        api_body_bool(c, "tracing", &v.is_tracing) &&
        api_body_bool(c, "protected_from_deletion", &v.is_protected)) {
        if (has_tags)
            v.tags = buf_view(&tags);
        int rv = admin_put_vhost(c->api->broker, &v, &note);
        if (rv == 0 && !is_old)
            rv = grant_all(c, &note);
        answer(c, rv, &note, is_old);
    }
    buf_release(&tags);
}

void vhost_delete_one(struct api_call *c)
{
    struct err_note note = {{0}};
    int rv = admin_delete_vhost(c->api->broker, c->vhost, &note);

    if (rv == ERR_NOT_FOUND)
        api_not_found(c);
    else
        answer(c, rv, &note, true);
}

static void protect(struct api_call *c, bool is_protected)
{
    struct admin_vhost v = {.name = c->vhost};
    struct err_note note = {{0}};
    bool is_old = false;

    keep_vhost(c, &v, &is_old);
    if (!is_old) {
        api_not_found(c);
        return;
    }
    v.is_protected = is_protected;
    int rv = admin_put_vhost(c->api->broker, &v, &note);
    answer(c, rv, &note, true);
}

void vhost_protect(struct api_call *c)
{
    protect(c, true);
}

void vhost_unprotect(struct api_call *c)
{
    protect(c, false);
}

/* A virtual host here never stops, so it need not be started. */
void vhost_start(struct api_call *c)
{
    if (vhost_find(c->api->broker, c->vhost) == NULL)
        api_not_found(c);
    else
        api_answer_empty(c, 204);
}

/* ---- users ---- */

static bool read_hash(struct api_call *c, struct admin_user *u)
{
    struct bytes hashing = {0};

    if (!api_body_text(c, "password", false, &u->password) ||
        !api_body_text(c, "password_hash", false, &u->password_hash) ||
        !api_body_text(c, "hashing_algorithm", false, &hashing))
        return false;
    u->has_password = u->password.data != NULL && u->password.size > 0;
    if (hashing.size > 0 && !admin_hashing_find(hashing, &u->hashing)) {
        api_bad_request(c, "unknown hashing algorithm '%.*s'", API_SHOW(hashing));
        return false;
    }
    return true;
}

void user_put(struct api_call *c)
{
    struct admin_user u = {.name = c->args[0], .hashing = AUTH_HASH_SHA256};
    struct bytes words[AUTH_TAGS_MAX];
    struct err_note note = {{0}};
    struct buf tags;
    bool has_tags = false;
    bool is_old = auth_find_user(broker_auth(c->api->broker), c->args[0]) != NULL;

    buf_init(&tags, 4096);
    if (read_words(c, "tags", &tags, &has_tags) && read_hash(c, &u)) {
        u.tags = words;
        u.tag_count = cut_words(buf_view(&tags), words, AUTH_TAGS_MAX);
        if (!has_tags) {
            api_bad_request(c, "tags_not_present");
        } else if (u.tag_count > AUTH_TAGS_MAX) {
            api_bad_request(c, "a user has at most %d tags", AUTH_TAGS_MAX);
        } else {
            int rv = admin_put_user(c->api->broker, &u, &note);
            answer(c, rv, &note, is_old);
        }
    }
    buf_release(&tags);
}

void user_delete_one(struct api_call *c)
{
    struct err_note note = {{0}};
    int rv = admin_delete_user(c->api->broker, c->args[0], &note);

    if (rv == ERR_NOT_FOUND)
        api_not_found(c);
    else
        answer(c, rv, &note, true);
}

void users_bulk_delete(struct api_call *c)
{
    const json_t *users = json_object_get(c->body, "users");
    struct err_note note = {{0}};
    int rv = 0;

    if (!json_is_array(users)) {
        api_bad_request(c, "[{key_missing,users}]");
        return;
    }
    for (size_t i = 0; i < json_array_size(users) && (rv == 0 || rv == ERR_NOT_FOUND); i++) {
        const json_t *name = json_array_get(users, i);

        if (!json_is_string(name)) {
            api_bad_request(c, "'users' must be names");
            return;
        }
        rv = admin_delete_user(c->api->broker, json_text(name), &note);
    }
    answer(c, rv == ERR_NOT_FOUND ? 0 : rv, &note, true);
}

/* ---- permissions ---- */

void permission_put(struct api_call *c)
{
    struct permission p = {0};
    struct look_permission old;
    struct err_note note = {{0}};
    bool is_old = look_find_permission(c->api->broker, c->args[0], c->vhost, &old);

    if (!api_body_text(c, "configure", true, &p.configure) ||
        !api_body_text(c, "write", true, &p.write) || !api_body_text(c, "read", true, &p.read))
        return;
    int rv = admin_put_permission(c->api->broker, c->args[0], c->vhost, &p, &note);
    if (rv == ERR_NOT_FOUND)
        api_bad_request(c, "vhost_or_user_not_found");
    else
        answer(c, rv, &note, is_old);
}

void permission_delete(struct api_call *c)
{
    struct look_permission old;
    struct err_note note = {{0}};

    if (!look_find_permission(c->api->broker, c->args[0], c->vhost, &old)) {
        api_not_found(c);
        return;
    }
    int rv = admin_clear_permission(c->api->broker, c->args[0], c->vhost, &note);
    answer(c, rv, &note, true);
}

void topic_permission_put(struct api_call *c)
{
    struct topic_permission p = {.vhost = c->vhost};
    struct err_note note = {{0}};

    if (!api_body_text(c, "exchange", true, &p.exchange) ||
        !api_body_text(c, "write", true, &p.write) || !api_body_text(c, "read", true, &p.read))
        return;
    int rv = admin_put_topic_permission(c->api->broker, c->args[0], &p, &note);
    if (rv == ERR_NOT_FOUND)
        api_bad_request(c, "vhost_or_user_not_found");
    else
        answer(c, rv, &note, false);
}

void topic_permission_delete(struct api_call *c)
{
    struct err_note note = {{0}};
    struct bytes exchange = c->arg_count > 1 ? c->args[1] : bytes_of(NULL, 0);
    int rv = admin_clear_topic_permission(c->api->broker, c->args[0], c->vhost, exchange, &note);

    if (rv == ERR_NOT_FOUND)
        api_not_found(c);
    else
        answer(c, rv, &note, true);
}

/* ---- limits ---- */

/* {"value": 5} */
static bool read_limit(struct api_call *c, int64_t *value)
{
    if (c->method == HTTP_DELETE) {
        *value = ADMIN_UNSET;
        return true;
    }
    return api_body_int(c, "value", true, value);
}

void vhost_limit_put(struct api_call *c)
{
    struct err_note note = {{0}};
    int64_t value = 0;

    if (!read_limit(c, &value))
        return;
    int rv = admin_set_vhost_limit(c->api->broker, c->vhost, c->args[0], value, &note);
    answer(c, rv, &note, true);
}

void user_limit_put(struct api_call *c)
{
    struct err_note note = {{0}};
    int64_t value = 0;

    if (!read_limit(c, &value))
        return;
    int rv = admin_set_user_limit(c->api->broker, c->args[0], c->args[1], value, &note);
    answer(c, rv, &note, true);
}

static void tell_limits(struct tell *t, const char *kind, struct bytes name, const char *other,
                        const int64_t values[2])
{
    tell_object(t, NULL);
    tell_text(t, kind, name);
    tell_object(t, "value");
    if (values[0] != LOOK_UNSET)
        tell_int(t, "max-connections", values[0]);
    if (values[1] != LOOK_UNSET)
        tell_int(t, other, values[1]);
    tell_end(t);
    tell_end(t);
}

/* Those who have limits are few; who has none is passed over quickly. */
void vhost_limits_get(struct api_call *c)
{
    struct broker *b = c->api->broker;
    struct look_vhost v;
    struct look l;
    struct tell t;

    api_start(c, &t);
    tell_array(&t, NULL);
    look_open(&l, b, LOOK_VHOSTS, c->vhost);
    while (look_vhost(&l, &v))
        if ((v.connections_max != LOOK_UNSET || v.queues_max != LOOK_UNSET) &&
            api_may_see(c, v.name))
            tell_limits(&t, "vhost", v.name, "max-queues",
                        (int64_t[]){v.connections_max, v.queues_max});
    look_close(&l);
    tell_end(&t);
    api_answer(c, 200, &c->api->reply);
}

void user_limits_get(struct api_call *c)
{
    struct look_user u;
    struct look l;
    struct tell t;

    if (c->arg_count > 0 && !look_find_user(c->api->broker, c->args[0], &u)) {
        api_not_found(c);
        return;
    }
    api_start(c, &t);
    tell_array(&t, NULL);
    look_open(&l, c->api->broker, LOOK_USERS, bytes_of(NULL, 0));
    while (look_user(&l, &u))
        if ((u.connections_max != LOOK_UNSET || u.channels_max != LOOK_UNSET) &&
            (c->arg_count == 0 || bytes_equal(u.spec.name, c->args[0])))
            tell_limits(&t, "user", u.spec.name, "max-channels",
                        (int64_t[]){u.connections_max, u.channels_max});
    look_close(&l);
    tell_end(&t);
    api_answer(c, 200, &c->api->reply);
}
