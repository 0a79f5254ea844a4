/* Policies: kept in the order in which they count, matched, and merged. */
#include "policy/policy.h"

#include "auth/pattern.h"
#include "base/list.h"
#include "base/mem.h"
#include "msg/shortstr.h"
#include "msg/table_writer.h"
#include "policy/keys.h"

enum { RANKS = 2 };

struct policy {
    struct list_link link;
    struct policy_spec spec; /* its bytes lie behind the struct */
    struct pattern *pattern;
};

struct policies {
    struct list by_rank[RANKS]; /* the highest priority first */
};

static struct policy *policy_at(struct list_link *link)
{
    return CONTAINER_OF(link, struct policy, link);
}

/* ---- apply-to ---- */

static const struct {
    const char *name;
    uint8_t bits;
} targets[] = {
    {"queues", POLICY_QUEUES},        {"classic_queues", POLICY_CLASSIC},
    {"quorum_queues", POLICY_QUORUM}, {"streams", POLICY_STREAM},
    {"exchanges", POLICY_EXCHANGES},  {"all", POLICY_ALL},
};

int policy_target_read(struct bytes text, uint8_t *out, struct err_note *note)
{
    for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
        if (!bytes_equal(text, bytes_text(targets[i].name)))
            continue;
        *out = targets[i].bits;
        return 0;
    }
    return err_note(note, ERR_INVALID,
                    "apply-to '%.*s' unrecognised; should be 'queues', 'classic_queues', "
                    "'quorum_queues', 'streams', 'exchanges' or 'all'",
                    (int)text.size, text.size == 0 ? "" : (const char *)text.data);
}

const char *policy_target_name(uint8_t target)
{
    for (size_t i = 0; i < ARRAY_SIZE(targets); i++)
        if (targets[i].bits == target)
            return targets[i].name;
    return NULL;
}

/* ---- made and deleted ---- */

struct policies *policies_new(void)
{
    struct policies *ps = MEM_NEW(struct policies);

    for (size_t i = 0; i < RANKS; i++)
        list_init(&ps->by_rank[i]);
    return ps;
}

static void policy_free(struct policy *p)
{
    pattern_free(p->pattern);
    mem_free(p);
}

void policies_free(struct policies *ps)
{
    struct list_link *link = NULL;

    if (ps == NULL)
        return;
    for (size_t i = 0; i < RANKS; i++)
        while ((link = list_take(&ps->by_rank[i])) != NULL)
            policy_free(policy_at(link));
    mem_free(ps);
}

/* An empty pattern matches everything; in permissions it matches nothing. */
static int make_pattern(struct bytes text, struct pattern **out, struct err_note *note)
{
    struct err_note why = {{0}};
    int rv = pattern_new(text.size == 0 ? bytes_text("(?:)") : text, out, &why);

    return rv == 0 ? 0
                   : err_note(note, ERR_INVALID,
                              "pattern should be regular expression but is invalid: %s", why.text);
}

static int check_plain(enum policy_rank rank, const struct policy_spec *spec, struct err_note *note)
{
    if (spec->name.size == 0 || shortstr_check(spec->name) != 0)
        return err_note(note, ERR_INVALID, "the name of a policy is not valid");
    if (policy_target_name(spec->apply_to) == NULL)
        return err_note(note, ERR_INVALID, "policy '%.*s' applies to nothing", (int)spec->name.size,
                        (const char *)spec->name.data);
    return keys_check(rank, spec->definition, note);
}

int policy_check(enum policy_rank rank, const struct policy_spec *spec, struct err_note *note)
{
    struct pattern *pattern = NULL;
    int rv = check_plain(rank, spec, note);

    if (rv == 0)
        rv = make_pattern(spec->pattern, &pattern, note);
    pattern_free(pattern);
    return rv;
}

static struct bytes put(uint8_t **at, struct bytes b)
{
    struct bytes copy = bytes_of(*at, b.size);

    if (b.size > 0)
        memcpy(*at, b.data, b.size);
    *at += b.size;
    return copy;
}

static struct policy *policy_new(const struct policy_spec *spec, struct pattern *pattern)
{
    size_t size = spec->name.size + spec->pattern.size + spec->definition.bytes.size;
    struct policy *p = (struct policy *)mem_zero(1, sizeof(*p) + size);
    uint8_t *at = (uint8_t *)(p + 1);

    p->spec = *spec;
    p->spec.name = put(&at, spec->name);
    p->spec.pattern = put(&at, spec->pattern);
    p->spec.definition.bytes = put(&at, spec->definition.bytes);
    p->pattern = pattern;
    return p;
}

