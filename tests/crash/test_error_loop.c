/* Every operation of the disk fails, once and from then on for ever, in every way it can; memory
 * is refused at every place that may be refused; the disk is full.
 *
 * Each case runs the same short life of a log up to the failing operation. Afterwards nothing
 * that was told durable may be missing, with and without a power cut, and nothing may be left
 * over.
 *
 *     MILLRACE_CRASH_OPERATION=k   only the faults of operation (or allocation) k
 *     MILLRACE_CRASH_IMAGE=i       of those only case i */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "tests/crash/aftermath.h"
#include "tests/crash/verdict.h"
#include "tests/crash/workload.h"
#include "tests/lib/fault_heap.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"

enum {
    OPERATIONS_MAX = 4096,
    PREPARE_STEPS = 200,
    LIFE_STEPS = 36,
    HEAL_MS = 8000, /* long enough for every second try */
};

#define NAMING_OPS                                                                                 \
    (SIM_OP_BIT(SIM_OP_OPEN) | SIM_OP_BIT(SIM_OP_RENAME) | SIM_OP_BIT(SIM_OP_MAKE_DIR))
#define ROOM_OPS (SIM_OP_BIT(SIM_OP_WRITE) | SIM_OP_BIT(SIM_OP_ALLOCATE) | SIM_OP_BIT(SIM_OP_SYNC))

/* The ways to fail. A failed sync of a directory leaves its names to a later one: where a file
 * system cannot even do that it goes read-only, and nothing that comes after has any effect. */
static const struct way {
    const char *name;
    struct sim_fault fault;
} ways[] = {
    {"an error", {.err = ERR_IO, .sync_failure = SIM_SYNC_KEPT}},
    {"no space",
     {.err = ERR_NO_SPACE, .ops = NAMING_OPS | ROOM_OPS, .sync_failure = SIM_SYNC_KEPT}},
    {"no files", {.err = ERR_NO_FILES, .ops = SIM_OP_BIT(SIM_OP_OPEN) | SIM_OP_BIT(SIM_OP_LIST)}},
    {"a short write", {.err = ERR_IO, .ops = SIM_OP_BIT(SIM_OP_WRITE), .partial_bytes = 700}},
    {"a short write without space",
     {.err = ERR_NO_SPACE, .ops = SIM_OP_BIT(SIM_OP_WRITE), .partial_bytes = 512}},
    {"a short read", {.err = 0, .ops = SIM_OP_BIT(SIM_OP_READ), .partial_bytes = 100}},
    {"an empty read", {.err = 0, .ops = SIM_OP_BIT(SIM_OP_READ)}},
    {"a sync after which lost bytes look clean",
     {.err = ERR_IO, .ops = SIM_OP_BIT(SIM_OP_SYNC), .sync_failure = SIM_SYNC_CLEAN}},
    {"a sync after which the old bytes are back",
     {.err = ERR_IO, .ops = SIM_OP_BIT(SIM_OP_SYNC), .sync_failure = SIM_SYNC_REVERTED}},
    {"a sync after which the bytes stay dirty",
     {.err = ERR_IO, .ops = SIM_OP_BIT(SIM_OP_SYNC), .sync_failure = SIM_SYNC_KEPT}},
    {"a sync of a directory that does nothing",
     {.err = ERR_IO, .ops = SIM_OP_BIT(SIM_OP_SYNC_DIR), .sync_failure = SIM_SYNC_KEPT}},
};

/* What happens between the failure and the next opening. */
enum after { AFTER_NOTHING, AFTER_CACHE_IS_DROPPED, AFTER_POWER_CUT, AFTER_COUNT };

static const char *const after_names[AFTER_COUNT] = {"opened again", "opened without the cache",
                                                     "opened after a power cut"};

/* One log that was prepared without faults, to start each case from. */
struct stage {
    uint64_t seed;
    struct sim_disk *disk;
    struct model model;
    int64_t wall_ms;
    struct log_options log;
    uint64_t operations; /* of the life, when nothing fails */
    uint64_t allocations;
    enum sim_op ops[OPERATIONS_MAX]; /* by number of operation */
};

