/* Virtual hosts, as administrators make and delete them. */
#include <inttypes.h>

#include "broker/accounts.h"
#include "broker/admin.h"
#include "broker/announce.h"
#include "broker/apply.h"
#include "broker/limits.h"
#include "broker/parts.h"
#include "msg/shortstr.h"

enum { TEXT_MAX = 4096 };

static int check_room(struct broker *b, struct err_note *note)
{
    return definitions_are_full(&b->definitions)
               ? err_note(note, ERR_FULL, "too many definitions wait for the disk")
               : 0;
}

static bool is_type(struct bytes type)
{
    if (type.size == 0 || bytes_equal(type, bytes_text("undefined")))
        return true;
    for (const char *const *at = broker_queue_types; *at != NULL; at++)
        if (bytes_equal(type, bytes_text(*at)))
            return true;
    return false;
}

static int check(struct broker *b, const struct admin_vhost *v, struct err_note *note)
{
    int rv = shortstr_check(v->name);

    if (rv == 0 && v->name.size == 0)
        rv = ERR_INVALID;
    if (rv != 0)
        return err_note(note, ERR_INVALID, "the name of a virtual host is not valid");
    if (v->description.size > TEXT_MAX || v->tags.size > TEXT_MAX)
        return err_note(note, ERR_INVALID,
                        "description and tags of virtual host '%.*s' may have %d bytes each",
                        SHOW(v->name), (int)TEXT_MAX);
    if (b->options->vhosts_max > 0 && vhost_find(b, v->name) == NULL &&
        names_count(&b->vhosts) >= (size_t)b->options->vhosts_max)
        return err_note(note, ERR_INVALID,
                        "cannot create vhost '%.*s': vhost limit of %" PRId64 " is reached",
                        SHOW(v->name), b->options->vhosts_max);
    if (!is_type(v->default_queue_type))
        return err_note(note, ERR_INVALID,
                        "'%.*s' is no type of queues; there are classic, quorum and stream",
                        SHOW(v->default_queue_type));
    return check_room(b, note);
}

int admin_put_vhost(struct broker *b, const struct admin_vhost *v, struct err_note *note)
{
    struct vhost *vhost = vhost_find(b, v->name);
    struct bytes type = v->default_queue_type;
    int rv = check(b, v, note);

    if (rv != 0)
        return rv;
    if (bytes_equal(type, bytes_text("undefined")))
        type = bytes_of(NULL, 0);
    if (vhost == NULL)
        vhost = account_put_vhost(b, v->name);
    vhost->is_tracing = v->is_tracing;
    (void)vhost_set_default_type(vhost, type);
    vhost_term_encode(
        &(struct vhost_term){
            .name = vhost->name,
            .id = vhost->id,
            .is_tracing = v->is_tracing,
            .is_protected = v->is_protected,
            .description = v->description,
            .tags = v->tags,
            .default_queue_type = type,
        },
        &b->terms);
    definitions_put(&b->definitions, DEFINITION_VHOST, buf_view(&b->terms.key),
                    buf_view(&b->terms.body));
    return 0;
}

static bool is_protected(struct broker *b, const struct vhost *v)
{
    const struct definition *d = definitions_find(&b->definitions, DEFINITION_VHOST, v->name);
    struct vhost_term t;

    return d != NULL && vhost_term_decode(d, &t) && t.is_protected;
}

int admin_delete_vhost(struct broker *b, struct bytes name, struct err_note *note)
{
    struct vhost *v = vhost_find(b, name);
    const struct limit_term limits[] = {
        {name, bytes_text(LIMIT_CONNECTIONS), VHOST_UNLIMITED},
        {name, bytes_text(LIMIT_QUEUES), VHOST_UNLIMITED},
    };

    if (v == NULL)
        return err_note(note, ERR_NOT_FOUND, "virtual host '%.*s' does not exist", SHOW(name));
    if (is_protected(b, v))
        return err_note(note, ERR_DENIED,
                        "virtual host '%.*s' is protected from deletion; lift the protection first",
                        SHOW(name));
    LIST_FOREACH (link, &b->visits) {
        struct visit *visit = CONTAINER_OF(link, struct visit, link);

        if (visit->vhost == v)
            visit_expel(visit, "vhost", name);
    }
    for (struct user *u = auth_next_user(b->auth, NULL); u != NULL; u = auth_next_user(b->auth, u))
        account_clear(b, u, name);
    for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
        limit_set(b, DEFINITION_VHOST_LIMIT, &limits[i]);
    policies_forget(b, v);
    vhost_term_encode(&(struct vhost_term){.name = name}, &b->terms);
    definitions_remove(&b->definitions, DEFINITION_VHOST, buf_view(&b->terms.key));
    vhost_delete(v);
    return 0;
}

int admin_set_vhost_limit(struct broker *b, struct bytes vhost, struct bytes limit, int64_t value,
                          struct err_note *note)
{
    struct vhost *v = vhost_find(b, vhost);
    int rv = 0;

    if (v == NULL)
        return err_note(note, ERR_NOT_FOUND, "virtual host '%.*s' does not exist", SHOW(vhost));
    if (!bytes_equal(limit, bytes_text(LIMIT_CONNECTIONS)) &&
        !bytes_equal(limit, bytes_text(LIMIT_QUEUES)))
        return err_note(
            note, ERR_INVALID,
            "'%.*s' is no limit of virtual hosts; there are max-connections and max-queues",
            SHOW(limit));
    rv = check_room(b, note);
    if (rv != 0)
        return rv;
    limit_set(b, DEFINITION_VHOST_LIMIT, &(struct limit_term){vhost, limit, value});
    limits_apply(b, v);
    event_tell(b, value == ADMIN_UNSET ? "vhost.limits.cleared" : "vhost.limits.set",
               &(struct event_text){"name", vhost}, 1);
    return 0;
}