static int compare_names(struct bytes a, struct bytes b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size == 0 ? 0 : memcmp(a.data, b.data, size);

    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static bool counts_before(const struct policy *a, const struct policy *b)
{
    if (a->spec.priority != b->spec.priority)
        return a->spec.priority > b->spec.priority;
    return compare_names(a->spec.name, b->spec.name) < 0;
}

static void insert(struct list *l, struct policy *p)
{
    struct list_link *before = l->head.next;

    while (before != &l->head && !counts_before(p, policy_at(before)))
        before = before->next;
    list_insert_before(before, &p->link);
}

static struct policy *find(const struct policies *ps, enum policy_rank rank, struct bytes name)
{
    LIST_FOREACH (link, &ps->by_rank[rank])
        if (bytes_equal(policy_at(link)->spec.name, name))
            return policy_at(link);
    return NULL;
}

int policies_put(struct policies *ps, enum policy_rank rank, const struct policy_spec *spec,
                 struct err_note *note)
{
    struct policy *old = find(ps, rank, spec->name);
    struct pattern *pattern = NULL;
    struct policy *p = NULL;
    int rv = check_plain(rank, spec, note);

    if (rv == 0)
        rv = make_pattern(spec->pattern, &pattern, note);
    if (rv != 0)
        return rv;
    p = policy_new(spec, pattern); /* may be made of what the old one had */
    if (old != NULL) {
        list_remove(&old->link);
        policy_free(old);
    }
    insert(&ps->by_rank[rank], p);
    return 0;
}

int policies_delete(struct policies *ps, enum policy_rank rank, struct bytes name)
{
    struct policy *p = find(ps, rank, name);

    if (p == NULL)
        return ERR_NOT_FOUND;
    list_remove(&p->link);
    policy_free(p);
    return 0;
}

/* ---- use ---- */

static const struct policy *match(const struct list *l, uint8_t target, struct bytes name)
{
    LIST_FOREACH (link, l) {
        const struct policy *p = policy_at(link);

        if ((p->spec.apply_to & target) != 0 && pattern_matches(p->pattern, name))
            return p;
    }
    return NULL;
}

struct policy_match policies_match(const struct policies *ps, uint8_t target, struct bytes name)
{
    return (struct policy_match){
        .policy = match(&ps->by_rank[POLICY_OF_USERS], target, name),
        .operator_policy = match(&ps->by_rank[POLICY_OF_OPERATORS], target, name),
    };
}

static bool says(const struct policy *p, struct bytes key, struct field *out)
{
    return p != NULL && table_find(p->spec.definition, key, out);
}

/* Negative is no limit, so larger than all others. */
static bool is_smaller(const struct field *a, const struct field *b)
{
    int64_t x = 0;
    int64_t y = 0;

    if (!field_as_integer(a, &x) || !field_as_integer(b, &y))
        return false;
    return x >= 0 && (y < 0 || x < y);
}

bool policy_value(const struct policy_match *m, struct bytes key, struct field *out)
{
    struct field of_user;
    struct field of_operator;
    bool has_user = says(m->policy, key, &of_user);

    if (!says(m->operator_policy, key, &of_operator)) {
        if (has_user)
            *out = of_user;
        return has_user;
    }
    *out = of_operator;
    if (has_user && keys_merge(key) == KEY_SMALLER && is_smaller(&of_user, &of_operator))
        *out = of_user;
    return true;
}

bool policy_number(const struct policy_match *m, const char *key, uint64_t *out)
{
    struct field f;
    int64_t n = 0;

    if (!policy_value(m, bytes_text(key), &f) || !field_as_integer(&f, &n) || n < 0)
        return false;
    *out = (uint64_t)n;
    return true;
}

bool policy_text(const struct policy_match *m, const char *key, struct bytes *out)
{
    struct field f;

    return policy_value(m, bytes_text(key), &f) && field_as_text(&f, out);
}

bool policy_bool(const struct policy_match *m, const char *key, bool *out)
{
    struct field f;

    return policy_value(m, bytes_text(key), &f) && field_as_bool(&f, out);
}

/* Adds what `from` says, unless `besides` says it too. */
static void add(struct table_writer *w, const struct policy_match *m, const struct policy *from,
                const struct policy *besides)
{
    struct table_walk walk;
    struct table_entry e;
    struct field f;

    if (from == NULL)
        return;
    walk = table_walk(from->spec.definition);
    while (table_next(&walk, &e)) {
        if (says(besides, e.name, &f))
            continue;
        if (policy_value(m, e.name, &f))
            table_writer_field(w, e.name, &f);
    }
}

struct table policy_merge(const struct policy_match *m, struct buf *out)
{
    struct table_writer w;
    struct table merged = {{NULL, 0}};
    int rv = 0;

    table_writer_init(&w, out);
    add(&w, m, m->policy, NULL);
    add(&w, m, m->operator_policy, m->policy);
    rv = table_writer_finish(&w, &merged);
    ASSERT(rv == 0); /* two tables that are good, whose values have no depth */
    return merged;
}

/* ---- look ---- */

struct policy_spec policy_spec(const struct policy *p)
{
    return p->spec;
}

const struct policy *policies_find(const struct policies *ps, enum policy_rank rank,
                                   struct bytes name)
{
    return find(ps, rank, name);
}

const struct policy *policies_next(const struct policies *ps, enum policy_rank rank,
                                   const struct policy *at)
{
    const struct list *l = &ps->by_rank[rank];
    struct list_link *next = at == NULL ? l->head.next : at->link.next;

    return next == &l->head ? NULL : policy_at(next);
}

void policies_check(const struct policies *ps)
{
    for (size_t i = 0; i < RANKS; i++) {
        const struct policy *before = NULL;

        LIST_FOREACH (link, &ps->by_rank[i]) {
            ASSERT(before == NULL || counts_before(before, policy_at(link)));
            before = policy_at(link);
        }
    }
}