struct totals {
    uint64_t cases;
    uint64_t refused; /* openings */
    uint64_t failed;  /* logs */
    uint64_t healed;  /* logs that went on */
    struct aftermath_counts after;
};

/* ---- a life ---- */

static void machine_make(const struct stage *g, struct machine *m, struct sim_disk *disk,
                         int64_t later_ms)
{
    struct machine_options o = {
        .seed = g->seed + (uint64_t)later_ms, .wall_ms = g->wall_ms + later_ms, .log = g->log};

    machine_init(m, &o, disk);
}

static bool is_durable(void *owner)
{
    const struct machine *m = owner;

    return m->failed != 0 || log_durable(m->log) == log_next(m->log);
}

/* The log takes a record and makes it durable, within a time. */
static void must_take_a_record(struct machine *m)
{
    struct log_entry e = {.kind = KIND_PUBLISH | 1u << PLACE_SHARED, .body_size = 3};
    int rv = machine_append(m, &e, (const uint8_t *)"end");

    MUST(rv == 0, "the log takes no record: %s", err_name(rv));
    MUST(sim_run_until(m->sim, is_durable, m, (uint64_t)HEAL_MS * NS_PER_MS) && m->failed == 0,
         "a record does not become durable");
}

/* After the faults: either the log has failed and says so to everybody, or it goes on. */
static void check_state(struct machine *m, bool is_over, struct totals *t)
{
    struct log_entry e = {.kind = KIND_PUBLISH, .is_transitory = true};
    struct log_stats s;

    log_get_stats(m->log, &s);
    MUST((s.failed != 0) == (m->failed != 0), "the log says %d, but told %d", s.failed, m->failed);
    if (m->failed != 0) {
        t->failed++;
        MUST(machine_append(m, &e, NULL) == ERR_FAILED, "a failed log takes a record");
        MUST(log_begin_group(m->log, 100, true) == ERR_FAILED, "a failed log takes a group");
        MUST(machine_checkpoint(m) == ERR_FAILED, "a failed log takes a checkpoint");
        MUST(verdict_line_count() > 0, "the log failed and said nothing");
    } else if (is_over) {
        t->healed++;
        machine_run_ms(m, HEAL_MS);
        MUST(!log_is_pressed(m->log) && !m->is_pressed, "a healed log is pressed for ever");
        must_take_a_record(m);
    }
}

static void live(const struct stage *g, struct machine *m)
{
    struct workload w;

    workload_init(&w, m, g->seed);
    w.is_quick = true;
    w.may_be_damaged = true;
    for (int i = 0; i < LIFE_STEPS; i++)
        workload_step(&w);
    workload_release(&w);
}

/* Opens what is left, looks at it, works on, and does so again after a power cut. */
static void look(struct stage *g, struct sim_disk *disk, struct model *known, struct totals *t)
{
    struct aftermath_options o = {
        .seed = g->seed + t->cases,
        .wall_ms = g->wall_ms + 100000,
        .log = g->log,
        .rounds = 2,
        .steps = 6,
    };

    aftermath(disk, known, &o, &t->after);
}

static void come_after(struct stage *g, struct sim_disk *disk, enum after after, uint64_t seed)
{
    struct sim_crash crash;
    struct rand r;

    (void)g;
    if (after == AFTER_CACHE_IS_DROPPED)
        sim_disk_drop_cache(disk);
    if (after != AFTER_POWER_CUT)
        return;
    rand_init(&r, seed);
    aftermath_draw_crash(&r, disk, &crash);
    sim_disk_crash(disk, &crash);
}

/* A whole case: a life with a fault, what comes after, and the look. */
static void run_case(struct stage *g, const struct sim_fault *fault, enum after after,
                     struct totals *t)
{
    uint64_t used = mem_used_bytes();
    struct sim_disk *disk = sim_disk_clone(g->disk);
    struct model model;
    struct machine m;
    size_t rule;

