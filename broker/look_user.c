/* Looking at users and what they may do. */
#include "broker/limits.h"
#include "broker/look_parts.h"
#include "broker/parts.h"

static void tell_user(struct broker *b, const struct user *u, struct look_user *out)
{
    *out = (struct look_user){
        .spec = user_spec(u),
        .connections_max = limit_of_user(b, user_name(u), LIMIT_CONNECTIONS),
        .channels_max = limit_of_user(b, user_name(u), LIMIT_CHANNELS),
    };
    LIST_FOREACH (link, &b->visits) {
        const struct visit *v = CONTAINER_OF(link, struct visit, link);

        out->connections += v->user == u && !v->is_brief;
        out->channels += v->user == u ? v->channel_count : 0;
    }
}

bool look_user(struct look *l, struct look_user *out)
{
    const void *outer = NULL;
    const struct user *u = look_take(l, LOOK_USERS, &outer);

    if (u != NULL)
        tell_user(l->broker, u, out);
    return u != NULL;
}

bool look_find_user(struct broker *b, struct bytes name, struct look_user *out)
{
    const struct user *u = auth_find_user(b->auth, name);

    if (u != NULL)
        tell_user(b, u, out);
    return u != NULL;
}

bool look_permission(struct look *l, struct look_permission *out)
{
    const void *outer = NULL;
    const struct names_entry *grant = look_take(l, LOOK_PERMISSIONS, &outer);

    if (grant == NULL)
        return false;
    out->user = user_name(outer);
    out->vhost = grant->name;
    return grant_permission(grant, &out->permission);
}

bool look_find_permission(struct broker *b, struct bytes user, struct bytes vhost,
                          struct look_permission *out)
{
    const struct user *u = auth_find_user(b->auth, user);

    if (u == NULL || !auth_find_permission(b->auth, u, vhost, &out->permission))
        return false;
    out->user = user_name(u);
    out->vhost = vhost;
    return true;
}

bool look_topic_permission(struct look *l, struct look_topic_permission *out)
{
    const struct names_entry *grant = l->between;
    const void *outer = NULL;
    const struct names_entry *at = look_take(l, LOOK_TOPIC_PERMISSIONS, &outer);

    if (at == NULL)
        return false;
    grant_topic(grant, at, &out->permission);
    out->user = user_name(outer);
    return true;
}
