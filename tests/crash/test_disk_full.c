/* A disk that becomes full, and has room again: publishing is held back in time, what frees
 * space goes on for a while, and no new opening is needed. The same for file descriptors. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/diag.h"
#include "base/mem.h"
#include "tests/crash/aftermath.h"
#include "tests/crash/oracle.h"
#include "tests/crash/verdict.h"
#include "tests/crash/workload.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"

enum {
    ROUNDS = 6,
    HEAL_MS = 5000,
    PUBLISH_MAX = 4000,
    REFUSALS = 40,   /* one after the other: it is full */
    RESERVED = 30,   /* changes that must still be taken then */
    SETTLE_MAX = 24, /* in one record */
    BODY_SIZE = 1500,
};

struct scene {
    struct machine machine;
    struct model model;
    struct sim_disk *disk;
    uint64_t seed;
    uint64_t settled; /* all positions below */
};

static void scene_begin(struct scene *s, uint64_t seed)
{
    struct machine_options o = {.seed = seed, .is_jittery = true, .log = machine_log_options(seed)};

    memset(s, 0, sizeof(*s));
    o.log.debt_bytes_max = UINT32_MAX; /* only space holds back here */
    verdict_case("%s", "");
    verdict_forget_lines();
    s->seed = seed;
    s->disk = sim_disk_new(NULL);
    model_init(&s->model);
    machine_init(&s->machine, &o, s->disk);
    MUST(machine_start(&s->machine, &s->model) == 0, "no start: %s", s->machine.note.text);
    machine_run_ms(&s->machine, 50);
}

static void scene_end(struct scene *s)
{
    struct aftermath_options o = {
        .seed = s->seed,
        .wall_ms = io_wall_ms(s->machine.io),
        .log = s->machine.options.log,
        .rounds = 2,
        .steps = 6,
    };
    struct aftermath_counts counts = {0};
    struct sim_crash crash = {.kind = SIM_CRASH_RANDOM, .seed = s->seed};

    machine_kill(&s->machine);
    machine_release(&s->machine);
    sim_disk_crash(s->disk, &crash);
    sim_disk_set_capacity(s->disk, 0);
    sim_disk_set_open_limit(s->disk, 0);
    aftermath(s->disk, &s->model, &o, &counts);
    model_release(&s->model);
    sim_disk_free(s->disk);
}

static int publish(struct scene *s)
{
    uint8_t body[BODY_SIZE];
    struct log_entry e = {.kind = KIND_PUBLISH | 1u << PLACE_SHARED, .body_size = sizeof(body)};

    memset(body, (int)(model_next(&s->model) % 251), sizeof(body));
    return machine_append(&s->machine, &e, body);
}

/* One record says that so many positions are settled. */
static int settle(struct scene *s, uint64_t from, uint64_t count)
{
    uint8_t body[8 * SETTLE_MAX];
    struct log_entry e = {.kind = KIND_SETTLE,
                          .may_use_reserve = true,
                          .is_transitory = true,
                          .body_size = 8 * count};

    ASSERT(count <= SETTLE_MAX);
    for (uint64_t i = 0; i < count; i++)
        put_le64(body + 8 * i, from + i);
    return machine_append(&s->machine, &e, body);
}

/* Publishes until nothing is taken any more. Returns how many were. */
static uint64_t publish_until_full(struct scene *s)
{
    uint64_t taken = 0;
    int refusals = 0;

    for (int i = 0; i < PUBLISH_MAX && refusals < REFUSALS; i++) {
        int rv = publish(s);

        MUST(rv == 0 || rv == ERR_FULL, "publishing fails with %s", err_name(rv));
        refusals = rv == 0 ? 0 : refusals + 1;
        taken += rv == 0;
        if (rv != 0 || i % 3 == 0)
            machine_run_ms(&s->machine, rv == 0 ? 1 : 10);
    }
    MUST(refusals == REFUSALS, "the disk is full and publishing goes on");
    MUST(log_is_pressed(s->machine.log) && s->machine.is_pressed,
         "publishing is refused but nobody was told to hold back");
    MUST(s->machine.failed == 0, "the log failed because the disk is full");
    return taken;
}

/* Settles everything below `end` that is not, by `each` positions at once. */
static void settle_to(struct scene *s, uint64_t end, uint64_t each)
{
    for (int i = 0; s->settled < end; i++, s->settled += each) {
        int rv = settle(s, s->settled, each);

        MUST(rv == 0, "change %d is refused (%s) although there is a reserve", i, err_name(rv));
        if (i % 4 == 0)
            machine_run_ms(&s->machine, 1);
    }
    machine_run_ms(&s->machine, 20);
    MUST(log_durable(s->machine.log) == log_next(s->machine.log), "changes are not made durable");
}

