/* Policies and operator policies. */
#include "base/mem.h"
#include "broker/policies.h"
#include "http/api/json_in.h"
#include "http/api/pages.h"
#include "http/api/shapes.h"

static void tell_policy(struct tell *t, struct bytes vhost, const struct policy *p)
{
    struct policy_spec spec = policy_spec(p);

    tell_object(t, NULL);
    tell_text(t, "vhost", vhost);
    tell_text(t, "name", spec.name);
    tell_text(t, "pattern", spec.pattern);
    tell_string(t, "apply-to", policy_target_name(spec.apply_to));
    tell_table(t, "definition", spec.definition);
    tell_int(t, "priority", spec.priority);
    tell_end(t);
}

static void tell_policies_of(struct api_call *c, struct tell *t, struct bytes vhost,
                             enum policy_rank rank)
{
    const struct policies *ps = broker_policies(c->api->broker, vhost);
    const struct policy *p = NULL;

    while (ps != NULL && (p = policies_next(ps, rank, p)) != NULL)
        tell_policy(t, vhost, p);
}

/* Operators write few of them, so they are told in one piece. */
static void get_policies(struct api_call *c, enum policy_rank rank)
{
    struct look_vhost v;
    struct look l;
    struct tell t;

    api_start(c, &t);
    tell_array(&t, NULL);
    look_open(&l, c->api->broker, LOOK_VHOSTS, c->vhost);
    while (look_vhost(&l, &v))
        if (c->vhost.data != NULL || api_may_see(c, v.name))
            tell_policies_of(c, &t, v.name, rank);
    look_close(&l);
    tell_end(&t);
    api_answer(c, 200, &c->api->reply);
}

static const struct policy *find(struct api_call *c, enum policy_rank rank)
{
    const struct policies *ps = broker_policies(c->api->broker, c->vhost);

    return ps == NULL ? NULL : policies_find(ps, rank, c->args[0]);
}

static void get_one(struct api_call *c, enum policy_rank rank)
{
    const struct policy *p = find(c, rank);
    struct tell t;

    if (p == NULL) {
        api_not_found(c);
        return;
    }
    api_start(c, &t);
    tell_policy(&t, c->vhost, p);
    api_answer(c, 200, &c->api->reply);
}

static void put_one(struct api_call *c, enum policy_rank rank)
{
    struct policy_spec spec = {.name = c->args[0], .apply_to = POLICY_ALL};
    struct bytes target = bytes_text("all");
    struct err_note note = {{0}};
    bool is_old = find(c, rank) != NULL;
    int rv = 0;

    if (!api_body_text(c, "pattern", true, &spec.pattern))
        return;
    if (json_object_get(c->body, "definition") == NULL) {
        api_bad_request(c, "[{key_missing,definition}]");
        return;
    }
    if (!api_body_int(c, "priority", false, &spec.priority) ||
        !api_body_text(c, "apply-to", false, &target) ||
        !api_body_table(c, "definition", &spec.definition))
        return;
    rv = policy_target_read(target, &spec.apply_to, &note);
    if (rv == 0)
        rv = broker_put_policy(c->api->broker, c->vhost, rank, &spec, &note);
    if (rv != 0)
        api_failed(c, rv, &note);
    else
        api_answer_when_safe(c, is_old ? 204 : 201);
}

static void delete_one(struct api_call *c, enum policy_rank rank)
{
    struct err_note note = {{0}};
    int rv = broker_delete_policy(c->api->broker, c->vhost, rank, c->args[0], &note);

    if (rv == ERR_NOT_FOUND)
        api_not_found(c);
    else if (rv != 0)
        api_failed(c, rv, &note);
    else
        api_answer_when_safe(c, 204);
}

void policies_get(struct api_call *c)
{
    get_policies(c, POLICY_OF_USERS);
}

void policy_get_one(struct api_call *c)
{
    get_one(c, POLICY_OF_USERS);
}

void policy_put(struct api_call *c)
{
    put_one(c, POLICY_OF_USERS);
}

void policy_delete(struct api_call *c)
{
    delete_one(c, POLICY_OF_USERS);
}

void operator_policies_get(struct api_call *c)
{
    get_policies(c, POLICY_OF_OPERATORS);
}

void operator_policy_get_one(struct api_call *c)
{
    get_one(c, POLICY_OF_OPERATORS);
}

void operator_policy_put(struct api_call *c)
{
    put_one(c, POLICY_OF_OPERATORS);
}

void operator_policy_delete(struct api_call *c)
{
    delete_one(c, POLICY_OF_OPERATORS);
}
