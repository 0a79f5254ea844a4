/* Answers that were given, in a map whose values are two bits for each action. */
#include "auth/answers.h"

#include "base/mem.h"

struct answer {
    uint8_t known; /* a bit for each action */
    uint8_t allowed;
};

void answers_init(struct answers *a, uint64_t seed)
{
    names_init(&a->by_name, seed);
}

void answers_release(struct answers *a)
{
    for (struct names_entry *e = names_first(&a->by_name); e != NULL;
         e = names_next(&a->by_name, e))
        mem_free(e->value);
    names_release(&a->by_name);
}

void answers_forget(struct answers *a)
{
    uint64_t seed = a->by_name.seed;

    answers_release(a);
    answers_init(a, seed);
}

bool answers_find(const struct answers *a, struct bytes name, enum auth_action action, bool *out)
{
    const struct answer *at = (const struct answer *)names_find(&a->by_name, name);

    if (at == NULL || (at->known >> action & 1) == 0)
        return false;
    *out = (at->allowed >> action & 1) != 0;
    return true;
}

void answers_put(struct answers *a, struct bytes name, enum auth_action action, bool is_allowed)
{
    struct answer *at = (struct answer *)names_find(&a->by_name, name);

    if (at == NULL) {
        if (names_count(&a->by_name) >= ANSWERS_MAX)
            answers_forget(a);
        at = MEM_NEW(struct answer);
        names_put(&a->by_name, name, at);
    }
    at->known = (uint8_t)(at->known | 1U << action);
    at->allowed = (uint8_t)(at->allowed | (is_allowed ? 1U : 0U) << action);
}
