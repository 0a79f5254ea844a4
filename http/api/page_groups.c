/* Groups of consumers of streams: who is in them, how far they are; their offsets set, and
 * forgotten. */
#include "broker/access.h"
#include "http/api/listing.h"
#include "http/api/pages.h"
#include "http/api/shapes.h"
#include "queue/group.h"
#include "queue/queue.h"
#include "queue/streams.h"

/* ---- told ---- */

static void tell_share(struct api *a, struct tell *t, const struct group_share *s)
{
    struct consumer_view owner;

    tell_object(t, NULL);
    tell_text(t, "stream", queue_name(s->stream));
    if (s->has_offset)
        tell_uint(t, "offset", s->offset);
    else
        tell_null(t, "offset");
    tell_uint(t, "end", s->end);
    tell_uint(t, "lag", s->lag);
    tell_uint(t, "unacked", s->unacked);
    tell_bool(t, "moving", s->is_moving);
    if (s->owner == NULL) {
        tell_null(t, "owner");
    } else {
        consumer_get_view(s->owner, &owner);
        tell_object(t, "owner");
        tell_text(t, "consumer_tag", owner.person.tag);
        tell_channel_of(a, t, &owner.person);
        tell_end(t);
    }
    tell_end(t);
}

/* What is told of a group wherever it is told of. */
static void tell_group(struct tell *t, const struct look_queue *q, const struct group *g)
{
    uint64_t lag = 0, unacked = 0;

    for (size_t i = 0; i < group_share_count(g); i++) {
        struct group_share s;

        group_get_share(g, i, &s);
        lag += s.lag;
        unacked += s.unacked;
    }
    tell_text(t, "name", group_name(g));
    tell_text(t, "vhost", q->vhost);
    tell_text(t, "stream", q->name);
    tell_uint(t, "members", group_member_count(g));
    tell_uint(t, "partitions", group_share_count(g));
    tell_uint(t, "lag", lag);
    tell_uint(t, "unacked", unacked);
}

static void tell_details(struct api *a, struct tell *t, const struct look_queue *q,
                         const struct group *g)
{
    struct look_consumer member = {.vhost = q->vhost, .queue = q->name};
    struct consumer *c = NULL;

    tell_array(t, "partition_details");
    for (size_t i = 0; i < group_share_count(g); i++) {
        struct group_share s;

        group_get_share(g, i, &s);
        tell_share(a, t, &s);
    }
    tell_end(t);
    tell_array(t, "member_details");
    while ((c = group_members_next(g, c)) != NULL) {
        consumer_get_view(c, &member.view);
        tell_consumer(a, t, &member);
    }
    tell_end(t);
}

/* ---- lists: of one stream after the other ---- */

static bool next_stream(struct listing *l)
{
    struct look_queue *q = &l->at.queue;

    if (!look_queue(&l->look, q))
        return false;
    l->vhost = q->vhost;
    l->name = q->name;
    l->is_skipped = !queue_is_stream(q->queue) || queue_groups_next(q->queue, NULL) == NULL ||
                    (l->filter.data != NULL && !bytes_equal(q->name, l->filter));
    return true;
}

static void tell_groups(struct listing *l, struct tell *t)
{
    struct look_queue *q = &l->at.queue;
    struct group *g = NULL;
    bool is_first = true;

    while ((g = queue_groups_next(q->queue, g)) != NULL) {
        if (!is_first)
            buf_u8(t->out, ',');
        is_first = false;
        tell_object(t, NULL);
        tell_group(t, q, g);
        tell_end(t);
    }
}

static const struct list_kind list_groups = {
    .look = LOOK_QUEUES, .next = next_stream, .tell = tell_groups};

void groups_get(struct api_call *c)
{
    const struct bytes all = {NULL, 0};

    list_answer(c, &list_groups, c->vhost, c->arg_count > 0 ? c->args[0] : all);
}

/* ---- one ---- */

/* False: there is none, and it is answered. */
static bool find_group(struct api_call *c, struct look_queue *q, struct group **out)
{
    *out = NULL;
    if (look_find_queue(c->api->broker, c->vhost, c->args[0], q) && queue_is_stream(q->queue))
        *out = queue_find_group(q->queue, c->args[1]);
    if (*out == NULL)
        api_not_found(c);
    return *out != NULL;
}

void group_get_one(struct api_call *c)
{
    struct look_queue q;
    struct group *g = NULL;
    struct tell t;

    if (!find_group(c, &q, &g))
        return;
    api_start(c, &t);
    tell_object(&t, NULL);
    tell_group(&t, &q, g);
    tell_details(c->api, &t, &q, g);
    tell_end(&t);
    api_answer(c, 200, &c->api->reply);
}

/* ---- changed: by who may read the stream ---- */

