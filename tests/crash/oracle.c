/* Looking at everything a log holds; see oracle.h. */
#include "tests/crash/oracle.h"

#include <inttypes.h>

#include "base/mem.h"
#include "tests/crash/verdict.h"

uint64_t oracle_check_start(struct machine *m, const struct model *known)
{
    uint64_t next = log_next(m->log);
    struct fold expected;

    log_check(m->log);
    MUST(next >= known->durable, "position %" PRIu64 " was durable but the log ends at %" PRIu64,
         known->durable - 1, next);
    MUST(next <= model_next(known),
         "the log ends at %" PRIu64 " but only %" PRIu64 " records were appended", next,
         model_next(known));
    MUST(log_durable(m->log) == next, "an opened log is not durable up to its end");
    MUST(next == 0 || model_group_end(known, next - 1) <= next,
         "the log ends at %" PRIu64 ", inside a group", next);
    if (m->survived > 0)
        return next;
    fold_init(&expected);
    model_fold(known, next, &expected);
    MUST(m->fold.next == next, "replay ends at %" PRIu64 " instead of %" PRIu64, m->fold.next,
         next);
    MUST(fold_digest(&m->fold) == fold_digest(&expected),
         "the state is not that of the records below %" PRIu64, next);
    fold_release(&expected);
    return next;
}

/* One reading of everything. */
struct look {
    struct machine *m;
    bool may_be_damaged;
    uint8_t *seen; /* by position: the places where it was found; 0x80: in the hot log */
    uint64_t end;
    uint64_t wounds; /* ERR_CORRUPT from cursors */
};

enum { SEEN_HOT = 0x80 };

static void meet_wound(struct look *k, const char *where)
{
    MUST(k->may_be_damaged, "the %s has damage that nobody did", where);
    k->wounds++;
}

/* O4. Records that the sorter moves while this reads are found in the lanes afterwards. */
static void read_hot(struct look *k)
{
    struct log *l = k->m->log;
    struct cursor *c = cursor_open(l, CURSOR_HOT, 0, log_first(l));
    uint64_t next = log_first(l);
    int64_t time_ms = INT64_MIN;
    struct record r;
    int rv;

    while ((rv = machine_read(k->m, c, &r)) != ERR_NOT_FOUND) {
        if (rv == ERR_TRIMMED) {
            next = log_first(l);
            continue;
        }
        if (rv == ERR_CORRUPT) {
            meet_wound(k, "hot log");
            next = UINT64_MAX; /* any later one */
            continue;
        }
        MUST(rv == 0, "reading the hot log fails: %s", err_name(rv));
        MUST(next == UINT64_MAX || r.number == next || r.number == log_first(l),
             "the hot log gives position %" PRIu64 " instead of %" PRIu64, r.number, next);
        MUST(model_is_record(k->m->model, r.number, &r),
             "the hot log gives other bytes at position %" PRIu64 " than were appended", r.number);
        MUST(r.time_ms >= time_ms, "time goes back at position %" PRIu64, r.number);
        k->seen[r.number] |= SEEN_HOT;
        next = r.number + 1;
        time_ms = r.time_ms;
    }
    MUST(next == UINT64_MAX || next == log_next(l), "the hot log ends at %" PRIu64, next);
    cursor_close(c);
}

/* O5 */
static void check_in_lane(struct look *k, uint64_t lane, const struct record *r, uint64_t last)
{
    uint64_t position = 0;

    MUST(last == UINT64_MAX || r->number > last,
         "lane %" PRIu64 " gives number %" PRIu64 " after %" PRIu64, lane, r->number, last);
    MUST(model_lane_position(k->m->model, lane, r->number, &position),
         "lane %" PRIu64 " has number %" PRIu64 ", which was never appended", lane, r->number);
    MUST(model_is_record(k->m->model, position, r),
         "lane %" PRIu64 " gives other bytes at number %" PRIu64 " than were appended", lane,
         r->number);
    if (lane / 16 == k->m->fold.places[lane_place(lane)].generation)
        k->seen[position] |= (uint8_t)(1u << lane_place(lane));
}

static void read_lane(struct look *k, uint64_t lane)
{
    struct log *l = k->m->log;
    uint64_t first = 0, end = 0, last = UINT64_MAX;
    struct cursor *c;
    struct record r;
    int rv;

    if (!log_lane(l, lane, &first, &end))
        return;
    MUST(first < end, "lane %" PRIu64 " is empty but there", lane);
    c = cursor_open(l, CURSOR_COLD, lane, 0);
    while ((rv = machine_read(k->m, c, &r)) != ERR_NOT_FOUND) {
        if (rv == ERR_TRIMMED)
            continue;
        if (rv == ERR_CORRUPT) {
            meet_wound(k, "lane");
            continue;
        }
        MUST(rv == 0, "reading lane %" PRIu64 " fails: %s", lane, err_name(rv));
        check_in_lane(k, lane, &r, last);
        last = r.number;
    }
    cursor_close(c);
}

/* O6, O7 */
static uint64_t count_missing(const struct look *k)
{
    const struct machine *m = k->m;
    uint64_t missing = 0;

    for (size_t i = 0; i < m->fold.count; i++) {
        const struct fold_entry *e = &m->fold.entries[i];
        uint8_t seen = k->seen[e->position];

        for (int place = 0; place < PLACE_COUNT && (seen & SEEN_HOT) == 0; place++) {
            if ((e->places & ~seen & 1u << place) == 0 ||
                model_may_miss(m->model, e, (enum place)place, log_first(m->log)))
                continue;
            missing++;
            MUST(k->may_be_damaged && (k->wounds > 0 || verdict_line_count() > 0),
                 "position %" PRIu64
                 " is lost: it is neither in the hot log, which starts at %" PRIu64
                 ", nor has place %d its number %" PRIu64,
                 e->position, log_first(m->log), place, e->numbers[place]);
        }
    }
    return missing;
}

uint64_t oracle_check_content(struct machine *m, bool may_be_damaged)
{
    struct look k = {.m = m, .may_be_damaged = may_be_damaged, .end = log_next(m->log)};
    uint64_t missing;

    ASSERT(model_next(m->model) == log_next(m->log));
    k.seen = MEM_NEW_ARRAY(uint8_t, k.end + 1);
    read_hot(&k);
    for (int place = 0; place < PLACE_COUNT; place++) {
        for (uint64_t g = 0; g <= m->fold.places[place].generation; g++)
            read_lane(&k, lane_of((enum place)place, g));
    }
    missing = count_missing(&k);
    mem_free(k.seen);
    log_check(m->log);
    return missing;
}