static bool has_eased(void *owner)
{
    const struct machine *m = owner;

    return !m->is_pressed && !log_is_pressed(m->log);
}

static void must_ease(struct scene *s, const char *why)
{
    struct machine *m = &s->machine;

    MUST(sim_run_until(m->sim, has_eased, m, (uint64_t)HEAL_MS * NS_PER_MS),
         "%s, but publishing is held back", why);
    for (int i = 0; i < 10; i++) {
        int rv = publish(s);
        MUST(rv == 0, "%s, but publishing is refused: %s", why, err_name(rv));
        machine_run_ms(m, 5);
    }
}

static void test_a_full_disk_holds_publishers_back_until_there_is_space(void **state)
{
    struct scene s;
    uint64_t taken = 0;

    (void)state;
    scene_begin(&s, test_seed());
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t segment = s.machine.options.log.segment_bytes;

        sim_disk_set_capacity(s.disk, sim_disk_used_bytes(s.disk) + segment * 3 / 2);
        taken += publish_until_full(&s);
        settle_to(&s, s.settled + RESERVED, 1);
        oracle_check_content(&s.machine, false);
        sim_disk_set_capacity(s.disk, sim_disk_used_bytes(s.disk) + 8 * segment);
        must_ease(&s, "there is space again");
    }
    printf("%" PRIu64 " records in %d rounds\n", taken, ROUNDS);
    scene_end(&s);
}

/* Consumers are done with everything: the log itself makes the space that was missing. */
static void test_a_full_disk_empties_itself_when_everything_is_settled(void **state)
{
    struct scene s;

    (void)state;
    scene_begin(&s, test_seed() + 1);
    sim_disk_set_capacity(s.disk,
                          sim_disk_used_bytes(s.disk) + 12 * s.machine.options.log.segment_bytes);
    for (int round = 0; round < ROUNDS; round++) {
        (void)publish_until_full(&s);
        for (int i = 0; i < 3; i++) {
            MUST(settle(&s, 0, 0) == 0, "nothing is taken any more"); /* the log moves on */
            settle_to(&s, log_next(s.machine.log), SETTLE_MAX);
            (void)!machine_checkpoint(&s.machine);
            machine_run_ms(&s.machine, 500);
        }
        must_ease(&s, "nothing is needed any more");
    }
    scene_end(&s);
}

static void test_a_full_disk_can_be_opened(void **state)
{
    struct scene s;
    struct model later;
    struct machine_options o;
    struct sim_crash crash = {.kind = SIM_CRASH_NOTHING};

    (void)state;
    scene_begin(&s, test_seed() + 2);
    sim_disk_set_capacity(s.disk,
                          sim_disk_used_bytes(s.disk) + 5 * s.machine.options.log.segment_bytes);
    (void)publish_until_full(&s);
    o = s.machine.options;
    machine_kill(&s.machine);
    machine_release(&s.machine);
    sim_disk_crash(s.disk, &crash);
    machine_init(&s.machine, &o, s.disk);
    sim_disk_set_capacity(s.disk, sim_disk_used_bytes(s.disk));
    MUST(machine_start(&s.machine, &s.model) == 0, "a full disk cannot be opened: %s",
         s.machine.note.text);
    model_branch(&later, &s.model, oracle_check_start(&s.machine, &s.model));
    s.machine.model = &later;
    oracle_check_content(&s.machine, false);
    machine_stop(&s.machine);
    machine_release(&s.machine);
    model_release(&later);
    model_release(&s.model);
    sim_disk_free(s.disk);
}

/* No file can be opened for a while; the log goes on afterwards, without a new opening. */
static void test_running_out_of_files_is_survived(void **state)
{
    struct scene s;
    struct workload w;

    (void)state;
    scene_begin(&s, test_seed() + 3);
    workload_init(&w, &s.machine, s.seed);
    w.may_be_damaged = true;
    for (int round = 0; round < ROUNDS && s.machine.failed == 0; round++) {
        for (int i = 0; i < 30; i++)
            workload_step(&w);
        sim_disk_set_open_limit(s.disk, 1 + (uint32_t)(round % 2));
        for (int i = 0; i < 20; i++)
            workload_step(&w);
        sim_disk_set_open_limit(s.disk, 0);
        if (s.machine.failed == 0)
            machine_run_ms(&s.machine, HEAL_MS);
    }
    workload_release(&w);
    if (s.machine.failed == 0) {
        must_ease(&s, "files can be opened again");
        oracle_check_content(&s.machine, false);
    }
    scene_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_full_disk_holds_publishers_back_until_there_is_space),
        cmocka_unit_test(test_a_full_disk_empties_itself_when_everything_is_settled),
        cmocka_unit_test(test_a_full_disk_can_be_opened),
        cmocka_unit_test(test_running_out_of_files_is_survived),
    };

    verdict_begin("crash_test_disk_full");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
