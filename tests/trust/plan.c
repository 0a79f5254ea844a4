/* Draws what a run has in it. */
#include "tests/trust/plan.h"

#include <string.h>

#include "base/rand.h"
#include "base/units.h"

#define MS UINT64_C(1000000)

static const char *const feature_names[] = {
#define X(constant, name) name,
    FEATURE_LIST(X)
#undef X
};

static const char *const fault_names[] = {
#define X(constant, name) name,
    FAULT_LIST(X)
#undef X
};

/* Each of `count` with the same chance, which is drawn too: some runs have few, some have most. */
static uint64_t draw_set(struct rand *rand, unsigned count)
{
    uint32_t chance = 1 + (uint32_t)rand_below(rand, 7);
    uint64_t set = 0;

    for (unsigned i = 0; i < count; i++)
        set |= (uint64_t)rand_chance(rand, chance, 10) << i;
    return set;
}

/* Small files are sorted, merged and dropped in a short life; large bodies do not fit into them. */
static void draw_files(struct plan *p, struct rand *rand)
{
    bool is_small = rand_chance(rand, 1, 2);

    p->segment_bytes = is_small ? MIB : 4 * MIB;
    p->block_bytes = is_small ? 64 * KIB : 256 * KIB;
    p->cold_segment_bytes = MIB;
    p->sorter_buffer_bytes = MIB;
    if (plan_has(p, FEATURE_LARGE) || !rand_chance(rand, 1, 2))
        return;
    p->segment_bytes = 256 * KIB;
    p->block_bytes = 16 * KIB;
    p->cold_segment_bytes = 32 * KIB;
    p->sorter_buffer_bytes = 32 * KIB;
}

void plan_draw(struct plan *p, uint64_t seed)
{
    struct rand rand;

    memset(p, 0, sizeof(*p));
    rand_init(&rand, seed);
    p->seed = seed;
    p->features = draw_set(&rand, FEATURE_COUNT);
    p->faults = draw_set(&rand, FAULT_COUNT);
    if (plan_has(p, FEATURE_FILTER) || (plan_has(p, FEATURE_GROUP) && rand_chance(&rand, 1, 2)))
        p->features |= 1u << FEATURE_STREAM;
    p->steps = 100 + (unsigned)rand_below(&rand, 400);
    p->publishers = 1 + (unsigned)rand_below(&rand, 3);
    p->consumers = 1 + (unsigned)rand_below(&rand, 5);
    p->fault_one_in = 20 + (unsigned)rand_below(&rand, 80);
    p->sim.seed = rand_next(&rand);
    p->sim.turn_late_ns = rand_chance(&rand, 1, 2) ? rand_below(&rand, MS) : 0;
    p->sim.job_late_ns = rand_chance(&rand, 1, 2) ? rand_below(&rand, 5 * MS) : 0;
    p->disk.seed = rand_next(&rand);
    p->way.delay_ns = 1 + rand_below(&rand, 2 * MS);
    p->way.jitter_ns = rand_chance(&rand, 1, 2) ? rand_below(&rand, 3 * MS) : 0;
    p->way.piece_max = rand_chance(&rand, 1, 3) ? 1 + rand_below(&rand, 5000) : 0;
    p->way.short_one_in = rand_chance(&rand, 1, 3) ? 10 : 0;
    draw_files(p, &rand);
    p->checkpoint_ms = rand_chance(&rand, 1, 2) ? 200 + rand_below(&rand, 3000) : 60000;
    p->burst_bytes_max = rand_chance(&rand, 1, 2) ? 3 * p->segment_bytes : 0;
}

static void write_set(uint64_t set, const char *const *names, unsigned count, struct buf *out)
{
    for (unsigned i = 0; i < count; i++)
        if ((set & UINT64_C(1) << i) != 0)
            buf_text(out, " %s", names[i]);
}

void plan_write(const struct plan *p, struct buf *out)
{
    write_set(p->features, feature_names, FEATURE_COUNT, out);
    buf_text(out, " |");
    write_set(p->faults, fault_names, FAULT_COUNT, out);
}