    model_branch(&model, &g->model, model_next(&g->model));
    machine_make(g, &m, disk, 1000);
    rule = sim_disk_add_fault(disk, fault);
    if (machine_start(&m, &model) == 0) {
        machine_settle_in(&m);
        live(g, &m);
        check_state(&m, fault->times != 0 && sim_disk_fault_strikes(disk, rule) > 0, t);
        machine_stop(&m);
    } else {
        t->refused++;
    }
    machine_release(&m);
    sim_disk_clear_faults(disk);
    come_after(g, disk, after, g->seed + fault->from);
    look(g, disk, &model, t);
    model_release(&model);
    sim_disk_free(disk);
    MUST(mem_used_bytes() == used, "%" PRIu64 " bytes of memory are left over",
         mem_used_bytes() - used);
    t->cases++;
}

/* ---- the stage ---- */

static void on_call(void *owner, struct sim_disk *d, const struct sim_disk_call *call)
{
    struct stage *g = owner;

    (void)d;
    ASSERT(call->number < OPERATIONS_MAX);
    g->ops[call->number] = call->op;
    g->operations = call->number;
}

/* The life without faults: how many operations and allocations there are to fail. */
static void rehearse(struct stage *g)
{
    struct sim_disk *disk = sim_disk_clone(g->disk);
    struct fault_heap heap;
    struct model model;
    struct machine m;

    model_branch(&model, &g->model, model_next(&g->model));
    machine_make(g, &m, disk, 1000);
    sim_disk_observe(disk, on_call, g);
    fault_heap_start(&heap, UINT64_MAX, false);
    MUST(machine_start(&m, &model) == 0, "no start: %s", m.note.text);
    machine_settle_in(&m);
    live(g, &m);
    machine_stop(&m);
    (void)fault_heap_stop(&heap);
    g->allocations = heap.calls;
    sim_disk_observe(disk, NULL, NULL);
    machine_release(&m);
    model_release(&model);
    sim_disk_free(disk);
}

/* An empty disk, or one on which there was life and a power cut. */
static void stage_init(struct stage *g, uint64_t seed, bool is_empty)
{
    struct sim_crash everything = {.kind = SIM_CRASH_EVERYTHING};
    struct workload w;
    struct machine m;

    memset(g, 0, sizeof(*g));
    g->seed = seed;
    g->log = machine_log_options(seed);
    g->disk = sim_disk_new(NULL);
    model_init(&g->model);
    machine_make(g, &m, g->disk, 0);
    g->wall_ms = io_wall_ms(m.io);
    if (!is_empty) {
        MUST(machine_start(&m, &g->model) == 0, "no start: %s", m.note.text);
        workload_init(&w, &m, seed);
        for (int i = 0; i < PREPARE_STEPS; i++)
            workload_step(&w);
        workload_release(&w);
        machine_run_ms(&m, 2);
        g->wall_ms = io_wall_ms(m.io);
        machine_kill(&m);
        g->model.durable = model_next(&g->model) < g->model.durable ? 0 : g->model.durable;
    }
    machine_release(&m);
    sim_disk_crash(g->disk, &everything);
    rehearse(g);
}

static void stage_release(struct stage *g)
{
    model_release(&g->model);
    sim_disk_free(g->disk);
}

/* ---- loops ---- */

static bool is_wanted(uint64_t operation, uint64_t index)
{
    uint64_t only = verdict_setting("MILLRACE_CRASH_OPERATION", 0);
    uint64_t image = verdict_setting("MILLRACE_CRASH_IMAGE", UINT64_MAX);

    return (only == 0 || only == operation) && (image == UINT64_MAX || image == index);
}

