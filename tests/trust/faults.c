/* Faults by the plan. */
#include "tests/trust/faults.h"

#include <stdio.h>

#include "base/err.h"
#include "io/sim/sim_disk.h"
#include "tests/trust/party.h"

enum {
    OPEN_OPERATIONS = 400, /* a second cut comes within so many, or not at all */
    WORK_OPERATIONS = 60,
    UNTIL_STOPPED_MS = 300,
    JUMP_QUIET_MS = 1500,
    JUMP_SEEN_MS = 3000, /* a second, and a commit of a slow disk */
    NOTICED_MS = 8000,   /* three heartbeats of two seconds, and some */
};

#define HOUR INT64_C(3600000)

static const int64_t jumps_ms[] = {HOUR, -HOUR, 87600 * HOUR, -8760 * HOUR, 1500, -1500};

static struct sim_crash draw_image(struct run *r)
{
    uint64_t torn_max = sim_disk_torn_max(r->world.disk);
    struct sim_crash c = {
        .kind = (enum sim_crash_kind)run_below(r, SIM_CRASH_KIND_COUNT),
        .names = run_chance(r, 1, 2) ? SIM_NAMES_ORDERED : SIM_NAMES_INDEPENDENT,
        .fill = run_chance(r, 1, 2) ? SIM_FILL_GARBAGE : SIM_FILL_ZERO,
        .keeps_tail = run_chance(r, 1, 2),
        .is_cut = run_chance(r, 1, 2),
        .seed = rand_next(&r->rand),
    };

    if (run_chance(r, 1, 2))
        c.kind = SIM_CRASH_RANDOM;
    if (c.kind == SIM_CRASH_TORN && torn_max == 0)
        c.kind = SIM_CRASH_EVERYTHING;
    else if (c.kind == SIM_CRASH_TORN)
        c.torn_sectors = run_below(r, torn_max);
    return c;
}

/* ---- dying ---- */

static void abandon_all(struct run *r)
{
    for (unsigned i = 0; i < r->party_count; i++)
        party_abandon(r->parties[i]);
}

/* Everything that is wrong with the disk goes with it. */
static void die(struct run *r, enum sim_death how)
{
    const struct sim_crash image = draw_image(r);
    bool was_open = r->world.door != NULL;

    sim_disk_set_stalled(r->world.disk, false);
    sim_disk_clear_faults(r->world.disk);
    sim_disk_set_capacity(r->world.disk, 0);
    r->is_full = r->is_stalled = false;
    if (was_open)
        run_event(r, VERB_CRASH);
    abandon_all(r);
    world_crash(&r->world, how, how == SIM_DEATH_POWER ? &image : NULL);
    if (how == SIM_DEATH_PROCESS)
        sim_disk_stop_at(r->world.disk, 0, 0);
    r->crashes++;
}

static bool is_stopped(void *owner)
{
    return sim_disk_is_stopped(((struct run *)owner)->world.disk);
}

/* The power fails at one of the next operations of the disk, in the middle of it. */
static void plan_cut(struct run *r, unsigned operations)
{
    uint64_t next = sim_disk_operations(r->world.disk) + 1;

    sim_disk_stop_at(r->world.disk, next + run_below(r, operations), run_below(r, 20));
}

static void wait_for_cut(struct run *r)
{
    if (!sim_run_until(r->world.sim, is_stopped, r, UNTIL_STOPPED_MS * WORLD_MS))
        sim_disk_stop_at(r->world.disk, 0, 0);
}

bool faults_open(struct run *r)
{
    struct err_note note = {{0}};
    int rv = world_try_open(&r->world, &note);

    if (rv == 0)
        run_event(r, VERB_START);
    else if (!sim_disk_is_stopped(r->world.disk))
        run_trouble(r, "it does not start: %s", note.text);
    return rv == 0;
}

static void open_again(struct run *r)
{
    for (unsigned i = 0; plan_fails(&r->plan, FAULT_TWICE) && i < 3 && run_chance(r, 2, 3); i++) {
        plan_cut(r, OPEN_OPERATIONS);
        if (faults_open(r))
            wait_for_cut(r);
        if (r->trouble[0] != '\0')
            return;
        die(r, SIM_DEATH_POWER);
    }
    faults_open(r);
}

static void cut_power(struct run *r)
{
    plan_cut(r, WORK_OPERATIONS);
    wait_for_cut(r);
    die(r, SIM_DEATH_POWER);
    open_again(r);
}

static void kill_process(struct run *r)
{
    die(r, SIM_DEATH_PROCESS);
    open_again(r);
}

/* ---- stopping in order ---- */

static bool are_all_away(void *owner)
{
    struct run *r = owner;
    bool are_away = true;

    for (unsigned i = 0; i < r->party_count; i++) {
        party_look(r->parties[i]);
        party_poll(r->parties[i]);
        are_away &= r->parties[i]->client == NULL;
    }
    return are_away;
}

void faults_stop(struct run *r)
{
    for (unsigned i = 0; i < r->party_count; i++) {
        party_deafen(r->parties[i], false);
        party_leave(r->parties[i]);
    }
    if (!sim_run_until(r->world.sim, are_all_away, r, 10000 * WORLD_MS))
        for (unsigned i = 0; i < r->party_count; i++)
            party_drop(r->parties[i]);
    world_close(&r->world);
    run_event(r, VERB_STOP);
}

void faults_restart(struct run *r)
{
    faults_stop(r);
    faults_open(r);
}

/* ---- the disk ---- */

