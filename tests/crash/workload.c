/* Doing to a log what an owner may do; see workload.h. */
#include "tests/crash/workload.h"

#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "tests/crash/verdict.h"

enum {
    BODY_ROOM = 64 * 1024,
    KEY_ROOM = 300,
    KEYS = 12, /* different ones in PLACE_COMPACTED */
    SETTLE_MAX = 24,
    GROUP_MAX = 6,
    READ_AT_ONCE = 12,
    HUNDRED = 100
};

void workload_init(struct workload *w, struct machine *m, uint64_t seed)
{
    memset(w, 0, sizeof(*w));
    w->machine = m;
    w->body = mem_alloc(BODY_ROOM);
    rand_init(&w->rand, seed);
}

static void reader_close(struct workload_reader *r)
{
    cursor_close(r->cursor);
    r->cursor = NULL;
}

void workload_release(struct workload *w)
{
    for (int i = 0; i < WORKLOAD_READERS; i++)
        reader_close(&w->readers[i]);
    mem_free(w->body);
    w->body = NULL;
}

/* ---- appending ---- */

/* Small ones mostly, now and then as large as can be. */
static size_t draw_size(struct workload *w)
{
    size_t most = log_body_max(w->machine->log, KEY_ROOM);

    switch (rand_below(&w->rand, 64)) {
    case 0:
        return most < BODY_ROOM ? most - (size_t)rand_below(&w->rand, 3) : BODY_ROOM;
    case 1:
    case 2:
        return (size_t)rand_below(&w->rand, 12000);
    case 3:
    case 4:
    case 5:
        return 0;
    default:
        return (size_t)rand_below(&w->rand, rand_chance(&w->rand, 1, 4) ? 2500 : 500);
    }
}

/* Half noise, half something that can be compressed. */
static void draw_body(struct workload *w, size_t size)
{
    rand_fill(&w->rand, w->body, size < 64 ? size : size / 2);
    if (size >= 64)
        memset(w->body + size / 2, (int)rand_below(&w->rand, 256), size - size / 2);
}

static uint8_t draw_places(struct workload *w)
{
    static const uint8_t usual[] = {
        0,
        1u << PLACE_SHARED,
        1u << PLACE_SHARED,
        1u << PLACE_STREAM,
        1u << PLACE_STREAM | 1u << PLACE_SHARED,
        1u << PLACE_OTHER | 1u << PLACE_STREAM,
        1u << PLACE_OTHER,
        1u << PLACE_COMPACTED,
        1u << PLACE_COMPACTED,
        1u << PLACE_DEEP,
        1u << PLACE_DEEP,
        1u << PLACE_DEEP | 1u << PLACE_SHARED | 1u << PLACE_STREAM,
    };

    return usual[rand_below(&w->rand, ARRAY_SIZE(usual))];
}

/* Appends a publish; what log_append() said. */
static int publish_to(struct workload *w, uint8_t places, size_t size)
{
    uint8_t key[KEY_ROOM];
    struct log_entry e = {
        .kind = (uint8_t)(KIND_PUBLISH | places),
        .is_transitory = places == 0,
        .body_size = size,
    };
    int rv;

    if ((places & 1u << PLACE_COMPACTED) != 0) {
        memset(key, 'k', sizeof(key));
        e.key = bytes_of(key, 1 + (size_t)rand_below(&w->rand, KEYS));
    } else if (rand_chance(&w->rand, 1, 4)) {
        rand_fill(&w->rand, key, sizeof(key));
        e.key = bytes_of(key, 1 + (size_t)rand_below(&w->rand, KEY_ROOM));
    }
    draw_body(w, size);
    rv = machine_append(w->machine, &e, w->body);
    if (rv == 0)
        w->counts.appends++;
    else
        w->counts.refused++;
    MUST(rv == 0 || rv == ERR_FULL || rv == ERR_FAILED, "an append fails with %s", err_name(rv));
    return rv;
}

static int publish(struct workload *w, size_t size)
{
    return publish_to(w, draw_places(w), size);
}

