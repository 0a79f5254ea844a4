/* The same seed gives the same run, to the last byte: without that no failure could be repeated. */
#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"
#include "tests/crash/verdict.h"
#include "tests/crash/workload.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"

enum { STEPS = 150 };

/* What a run comes to. */
struct outcome {
    uint64_t trace; /* of all events and all operations of the disk, with their bytes */
    uint64_t files; /* the bytes that are left */
    uint64_t state;
    uint64_t operations;
};

/* A life, with `has_faults` on a disk that fails now and then. */
static struct outcome run(uint64_t seed, bool has_faults)
{
    struct machine_options o = {.seed = seed, .is_jittery = true, .log = machine_log_options(seed)};
    struct sim_disk_options d = {.seed = seed};
    struct sim_fault rarely = {.err = ERR_NO_SPACE, .chance_num = 1, .chance_den = 200};
    struct sim_disk *disk = sim_disk_new(&d);
    struct machine m;
    struct model model;
    struct workload w;
    struct outcome out;

    model_init(&model);
    machine_init(&m, &o, disk);
    MUST(machine_start(&m, &model) == 0, "no start: %s", m.note.text);
    if (has_faults)
        sim_disk_add_fault(disk, &rarely);
    workload_init(&w, &m, seed);
    w.may_be_damaged = true;
    for (int i = 0; i < STEPS; i++)
        workload_step(&w);
    workload_release(&w);
    machine_stop(&m);
    out = (struct outcome){
        .trace = sim_trace(m.sim),
        .files = sim_disk_digest(disk),
        .state = fold_digest(&m.fold),
        .operations = sim_disk_operations(disk),
    };
    machine_release(&m);
    model_release(&model);
    sim_disk_free(disk);
    return out;
}

static void must_repeat(uint64_t seed, bool has_faults)
{
    struct outcome a, b;

    verdict_case("%s", "");
    a = run(seed, has_faults);
    b = run(seed, has_faults);
    MUST(a.operations == b.operations, "%" PRIu64 " operations, then %" PRIu64, a.operations,
         b.operations);
    MUST(a.trace == b.trace, "another trace after %" PRIu64 " operations", a.operations);
    MUST(a.files == b.files && a.state == b.state, "other bytes are left");
}

static void test_the_same_seed_gives_the_same_run(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 4; i++)
        must_repeat(test_seed() + i, false);
}

static void test_the_same_seed_gives_the_same_run_on_a_failing_disk(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 4; i++)
        must_repeat(test_seed() + i, true);
}

static void test_another_seed_gives_another_run(void **state)
{
    struct outcome a = run(test_seed(), false), b = run(test_seed() + 1, false);

    (void)state;
    MUST(a.trace != b.trace && a.files != b.files, "two seeds, one run");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_seed_gives_the_same_run),
        cmocka_unit_test(test_the_same_seed_gives_the_same_run_on_a_failing_disk),
        cmocka_unit_test(test_another_seed_gives_another_run),
    };

    verdict_begin("crash_test_determinism");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