/* An operation fails; the broker goes on as it can, until somebody starts it again. */
static void fail_disk(struct run *r, enum sim_op op)
{
    const struct sim_fault fault = {
        .err = ERR_IO,
        .ops = SIM_OP_BIT(op),
        .times = run_chance(r, 1, 2) ? 1 : 0,
        .partial_bytes = run_below(r, 3) * 300,
        .sync_failure = (enum sim_sync_failure)run_below(r, 3),
    };
    size_t rule;

    /* consumers may hear of it in any order, and what they held goes to others meanwhile */
    for (unsigned i = 0; i < r->party_count; i++)
        if (r->parties[i]->kind == PARTY_CONSUMER)
            party_drop(r->parties[i]);
    r->are_consumers_away = true;
    rule = sim_disk_add_fault(r->world.disk, &fault);

    for (unsigned i = 0; i < 100 && sim_disk_fault_strikes(r->world.disk, rule) == 0; i++)
        run_step(r);
    for (unsigned i = 0; i < 10; i++)
        run_step(r);
    sim_disk_clear_faults(r->world.disk);
    for (unsigned i = 0; i < 20; i++)
        run_step(r);
    r->are_consumers_away = false;
    die(r, run_chance(r, 1, 2) ? SIM_DEATH_POWER : SIM_DEATH_PROCESS);
    open_again(r);
}

static void fill_disk(struct run *r)
{
    uint64_t room = r->is_full ? 0 : sim_disk_used_bytes(r->world.disk) + run_below(r, 1 << 20);

    r->is_full = !r->is_full;
    sim_disk_set_capacity(r->world.disk, room);
}

static void slow_disk(struct run *r)
{
    uint64_t ms = run_chance(r, 1, 2) ? 0 : run_below(r, 300);

    sim_disk_set_latency(r->world.disk, SIM_OP_SYNC, ms * WORLD_MS, ms * WORLD_MS);
    sim_disk_set_latency(r->world.disk, SIM_OP_WRITE, ms * WORLD_MS / 20, 0);
    sim_disk_set_latency(r->world.disk, SIM_OP_READ, ms * WORLD_MS / 10, ms * WORLD_MS / 10);
}

static void stall_disk(struct run *r)
{
    r->is_stalled = !r->is_stalled;
    sim_disk_set_stalled(r->world.disk, r->is_stalled);
}

/* ---- the network and the clock ---- */

static void reset_some(struct run *r)
{
    if (run_chance(r, 1, 2)) {
        party_drop(r->parties[run_below(r, r->party_count)]);
        return;
    }
    sim_net_reset(r->world.server, r->world.clients);
    for (unsigned i = 0; i < r->party_count; i++)
        party_drop(r->parties[i]);
}

static void forget_all(struct run *r)
{
    sim_net_forget(r->world.server, r->world.clients);
    for (unsigned i = 0; i < r->party_count; i++)
        party_vanish(r->parties[i], NOTICED_MS);
}

/* What is on its way to the disk when the clock jumps, or comes before the broker sees it, would
 * have a wrong time after a death: it is quiet before, and a while afterwards. */
static void jump(struct run *r)
{
    size_t count = sizeof(jumps_ms) / sizeof(jumps_ms[0]);

    if (r->is_full || r->is_stalled)
        return;
    run_wait(r, JUMP_QUIET_MS);
    sim_node_jump_wall(r->world.server, jumps_ms[run_below(r, count)]);
    run_wait(r, JUMP_SEEN_MS);
}

static void deafen_one(struct run *r)
{
    struct party *p = r->parties[run_below(r, r->party_count)];

    party_deafen(p, !p->is_deaf);
}

/* ---- all of them ---- */

static void happen(struct run *r, enum fault fault)
{
    switch (fault) {
    case FAULT_POWER:
        cut_power(r);
        break;
    case FAULT_KILL:
        kill_process(r);
        break;
    case FAULT_STOP:
        if (!r->is_full && !r->is_stalled)
            faults_restart(r);
        break;
    case FAULT_ROT:
        if (!r->is_full && !r->is_stalled)
            faults_rot(r);
        break;
    case FAULT_SYNC:
    case FAULT_WRITE:
        if (!r->is_stalled)
            fail_disk(r, fault == FAULT_SYNC ? SIM_OP_SYNC : SIM_OP_WRITE);
        break;
    case FAULT_FULL:
        fill_disk(r);
        break;
    case FAULT_SLOW:
        slow_disk(r);
        break;
    case FAULT_STALL:
        stall_disk(r);
        break;
    case FAULT_CLOCK:
        jump(r);
        break;
    case FAULT_RESET:
        reset_some(r);
        break;
    case FAULT_HALF_OPEN:
        forget_all(r);
        break;
    case FAULT_SLOW_READER:
        deafen_one(r);
        break;
    case FAULT_TWICE: /* part of the other deaths */
    case FAULT_COUNT:
        break;
    }
}

void faults_act(struct run *r)
{
    enum fault fault = (enum fault)run_below(r, FAULT_COUNT);

    if (run_chance(r, FAULT_COUNT, r->plan.fault_one_in * 2) && plan_fails(&r->plan, fault))
        happen(r, fault);
}

void faults_end(struct run *r)
{
    sim_disk_set_stalled(r->world.disk, false);
    sim_disk_clear_faults(r->world.disk);
    sim_disk_set_capacity(r->world.disk, 0);
    sim_disk_set_latency(r->world.disk, SIM_OP_SYNC, 0, 0);
    sim_disk_set_latency(r->world.disk, SIM_OP_WRITE, 0, 0);
    sim_disk_set_latency(r->world.disk, SIM_OP_READ, 0, 0);
    sim_net_heal_all(r->world.sim);
    r->is_full = r->is_stalled = false;
    for (unsigned i = 0; i < r->party_count; i++)
        party_deafen(r->parties[i], false);
}
