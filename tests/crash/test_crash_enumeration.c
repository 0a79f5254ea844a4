/* The power fails at every operation of a long workload, and everything that a disk may then
 * hold is opened again.
 *
 * The workload runs once. Before each operation that could change what a power cut leaves, the
 * images are built and taken through their aftermath (aftermath.h) while the workload stands
 * still.
 *
 *     MILLRACE_CRASH_SCALE=10      ten times the work: more seeds, more rounds for each image
 *     MILLRACE_CRASH_OPERATION=k   only the images of operation k
 *     MILLRACE_CRASH_IMAGE=i       of those only image i */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "tests/crash/aftermath.h"
#include "tests/crash/verdict.h"
#include "tests/crash/workload.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"

enum {
    OPERATIONS_MIN = 2000, /* that change the disk; the workload goes on until it has had them */
    STEPS_MAX = 3000,
    SMALL_FILES = 12, /* enough for a merge */
    IMAGES_MIN = 12,  /* for each operation that leaves something in doubt */
    IMAGES_MAX = 96,
    TORN_MAX = 20, /* larger writes are torn at so many places */
    RANDOM_IMAGES = 7,
};

/* One image: a crash, or the death of the process alone, which loses nothing. */
struct image {
    struct sim_crash crash;
    bool is_process_only;
};

struct enumeration {
    struct machine machine;
    struct model model;
    struct workload workload;
    struct sim_disk *disk;
    uint64_t seed;
    uint64_t only_operation; /* 0: all */
    uint64_t only_image;     /* UINT64_MAX: all */
    uint64_t stride;         /* every so many-th changing operation */
    unsigned rounds;
    struct image images[IMAGES_MAX];
    size_t image_count;

    uint64_t changing; /* operations */
    uint64_t stopped;  /* operations whose images were built */
    uint64_t clean;    /* of those, with nothing in doubt: all images are the same one */
    uint64_t images_built;
    uint64_t by_op[SIM_OP_COUNT];
    struct aftermath_counts counts;
};

static void add_image(struct enumeration *e, struct sim_crash crash)
{
    ASSERT(e->image_count < IMAGES_MAX);
    e->images[e->image_count++] = (struct image){.crash = crash};
}

/* Of the last write so many sectors, the first or the last ones, got through. */
static void add_torn(struct enumeration *e)
{
    uint64_t sectors = sim_disk_torn_max(e->disk);
    uint64_t step = (sectors + TORN_MAX - 1) / TORN_MAX;

    for (uint64_t i = 0; i < sectors; i += step) {
        struct sim_crash crash = {.kind = SIM_CRASH_TORN, .torn_sectors = i};

        crash.fill = i % 2 == 0 ? SIM_FILL_ZERO : SIM_FILL_GARBAGE;
        crash.is_cut = i % 3 == 1;
        crash.seed = e->seed + i;
        add_image(e, crash);
        crash.keeps_tail = true;
        if (i > 0)
            add_image(e, crash);
    }
}

