/* Rules of failing: which operations they match, and when they strike. See struct sim_fault. */
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "io/sim/sim_disk_parts.h"

size_t sim_disk_add_fault(struct sim_disk *d, const struct sim_fault *f)
{
    struct sim_rule *r = NULL;

    ASSERT(f->err < 0 || (f->err == 0 && f->ops == SIM_OP_BIT(SIM_OP_READ)));
    ASSERT(f->chance_num <= f->chance_den);
    d->rules = (struct sim_rule *)mem_grow(d->rules, d->rule_count + 1, sizeof(*d->rules));
    r = &d->rules[d->rule_count];
    *r = (struct sim_rule){.fault = *f};
    if (f->path_part != NULL)
        r->path_part = mem_text(f->path_part);
    r->fault.path_part = r->path_part;
    return d->rule_count++;
}

uint64_t sim_disk_fault_strikes(const struct sim_disk *d, size_t number)
{
    ASSERT(number < d->rule_count);
    return d->rules[number].strikes;
}

void sim_disk_clear_faults(struct sim_disk *d)
{
    for (size_t i = 0; i < d->rule_count; i++)
        mem_free(d->rules[i].path_part);
    mem_free(d->rules);
    d->rules = NULL;
    d->rule_count = 0;
}

static bool path_matches(const struct sim_fault *f, const struct sim_disk_call *call)
{
    if (f->path_part == NULL || strstr(call->path, f->path_part) != NULL)
        return true;
    return call->to != NULL && strstr(call->to, f->path_part) != NULL;
}

static bool rule_strikes(struct sim_disk *d, struct sim_rule *r, const struct sim_disk_call *call)
{
    const struct sim_fault *f = &r->fault;

    if (f->ops != 0 && (f->ops & SIM_OP_BIT(call->op)) == 0)
        return false;
    if (call->number < f->from || !path_matches(f, call))
        return false;
    if (f->times != 0 && r->strikes >= f->times)
        return false;
    if (++r->matched <= f->skip)
        return false;
    if (f->chance_den != 0 && !rand_chance(&d->rand, f->chance_num, f->chance_den))
        return false;
    r->strikes++;
    return true;
}

struct sim_verdict sim_disk_rules_judge(struct sim_disk *d, const struct sim_disk_call *call)
{
    for (size_t i = 0; i < d->rule_count; i++) {
        const struct sim_fault *f = &d->rules[i].fault;
        if (rule_strikes(d, &d->rules[i], call))
            return (struct sim_verdict){
                .err = f->err, .partial_bytes = f->partial_bytes, .sync_failure = f->sync_failure};
    }
    return (struct sim_verdict){.partial_bytes = UINT64_MAX};
}
