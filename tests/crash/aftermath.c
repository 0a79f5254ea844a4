/* Life after a power cut; see aftermath.h. */
#include "tests/crash/aftermath.h"

#include <inttypes.h>

#include "base/mem.h"
#include "tests/crash/oracle.h"
#include "tests/crash/verdict.h"
#include "tests/crash/workload.h"

enum {
    ROUNDS_MAX = 8,
    OPENING_OPERATIONS = 60, /* about what an opening takes */
    STEP_OPERATIONS = 5,     /* about what a step takes */
};

struct life {
    struct sim_disk *disk;
    const struct aftermath_options *options;
    struct aftermath_counts *counts;
    struct rand rand;
    struct model models[ROUNDS_MAX]; /* each stands on the one before */
    unsigned round;
};

void aftermath_draw_crash(struct rand *r, const struct sim_disk *disk, struct sim_crash *out)
{
    uint64_t torn = sim_disk_torn_max(disk);

    *out = (struct sim_crash){
        .kind = (enum sim_crash_kind)rand_below(r, SIM_CRASH_KIND_COUNT),
        .names = rand_chance(r, 1, 3) ? SIM_NAMES_ORDERED : SIM_NAMES_INDEPENDENT,
        .fill = rand_chance(r, 1, 2) ? SIM_FILL_ZERO : SIM_FILL_GARBAGE,
        .torn_sectors = torn > 0 ? rand_below(r, torn) : 0,
        .keeps_tail = rand_chance(r, 1, 2),
        .is_cut = rand_chance(r, 1, 2),
        .seed = rand_next(r),
    };
    if (rand_chance(r, 1, 3))
        out->kind = SIM_CRASH_RANDOM;
}

static void machine_make(struct life *f, struct machine *m)
{
    struct machine_options o = {
        .seed = rand_next(&f->rand),
        .wall_ms = f->options->wall_ms + (int64_t)rand_below(&f->rand, 2000) - 500,
        .is_jittery = rand_chance(&f->rand, 1, 4),
        .log = f->options->log,
    };

    machine_init(m, &o, f->disk);
}

static void cut_power(struct life *f, struct machine *m)
{
    struct sim_crash crash;

    machine_kill(m);
    machine_release(m);
    aftermath_draw_crash(&f->rand, f->disk, &crash);
    sim_disk_crash(f->disk, &crash);
}

/* An opening that meets a power cut. When it goes through all the same, the cut comes after. */
static void open_and_cut(struct life *f, struct model *known)
{
    struct machine m;
    uint64_t after = 1 + rand_below(&f->rand, OPENING_OPERATIONS);
    int rv;

    machine_make(f, &m);
    sim_disk_stop_at(f->disk, sim_disk_operations(f->disk) + after, rand_below(&f->rand, 4));
    rv = machine_start(&m, known);
    MUST(rv == 0 || sim_disk_is_stopped(f->disk), "opening fails (%s): %s", err_name(rv),
         m.note.text);
    if (rv == 0 && rand_chance(&f->rand, 1, 2))
        machine_run_ms(&m, 5);
    f->counts->cut_short++;
    cut_power(f, &m);
}

static void work(struct life *f, struct machine *m, bool has_cut)
{
    struct workload w;
    uint64_t after = 1 + rand_below(&f->rand, f->options->steps * (uint64_t)STEP_OPERATIONS);

    workload_init(&w, m, rand_next(&f->rand));
    w.is_quick = true;
    w.may_be_damaged = has_cut; /* what a dying disk says to readers */
    if (has_cut)
        sim_disk_stop_at(f->disk, sim_disk_operations(f->disk) + after, rand_below(&f->rand, 9));
    for (unsigned i = 0; i < f->options->steps && !sim_disk_is_stopped(f->disk); i++) {
        workload_step(&w);
        f->counts->steps++;
    }
    workload_release(&w);
}

/* One opening that must go through, a look, and some work. */
static void live(struct life *f, struct model *known, bool is_last)
{
    struct model *mine = &f->models[f->round];
    struct machine m;
    int rv;

    machine_make(f, &m);
    rv = machine_start(&m, known);
    MUST(rv == 0, "after a power cut the start is refused (%s): %s", err_name(rv), m.note.text);
    f->counts->recoveries++;
    model_branch(mine, known, oracle_check_start(&m, known));
    m.model = mine;
    oracle_check_content(&m, false);
    machine_settle_in(&m);
    work(f, &m, !is_last);
    if (is_last) {
        machine_stop(&m);
        machine_release(&m);
    } else {
        f->counts->cuts++;
        cut_power(f, &m);
    }
}

void aftermath(struct sim_disk *disk, struct model *known, const struct aftermath_options *options,
               struct aftermath_counts *counts)
{
    struct life f = {.disk = disk, .options = options, .counts = counts};

    ASSERT(options->rounds <= ROUNDS_MAX && options->rounds > 0);
    rand_init(&f.rand, options->seed);
    for (f.round = 0; f.round < options->rounds; f.round++) {
        struct model *top = f.round == 0 ? known : &f.models[f.round - 1];

        if (options->may_cut_openings && rand_chance(&f.rand, 1, 2))
            open_and_cut(&f, top);
        live(&f, top, f.round + 1 == options->rounds);
    }
    while (f.round-- > 0)
        model_release(&f.models[f.round]);
}