/* Several in one turn: one batch, or a few. */
static void do_burst(struct workload *w)
{
    uint64_t n = 1 + rand_below(&w->rand, 8);

    while (n-- > 0) {
        if (publish(w, draw_size(w)) != 0)
            return;
    }
}

static void do_group(struct workload *w)
{
    struct machine *m = w->machine;
    size_t sizes[GROUP_MAX];
    size_t count = 2 + (size_t)rand_below(&w->rand, GROUP_MAX - 1);
    uint64_t first = model_next(m->model);
    size_t bytes = 0;
    int rv;

    for (size_t i = 0; i < count; i++) {
        sizes[i] = (size_t)rand_below(&w->rand, rand_chance(&w->rand, 1, 8) ? 9000 : 300);
        bytes += log_record_size(KEY_ROOM, sizes[i]);
    }
    if (bytes > log_body_max(m->log, 0))
        return;
    rv = log_begin_group(m->log, bytes, false);
    MUST(rv == 0 || rv == ERR_FULL || rv == ERR_FAILED, "a group fails with %s", err_name(rv));
    if (rv != 0)
        return;
    for (size_t i = 0; i < count; i++) {
        rv = publish(w, sizes[i]);
        MUST(rv == 0, "record %zu of a group of %zu is refused (%s) although the group was not", i,
             count, err_name(rv));
    }
    model_group(m->model, first);
    w->counts.groups++;
}

/* A record that changes the state; it may use the reserve. */
static bool append_change(struct workload *w, uint8_t kind, const uint64_t *words, size_t count)
{
    uint8_t body[8 * SETTLE_MAX];
    struct log_entry e = {
        .kind = kind, .may_use_reserve = true, .is_transitory = true, .body_size = 8 * count};
    int rv;

    ASSERT(count <= SETTLE_MAX);
    for (size_t i = 0; i < count; i++)
        put_le64(body + 8 * i, words[i]);
    rv = machine_append(w->machine, &e, body);
    MUST(rv == 0 || rv == ERR_FULL || rv == ERR_FAILED, "a change fails with %s", err_name(rv));
    return rv == 0;
}

static void do_settle(struct workload *w)
{
    const struct fold *f = &w->machine->fold;
    uint64_t positions[SETTLE_MAX];
    size_t n = 0, most = 1 + (size_t)rand_below(&w->rand, SETTLE_MAX);
    bool is_old = rand_chance(&w->rand, 1, 2);

    for (size_t i = 0; i < f->count && n < most; i++) {
        const struct fold_entry *e = &f->entries[i];
        bool fits = (e->places & (1u << PLACE_SHARED | 1u << PLACE_DEEP)) != 0;

        if (fits && (is_old || rand_chance(&w->rand, 1, 6)))
            positions[n++] = e->position;
    }
    if (n > 0 && append_change(w, KIND_SETTLE, positions, n))
        w->counts.settles++;
}

/* PLACE_OTHER is left in peace most of the time, so that its files become many and are merged. */
static enum place draw_stream(struct workload *w)
{
    if (rand_chance(&w->rand, 1, 30))
        return PLACE_OTHER;
    return rand_chance(&w->rand, 1, 2) ? PLACE_STREAM : PLACE_COMPACTED;
}

static void do_trim(struct workload *w)
{
    enum place place = draw_stream(w);
    const struct fold_place *p = &w->machine->fold.places[place];
    uint64_t left = p->next - p->first;
    uint64_t words[2] = {lane_of(place, p->generation),
                         p->first + left / 4 + rand_below(&w->rand, left / 2 + 1)};

    if (left > 0 && append_change(w, KIND_TRIM, words, 2))
        w->counts.trims++;
}

static void do_drop(struct workload *w)
{
    enum place place = draw_stream(w);
    uint64_t lane = lane_of(place, w->machine->fold.places[place].generation);

    if (w->machine->model->fold.places[place].generation + 1 < GENERATIONS_MAX &&
        append_change(w, KIND_DROP, &lane, 1))
        w->counts.drops++;
}

