/* Users and their permissions, as administrators change them. */
#include "base/mem.h"
#include "broker/accounts.h"
#include "broker/admin.h"
#include "broker/announce.h"
#include "broker/limits.h"
#include "broker/look_parts.h"
#include "broker/parts.h"

static int find_user(struct broker *b, struct bytes name, struct user **out, struct err_note *note)
{
    *out = auth_find_user(b->auth, name);
    return *out != NULL ? 0
                        : err_note(note, ERR_NOT_FOUND, "user '%.*s' does not exist", SHOW(name));
}

static int find_vhost(struct broker *b, struct bytes name, struct err_note *note)
{
    return vhost_find(b, name) != NULL
               ? 0
               : err_note(note, ERR_NOT_FOUND, "virtual host '%.*s' does not exist", SHOW(name));
}

static int check_room(struct broker *b, struct err_note *note)
{
    return definitions_are_full(&b->definitions)
               ? err_note(note, ERR_FULL, "too many definitions wait for the disk")
               : 0;
}

/* ---- passwords ---- */

static const struct {
    const char *name;
    enum auth_hash hashing;
} hashings[] = {
    {"rabbit_password_hashing_sha256", AUTH_HASH_SHA256},
    {"rabbit_password_hashing_sha512", AUTH_HASH_SHA512},
    {"rabbit_password_hashing_md5", AUTH_HASH_MD5},
};

bool admin_hashing_find(struct bytes name, enum auth_hash *out)
{
    for (size_t i = 0; i < ARRAY_SIZE(hashings); i++) {
        if (!bytes_equal(name, bytes_text(hashings[i].name)))
            continue;
        *out = hashings[i].hashing;
        return true;
    }
    return false;
}

const char *admin_hashing_name(enum auth_hash hashing)
{
    for (size_t i = 0; i < ARRAY_SIZE(hashings); i++)
        if (hashings[i].hashing == hashing)
            return hashings[i].name;
    ASSERT(false);
    return NULL;
}

static struct bytes hash(struct broker *b, struct bytes password, char out[AUTH_HASH_MAX])
{
    uint8_t salt[4];

    put_le32(salt, (uint32_t)io_random(b->io));
    auth_hash_password(AUTH_HASH_SHA256, password, salt, out);
    return bytes_text(out);
}

/* ---- users ---- */

int admin_put_user(struct broker *b, const struct admin_user *u, struct err_note *note)
{
    struct user_spec spec = {
        .name = u->name,
        .password_hash = u->password_hash,
        .hashing = u->hashing,
        .tags = u->tags,
        .tag_count = u->tag_count,
    };
    char area[AUTH_HASH_MAX];
    int rv = check_room(b, note);

    if (rv == 0 && u->has_password && u->password.size == 0)
        rv = err_note(note, ERR_INVALID, "the password of user '%.*s' must not be empty",
                      SHOW(u->name));
    if (rv != 0)
        return rv;
    if (u->has_password) {
        spec.password_hash = hash(b, u->password, area);
        spec.hashing = AUTH_HASH_SHA256;
    }
    return account_put_user(b, &spec, note);
}

int admin_set_tags(struct broker *b, struct bytes user, const struct bytes *tags, size_t tag_count,
                   struct err_note *note)
{
    struct user *u = NULL;
    struct user_spec spec;
    int rv = find_user(b, user, &u, note);

    if (rv == 0)
        rv = check_room(b, note);
    if (rv != 0)
        return rv;
    spec = user_spec(u);
    spec.tags = tags;
    spec.tag_count = tag_count;
    rv = account_put_user(b, &spec, note);
    if (rv == 0)
        event_tell(b, "user.tags.set", &(struct event_text){"name", user}, 1);
    return rv;
}

int admin_set_password(struct broker *b, struct bytes user, struct bytes password,
                       struct err_note *note)
{
    struct user *u = NULL;
    struct user_spec spec;
    char area[AUTH_HASH_MAX];
    int rv = find_user(b, user, &u, note);

    if (rv == 0)
        rv = check_room(b, note);
    if (rv != 0)
        return rv;
    spec = user_spec(u);
    spec.password_hash = password.size == 0 ? password : hash(b, password, area);
    spec.hashing = AUTH_HASH_SHA256;
    rv = account_put_user(b, &spec, note);
    if (rv == 0)
        event_tell(b, password.size == 0 ? "user.password.cleared" : "user.password.changed",
                   &(struct event_text){"name", user}, 1);
    return rv;
}

int admin_clear_password(struct broker *b, struct bytes user, struct err_note *note)
{
    return admin_set_password(b, user, bytes_of(NULL, 0), note);
}

/* ---- permissions ---- */

static void remove_definition(struct broker *b, uint8_t kind)
{
    definitions_remove(&b->definitions, kind, buf_view(&b->terms.key));
}

static const struct names_entry *find_grant(const struct user *u, struct bytes vhost)
{
    const struct names_entry *e = user_next_grant(u, NULL);

    while (e != NULL && !bytes_equal(e->name, vhost))
        e = user_next_grant(u, e);
    return e;
}

static void clear_permission(struct broker *b, struct user *u, struct bytes vhost)
{
    const struct names_entry *grant = find_grant(u, vhost);
    struct permission p;

    if (grant == NULL || !grant_permission(grant, &p))
        return;
    look_lost(b, grant);
    permission_term_encode(&(struct permission_term){.user = user_name(u), .vhost = vhost},
                           &b->terms);
    remove_definition(b, DEFINITION_PERMISSION);
    const struct event_text texts[] = {{"user", user_name(u)}, {"vhost", vhost}};
    event_tell(b, "permission.deleted", texts, ARRAY_SIZE(texts));
    int rv = auth_delete_permission(b->auth, u, vhost);
    ASSERT(rv == 0);
}

