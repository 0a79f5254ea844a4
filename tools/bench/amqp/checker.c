/* What is missing is kept as spans of steps. */
#include "tools/bench/amqp/checker.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"

#define SEQUENCE_MAX (UINT64_MAX / 2) /* nobody publishes that many */

const char *fault_name(enum fault fault)
{
    static const char *const names[FAULT_COUNT] = {
        [FAULT_LOST] = "lost",       [FAULT_TWICE] = "twice", [FAULT_DISORDER] = "disorder",
        [FAULT_ALTERED] = "altered", [FAULT_STRAY] = "stray",
    };

    return names[fault];
}

void checker_init(struct checker *c, size_t lane_count)
{
    *c = (struct checker){
        .lanes = MEM_NEW_ARRAY(struct lane, lane_count > 0 ? lane_count : 1),
        .lane_count = lane_count,
    };
}

void checker_release(struct checker *c)
{
    for (size_t i = 0; i < c->lane_count; i++) {
        if (c->lanes[i].missing != NULL)
            spans_release(c->lanes[i].missing);
        mem_free(c->lanes[i].missing);
    }
    mem_free(c->lanes);
    *c = (struct checker){0};
}

void checker_set_lane(struct checker *c, size_t lane, uint64_t first, uint64_t step)
{
    ASSERT(lane < c->lane_count && step > 0 && c->lanes[lane].step == 0);
    c->lanes[lane] = (struct lane){.next = first, .first = first, .step = step};
}

static PRINTF_LIKE(4, 0) void add_fault(struct checker *c, enum fault fault, uint64_t times,
                                        const char *format, va_list values)
{
    c->faults[fault] += times;
    if (c->first.text[0] == '\0')
        (void)vsnprintf(c->first.text, sizeof(c->first.text), format, values);
}

void checker_blame(struct checker *c, enum fault fault, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    add_fault(c, fault, 1, format, values);
    va_end(values);
}

static PRINTF_LIKE(4, 5) void blame_many(struct checker *c, enum fault fault, uint64_t times,
                                         const char *format, ...)
{
    va_list values;

    va_start(values, format);
    add_fault(c, fault, times, format, values);
    va_end(values);
}

/* Which step of the lane it is. */
static uint64_t step_of(const struct lane *l, uint64_t sequence)
{
    return (sequence - l->first) / l->step;
}

/* One that is ahead: what lies between is missing for now. */
static void leave_gap(struct lane *l, uint64_t sequence)
{
    if (l->missing == NULL) {
        l->missing = MEM_NEW(struct spans);
        spans_init(l->missing);
    }
    spans_add_range(l->missing, step_of(l, l->next), step_of(l, sequence));
    l->next = sequence + l->step;
}

/* One that is behind. */
static void take_late(struct checker *c, size_t lane, uint64_t sequence, unsigned flags)
{
    struct lane *l = &c->lanes[lane];
    uint64_t step = step_of(l, sequence);

    if (l->missing != NULL && spans_remove_range(l->missing, step, step + 1) == 1) {
        if ((flags & (CHECKER_REDELIVERED | CHECKER_SHARED)) == 0)
            checker_blame(c, FAULT_DISORDER, "message %" PRIu64 " of lane %zu came behind %" PRIu64,
                          sequence, lane, l->next - l->step);
        return;
    }
    if ((flags & CHECKER_REDELIVERED) != 0)
        c->redelivered++;
    else
        checker_blame(c, FAULT_TWICE,
                      "message %" PRIu64 " of lane %zu came again without the redelivered flag",
                      sequence, lane);
}

void checker_take_other(struct checker *c, size_t lane, uint64_t sequence, unsigned flags)
{
    struct lane *l = &c->lanes[lane];

    if (l->step == 0 || sequence < l->first || sequence > SEQUENCE_MAX ||
        (sequence - l->first) % l->step != 0) {
        checker_blame(c, FAULT_STRAY,
                      "message %" PRIu64 " came on lane %zu, where it does not belong", sequence,
                      lane);
        return;
    }
    if (sequence < l->next)
        take_late(c, lane, sequence, flags);
    else if (sequence > l->next)
        leave_gap(l, sequence);
    else
        l->next += l->step;
}

void checker_take_shared(struct checker *c, size_t lane, uint64_t *track, uint64_t sequence,
                         unsigned flags)
{
    if (sequence >= *track)
        *track = sequence + 1;
    else if ((flags & CHECKER_REDELIVERED) == 0)
        checker_blame(c, FAULT_DISORDER,
                      "message %" PRIu64 " of lane %zu came to a consumer behind %" PRIu64,
                      sequence, lane, *track - 1);
    checker_take(c, lane, sequence, flags | CHECKER_SHARED);
}

uint64_t checker_count(const struct checker *c, size_t lane)
{
    const struct lane *l = &c->lanes[lane];
    uint64_t missing = l->missing == NULL ? 0 : spans_count(l->missing);

    return l->step == 0 ? 0 : step_of(l, l->next) - missing;
}

void checker_finish_lane(struct checker *c, size_t lane, uint64_t published)
{
    struct lane *l = &c->lanes[lane];
    uint64_t due, came = checker_count(c, lane);

    if (l->step == 0)
        return;
    due = published > l->first ? (published - l->first + l->step - 1) / l->step : 0;
    if (step_of(l, l->next) > due)
        blame_many(c, FAULT_STRAY, step_of(l, l->next) - due,
                   "message %" PRIu64 " came on lane %zu and was never published",
                   l->next - l->step, lane);
    else if (came < due)
        blame_many(c, FAULT_LOST, due - came,
                   "%" PRIu64 " of %" PRIu64 " messages of lane %zu are lost", due - came, due,
                   lane);
}

bool checker_is_content(const struct checker *c)
{
    for (size_t i = 0; i < FAULT_COUNT; i++) {
        if (c->faults[i] > 0)
            return false;
    }
    return true;
}
