/* Permissions: what a user may do in a virtual host. */
#include "auth/parts.h"
#include "base/mem.h"

static struct grant *find_grant(const struct user *u, struct bytes vhost)
{
    return (struct grant *)names_find(&u->grants, vhost);
}

static struct grant *take_grant(struct user *u, struct bytes vhost)
{
    struct grant *g = find_grant(u, vhost);

    if (g != NULL)
        return g;
    g = MEM_NEW(struct grant);
    answers_init(&g->answers, u->auth->seed);
    names_init(&g->topics, u->auth->seed);
    names_put(&u->grants, vhost, g);
    return g;
}

static void free_patterns(struct pattern **patterns)
{
    for (size_t i = 0; i < AUTH_ACTIONS; i++) {
        pattern_free(patterns[i]);
        patterns[i] = NULL;
    }
}

static void topic_grant_free(struct topic_grant *t)
{
    free_patterns(t->patterns);
    answers_release(&t->answers);
    mem_free(t);
}

static void grant_free(struct grant *g)
{
    for (struct names_entry *e = names_first(&g->topics); e != NULL; e = names_next(&g->topics, e))
        topic_grant_free((struct topic_grant *)e->value);
    names_release(&g->topics);
    free_patterns(g->patterns);
    answers_release(&g->answers);
    mem_free(g);
}

void grants_release(struct user *u)
{
    for (struct names_entry *e = names_first(&u->grants); e != NULL; e = names_next(&u->grants, e))
        grant_free((struct grant *)e->value);
}

/* Ends the grant when nothing is left in it. */
static void drop_if_empty(struct user *u, struct bytes vhost)
{
    struct grant *g = find_grant(u, vhost);

    if (g->has_permission || names_count(&g->topics) > 0)
        return;
    names_remove(&u->grants, vhost);
    grant_free(g);
}

/* ---- permissions ---- */

int auth_put_permission(struct auth *a, struct user *u, struct bytes vhost,
                        const struct permission *p, struct err_note *note)
{
    const struct bytes texts[AUTH_ACTIONS] = {
        [AUTH_CONFIGURE] = p->configure, [AUTH_WRITE] = p->write, [AUTH_READ] = p->read};
    struct pattern *patterns[AUTH_ACTIONS] = {NULL, NULL, NULL};
    struct grant *g = NULL;
    int rv = 0;

    for (size_t i = 0; i < AUTH_ACTIONS && rv == 0; i++)
        rv = pattern_new(texts[i], &patterns[i], note);
    if (rv != 0) {
        free_patterns(patterns);
        return rv;
    }
    g = take_grant(u, vhost);
    free_patterns(g->patterns);
    memcpy(g->patterns, patterns, sizeof(patterns));
    g->has_permission = true;
    answers_forget(&g->answers);
    a->version++;
    return 0;
}

int auth_delete_permission(struct auth *a, struct user *u, struct bytes vhost)
{
    struct grant *g = find_grant(u, vhost);

    if (g == NULL || !g->has_permission)
        return ERR_NOT_FOUND;
    g->has_permission = false;
    free_patterns(g->patterns);
    answers_forget(&g->answers);
    drop_if_empty(u, vhost);
    a->version++;
    return 0;
}

bool auth_find_permission(struct auth *a, const struct user *u, struct bytes vhost,
                          struct permission *out)
{
    const struct grant *g = find_grant(u, vhost);

    (void)a;
    if (g == NULL || !g->has_permission)
        return false;
    *out = (struct permission){
        .configure = pattern_text(g->patterns[AUTH_CONFIGURE]),
        .write = pattern_text(g->patterns[AUTH_WRITE]),
        .read = pattern_text(g->patterns[AUTH_READ]),
    };
    return true;
}

const struct names_entry *user_next_grant(const struct user *u, const struct names_entry *at)
{
    return at == NULL ? names_first(&u->grants) : names_next(&u->grants, at);
}

