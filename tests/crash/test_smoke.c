/* smoke */
#include "base/mem.h"
#include "tests/crash/oracle.h"
#include "tests/crash/verdict.h"
#include "tests/crash/workload.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"
#include <inttypes.h>
#include <stdio.h>
static void test_smoke(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    struct sim_disk *disk = sim_disk_new(NULL);
    struct machine m;
    struct model model, next_model;
    struct workload w;
    struct machine_options o = {.seed = seed, .log = machine_log_options(seed), .is_jittery = true};
    model_init(&model);
    machine_init(&m, &o, disk);
    MUST(machine_start(&m, &model) == 0, "start: %s", m.note.text);
    workload_init(&w, &m, seed);
    uint64_t steps = verdict_setting("STEPS", 800);
    for (uint64_t i = 0; i < steps; i++) {
        workload_step(&w);
        if (i % 50 == 0) {
            struct log_stats s;
            log_get_stats(m.log, &s);
            printf("%5" PRIu64 " ops %" PRIu64 " next %" PRIu64 " first %" PRIu64
                   " live %zu hot %" PRIu64 " cold %" PRIu64 " runs %" PRIu64 " fail %" PRIu64
                   " spares %" PRIu64 " pressed %d refused %" PRIu64 "\n",
                   i, sim_disk_operations(disk), log_next(m.log), log_first(m.log), m.fold.count,
                   s.hot_segments, s.cold_segments, s.sorter_runs, s.sorter_failures,
                   s.spare_segments, m.is_pressed, w.counts.refused);
        }
    }
    for (int i = 0; i < 12; i++)
        workload_small_file(&w);
    struct workload_counts *c = &w.counts;
    printf("appends %" PRIu64 " refused %" PRIu64 " groups %" PRIu64 " settles %" PRIu64
           " trims %" PRIu64 " drops %" PRIu64 " retains %" PRIu64 " compact %" PRIu64
           " check %" PRIu64 " reads %" PRIu64 " peeks %" PRIu64 " overtaken %" PRIu64 "\n",
           c->appends, c->refused, c->groups, c->settles, c->trims, c->drops, c->retains,
           c->compactions, c->checkpoints, c->reads, c->peeks, c->overtaken);
    workload_release(&w);
    oracle_check_content(&m, false);
    machine_stop(&m);
    uint64_t before = sim_disk_operations(disk);
    MUST(machine_start(&m, &model) == 0, "start: %s", m.note.text);
    printf("start took %" PRIu64 " ops, bytes %" PRIu64 "\n", sim_disk_operations(disk) - before,
           sim_disk_used_bytes(disk));
    uint64_t n = oracle_check_start(&m, &model);
    model_branch(&next_model, &model, n);
    m.model = &next_model;
    oracle_check_content(&m, false);
    machine_stop(&m);
    machine_release(&m);
    model_release(&next_model);
    model_release(&model);
    sim_disk_free(disk);
    printf("mem %" PRIu64 "\n", mem_used_bytes());
}
int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_smoke)};
    verdict_begin("test_smoke");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
