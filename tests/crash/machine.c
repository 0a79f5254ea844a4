/* A simulated node, its log, and the log's owner; see machine.h. */
#include "tests/crash/machine.h"

#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/rand.h"
#include "tests/crash/verdict.h"

enum {
    KIB = 1024,
    PATIENCE_NS = 1000 * 1000 * 1000, /* for one answer */
    CLOSE_SECONDS = 100,
};

struct log_options machine_log_options(uint64_t seed)
{
    struct rand r;
    struct log_options o = {
        .cache_bytes = 32 * KIB,
        .pending_bytes_max = 128 * KIB,
        .spare_segments = 3,
        .sorter_buffer_bytes = 64 * KIB,
        .watermark_interval_ms = 40,
        .trash_keep_ms = 0,
        .debt_bytes_max = 640 * KIB,
    };

    rand_init(&r, seed);
    o.segment_bytes = (uint64_t)(32 * KIB) << rand_below(&r, 2);
    o.block_bytes = o.segment_bytes / 4 >> rand_below(&r, 2);
    o.cold_segment_bytes = (uint64_t)(64 * KIB) << rand_below(&r, 3);
    o.cold_compression = rand_chance(&r, 1, 2) ? 1 : 0;
    o.spare_segments = 2 + (int64_t)rand_below(&r, 3);
    o.burst_bytes_max = rand_chance(&r, 1, 3) ? 3 * o.segment_bytes : 0;
    return o;
}

/* ---- the owner ---- */

static int on_restore(void *owner, uint64_t position, struct bytes state)
{
    struct machine *m = owner;

    MUST(!m->is_restored && m->replayed == 0, "restore at position %" PRIu64 " comes too late",
         position);
    MUST(fold_decode(&m->fold, state) && m->fold.next == position,
         "the checkpoint at position %" PRIu64 " holds something else", position);
    MUST(model_has_checkpoint(m->model, position, fold_digest(&m->fold)),
         "the checkpoint at position %" PRIu64 " was never written like that", position);
    m->is_restored = true;
    m->restored_from = position;
    return 0;
}

static int on_survivor(void *owner, uint64_t destination, const struct record *r)
{
    struct machine *m = owner;
    uint64_t position = 0;

    MUST(m->options.may_survive, "every checkpoint is lost");
    MUST(model_lane_position(m->model, destination, r->number, &position) &&
             model_is_record(m->model, position, r),
         "survivor %" PRIu64 " of lane %" PRIu64 " was never appended", r->number, destination);
    m->survived++;
    return 0;
}

static int on_replay(void *owner, const struct record *r)
{
    struct machine *m = owner;

    if (m->survived > 0 && m->replayed == 0)
        m->fold.next = r->number;
    MUST(r->number == m->fold.next, "replay gives position %" PRIu64 " instead of %" PRIu64,
         r->number, m->fold.next);
    MUST(model_is_record(m->model, r->number, r),
         "replay gives other bytes at position %" PRIu64 " than were appended", r->number);
    fold_apply(&m->fold, r, NULL, NULL);
    m->replayed++;
    return 0;
}

/* Tells the log what is no longer needed where. */
static void on_unneeded(void *owner, const struct fold_entry *e, enum place place)
{
    struct machine *m = owner;
    uint64_t lane = lane_of(place, m->fold.places[place].generation);

    if (e->position >= log_first(m->log)) {
        if (e->places == 0)
            log_release(m->log, LOG_SHARED, e->position);
    } else if (place == PLACE_SHARED || place == PLACE_DEEP) {
        log_release(m->log, lane, e->numbers[place]);
    }
}

static void apply_durable(struct machine *m, const struct record *r)
{
    uint64_t lane = 0;
    bool is_about_lane = fold_lane_of(&m->fold, r, &lane);

    fold_apply(&m->fold, r, on_unneeded, m);
    if (is_about_lane && r->kind == KIND_TRIM)
        log_trim(m->log, lane, m->fold.places[lane_place(lane)].first);
    else if (is_about_lane)
        log_drop(m->log, lane);
}