/* All ways in which operation `k` can fail. */
static void fail_operation(struct stage *g, uint64_t k, struct totals *t)
{
    for (size_t i = 0; i < ARRAY_SIZE(ways) * 2 * AFTER_COUNT; i++) {
        const struct way *way = &ways[i / 2 / AFTER_COUNT];
        enum after after = (enum after)(i % AFTER_COUNT);
        struct sim_fault fault = way->fault;

        fault.from = k;
        fault.times = i / AFTER_COUNT % 2 == 0 ? 1 : 0;
        if ((fault.ops != 0 && (fault.ops & SIM_OP_BIT(g->ops[k])) == 0) || !is_wanted(k, i))
            continue;
        verdict_forget_lines();
        verdict_case("MILLRACE_CRASH_OPERATION=%" PRIu64 " MILLRACE_CRASH_IMAGE=%zu", k, i);
        diag(DIAG_INFO, "test", "%s %" PRIu64 " meets %s %s; %s", sim_op_name(g->ops[k]), k,
             way->name, fault.times == 1 ? "once" : "for ever", after_names[after]);
        run_case(g, &fault, after, t);
    }
}

static void print_totals(const char *what, const struct totals *t)
{
    printf("%s: %" PRIu64 " cases: %" PRIu64 " openings refused, %" PRIu64 " logs failed, %" PRIu64
           " went on, %" PRIu64 " recoveries\n",
           what, t->cases, t->refused, t->failed, t->healed, t->after.recoveries);
}

static void fail_operations(bool is_empty)
{
    uint64_t scale = verdict_scale_hundredths();
    uint64_t stride = verdict_stride();
    uint64_t rounds = scale < 100 ? 1 : scale / 100;

    for (uint64_t i = 0; i < rounds; i++) {
        struct stage *g = MEM_NEW(struct stage);
        struct totals t = {0};

        verdict_case("%s", "");
        stage_init(g, test_seed() + i, is_empty);
        for (uint64_t k = 1; k <= g->operations; k += stride)
            fail_operation(g, k, &t);
        printf("%" PRIu64 " operations; ", g->operations);
        print_totals(is_empty ? "a new log" : "an old log", &t);
        stage_release(g);
        mem_free(g);
    }
}

static void test_every_operation_of_a_new_log_fails(void **state)
{
    (void)state;
    fail_operations(true);
}

static void test_every_operation_of_an_old_log_fails(void **state)
{
    (void)state;
    fail_operations(false);
}

/* ---- memory ---- */

static void refuse_allocation(struct stage *g, uint64_t n, bool is_for_ever, struct totals *t)
{
    uint64_t used = mem_used_bytes();
    struct sim_disk *disk = sim_disk_clone(g->disk);
    struct fault_heap heap;
    struct model model;
    struct machine m;

    model_branch(&model, &g->model, model_next(&g->model));
    machine_make(g, &m, disk, 1000);
    fault_heap_start(&heap, n, is_for_ever);
    if (machine_start(&m, &model) == 0) {
        machine_settle_in(&m);
        live(g, &m);
        check_state(&m, !is_for_ever && heap.refused > 0, t);
        MUST(m.failed == 0, "a log failed for want of memory");
        machine_stop(&m);
    } else {
        t->refused++;
    }
    MUST(fault_heap_stop(&heap), "nothing was refused");
    machine_release(&m);
    look(g, disk, &model, t);
    model_release(&model);
    sim_disk_free(disk);
    MUST(mem_used_bytes() == used, "memory is left over");
    t->cases++;
}

static void test_every_allocation_is_refused(void **state)
{
    struct stage *g = MEM_NEW(struct stage);
    struct totals t = {0};

    (void)state;
    verdict_case("%s", "");
    stage_init(g, test_seed(), false);
    for (uint64_t n = 1; n <= g->allocations; n += verdict_stride()) {
        for (uint64_t i = 0; i < 2; i++) {
            if (!is_wanted(n, i))
                continue;
            verdict_forget_lines();
            verdict_case("MILLRACE_CRASH_OPERATION=%" PRIu64 " MILLRACE_CRASH_IMAGE=%" PRIu64, n,
                         i);
            refuse_allocation(g, n, i == 1, &t);
        }
    }
    printf("%" PRIu64 " allocations; ", g->allocations);
    print_totals("refused", &t);
    stage_release(g);
    mem_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_operation_of_a_new_log_fails),
        cmocka_unit_test(test_every_operation_of_an_old_log_fails),
        cmocka_unit_test(test_every_allocation_is_refused),
    };

    verdict_begin("crash_test_error_loop");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
