/* Which publishes are safe. */
#include "broker/confirms.h"

#include "base/mem.h"
#include "base/zoo.h"
#include "broker/home.h"

enum { WAITS_MIN = 8 };

void confirms_init(struct confirms *c)
{
    *c = (struct confirms){0};
    spans_init(&c->rejected);
}

void confirms_release(struct confirms *c)
{
    if (list_linked(&c->link))
        list_remove(&c->link);
    mem_free(c->waits);
    spans_release(&c->rejected);
    *c = (struct confirms){0};
}

static struct confirm_wait *wait_at(const struct confirms *c, size_t i)
{
    return &c->waits[(c->wait_first + i) & (c->wait_capacity - 1)];
}

static void grow_waits(struct confirms *c)
{
    size_t capacity = c->wait_capacity == 0 ? WAITS_MIN : 2 * c->wait_capacity;
    struct confirm_wait *waits = MEM_NEW_ARRAY(struct confirm_wait, capacity);

    for (size_t i = 0; i < c->wait_count; i++)
        waits[i] = *wait_at(c, i);
    mem_free(c->waits);
    c->waits = waits;
    c->wait_first = 0;
    c->wait_capacity = capacity;
}

void confirms_wait(struct confirms *c, struct home *home, uint64_t position, uint64_t turn)
{
    /* The waits of this turn are the last ones, at most one for each home. */
    for (size_t i = c->wait_count; i > 0 && wait_at(c, i - 1)->turn == turn; i--) {
        struct confirm_wait *w = wait_at(c, i - 1);

        if (w->home != home)
            continue;
        ASSERT(w->position <= position); /* the same for a message that was known */
        w->position = position;
        return;
    }
    if (c->wait_count == c->wait_capacity)
        grow_waits(c);
    c->wait_count++;
    *wait_at(c, c->wait_count - 1) =
        (struct confirm_wait){.home = home, .after = c->last, .position = position, .turn = turn};
}

void confirms_reject(struct confirms *c)
{
    spans_add(&c->rejected, c->last);
}

bool confirms_next_rejected(struct confirms *c, uint64_t *seq)
{
    struct span span;

    if (!spans_next(&c->rejected, c->rejected_told + 1, &span))
        return false;
    *seq = span.from > c->rejected_told ? span.from : c->rejected_told + 1;
    c->rejected_told = *seq;
    return true;
}

static bool is_over(struct confirms *c, const struct confirm_wait *w)
{
    bool is_safe = home_is_safe(w->home, w->position);

    if (!is_safe && w->home->is_failed && !ZOO(CONFIRM_AFTER_FAILURE))
        c->has_failed = true;
    return is_safe || (w->home->is_failed && ZOO(CONFIRM_AFTER_FAILURE));
}

/* The highest seq above what was told and up to `upto` that was not rejected. */
static bool find_safe(const struct confirms *c, uint64_t upto, uint64_t *out)
{
    uint64_t highest = upto;
    struct span span;

    if (spans_next(&c->rejected, upto, &span) && span.from <= upto)
        highest = span.from - 1;
    if (highest <= c->confirmed)
        return false;
    *out = highest;
    return true;
}

bool confirms_step(struct confirms *c, uint64_t *seq)
{
    uint64_t upto = 0;
    bool is_new = false;

    while (c->wait_count > 0 && is_over(c, wait_at(c, 0))) {
        c->wait_first = (c->wait_first + 1) & (c->wait_capacity - 1);
        c->wait_count--;
    }
    upto = c->wait_count == 0 ? c->last : wait_at(c, 0)->after;
    if (c->has_failed || upto == c->confirmed)
        return false;
    is_new = find_safe(c, upto, seq);
    c->told += upto - c->confirmed - spans_count(&c->rejected);
    spans_remove_range(&c->rejected, c->confirmed, upto + 1);
    c->told += spans_count(&c->rejected);
    c->confirmed = upto;
    if (c->rejected_told < upto)
        c->rejected_told = upto;
    return is_new;
}

void confirms_fail(struct confirms *c, struct confirms_lost *out)
{
    *out = (struct confirms_lost){
        .rejected = c->rejected, .told = c->rejected_told, .at = c->confirmed, .last = c->last};
    spans_init(&c->rejected);
    c->confirmed = c->last;
    c->rejected_told = c->last;
    c->wait_count = 0;
    c->has_failed = false;
}

bool confirms_lost_next(struct confirms_lost *l, uint64_t *seq)
{
    while (l->at < l->last) {
        l->at++;
        if (l->at <= l->told && spans_contains(&l->rejected, l->at))
            continue;
        *seq = l->at;
        return true;
    }
    return false;
}

void confirms_lost_release(struct confirms_lost *l)
{
    spans_release(&l->rejected);
}

uint64_t confirms_open(const struct confirms *c)
{
    return c->last - c->confirmed - spans_count(&c->rejected);
}
