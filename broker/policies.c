/* Policies as definitions. */
#include "broker/policies.h"

#include "broker/announce.h"
#include "broker/apply.h"
#include "broker/parts.h"

static uint8_t kind_of(enum policy_rank rank)
{
    return rank == POLICY_OF_USERS ? DEFINITION_POLICY : DEFINITION_OPERATOR_POLICY;
}

static int find_vhost(struct broker *b, struct bytes name, struct vhost **out,
                      struct err_note *note)
{
    *out = vhost_find(b, name);
    return *out != NULL
               ? 0
               : err_note(note, ERR_NOT_FOUND, "virtual host '%.*s' does not exist", SHOW(name));
}

static void encode(struct broker *b, struct bytes vhost, const struct policy_spec *spec)
{
    policy_term_encode(
        &(struct policy_term){
            .vhost = vhost,
            .name = spec->name,
            .apply_to = spec->apply_to,
            .priority = spec->priority,
            .pattern = spec->pattern,
            .definition = spec->definition,
        },
        &b->terms);
}

int broker_put_policy(struct broker *b, struct bytes vhost, enum policy_rank rank,
                      const struct policy_spec *spec, struct err_note *note)
{
    struct vhost *v = NULL;
    int rv = find_vhost(b, vhost, &v, note);

    if (rv == 0 && spec->definition.bytes.size > TERM_ARGUMENTS_MAX)
        rv = err_note(note, ERR_INVALID, "the definition of policy '%.*s' takes more than %d bytes",
                      SHOW(spec->name), (int)TERM_ARGUMENTS_MAX);
    if (rv == 0 && definitions_are_full(&b->definitions))
        rv = err_note(note, ERR_FULL, "too many definitions wait for the disk");
    if (rv == 0)
        rv = policy_check(rank, spec, note);
    if (rv != 0)
        return rv;
    encode(b, v->name, spec);
    definitions_put(&b->definitions, kind_of(rank), buf_view(&b->terms.key),
                    buf_view(&b->terms.body));
    rv = policies_put(v->policies, rank, spec, note);
    ASSERT(rv == 0); /* it was checked */
    apply_to_all(v);
    const struct event_text texts[] = {
        {"name", spec->name},
        {"vhost", vhost},
        {"pattern", spec->pattern},
        {"apply-to", bytes_text(policy_target_name(spec->apply_to))}};
    event_tell(b, "policy.set", texts, ARRAY_SIZE(texts));
    return 0;
}

int broker_delete_policy(struct broker *b, struct bytes vhost, enum policy_rank rank,
                         struct bytes name, struct err_note *note)
{
    struct vhost *v = NULL;
    int rv = find_vhost(b, vhost, &v, note);

    if (rv == 0 && policies_find(v->policies, rank, name) == NULL)
        rv = err_note(note, ERR_NOT_FOUND, "policy '%.*s' in vhost '%.*s' does not exist",
                      SHOW(name), SHOW(vhost));
    if (rv != 0)
        return rv;
    const struct event_text texts[] = {{"name", name}, {"vhost", vhost}};
    event_tell(b, "policy.cleared", texts, ARRAY_SIZE(texts));
    encode(b, v->name, &(struct policy_spec){.name = name});
    definitions_remove(&b->definitions, kind_of(rank), buf_view(&b->terms.key));
    rv = policies_delete(v->policies, rank, name);
    ASSERT(rv == 0);
    apply_to_all(v);
    return 0;
}

static void forget(struct broker *b, const struct vhost *v, enum policy_rank rank)
{
    const struct policy *p = NULL;

    while ((p = policies_next(v->policies, rank, p)) != NULL) {
        encode(b, v->name, &(struct policy_spec){.name = policy_spec(p).name});
        definitions_remove(&b->definitions, kind_of(rank), buf_view(&b->terms.key));
    }
}

void policies_forget(struct broker *b, const struct vhost *v)
{
    forget(b, v, POLICY_OF_USERS);
    forget(b, v, POLICY_OF_OPERATORS);
}

const struct policies *broker_policies(struct broker *b, struct bytes vhost)
{
    const struct vhost *v = vhost_find(b, vhost);

    return v == NULL ? NULL : v->policies;
}

struct policy_match vhost_match_exchange(const struct vhost *v, struct bytes name)
{
    return policies_match(v->policies, POLICY_EXCHANGES, name);
}
