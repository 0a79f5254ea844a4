/* Visits: a client in a virtual host. */
#include <inttypes.h>

#include "base/mem.h"
#include "broker/events.h"
#include "broker/limits.h"
#include "broker/parts.h"
#include "broker/shortage.h"

static void on_resume(struct held *h)
{
    struct visit *v = CONTAINER_OF(h, struct visit, held);

    if (v->calls.resumed != NULL)
        v->calls.resumed(v->calls.owner);
}

/* ---- come in ---- */

static uint64_t count_connections(const struct broker *b, const struct user *u)
{
    uint64_t count = 0;

    LIST_FOREACH (link, &b->visits) {
        const struct visit *v = CONTAINER_OF(link, struct visit, link);

        count += v->user == u && !v->is_brief;
    }
    return count;
}

static int check_limits(struct broker *b, const struct vhost *vhost, const struct user *u,
                        struct refusal *refusal)
{
    int64_t limit = vhost->connections_max;

    if (limit >= 0 && vhost->connection_count >= (uint64_t)limit)
        return refuse(refusal, REFUSE_NOT_ALLOWED,
                      "access to vhost '%.*s' refused for user '%.*s': connection limit (%" PRId64
                      ") is reached",
                      SHOW(vhost->name), SHOW(user_name(u)), limit);
    limit = limit_of_user(b, user_name(u), LIMIT_CONNECTIONS);
    if (limit >= 0 && count_connections(b, u) >= (uint64_t)limit)
        return refuse(refusal, REFUSE_NOT_ALLOWED,
                      "connection refused for user '%.*s': user connection limit (%" PRId64
                      ") is reached",
                      SHOW(user_name(u)), limit);
    return 0;
}

int broker_visit(struct broker *b, const struct visit_spec *spec, struct visit **out,
                 struct refusal *refusal)
{
    struct vhost *vhost = vhost_find(b, spec->vhost);
    struct visit *v = NULL;
    int rv = 0;

    ASSERT(!b->closing.is_on);
    if (vhost == NULL)
        return refuse(refusal, REFUSE_NOT_ALLOWED, "vhost %.*s not found", SHOW(spec->vhost));
    if (spec->user != NULL && !auth_may_enter(b->auth, spec->user, spec->vhost))
        return refuse(refusal, REFUSE_NOT_ALLOWED, "access to vhost '%.*s' refused for user '%.*s'",
                      SHOW(spec->vhost), SHOW(user_name(spec->user)));
    if (spec->user != NULL && !spec->is_brief)
        rv = check_limits(b, vhost, spec->user, refusal);
    if (rv != 0)
        return rv;
    v = MEM_NEW(struct visit);
    v->broker = b;
    v->vhost = vhost;
    v->user = spec->user == NULL ? NULL : user_ref(spec->user);
    v->calls = spec->calls;
    if (spec->name.size > 0)
        v->name = mem_format("%.*s", SHOW(spec->name));
    v->held.resume = on_resume;
    list_init(&v->owned);
    list_push(&b->visits, &v->link);
    vhost->visit_count++;
    vhost->connection_count += !spec->is_brief;
    v->is_brief = spec->is_brief;
    b->counters.visits_begun += !v->is_brief;
    event_of_visit(v, "connection.created");
    shortage_start(b->shortage);
    *out = v;
    return 0;
}

/* ---- go ---- */

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
        shortage_rest(b->shortage);
    b->counters.visits_ended += !v->is_brief;
    event_of_visit(v, "connection.closed");
    b->counters.channels_closed += v->channel_count;
    v->vhost->connection_count -= !v->is_brief;
    vhost_leave(v->vhost);
    user_unref(v->user);
    mem_free(v->farewell);
    mem_free(v->name);
    mem_free(v);
}

void visit_expel(struct visit *v, const char *kind, struct bytes name)
{
    if (v->farewell != NULL)
        return;
    v->farewell = MEM_NEW(struct refusal);
    (void)refuse(v->farewell, REFUSE_FORCED, "%s '%.*s' is deleted", kind, SHOW(name));
    v->broker->has_expelled = true;
    broker_stir(v->broker);
}

/* The first one who was not told yet, or NULL. */
static struct visit *next_expelled(const struct broker *b)
{
    LIST_FOREACH (link, &b->visits) {
        struct visit *v = CONTAINER_OF(link, struct visit, link);

        if (v->farewell != NULL)
            return v;
    }
    return NULL;
}

void visits_tell_expelled(struct broker *b)
{
    struct visit *v = NULL;

    if (!b->has_expelled)
        return;
    b->has_expelled = false;
    while ((v = next_expelled(b)) != NULL) {
        struct refusal *why = v->farewell;

        v->farewell = NULL;
        if (v->calls.expelled != NULL)
            v->calls.expelled(v->calls.owner, why); /* the visit may end by it */
        mem_free(why);
    }
}

/* ---- channels ---- */

int visit_open_channel(struct visit *v, struct refusal *refusal)
{
    struct broker *b = v->broker;
    int64_t limit = limit_of_user(b, user_name(v->user), LIMIT_CHANNELS);
    int64_t node_limit = b->options->channels_max;
    uint64_t count = b->counters.channels_opened - b->counters.channels_closed;

    if (node_limit > 0 && count >= (uint64_t)node_limit)
        return refuse(refusal, REFUSE_NOT_ALLOWED,
                      "number of channels opened on node '%s' has reached the maximum allowed "
                      "limit of (%" PRId64 ")",
                      b->options->node_name, node_limit);
    count = 0;
    if (limit >= 0) {
        LIST_FOREACH (link, &b->visits) {
            const struct visit *other = CONTAINER_OF(link, struct visit, link);

            count += other->user == v->user ? other->channel_count : 0;
        }
    }
    if (limit >= 0 && count >= (uint64_t)limit)
        return refuse(refusal, REFUSE_NOT_ALLOWED,
                      "number of channels opened for user '%.*s' has reached the maximum allowed "
                      "user limit of (%" PRId64 ")",
                      SHOW(user_name(v->user)), limit);
    v->channel_count++;
    event_of_visit(v, "channel.created");
    b->counters.channels_opened++;
    return 0;
}

void visit_close_channel(struct visit *v)
{
    ASSERT(v->channel_count > 0);
    v->channel_count--;
    event_of_visit(v, "channel.closed");
    v->broker->counters.channels_closed++;
}

void visit_count_bytes(struct visit *v, uint64_t received, uint64_t sent)
{
    v->vhost->counts->received_bytes += received;
    v->vhost->counts->sent_bytes += sent;
}

bool visit_is_traced(const struct visit *v)
{
    return v->vhost->is_tracing;
}

/* ---- look ---- */

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
