/* Changes of who may do what, in `auth` and in the log. */
#include "broker/accounts.h"

#include "broker/announce.h"
#include "broker/parts.h"
#include "msg/shortstr.h"
#include "queue/look.h"
#include "queue/queue.h"

static void put(struct broker *b, uint8_t kind)
{
    definitions_put(&b->definitions, kind, buf_view(&b->terms.key), buf_view(&b->terms.body));
}

static int check_name(struct bytes name, const char *kind, struct err_note *note)
{
    int rv = shortstr_check(name);

    return rv == 0 ? 0 : err_note(note, ERR_INVALID, "the name of a %s is not valid", kind);
}

struct vhost *account_put_vhost(struct broker *b, struct bytes name)
{
    uint64_t id = definitions_take_id(&b->definitions);
    struct vhost *v = vhost_new(b, name, id);

    vhost_term_encode(&(struct vhost_term){.name = v->name, .id = id}, &b->terms);
    put(b, DEFINITION_VHOST);
    return v;
}

int account_put_user(struct broker *b, const struct user_spec *spec, struct err_note *note)
{
    struct user_term t = {.name = spec->name, .hashing = spec->hashing};
    bool is_new = auth_find_user(b->auth, spec->name) == NULL;
    int rv = check_name(spec->name, "user", note);

    for (size_t i = 0; i < spec->tag_count && rv == 0; i++)
        rv = check_name(spec->tags[i], "tag", note);
    if (rv == 0)
        rv = auth_put_user(b->auth, spec, note);
    if (rv != 0)
        return rv;
    t.hash = spec->password_hash;
    t.tag_count = spec->tag_count;
    for (size_t i = 0; i < spec->tag_count; i++)
        t.tags[i] = spec->tags[i];
    user_term_encode(&t, &b->terms);
    put(b, DEFINITION_USER);
    if (is_new)
        event_tell(b, "user.created", &(struct event_text){"name", spec->name}, 1);
    return 0;
}

static int find_user(struct broker *b, struct bytes name, struct user **out, struct err_note *note)
{
    *out = auth_find_user(b->auth, name);
    return *out != NULL ? 0 : err_note(note, ERR_NOT_FOUND, "no user '%.*s'", SHOW(name));
}

int account_put_permission(struct broker *b, struct bytes user, struct bytes vhost,
                           const struct permission *p, struct err_note *note)
{
    struct user *u = NULL;
    int rv = find_user(b, user, &u, note);

    if (rv == 0)
        rv = check_name(vhost, "virtual host", note);
    if (rv == 0)
        rv = auth_put_permission(b->auth, u, vhost, p, note);
    if (rv != 0)
        return rv;
    permission_term_encode(
        &(struct permission_term){.user = user, .vhost = vhost, .permission = *p}, &b->terms);
    put(b, DEFINITION_PERMISSION);
    const struct event_text texts[] = {{"user", user},
                                       {"vhost", vhost},
                                       {"configure", p->configure},
                                       {"write", p->write},
                                       {"read", p->read}};
    event_tell(b, "permission.created", texts, ARRAY_SIZE(texts));
    return 0;
}

int account_put_topic_permission(struct broker *b, struct bytes user,
                                 const struct topic_permission *p, struct err_note *note)
{
    struct user *u = NULL;
    int rv = find_user(b, user, &u, note);

    if (rv == 0)
        rv = check_name(p->vhost, "virtual host", note);
    if (rv == 0)
        rv = check_name(p->exchange, "exchange", note);
    if (rv == 0)
        rv = auth_put_topic_permission(b->auth, u, p, note);
    if (rv != 0)
        return rv;
    topic_permission_term_encode(&(struct topic_permission_term){.user = user, .permission = *p},
                                 &b->terms);
    put(b, DEFINITION_TOPIC_PERMISSION);
    const struct event_text texts[] = {{"user", user},
                                       {"vhost", p->vhost},
                                       {"exchange", p->exchange},
                                       {"write", p->write},
                                       {"read", p->read}};
    event_tell(b, "topic.permission.created", texts, ARRAY_SIZE(texts));
    return 0;
}

/* ---- consumers ---- */

static void expel_from(struct named_queue *q, const struct user *u)
{
    struct consumer *c = queue_consumers_next(q->queue, NULL);

    while (c != NULL) {
        struct consumer *next = queue_consumers_next(q->queue, c);
        const struct visit *v = (const struct visit *)consumer_visitor(c);

        if (v != NULL && v->user == u)
            consumer_expel(c, CANCEL_DENIED);
        c = next;
    }
}

void account_expel_readers(struct broker *b, struct user *u, struct bytes vhost)
{
    struct vhost *v = vhost_find(b, vhost);

    ASSERT(v != NULL);
    for (struct names_entry *e = names_first(&v->queues); e != NULL;
         e = names_next(&v->queues, e)) {
        struct named_queue *q = (struct named_queue *)e->value;

        if (queue_consumer_count(q->queue) > 0 && !auth_may(b->auth, u, vhost, e->name, AUTH_READ))
            expel_from(q, u);
    }
}