static void on_durable(void *owner, uint64_t position)
{
    struct machine *m = owner;

    MUST(position <= model_next(m->model), "position %" PRIu64 " is durable but was not appended",
         position);
    MUST(position >= m->model->durable, "durable goes back from %" PRIu64 " to %" PRIu64,
         m->model->durable, position);
    MUST(m->failed == 0, "a failed log says that position %" PRIu64 " is durable", position);
    m->model->told = position;
    if (m->options.log.sync_interval_ms > 0)
        position = log_durable(m->log);
    m->model->durable = position;
    while (m->fold.next < position) {
        struct record r = model_record(m->model, m->fold.next);
        apply_durable(m, &r);
    }
}

static void on_failed(void *owner, int err)
{
    struct machine *m = owner;

    MUST(m->failed == 0 && err != 0, "the log fails twice");
    m->failed = err;
}

static void on_pressure(void *owner, bool is_pressed)
{
    struct machine *m = owner;

    MUST(is_pressed != m->is_pressed, "pressure is told twice");
    m->is_pressed = is_pressed;
}

/* Where a record of the hot log is needed from now on. */
static void place_out(const struct fold *f, const struct fold_entry *e, struct log_sorting *s)
{
    for (int i = PLACE_STREAM; i < PLACE_COUNT; i++) {
        if ((e->places & 1u << i) != 0)
            log_move(s, lane_of((enum place)i, f->places[i].generation), e->numbers[i]);
    }
    if ((e->places & 1u << PLACE_SHARED) != 0)
        log_keep(s);
}

static void on_classify(void *owner, uint64_t lane, const struct record *r, struct log_sorting *s)
{
    struct machine *m = owner;
    enum place place = lane_place(lane);
    const struct fold_entry *e = NULL;
    uint64_t position = r->number;

    m->classified++;
    MUST(lane == LOG_SHARED || model_lane_position(m->model, lane, r->number, &position),
         "number %" PRIu64 " of lane %" PRIu64 " was never appended", r->number, lane);
    MUST(position < m->fold.next, "position %" PRIu64 " is sorted but not durable", position);
    MUST(model_is_record(m->model, position, r),
         "the sorter reads other bytes at number %" PRIu64 " of lane %" PRIu64, r->number, lane);
    if (lane == LOG_SHARED && r->number >= log_first(m->log)) {
        e = fold_find(&m->fold, r->number);
        if (e != NULL)
            place_out(&m->fold, e, s);
        return;
    }
    if (lane == lane_of(place, m->fold.places[place].generation))
        e = place == PLACE_SHARED ? fold_find(&m->fold, r->number)
                                  : fold_find_number(&m->fold, place, r->number);
    if (e != NULL && (e->places & 1u << place) != 0)
        log_keep(s);
}

static void on_sorted(void *owner, uint64_t position)
{
    struct machine *m = owner;

    MUST(position >= m->sorted && position == log_first(m->log),
         "sorted to %" PRIu64 ", after %" PRIu64, position, m->sorted);
    m->sorted = position;
}

/* ---- life ---- */

void machine_init(struct machine *m, const struct machine_options *options, struct sim_disk *disk)
{
    struct sim_options world = {
        .seed = options->seed,
        .wall_ms = options->wall_ms,
        .turn_late_ns = options->is_jittery ? NS_PER_MS / 10 : 0,
        .job_late_ns = options->is_jittery ? NS_PER_MS / 5 : 0,
    };
    struct disk *d = sim_disk_as_disk(disk);

    memset(m, 0, sizeof(*m));
    m->options = *options;
    m->disk = disk;
    fold_init(&m->fold);
    if (!sim_disk_has(disk, MACHINE_DIR)) {
        int rv = disk_make_dir(d, MACHINE_DIR);
        if (rv == 0)
            rv = disk_sync_dir(d, "/");
        MUST(rv == 0, "no directory can be made");
    }
    m->sim = sim_new(&world);
    m->node = sim_node_new(m->sim, "a", disk);
    m->io = sim_io_new(m->node);
    for (int op = 0; options->is_jittery && op < SIM_OP_COUNT; op++)
        sim_disk_set_latency(disk, (enum sim_op)op, NS_PER_MS / 50, NS_PER_MS / 10);
}

