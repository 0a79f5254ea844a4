/* Limits of virtual hosts and users, as definitions. */
#include "broker/limits.h"

#include "broker/parts.h"

static int64_t find(struct broker *b, uint8_t kind, struct bytes owner, const char *limit)
{
    const struct definition *d = NULL;
    struct limit_term t;

    limit_term_encode(&(struct limit_term){.owner = owner, .limit = bytes_text(limit)}, &b->terms);
    d = definitions_find(&b->definitions, kind, buf_view(&b->terms.key));
    return d != NULL && limit_term_decode(d, &t) ? t.value : VHOST_UNLIMITED;
}

int64_t limit_of_user(struct broker *b, struct bytes user, const char *limit)
{
    return find(b, DEFINITION_USER_LIMIT, user, limit);
}

int64_t limit_of_vhost(struct broker *b, struct bytes vhost, const char *limit)
{
    return find(b, DEFINITION_VHOST_LIMIT, vhost, limit);
}

void limits_apply(struct broker *b, struct vhost *v)
{
    v->connections_max = limit_of_vhost(b, v->name, LIMIT_CONNECTIONS);
    v->queues_max = limit_of_vhost(b, v->name, LIMIT_QUEUES);
}

void limit_set(struct broker *b, uint8_t kind, const struct limit_term *t)
{
    limit_term_encode(t, &b->terms);
    if (t->value == VHOST_UNLIMITED)
        definitions_remove(&b->definitions, kind, buf_view(&b->terms.key));
    else
        definitions_put(&b->definitions, kind, buf_view(&b->terms.key), buf_view(&b->terms.body));
}
