/* Visits: a client in a virtual host. */
#include "base/mem.h"
#include "broker/parts.h"
#include "broker/shortage.h"

static void on_resume(struct held *h)
{
    struct visit *v = CONTAINER_OF(h, struct visit, held);

    if (v->calls.resumed != NULL)
        v->calls.resumed(v->calls.owner);
}

int broker_visit(struct broker *b, const struct visit_spec *spec, struct visit **out,
                 struct refusal *refusal)
{
    struct vhost *vhost = vhost_find(b, spec->vhost);
    struct visit *v = NULL;

    ASSERT(!b->closing.is_on);
    if (vhost == NULL)
        return refuse(refusal, REFUSE_NOT_ALLOWED, "vhost %.*s not found", SHOW(spec->vhost));
    if (!auth_may_enter(b->auth, spec->user, spec->vhost))
        return refuse(refusal, REFUSE_NOT_ALLOWED, "access to vhost '%.*s' refused for user '%.*s'",
                      SHOW(spec->vhost), SHOW(user_name(spec->user)));
    v = MEM_NEW(struct visit);
    v->broker = b;
    v->vhost = vhost;
    v->user = spec->user;
    v->calls = spec->calls;
    v->held.resume = on_resume;
    list_init(&v->owned);
    list_push(&b->visits, &v->link);
    shortage_start(b->shortage);
    *out = v;
    return 0;
}

void visit_end(struct visit *v)
{
    struct broker *b = v->broker;

    ASSERT(v->publisher_count == 0);
    while (!list_empty(&v->owned))
        named_queue_delete(CONTAINER_OF(list_first(&v->owned), struct named_queue, owned));
    if (list_linked(&v->held.link))
        list_remove(&v->held.link);
    list_remove(&v->link);
    if (list_empty(&b->visits))
        shortage_stop(b->shortage);
    mem_free(v);
}

struct broker *visit_broker(struct visit *v)
{
    return v->broker;
}

struct bytes visit_vhost_name(const struct visit *v)
{
    return v->vhost->name;
}

struct user *visit_user(const struct visit *v)
{
    return v->user;
}

const char *visit_blocked(const struct visit *v)
{
    return shortage_reason(v->broker->shortage);
}