void machine_release(struct machine *m)
{
    ASSERT(m->log == NULL);
    sim_io_free(m->io);
    sim_free(m->sim);
    fold_release(&m->fold);
}

int machine_start(struct machine *m, struct model *model)
{
    const struct log_owner owner = {
        .owner = m,
        .restore = on_restore,
        .survivor = on_survivor,
        .replay = on_replay,
        .on_durable = on_durable,
        .on_failed = on_failed,
        .on_pressure = on_pressure,
        .classify = on_classify,
        .on_sorted = on_sorted,
    };
    int rv;

    ASSERT(m->log == NULL);
    m->model = model;
    m->fold.next = 0;
    m->fold.count = 0;
    memset(m->fold.places, 0, sizeof(m->fold.places));
    m->is_restored = false;
    m->is_closed = false;
    m->replayed = 0;
    m->survived = 0;
    m->failed = 0;
    m->sorted = 0;
    m->note.text[0] = '\0';
    rv = log_open(m->io, MACHINE_DIR, &m->options.log, &owner, &m->log, &m->note);
    if (rv == 0)
        m->is_pressed = log_is_pressed(m->log);
    else
        MUST(m->note.text[0] != '\0', "opening fails (%s) and says nothing", err_name(rv));
    return rv;
}

void machine_settle_in(struct machine *m)
{
    for (int i = PLACE_STREAM; i < PLACE_COUNT; i++) {
        const struct fold_place *p = &m->fold.places[i];

        for (uint64_t k = 0; k < p->generation; k++)
            log_drop(m->log, lane_of((enum place)i, k));
        log_trim(m->log, lane_of((enum place)i, p->generation), p->first);
    }
}

static void on_closed(void *owner)
{
    struct machine *m = owner;

    m->is_closed = true;
}

static bool is_closed(void *owner)
{
    return ((struct machine *)owner)->is_closed;
}

void machine_stop(struct machine *m)
{
    ASSERT(m->log != NULL);
    m->is_closed = false;
    log_close(m->log, on_closed, m);
    MUST(sim_run_until(m->sim, is_closed, m, CLOSE_SECONDS * (uint64_t)PATIENCE_NS),
         "the log does not close");
    m->log = NULL;
    MUST(sim_disk_open_files(m->disk) == 0, "a closed log holds open files");
}

void machine_kill(struct machine *m)
{
    sim_node_halt(m->node, SIM_DEATH_POWER);
    if (m->log != NULL)
        machine_stop(m);
}

void machine_run_ms(struct machine *m, uint64_t ms)
{
    sim_run_for(m->sim, ms * NS_PER_MS);
}

int machine_append(struct machine *m, const struct log_entry *e, const uint8_t *body)
{
    uint64_t position = UINT64_MAX;
    uint8_t *to = NULL;
    int rv = log_append(m->log, e, &position, &to);

    if (rv != 0)
        return rv;
    MUST(position == model_next(m->model) && log_next(m->log) == position + 1,
         "the append got position %" PRIu64 " instead of %" PRIu64, position, model_next(m->model));
    if (e->body_size > 0)
        memcpy(to, body, e->body_size);
    model_append(m->model, e->kind, e->key, bytes_of(body, e->body_size));
    return 0;
}

int machine_checkpoint(struct machine *m)
{
    size_t size = 0;
    uint8_t *state = fold_encode(&m->fold, &size);
    int rv = log_checkpoint(m->log, m->fold.next, bytes_of(state, size));

    if (rv == 0)
        model_checkpoint(m->model, m->fold.next, fold_digest(&m->fold));
    mem_free(state);
    return rv;
}

static void on_ready(void *owner)
{
    *(bool *)owner = true;
}

static bool is_ready(void *owner)
{
    return *(bool *)owner;
}

int machine_read(struct machine *m, struct cursor *c, struct record *out)
{
    int rv;

    for (;;) {
        bool ready = false;

        cursor_set_ready(c, on_ready, &ready);
        rv = cursor_next(c, out);
        if (rv != ERR_AGAIN)
            break;
        MUST(sim_run_until(m->sim, is_ready, &ready, PATIENCE_NS), "a cursor waits for ever");
    }
    cursor_set_ready(c, NULL, NULL);
    return rv;
}