static bool may_change(struct api_call *c)
{
    struct refusal refusal;

    if (!api_visit(c))
        return false;
    if (access_queue(c->visit, c->args[0], AUTH_READ, &refusal) == 0)
        return true;
    api_refused(c, &refusal);
    return false;
}

static void answer_error(struct api_call *c, int err)
{
    if (err == ERR_BUSY)
        api_bad_request(c,
                        "group '%.*s' of stream '%.*s' in vhost '%.*s' has members; stop them "
                        "first",
                        API_SHOW(c->args[1]), API_SHOW(c->args[0]), API_SHOW(c->vhost));
    else if (err == ERR_NOT_FOUND)
        api_not_found(c);
    else if (err == ERR_FULL)
        api_fail(c, 503, "service_unavailable", "the log takes nothing now; ask again");
    else
        api_fail(c, 500, "internal_server_error", "what was asked for could not be stored");
}

static void release_wait(struct api_call *c)
{
    group_wait_stop((struct group_wait *)c->work);
}

static void on_forgotten(void *owner, int err)
{
    struct api_call *c = (struct api_call *)owner;

    c->work = NULL;
    c->release = NULL;
    if (err != 0)
        answer_error(c, err);
    else
        api_answer_empty(c, 204);
}

/* Answered when it is on the disk. */
void group_delete_one(struct api_call *c)
{
    const struct group_wait_calls calls = {.owner = c, .done = on_forgotten};
    struct look_queue q;
    struct group *g = NULL;

    if (!may_change(c) || !find_group(c, &q, &g))
        return;
    int rv = group_delete(g);
    if (rv != 0) {
        answer_error(c, rv);
        return;
    }
    c->work = group_wait_start(q.queue, &calls);
    c->release = release_wait;
}

/* ---- reset ---- */

static const struct {
    const char *name;
    enum group_goal goal;
    bool has_value;
} goals[] = {
    {"earliest", GROUP_EARLIEST, false}, {"latest", GROUP_LATEST, false},
    {"offset", GROUP_OFFSET, true},      {"time", GROUP_TIME, true},
    {"shift", GROUP_SHIFT, true},
};

/* False: it is not one, and that is answered. */
static bool read_reset(struct api_call *c, struct group_reset *out)
{
    struct bytes to = {0};
    size_t i = 0;

    *out = (struct group_reset){.goal = GROUP_EARLIEST};
    if (!api_body_text(c, "to", true, &to) || !api_body_bool(c, "dry_run", &out->is_dry) ||
        !api_body_bool(c, "force", &out->is_forced))
        return false;
    while (i < ARRAY_SIZE(goals) && !bytes_equal(to, bytes_text(goals[i].name)))
        i++;
    if (i == ARRAY_SIZE(goals)) {
        api_bad_request(c, "'%.*s' is not earliest, latest, offset, time or shift", API_SHOW(to));
        return false;
    }
    out->goal = goals[i].goal;
    if (!goals[i].has_value)
        return true;
    if (!api_body_int(c, "value", true, &out->value))
        return false;
    if (out->goal == GROUP_SHIFT || out->value >= 0)
        return true;
    api_bad_request(c, "value of '%.*s' is negative", API_SHOW(to));
    return false;
}

static void release(struct api_call *c)
{
    group_reset_stop((struct group_reset_run *)c->work);
}

static void tell_step(struct tell *t, const struct group_step *s)
{
    tell_object(t, NULL);
    tell_text(t, "stream", queue_name(s->stream));
    if (s->had_offset)
        tell_uint(t, "from", s->from);
    else
        tell_null(t, "from");
    tell_uint(t, "to", s->to);
    tell_end(t);
}

static void on_reset(void *owner, int err, const struct group_step *steps, size_t count)
{
    struct api_call *c = (struct api_call *)owner;
    bool is_dry = false;
    struct tell t;

    c->work = NULL;
    c->release = NULL;
    if (err != 0) {
        answer_error(c, err);
        return;
    }
    (void)api_body_bool(c, "dry_run", &is_dry);
    api_start(c, &t);
    tell_object(&t, NULL);
    tell_bool(&t, "dry_run", is_dry);
    tell_array(&t, "partitions");
    for (size_t i = 0; i < count; i++)
        tell_step(&t, &steps[i]);
    tell_end(&t);
    tell_end(&t);
    api_answer(c, 200, &c->api->reply);
}

void group_post_reset(struct api_call *c)
{
    const struct group_calls calls = {.owner = c, .done = on_reset};
    struct group_reset reset;
    struct look_queue q;
    struct group *g = NULL;

    if (!may_change(c) || !read_reset(c, &reset) || !find_group(c, &q, &g))
        return;
    c->work = group_reset(g, &reset, &calls);
    c->release = release;
}