bool grant_permission(const struct names_entry *at, struct permission *out)
{
    const struct grant *g = (const struct grant *)at->value;

    if (!g->has_permission)
        return false;
    *out = (struct permission){
        .configure = pattern_text(g->patterns[AUTH_CONFIGURE]),
        .write = pattern_text(g->patterns[AUTH_WRITE]),
        .read = pattern_text(g->patterns[AUTH_READ]),
    };
    return true;
}

const struct names_entry *grant_next_topic(const struct names_entry *grant,
                                           const struct names_entry *at)
{
    const struct grant *g = (const struct grant *)grant->value;

    return at == NULL ? names_first(&g->topics) : names_next(&g->topics, at);
}

void grant_topic(const struct names_entry *grant, const struct names_entry *at,
                 struct topic_permission *out)
{
    const struct topic_grant *t = (const struct topic_grant *)at->value;

    *out = (struct topic_permission){
        .vhost = grant->name,
        .exchange = at->name,
        .write = pattern_text(t->patterns[AUTH_WRITE]),
        .read = pattern_text(t->patterns[AUTH_READ]),
    };
}

/* ---- topic permissions ---- */

int auth_put_topic_permission(struct auth *a, struct user *u, const struct topic_permission *p,
                              struct err_note *note)
{
    const struct pattern_words words = {.username = u->name, .vhost = p->vhost};
    struct pattern *patterns[AUTH_ACTIONS] = {NULL, NULL, NULL};
    struct topic_grant *t = NULL;
    struct grant *g = NULL;
    int rv = pattern_new_with(p->write, &words, &patterns[AUTH_WRITE], note);

    if (rv == 0)
        rv = pattern_new_with(p->read, &words, &patterns[AUTH_READ], note);
    if (rv != 0) {
        free_patterns(patterns);
        return rv;
    }
    g = take_grant(u, p->vhost);
    t = (struct topic_grant *)names_find(&g->topics, p->exchange);
    if (t == NULL) {
        t = MEM_NEW(struct topic_grant);
        answers_init(&t->answers, a->seed);
        names_put(&g->topics, p->exchange, t);
    }
    free_patterns(t->patterns);
    memcpy(t->patterns, patterns, sizeof(patterns));
    answers_forget(&t->answers);
    a->version++;
    return 0;
}

int auth_delete_topic_permission(struct auth *a, struct user *u, struct bytes vhost,
                                 struct bytes exchange)
{
    struct grant *g = find_grant(u, vhost);
    struct topic_grant *t =
        g == NULL ? NULL : (struct topic_grant *)names_remove(&g->topics, exchange);

    if (t == NULL)
        return ERR_NOT_FOUND;
    topic_grant_free(t);
    drop_if_empty(u, vhost);
    a->version++;
    return 0;
}

/* ---- asking ---- */

static bool ask(struct answers *answers, struct pattern *const *patterns, struct bytes name,
                enum auth_action action)
{
    bool is_allowed = false;

    if (answers_find(answers, name, action, &is_allowed))
        return is_allowed;
    is_allowed = patterns[action] != NULL && pattern_matches(patterns[action], name);
    answers_put(answers, name, action, is_allowed);
    return is_allowed;
}

bool auth_may_enter(struct auth *a, struct user *u, struct bytes vhost)
{
    const struct grant *g = find_grant(u, vhost);

    ASSERT(u->auth == a);
    return g != NULL && g->has_permission;
}

bool auth_may(struct auth *a, struct user *u, struct bytes vhost, struct bytes resource,
              enum auth_action action)
{
    struct grant *g = find_grant(u, vhost);

    ASSERT(u->auth == a);
    if (g == NULL || !g->has_permission)
        return false;
    return ask(&g->answers, g->patterns, resource, action);
}

bool auth_may_topic(struct auth *a, struct user *u, const struct topic_question *q)
{
    const struct grant *g = find_grant(u, q->vhost);
    struct topic_grant *t = NULL;

    ASSERT(u->auth == a && q->action != AUTH_CONFIGURE);
    if (g == NULL || names_count(&g->topics) == 0)
        return true;
    t = (struct topic_grant *)names_find(&g->topics, q->exchange);
    return t == NULL || ask(&t->answers, t->patterns, q->routing_key, q->action);
}