static void clear_topic(struct broker *b, struct user *u, const struct names_entry *grant,
                        const struct names_entry *at)
{
    struct topic_permission p;
    struct topic_permission_term t = {.user = user_name(u)};

    grant_topic(grant, at, &p);
    t.permission.vhost = p.vhost;
    t.permission.exchange = p.exchange;
    topic_permission_term_encode(&t, &b->terms);
    remove_definition(b, DEFINITION_TOPIC_PERMISSION);
    const struct event_text texts[] = {
        {"user", user_name(u)}, {"vhost", p.vhost}, {"exchange", p.exchange}};
    event_tell(b, "topic.permission.deleted", texts, ARRAY_SIZE(texts));
    look_lost(b, at);
    int rv = auth_delete_topic_permission(b->auth, u, p.vhost, p.exchange);
    ASSERT(rv == 0);
}

static const struct names_entry *find_topic(const struct names_entry *grant, struct bytes exchange)
{
    const struct names_entry *at = NULL;

    while ((at = grant_next_topic(grant, at)) != NULL)
        if (exchange.data == NULL || bytes_equal(at->name, exchange))
            return at;
    return NULL;
}

static void clear_topics(struct broker *b, struct user *u, struct bytes vhost,
                         struct bytes exchange)
{
    const struct names_entry *grant = NULL;
    const struct names_entry *at = NULL;

    /* The grant goes with the last that is in it. */
    while ((grant = find_grant(u, vhost)) != NULL && (at = find_topic(grant, exchange)) != NULL)
        clear_topic(b, u, grant, at);
}

void account_clear(struct broker *b, struct user *u, struct bytes vhost)
{
    clear_topics(b, u, vhost, bytes_of(NULL, 0));
    clear_permission(b, u, vhost);
}

int admin_put_permission(struct broker *b, struct bytes user, struct bytes vhost,
                         const struct permission *p, struct err_note *note)
{
    struct user *u = NULL;
    int rv = find_user(b, user, &u, note);

    if (rv == 0)
        rv = find_vhost(b, vhost, note);
    if (rv == 0)
        rv = check_room(b, note);
    if (rv == 0)
        rv = account_put_permission(b, user, vhost, p, note);
    if (rv == 0)
        account_expel_readers(b, u, vhost);
    return rv;
}

int admin_clear_permission(struct broker *b, struct bytes user, struct bytes vhost,
                           struct err_note *note)
{
    struct user *u = NULL;
    int rv = find_user(b, user, &u, note);

    if (rv == 0)
        rv = find_vhost(b, vhost, note);
    if (rv != 0)
        return rv;
    clear_permission(b, u, vhost);
    account_expel_readers(b, u, vhost);
    return 0;
}

int admin_put_topic_permission(struct broker *b, struct bytes user,
                               const struct topic_permission *p, struct err_note *note)
{
    struct user *u = NULL;
    int rv = find_user(b, user, &u, note);

    if (rv == 0)
        rv = find_vhost(b, p->vhost, note);
    if (rv == 0)
        rv = check_room(b, note);
    return rv == 0 ? account_put_topic_permission(b, user, p, note) : rv;
}

int admin_clear_topic_permission(struct broker *b, struct bytes user, struct bytes vhost,
                                 struct bytes exchange, struct err_note *note)
{
    struct user *u = NULL;
    int rv = find_user(b, user, &u, note);

    if (rv == 0)
        rv = find_vhost(b, vhost, note);
    if (rv == 0)
        clear_topics(b, u, vhost, exchange);
    return rv;
}

/* ---- he goes ---- */

int admin_delete_user(struct broker *b, struct bytes user, struct err_note *note)
{
    const struct names_entry *grant = NULL;
    const struct limit_term limits[] = {
        {user, bytes_text(LIMIT_CONNECTIONS), VHOST_UNLIMITED},
        {user, bytes_text(LIMIT_CHANNELS), VHOST_UNLIMITED},
    };
    struct user *u = NULL;
    int rv = find_user(b, user, &u, note);

    if (rv != 0)
        return rv;
    while ((grant = user_next_grant(u, NULL)) != NULL)
        account_clear(b, u, grant->name);
    for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
        limit_set(b, DEFINITION_USER_LIMIT, &limits[i]);
    user_term_encode(&(struct user_term){.name = user}, &b->terms);
    remove_definition(b, DEFINITION_USER);
    event_tell(b, "user.deleted", &(struct event_text){"name", user}, 1);
    LIST_FOREACH (link, &b->visits) {
        struct visit *v = CONTAINER_OF(link, struct visit, link);

        if (v->user == u)
            visit_expel(v, "user", user);
    }
    look_lost(b, u);
    rv = auth_delete_user(b->auth, user);
    ASSERT(rv == 0);
    return 0;
}

/* ---- limits ---- */

int admin_set_user_limit(struct broker *b, struct bytes user, struct bytes limit, int64_t value,
                         struct err_note *note)
{
    struct user *u = NULL;
    int rv = find_user(b, user, &u, note);

    if (rv == 0 && !bytes_equal(limit, bytes_text(LIMIT_CONNECTIONS)) &&
        !bytes_equal(limit, bytes_text(LIMIT_CHANNELS)))
        rv = err_note(note, ERR_INVALID,
                      "'%.*s' is no limit of users; there are max-connections and max-channels",
                      SHOW(limit));
    if (rv == 0)
        rv = check_room(b, note);
    if (rv == 0)
        limit_set(b, DEFINITION_USER_LIMIT, &(struct limit_term){user, limit, value});
    return rv;
}