/* ---- what is not appended ---- */

static void do_retain(struct workload *w)
{
    struct machine *m = w->machine;
    enum place place = rand_chance(&w->rand, 1, 10) ? PLACE_OTHER : PLACE_STREAM;
    uint64_t lane = lane_of(place, m->fold.places[place].generation);
    struct log_retention r = {.max_bytes = 16384 + rand_below(&w->rand, 100000)};
    uint64_t first = 0, end = 0;

    if (rand_chance(&w->rand, 1, 2))
        r = (struct log_retention){.max_age_ms = 50 + rand_below(&w->rand, 500)};
    if (!log_lane(m->log, lane, &first, &end))
        return;
    log_retain(m->log, lane, &r);
    MUST(log_lane(m->log, lane, &first, &end), "retention took the newest file too");
    model_retain(m->model, lane, first);
    w->counts.retains++;
}

static void do_compact(struct workload *w)
{
    struct machine *m = w->machine;
    uint64_t lane = lane_of(PLACE_COMPACTED, m->fold.places[PLACE_COMPACTED].generation);

    m->model->is_compacted = true;
    log_compact(m->log, lane, rand_chance(&w->rand, 1, 2) ? 0 : 100000);
    w->counts.compactions++;
}

static void do_checkpoint(struct workload *w)
{
    int rv = machine_checkpoint(w->machine);

    MUST(rv == 0 || rv == ERR_BUSY || rv == ERR_FAILED || rv == ERR_NO_MEMORY,
         "a checkpoint fails with %s", err_name(rv));
    w->counts.checkpoints += rv == 0;
}

/* ---- reading ---- */

static void reader_open(struct workload *w, struct workload_reader *r)
{
    struct machine *m = w->machine;
    uint64_t place = rand_below(&w->rand, PLACE_COUNT + 2);
    uint64_t first = log_first(m->log);
    uint64_t span = log_next(m->log) - first;

    *r = (struct workload_reader){.last = UINT64_MAX, .time_ms = INT64_MIN};
    r->is_hot = place >= PLACE_COUNT;
    if (r->is_hot) {
        r->cursor = cursor_open(m->log, CURSOR_HOT, 0, first + rand_below(&w->rand, span + 1));
    } else {
        r->lane = lane_of((enum place)place, m->fold.places[place].generation);
        r->cursor = cursor_open(m->log, CURSOR_COLD, r->lane, 0);
    }
    if (rand_chance(&w->rand, 1, 5)) {
        r->time_ms = io_wall_ms(m->io) - (int64_t)rand_below(&w->rand, 400);
        cursor_seek_time(r->cursor, r->time_ms);
    }
}

static void check_read(struct workload *w, struct workload_reader *r, const struct record *record)
{
    const struct model *model = w->machine->model;
    uint64_t position = record->number;

    MUST(r->last == UINT64_MAX || record->number > r->last,
         "a reader goes back from %" PRIu64 " to %" PRIu64, r->last, record->number);
    MUST(record->time_ms >= r->time_ms, "a reader goes back in time");
    MUST(r->is_hot || model_lane_position(model, r->lane, record->number, &position),
         "a reader finds number %" PRIu64 " in lane %" PRIu64 ", which was never appended",
         record->number, r->lane);
    MUST(model_is_record(model, position, record),
         "a reader gets other bytes at position %" PRIu64 " than were appended", position);
    r->last = record->number;
    r->time_ms = record->time_ms;
}

/* Reads on without waiting; what is not there yet is read in a later step. */
static void reader_step(struct workload *w, struct workload_reader *r)
{
    if (r->cursor == NULL)
        reader_open(w, r);
    for (int i = 0; i < READ_AT_ONCE; i++) {
        struct record record;
        int rv = cursor_next(r->cursor, &record);

        if (rv == ERR_AGAIN)
            return;
        if (rv == 0) {
            check_read(w, r, &record);
            w->counts.reads++;
            continue;
        }
        w->counts.overtaken += rv == ERR_TRIMMED;
        MUST(rv == ERR_NOT_FOUND || rv == ERR_TRIMMED || w->may_be_damaged,
             "a reader gets %s where nothing is damaged", err_name(rv));
        if (rv != ERR_TRIMMED && rand_chance(&w->rand, 1, 3))
            reader_close(r);
        return;
    }
}

