/* Users, and who logs in. */
#include "auth/auth.h"

#include "auth/parts.h"
#include "auth/password.h"
#include "base/mem.h"

/* Compared with when there is no such user, so that it takes as long: of no password. */
static const char nobodys_hash[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

struct auth *auth_new(uint64_t seed)
{
    struct auth *a = MEM_NEW(struct auth);

    names_init(&a->users, seed);
    list_init(&a->order);
    a->seed = seed;
    a->version = 1;
    return a;
}

static void release_tags(struct user *u)
{
    for (size_t i = 0; i < u->tag_count; i++)
        mem_free(u->tags[i]);
    u->tag_count = 0;
}

static void user_free(struct user *u)
{
    grants_release(u);
    names_release(&u->grants);
    release_tags(u);
    if (u->is_deleted)
        mem_free((void *)(uintptr_t)u->name.data);
    mem_free(u);
}

struct user *user_ref(struct user *u)
{
    u->refs++;
    return u;
}

void user_unref(struct user *u)
{
    if (u == NULL)
        return;
    ASSERT(u->refs > 0);
    if (--u->refs == 0)
        user_free(u);
}

bool user_is_deleted(const struct user *u)
{
    return u->is_deleted;
}

void auth_free(struct auth *a)
{
    if (a == NULL)
        return;
    LIST_FOREACH_SAFE (link, &a->order)
        user_unref(CONTAINER_OF(link, struct user, link));
    names_release(&a->users);
    mem_free(a);
}

/* ---- users ---- */

static int check_user(const struct user_spec *spec, struct err_note *note)
{
    if (spec->name.size == 0)
        return err_note(note, ERR_INVALID, "the name of a user must not be empty");
    if (spec->tag_count > AUTH_TAGS_MAX)
        return err_note(note, ERR_INVALID, "a user has at most %d tags", (int)AUTH_TAGS_MAX);
    if (spec->password_hash.size == 0)
        return 0;
    return password_hash_check(spec->password_hash, spec->hashing, note);
}

static char *text_of(struct bytes b)
{
    return mem_format("%.*s", (int)b.size, b.size == 0 ? "" : (const char *)b.data);
}

static void set_tags(struct user *u, const struct user_spec *spec)
{
    char *tags[AUTH_TAGS_MAX];

    for (size_t i = 0; i < spec->tag_count; i++)
        tags[i] = text_of(spec->tags[i]); /* may lie in what is released next */
    release_tags(u);
    for (size_t i = 0; i < spec->tag_count; i++) {
        u->tags[i] = tags[i];
        u->tag_views[i] = bytes_text(tags[i]);
    }
    u->tag_count = spec->tag_count;
}

static struct user *user_new(struct auth *a, struct bytes name)
{
    struct user *u = MEM_NEW(struct user);

    u->auth = a;
    u->refs = 1;
    names_init(&u->grants, a->seed);
    names_put(&a->users, name, u);
    /* Nothing else gives the entry; it is the newest one. */
    u->name = CONTAINER_OF(list_last(&a->users.order), struct names_entry, link)->name;
    ASSERT(bytes_equal(u->name, name));
    list_push(&a->order, &u->link);
    return u;
}

int auth_put_user(struct auth *a, const struct user_spec *spec, struct err_note *note)
{
    struct user *u = auth_find_user(a, spec->name);
    int rv = check_user(spec, note);

    if (rv != 0)
        return rv;
    if (u == NULL)
        u = user_new(a, spec->name);
    u->hashing = spec->hashing;
    ASSERT(spec->password_hash.size < AUTH_HASH_MAX);
    if (spec->password_hash.size > 0)
        memmove(u->hash, spec->password_hash.data, spec->password_hash.size);
    u->hash[spec->password_hash.size] = '\0';
    set_tags(u, spec);
    a->version++;
    return 0;
}

static struct bytes copy_of(struct bytes b)
{
    uint8_t *copy = (uint8_t *)mem_alloc(b.size);

    memcpy(copy, b.data, b.size); /* no user is without a name */
    return bytes_of(copy, b.size);
}

int auth_delete_user(struct auth *a, struct bytes name)
{
    struct user *u = auth_find_user(a, name);

    if (u == NULL)
        return ERR_NOT_FOUND;
    grants_release(u);
    names_release(&u->grants);
    names_init(&u->grants, a->seed);
    release_tags(u);
    u->name = copy_of(u->name); /* `name` may be the one that goes */
    u->is_deleted = true;
    u->hash[0] = '\0';
    list_remove(&u->link);
    names_remove(&a->users, u->name);
    user_unref(u);
    a->version++;
    return 0;
}

struct user *auth_find_user(struct auth *a, struct bytes name)
{
    return (struct user *)names_find(&a->users, name);
}

struct bytes user_name(const struct user *u)
{
    return u->name;
}

bool user_has_tag(const struct user *u, const char *tag)
{
    for (size_t i = 0; i < u->tag_count; i++)
        if (bytes_equal(u->tag_views[i], bytes_text(tag)))
            return true;
    return false;
}

struct user_spec user_spec(const struct user *u)
{
    return (struct user_spec){
        .name = u->name,
        .password_hash = bytes_text(u->hash),
        .hashing = u->hashing,
        .tags = u->tag_views,
        .tag_count = u->tag_count,
    };
}

struct user *auth_next_user(struct auth *a, const struct user *u)
{
    const struct list_link *next = u == NULL ? a->order.head.next : u->link.next;

    return next == &a->order.head ? NULL : CONTAINER_OF(next, struct user, link);
}

size_t auth_user_count(const struct auth *a)
{
    return names_count(&a->users);
}

uint64_t auth_version(const struct auth *a)
{
    return a->version;
}

/* ---- log in ---- */

int auth_check_password(struct auth *a, struct bytes name, struct bytes password, struct user **out)
{
    struct user *u = auth_find_user(a, name);
    bool has_hash = u != NULL && u->hash[0] != '\0';
    struct bytes hash = has_hash ? bytes_text(u->hash) : bytes_text(nobodys_hash);
    bool is_his = password_matches(hash, has_hash ? u->hashing : AUTH_HASH_SHA256, password);

    if (!has_hash || !is_his || password.size == 0) /* a blank one is refused, as in RabbitMQ */
        return ERR_DENIED;
    *out = u;
    return 0;
}
