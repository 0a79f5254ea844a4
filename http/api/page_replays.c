/* Replays that are on their way: what exchanges saw, on its way into queues. */
#include "base/parse.h"
#include "broker/replay.h"
#include "http/api/call.h"
#include "http/api/pages.h"
#include "http/api/shapes.h"

static void tell_replay(struct tell *t, const struct replay_view *r)
{
    tell_object(t, NULL);
    tell_uint(t, "id", r->id);
    tell_text(t, "vhost", r->vhost);
    tell_text(t, "exchange", r->exchange);
    tell_text(t, "queue", r->queue);
    tell_text(t, "routing_key", r->routing_key);
    tell_bool(t, "one_off", r->is_one_off);
    tell_bool(t, "waiting", r->is_waiting);
    tell_uint(t, "looked_at", r->looked_at);
    tell_uint(t, "copied", r->copied);
    tell_uint(t, "left", r->left);
    tell_end(t);
}

/* There are never very many, so they are told in one piece. */
void replays_get(struct api_call *c)
{
    const struct replay *r = NULL;
    struct tell t;

    api_start(c, &t);
    tell_array(&t, NULL);
    while ((r = replay_next(c->api->broker, r)) != NULL) {
        const struct replay_view view = replay_view(r);
        bool is_asked =
            c->vhost.data == NULL ? api_may_see(c, view.vhost) : bytes_equal(c->vhost, view.vhost);

        if (is_asked)
            tell_replay(&t, &view);
    }
    tell_end(&t);
    api_answer(c, 200, &c->api->reply);
}

void replay_delete(struct api_call *c)
{
    const struct replay *r = NULL;
    uint64_t id = 0;

    if (parse_u64(c->args[0], 0, UINT64_MAX, &id) != 0) {
        api_not_found(c);
        return;
    }
    while ((r = replay_next(c->api->broker, r)) != NULL) {
        const struct replay_view view = replay_view(r);

        if (view.id == id && bytes_equal(view.vhost, c->vhost) &&
            replay_cancel(c->api->broker, id) == 0) {
            api_answer_when_safe(c, 204);
            return;
        }
    }
    api_not_found(c);
}