static void do_peek(struct workload *w)
{
    struct machine *m = w->machine;
    uint64_t first = log_first(m->log);
    uint64_t next = m->failed != 0 ? log_durable(m->log) : log_next(m->log);
    uint64_t position = first + rand_below(&w->rand, next - first + 1);
    struct block *pin = NULL;
    struct record r;
    int rv = log_peek(m->log, position, &r, &pin);

    MUST((rv == ERR_NOT_FOUND) == (position == next), "peek at %" PRIu64 " says %s", position,
         err_name(rv));
    MUST(rv == 0 || rv == ERR_NOT_FOUND || rv == ERR_AGAIN || w->may_be_damaged, "peek says %s",
         err_name(rv));
    if (rv != 0)
        return;
    MUST(r.number == position && model_is_record(m->model, position, &r),
         "peek gives other bytes at position %" PRIu64 " than were appended", position);
    log_unpin(pin);
    w->counts.peeks++;
}

/* ---- steps ---- */

static void pass_time(struct workload *w)
{
    struct sim *s = w->machine->sim;

    switch (rand_below(&w->rand, w->is_quick ? 16 : 40)) {
    case 0:
        machine_run_ms(w->machine, 50 + rand_below(&w->rand, 400));
        break;
    case 1:
        machine_run_ms(w->machine, 10 + rand_below(&w->rand, 60));
        break;
    case 2:
        sim_node_jump_wall(w->machine->node, (int64_t)rand_below(&w->rand, 400) - 150);
        break;
    case 3:
    case 4:
    case 5:
    case 6:
        break; /* none: more in the same batch */
    default:
        sim_run_for(s, rand_below(&w->rand, 3 * NS_PER_MS));
        break;
    }
}

/* What to do, out of so many hundredths. */
static const struct {
    unsigned weight;
    void (*what)(struct workload *w);
} things[] = {
    {45, do_burst}, {10, do_group},  {16, do_settle},    {6, do_trim}, {1, do_drop},
    {3, do_retain}, {3, do_compact}, {7, do_checkpoint}, {9, do_peek},
};

void workload_step(struct workload *w)
{
    uint64_t draw = rand_below(&w->rand, HUNDRED);
    size_t i = 0;

    while (draw >= things[i].weight) {
        draw -= things[i].weight;
        i++;
        ASSERT(i < ARRAY_SIZE(things));
    }
    things[i].what(w);
    for (int k = 0; k < WORKLOAD_READERS; k++)
        reader_step(w, &w->readers[k]);
    pass_time(w);
}

void workload_fill(struct workload *w, uint64_t bytes_min)
{
    struct machine *m = w->machine;
    int patience = 10000;

    while (sim_disk_used_bytes(m->disk) < bytes_min) {
        (void)publish_to(w, 1u << PLACE_OTHER, draw_size(w));
        machine_run_ms(m, 1);
        if (patience % 64 == 0)
            do_checkpoint(w);
        MUST(patience-- > 0, "the log does not grow");
    }
}

void workload_small_file(struct workload *w)
{
    struct machine *m = w->machine;
    uint64_t bytes = 0;
    int patience = 1000;

    (void)publish_to(w, 1u << PLACE_OTHER, (size_t)rand_below(&w->rand, 800));
    while (bytes < m->options.log.segment_bytes) {
        size_t size = 1000 + (size_t)rand_below(&w->rand, 9000);

        if (publish_to(w, 0, size) == 0)
            bytes += size;
        else
            machine_run_ms(m, 5);
        MUST(patience-- > 0, "the log refuses every append");
    }
    machine_run_ms(m, 20);
    do_checkpoint(w);
    machine_run_ms(m, 20);
}