static void plan_images(struct enumeration *e, uint64_t operation)
{
    static const struct sim_crash usual[] = {
        {.kind = SIM_CRASH_NOTHING},
        {.kind = SIM_CRASH_EVERYTHING},
        {.kind = SIM_CRASH_METADATA_ONLY, .fill = SIM_FILL_ZERO},
        {.kind = SIM_CRASH_METADATA_ONLY, .fill = SIM_FILL_GARBAGE, .seed = 1},
        {.kind = SIM_CRASH_DATA_ONLY},
    };

    e->image_count = 0;
    if (!sim_disk_is_dirty(e->disk)) {
        add_image(e, usual[0]);
        e->clean++;
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
        add_image(e, usual[i]);
    e->images[e->image_count++] = (struct image){.is_process_only = true};
    for (uint64_t i = 0; i < RANDOM_IMAGES; i++)
        add_image(e, (struct sim_crash){
                         .kind = SIM_CRASH_RANDOM,
                         .names = i % 3 == 2 ? SIM_NAMES_ORDERED : SIM_NAMES_INDEPENDENT,
                         .seed = e->seed + operation * RANDOM_IMAGES + i,
                     });
    add_torn(e);
    ASSERT(e->image_count >= IMAGES_MIN);
}

static void try_image(struct enumeration *e, uint64_t operation, size_t index)
{
    const struct image *image = &e->images[index];
    uint64_t durable = e->model.durable;
    bool is_told_only = image->is_process_only && e->machine.options.log.sync_interval_ms > 0;
    struct aftermath_options o = {
        .seed = e->seed * 1000003 + operation * IMAGES_MAX + index,
        .wall_ms = io_wall_ms(e->machine.io),
        .log = e->machine.options.log,
        .rounds = e->rounds,
        .steps = 8,
        .may_cut_openings = !is_told_only,
    };
    char text[128];
    struct sim_disk *disk;

    verdict_forget_lines();
    verdict_case("MILLRACE_CRASH_OPERATION=%" PRIu64 " MILLRACE_CRASH_IMAGE=%zu", operation, index);
    diag(DIAG_INFO, "test", "power fails: %s",
         image->is_process_only ? "the process only"
                                : sim_crash_text(&image->crash, text, sizeof(text)));
    disk =
        image->is_process_only ? sim_disk_clone(e->disk) : sim_disk_image(e->disk, &image->crash);
    if (image->is_process_only)
        e->model.durable = e->model.told;
    aftermath(disk, &e->model, &o, &e->counts);
    e->model.durable = durable;
    sim_disk_free(disk);
    e->images_built++;
    verdict_case("%s", "");
}

/* The workload is about to do an operation. */
static void on_call(void *owner, struct sim_disk *d, const struct sim_disk_call *call)
{
    struct enumeration *e = owner;

    (void)d;
    if (!sim_op_changes_disk(call->op))
        return;
    e->by_op[call->op]++;
    if (++e->changing % e->stride != 0 && e->only_operation == 0)
        return;
    if (e->only_operation != 0 && e->only_operation != call->number)
        return;
    e->stopped++;
    plan_images(e, call->number);
    for (size_t i = 0; i < e->image_count; i++) {
        if (e->only_image == UINT64_MAX || e->only_image == i)
            try_image(e, call->number, i);
    }
}

static void print_counts(const struct enumeration *e)
{
    const struct workload_counts *w = &e->workload.counts;

    printf("workload: %" PRIu64 " file operations, %" PRIu64 " of them change the disk:",
           sim_disk_operations(e->disk), e->changing);
    for (int op = 0; op < SIM_OP_COUNT; op++) {
        if (e->by_op[op] > 0)
            printf(" %s %" PRIu64, sim_op_name((enum sim_op)op), e->by_op[op]);
    }
    printf("\n  %" PRIu64 " appends, %" PRIu64 " groups, %" PRIu64 " settles, %" PRIu64
           " checkpoints, %" PRIu64 " trims, %" PRIu64 " drops, %" PRIu64 " retentions, %" PRIu64
           " compactions, %" PRIu64 " reads\n",
           w->appends, w->groups, w->settles, w->checkpoints, w->trims, w->drops, w->retains,
           w->compactions, w->reads);
    printf("stopped at %" PRIu64 " operations (%" PRIu64 " with nothing in doubt): %" PRIu64
           " images, %" PRIu64 " recoveries, %" PRIu64 " openings cut short, %" PRIu64
           " power cuts in later work\n",
           e->stopped, e->clean, e->images_built, e->counts.recoveries, e->counts.cut_short,
           e->counts.cuts);
}

/* Enough operations, and nothing left out. */
static bool has_done_enough(const struct enumeration *e)
{
    const struct workload_counts *w = &e->workload.counts;
    struct log_stats s;

    log_get_stats(e->machine.log, &s);
    return e->changing >= OPERATIONS_MIN && log_first(e->machine.log) > 0 && s.sorter_runs > 20 &&
           w->groups > 0 && w->settles > 0 && w->trims > 0 && w->drops > 0 && w->retains > 0 &&
           w->compactions > 0 && w->checkpoints > 4 && w->reads > 0;
}

static uint64_t enumerate(const struct enumeration *terms, uint64_t sync_interval_ms)
{
    struct enumeration e = *terms;
    struct machine_options o = {
        .seed = e.seed, .is_jittery = true, .log = machine_log_options(e.seed)};
    uint64_t trace, seed = e.seed;

    o.log.sync_interval_ms = sync_interval_ms;
    e.disk = sim_disk_new(NULL);
    e.only_operation = verdict_setting("MILLRACE_CRASH_OPERATION", 0);
    e.only_image = verdict_setting("MILLRACE_CRASH_IMAGE", UINT64_MAX);
    verdict_case("%s", "");
    model_init(&e.model);
    machine_init(&e.machine, &o, e.disk);
    sim_disk_observe(e.disk, on_call, &e);
    MUST(machine_start(&e.machine, &e.model) == 0, "a new log cannot be made: %s",
         e.machine.note.text);
    workload_init(&e.workload, &e.machine, seed);
    for (int i = 0; i < STEPS_MAX && !has_done_enough(&e); i++)
        workload_step(&e.workload);
    MUST(has_done_enough(&e), "the workload leaves something out");
    for (int i = 0; i < SMALL_FILES; i++)
        workload_small_file(&e.workload);
    workload_release(&e.workload);
    machine_stop(&e.machine);
    sim_disk_observe(e.disk, NULL, NULL);
    MUST(e.only_operation != 0 || e.images_built >= IMAGES_MIN * (e.stopped - e.clean),
         "too few images");
    print_counts(&e);
    trace = sim_trace(e.machine.sim);
    machine_release(&e.machine);
    model_release(&e.model);
    sim_disk_free(e.disk);
    return trace;
}

static void test_no_power_cut_loses_or_invents_anything(void **state)
{
    uint64_t scale = verdict_scale_hundredths();
    uint64_t seeds = scale / 100 > 0 ? scale / 100 : 1;
    uint64_t before = mem_used_bytes();

    (void)state;
    for (uint64_t i = 0; i < seeds; i++) {
        const struct enumeration e = {
            .seed = test_seed() + i, .stride = verdict_stride(), .rounds = scale > 100 ? 3 : 2};
        (void)enumerate(&e, 0);
    }
    MUST(mem_used_bytes() == before, "memory is left over");
}

/* With syncs by interval the log's own word about what is durable holds as well, and the end of the
 * process loses nothing that was told. */
static void test_nor_where_syncs_come_by_interval(void **state)
{
    const struct enumeration e = {
        .seed = test_seed() + 1000, .stride = verdict_stride() * 8, .rounds = 2};
    uint64_t before = mem_used_bytes();

    (void)state;
    (void)enumerate(&e, 5);
    MUST(mem_used_bytes() == before, "memory is left over");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_power_cut_loses_or_invents_anything),
        cmocka_unit_test(test_nor_where_syncs_come_by_interval),
    };

    verdict_begin("crash_test_crash_enumeration");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
