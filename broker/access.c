/* Permissions asked, and their refusals in RabbitMQ's words. */
#include "broker/access.h"

#include "broker/parts.h"
#include "queue/queue.h"

/* A thing that a permission is about. */
struct resource {
    const char *kind;
    struct bytes name;
};

static const char *const action_names[] = {
    [AUTH_CONFIGURE] = "configure",
    [AUTH_WRITE] = "write",
    [AUTH_READ] = "read",
};

static bool may(const struct visit *v, const struct resource *r, enum auth_action action)
{
    if (vhost_is_deleted(v->vhost))
        return false;
    return v->user == NULL || auth_may(v->broker->auth, v->user, v->vhost->name, r->name, action);
}

/* The house itself has no name of a user. */
static struct bytes who(const struct visit *v)
{
    return v->user == NULL ? bytes_of(NULL, 0) : user_name(v->user);
}

static int refuse_access(const struct visit *v, const struct resource *r, enum auth_action action,
                         struct refusal *refusal)
{
    return refuse(refusal, REFUSE_ACCESS,
                  "%s access to %s '%.*s' in vhost '%.*s' refused for user '%.*s'",
                  action_names[action], r->kind, SHOW(r->name), SHOW(v->vhost->name), SHOW(who(v)));
}

static struct resource exchange_named(struct bytes name)
{
    return (struct resource){"exchange", name.size == 0 ? bytes_text("amq.default") : name};
}

static int access_to(const struct visit *v, const struct resource *r, enum auth_action action,
                     struct refusal *refusal)
{
    return may(v, r, action) ? 0 : refuse_access(v, r, action, refusal);
}

static int access_at_all(const struct visit *v, const struct resource *r, struct refusal *refusal)
{
    if (may(v, r, AUTH_CONFIGURE) || may(v, r, AUTH_WRITE) || may(v, r, AUTH_READ))
        return 0;
    return refuse_access(v, r, AUTH_READ, refusal);
}

int access_exchange(const struct visit *v, struct bytes name, enum auth_action action,
                    struct refusal *refusal)
{
    struct resource r = exchange_named(name);

    return access_to(v, &r, action, refusal);
}

int access_queue(const struct visit *v, struct bytes name, enum auth_action action,
                 struct refusal *refusal)
{
    return access_to(v, &(struct resource){"queue", name}, action, refusal);
}

int access_exchange_at_all(const struct visit *v, struct bytes name, struct refusal *refusal)
{
    struct resource r = exchange_named(name);

    return access_at_all(v, &r, refusal);
}

int access_queue_at_all(const struct visit *v, struct bytes name, struct refusal *refusal)
{
    return access_at_all(v, &(struct resource){"queue", name}, refusal);
}

int access_topic(const struct visit *v, struct bytes exchange, struct bytes key,
                 enum auth_action action, struct refusal *refusal)
{
    const struct topic_question q = {v->vhost->name, exchange, key, action};

    if (v->user == NULL || auth_may_topic(v->broker->auth, v->user, &q))
        return 0;
    return refuse(refusal, REFUSE_ACCESS,
                  "%s access to topic '%.*s' in exchange '%.*s' in vhost '%.*s' refused for user "
                  "'%.*s'",
                  action_names[action], SHOW(key), SHOW(exchange), SHOW(v->vhost->name),
                  SHOW(who(v)));
}

int access_exclusive(const struct visit *v, const struct named_queue *q, struct refusal *refusal)
{
    if (q->owner == NULL || q->owner == v)
        return 0;
    return refuse_locked(v, queue_name(q->queue), refusal);
}

int refuse_no_exchange(const struct visit *v, struct bytes name, struct refusal *refusal)
{
    return refuse(refusal, REFUSE_NOT_FOUND, "no exchange '%.*s' in vhost '%.*s'", SHOW(name),
                  SHOW(v->vhost->name));
}

int refuse_no_queue(const struct visit *v, struct bytes name, struct refusal *refusal)
{
    return refuse(refusal, REFUSE_NOT_FOUND, "no queue '%.*s' in vhost '%.*s'", SHOW(name),
                  SHOW(v->vhost->name));
}

int refuse_locked(const struct visit *v, struct bytes name, struct refusal *refusal)
{
    return refuse(refusal, REFUSE_LOCKED,
                  "cannot obtain exclusive access to locked queue '%.*s' in vhost '%.*s'. It could "
                  "be originally declared on another connection or the exclusive property value "
                  "does not match that of the original declaration.",
                  SHOW(name), SHOW(v->vhost->name));
}

int access_find_queue(const struct visit *v, struct bytes name, struct named_queue **out,
                      struct refusal *refusal)
{
    struct named_queue *q = vhost_find_queue(v->vhost, name);
    int rv = q == NULL ? refuse_no_queue(v, name, refusal) : access_exclusive(v, q, refusal);

    if (rv == 0)
        *out = q;
    return rv;
}
