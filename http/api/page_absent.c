/* What RabbitMQ does by plugins, access tokens or several nodes. Nothing of that is here: lists
 * are empty, single things are not found, and a queue has the one replica that it lies in. */
#include "broker/look.h"
#include "http/api/call.h"
#include "http/api/pages.h"
#include "http/api/shapes.h"

void absent_list(struct api_call *c)
{
    struct tell t;

    api_start(c, &t);
    tell_array(&t, NULL);
    tell_end(&t);
    api_answer(c, 200, &c->api->reply);
}

void absent_one(struct api_call *c)
{
    api_not_found(c);
}

/* With an access token of OAuth, which nothing here gives out. */
void login_post(struct api_call *c)
{
    api_fail(c, 401, "not_authorised",
             "Login failed: there are no access tokens here, log in by HTTP's Basic scheme");
}

/* ---- offsets that clients of the stream protocol keep ---- */

static bool find(struct api_call *c, enum queue_type type, const char *word)
{
    struct look_queue q;

    if (!look_find_queue(c->api->broker, c->vhost, c->args[0], &q)) {
        api_not_found(c);
        return false;
    }
    if (q.args->type == type)
        return true;
    api_bad_request(c, "queue '%.*s' in vhost '%.*s' is no %s", API_SHOW(c->args[0]),
                    API_SHOW(c->vhost), word);
    return false;
}

void stream_tracking_get(struct api_call *c)
{
    struct tell t;

    if (!find(c, QUEUE_STREAM, "stream"))
        return;
    api_start(c, &t);
    tell_object(&t, NULL);
    tell_object(&t, "offsets");
    tell_end(&t);
    tell_object(&t, "writers");
    tell_end(&t);
    tell_end(&t);
    api_answer(c, 200, &c->api->reply);
}

/* ---- replicas of quorum queues ---- */

void quorum_status_get(struct api_call *c)
{
    struct tell t;

    if (!find(c, QUEUE_QUORUM, "quorum queue"))
        return;
    api_start(c, &t);
    tell_array(&t, NULL);
    tell_object(&t, NULL);
    tell_string(&t, "Node Name", c->api->node);
    tell_string(&t, "Raft State", "leader");
    tell_string(&t, "Membership", "voter");
    tell_end(&t);
    tell_end(&t);
    api_answer(c, 200, &c->api->reply);
}

static bool is_our_node(struct api_call *c, struct bytes node)
{
    if (bytes_equal(node, bytes_text(c->api->node)))
        return true;
    api_bad_request(c, "node '%.*s' is not one of the cluster, which is '%s' alone", API_SHOW(node),
                    c->api->node);
    return false;
}

/* Where it lies already there is nothing to add. */
void quorum_replica_add(struct api_call *c)
{
    struct bytes node = {0};

    if (find(c, QUEUE_QUORUM, "quorum queue") && api_body_text(c, "node", true, &node) &&
        is_our_node(c, node))
        api_answer_empty(c, 202);
}

void quorum_replica_delete(struct api_call *c)
{
    struct bytes node = {0};

    if (find(c, QUEUE_QUORUM, "quorum queue") && api_body_text(c, "node", true, &node) &&
        is_our_node(c, node))
        api_bad_request(c, "node '%.*s' has the only replica of queue '%.*s'; delete the queue",
                        API_SHOW(node), API_SHOW(c->args[0]));
}

void quorum_grow(struct api_call *c)
{
    if (is_our_node(c, c->args[0]))
        api_answer_empty(c, 204);
}

void quorum_shrink(struct api_call *c)
{
    if (is_our_node(c, c->args[0]))
        api_bad_request(c, "node '%.*s' has the only replica of each queue", API_SHOW(c->args[0]));
}
