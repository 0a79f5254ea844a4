/* See log_world.h. */
#include "tests/unit/log/log_world.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/diag.h"
#include "base/mem.h"
#include "tests/lib/test.h"
#include "tests/unit/log/log_bytes.h"
#include "tests/unit/log/log_site.h"

static const uint64_t minute_ns = 60 * 1000 * LOG_WORLD_MS;

static void on_diag(void *owner, const char *line)
{
    struct log_world *w = owner;

    (void)snprintf(w->said, sizeof(w->said), "%s", line);
}

void log_world_init(struct log_world *w)
{
    struct disk *d;

    memset(w, 0, sizeof(*w));
    diag_set_level(DIAG_WARNING);
    diag_set_sink(on_diag, w);
    w->disk = sim_disk_new(NULL);
    d = sim_disk_as_disk(w->disk);
    assert_int_equal(disk_make_dir(d, "log"), 0);
    assert_int_equal(disk_sync_dir(d, "/"), 0);
    w->sim = sim_new(NULL);
    w->node = sim_node_new(w->sim, "a", w->disk);
    w->io = sim_io_new(w->node);
    w->options = log_site_options();
}

void log_world_release(struct log_world *w)
{
    assert_null(w->log);
    assert_int_equal(sim_disk_open_files(w->disk), 0);
    sim_io_free(w->io);
    sim_free(w->sim);
    sim_disk_free(w->disk);
    mem_free(w->released);
    diag_set_sink(NULL, NULL);
}

/* ---- The owner ---- */

static int restore(void *owner, uint64_t position, struct bytes state)
{
    struct log_world *w = owner;

    assert_int_equal(state.size, 8);
    assert_int_equal(get_le64(state.data), position);
    w->told.restored = position;
    return w->replay_rv;
}

static int survivor(void *owner, uint64_t destination, const struct record *r)
{
    struct log_world *w = owner;

    assert_true(log_world_is_whole(r));
    if (destination != LOG_SHARED && r->kind == KIND_MOVE)
        assert_int_equal(get_le64(r->body.data + 8), destination);
    w->told.survivors++;
    return w->replay_rv;
}

static int replay(void *owner, const struct record *r)
{
    struct log_world *w = owner;

    assert_true(log_world_is_whole(r));
    if (w->told.replayed == 0)
        w->told.replayed_from = r->number;
    assert_int_equal(r->number, w->told.replayed_from + w->told.replayed);
    w->told.replayed++;
    return w->replay_rv;
}

static void on_durable(void *owner, uint64_t position)
{
    struct log_world *w = owner;

    assert_false(w->is_calling);
    assert_true(position >= w->told.durable);
    assert_int_equal(w->told.failed, 0);
    w->told.durable = position;
    w->told.durables++;
    if (w->on_durable != NULL)
        w->on_durable(w);
}

static void on_failed(void *owner, int err)
{
    struct log_world *w = owner;

    assert_false(w->is_calling);
    w->told.failed = err;
    w->told.failures++;
}

static void on_pressure(void *owner, bool is_pressed)
{
    struct log_world *w = owner;

    assert_false(w->is_calling);
    assert_int_not_equal(is_pressed, w->told.is_pressed);
    w->told.is_pressed = is_pressed;
    w->told.pressures++;
}

static bool is_released(const struct log_world *w, uint64_t lane, uint64_t number)
{
    for (size_t i = 0; i < w->released_count; i++) {
        if (w->released[i].lane == lane && w->released[i].number == number)
            return true;
    }
    return false;
}

/* Where a record of the hot log goes. */
static struct log_world_number place_of(const struct log_world *w, const struct record *r)
{
    size_t i = 0;

    if (r->kind == KIND_MOVE)
        return (struct log_world_number){get_le64(r->body.data + 8), get_le64(r->body.data + 16)};
    while (i < w->tombstone_count && w->tombstone_positions[i] != r->number)
        i++;
    assert_true(i < w->tombstone_count);
    return w->tombstones[i];
}

static void classify(void *owner, uint64_t lane, const struct record *r, struct log_sorting *s)
{
    struct log_world *w = owner;
    struct log_world_number place;

    assert_false(w->is_calling);
    assert_true(log_world_is_whole(r));
    w->told.classified++;
    if (w->on_classify != NULL)
        w->on_classify(w, lane, r);
    if (r->kind == KIND_DROP || is_released(w, lane, r->number))
        return;
    if (lane != LOG_SHARED || r->kind == KIND_KEEP) {
        log_keep(s);
        return;
    }
    place = place_of(w, r);
    log_move(s, place.lane, place.number);
}

static void on_sorted(void *owner, uint64_t position)
{
    struct log_world *w = owner;

    assert_false(w->is_calling);
    assert_int_equal(position, log_first(w->log));
    assert_true(position > w->told.sorted);
    w->told.sorted = position;
    w->told.sorteds++;
}

/* ---- Opening and closing ---- */

int log_world_try_open(struct log_world *w)
{
    const struct log_owner owner = {
        .owner = w,
        .is_tombstone = w->is_tombstone,
        .restore = restore,
        .survivor = survivor,
        .replay = replay,
        .on_durable = on_durable,
        .on_failed = on_failed,
        .on_pressure = on_pressure,
        .classify = classify,
        .on_sorted = on_sorted,
    };
    int rv;

    assert_null(w->log);
    memset(&w->told, 0, sizeof(w->told));
    w->told.restored = UINT64_MAX;
    w->note.text[0] = '\0';
    rv = log_open(w->io, "log", &w->options, &owner, &w->log, &w->note);
    if (rv == 0) {
        w->told.is_pressed = log_is_pressed(w->log);
        w->told.durable = log_durable(w->log);
        w->told.sorted = log_first(w->log);
        log_check(w->log);
    }
    return rv;
}

void log_world_open(struct log_world *w)
{
    int rv = log_world_try_open(w);

    if (rv != 0)
        fail_msg("the log does not open: %s", w->note.text);
}

static void on_closed(void *owner)
{
    struct log_world *w = owner;

    w->is_closed = true;
}

static bool is_closed(void *owner)
{
    return ((struct log_world *)owner)->is_closed;
}

void log_world_close(struct log_world *w)
{
    assert_non_null(w->log);
    w->is_closed = false;
    log_close(w->log, on_closed, w);
    assert_false(w->is_closed); /* not inside the call */
    assert_true(sim_run_until(w->sim, is_closed, w, minute_ns));
    w->log = NULL;
    assert_int_equal(sim_disk_open_files(w->disk), 0);
}

void log_world_crash(struct log_world *w)
{
    sim_node_halt(w->node, SIM_DEATH_POWER);
    if (w->log != NULL)
        log_world_close(w);
    sim_io_free(w->io);
    sim_disk_crash(w->disk, &(struct sim_crash){.kind = SIM_CRASH_NOTHING});
    sim_node_restart(w->node);
    w->io = sim_io_new(w->node);
}

void log_world_settle(struct log_world *w)
{
    assert_true(sim_run_idle(w->sim, minute_ns));
    if (w->log != NULL)
        log_check(w->log);
}

void log_world_run_ms(struct log_world *w, uint64_t ms)
{
    sim_run_for(w->sim, ms * LOG_WORLD_MS);
    if (w->log != NULL)
        log_check(w->log);
}

/* ---- Appending ---- */

int log_world_try_append(struct log_world *w, const struct log_world_entry *e)
{
    const struct log_entry entry = {
        .kind = e->kind,
        .may_use_reserve = e->may_use_reserve,
        .is_transitory = e->is_transitory,
        .key = e->key != NULL ? bytes_text(e->key) : bytes_of(NULL, 0),
        .body_size = e->body_size > 0 ? e->body_size : LOG_WORLD_BODY_MIN,
    };
    uint64_t position = UINT64_MAX, expected = log_next(w->log);
    uint8_t *body = NULL;
    int rv;

    w->is_calling = true;
    rv = log_append(w->log, &entry, &position, &body);
    w->is_calling = false;
    assert_true(entry.body_size >= LOG_WORLD_BODY_MIN);
    if (rv != 0) {
        assert_int_equal(position, UINT64_MAX);
        assert_null(body);
        assert_int_equal(log_next(w->log), expected);
        return rv;
    }
    assert_int_equal(position, expected);
    put_le64(body, position);
    put_le64(body + 8, e->destination);
    put_le64(body + 16, e->number);
    body_fill(body + LOG_WORLD_BODY_MIN, entry.body_size - LOG_WORLD_BODY_MIN, position);
    return 0;
}

uint64_t log_world_append(struct log_world *w, uint8_t kind, size_t body_size)
{
    assert_int_equal(
        log_world_try_append(w, &(struct log_world_entry){.kind = kind, .body_size = body_size}),
        0);
    return log_next(w->log) - 1;
}

uint64_t log_world_move(struct log_world *w, uint64_t destination, uint64_t number, const char *key,
                        size_t body_size)
{
    const struct log_world_entry e = {.kind = KIND_MOVE,
                                      .key = key,
                                      .body_size = body_size,
                                      .destination = destination,
                                      .number = number};

    assert_int_equal(log_world_try_append(w, &e), 0);
    return log_next(w->log) - 1;
}

uint64_t log_world_tombstone(struct log_world *w, uint64_t destination, uint64_t number,
                             const char *key)
{
    const struct log_entry e = {.kind = KIND_TOMBSTONE, .key = bytes_text(key)};
    size_t i = w->tombstone_count++;
    uint8_t *body = NULL;

    assert_true(i < LOG_WORLD_TOMBSTONES_MAX);
    assert_int_equal(log_append(w->log, &e, &w->tombstone_positions[i], &body), 0);
    w->tombstones[i] = (struct log_world_number){destination, number};
    return w->tombstone_positions[i];
}

static bool is_all_durable(void *owner)
{
    const struct log_world *w = owner;

    return log_durable(w->log) == log_next(w->log);
}

void log_world_append_each(struct log_world *w, uint8_t kind, size_t body_size, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        log_world_append(w, kind, body_size);
        assert_true(sim_run_until(w->sim, is_all_durable, w, minute_ns));
    }
}

void log_world_fill_segment(struct log_world *w, uint8_t kind, size_t body_size)
{
    struct log_stats before, now;

    log_get_stats(w->log, &before);
    do {
        log_world_append_each(w, kind, body_size, 1);
        log_get_stats(w->log, &now);
    } while (now.hot_segments == before.hot_segments);
}

void log_world_checkpoint(struct log_world *w)
{
    for (int i = 0; i < 2; i++) {
        uint64_t position;
        uint8_t state[8];

        log_world_settle(w);
        if (i == 1) { /* two at one position are one; the older of two is what counts */
            log_world_append(w, KIND_DROP, 0);
            log_world_settle(w);
        }
        position = log_durable(w->log);
        put_le64(state, position);
        assert_int_equal(log_checkpoint(w->log, position, bytes_of(state, sizeof(state))), 0);
        log_world_settle(w);
    }
}

void log_world_let_go(struct log_world *w, uint64_t lane, uint64_t number)
{
    w->released = mem_grow(w->released, w->released_count + 1, sizeof(*w->released));
    w->released[w->released_count++] = (struct log_world_number){lane, number};
    w->is_calling = true;
    log_release(w->log, lane, number);
    w->is_calling = false;
}

/* ---- Reading ---- */

static void on_ready(void *owner)
{
    *(bool *)owner = true;
}

static bool is_ready(void *owner)
{
    return *(bool *)owner;
}

int log_world_next(struct log_world *w, struct cursor *c, struct record *out)
{
    int rv;

    for (;;) {
        bool ready = false;

        cursor_set_ready(c, on_ready, &ready);
        rv = cursor_next(c, out);
        if (rv != ERR_AGAIN)
            break;
        assert_false(ready); /* not inside the call */
        assert_true(sim_run_until(w->sim, is_ready, &ready, minute_ns));
    }
    cursor_set_ready(c, NULL, NULL);
    return rv;
}

bool log_world_is_whole(const struct record *r)
{
    size_t size = r->body.size - LOG_WORLD_BODY_MIN;

    if (r->kind == KIND_TOMBSTONE)
        return r->body.size == 0 && r->key.size > 0;
    return r->body.size >= LOG_WORLD_BODY_MIN &&
           body_is(bytes_of(r->body.data + LOG_WORLD_BODY_MIN, size), size, get_le64(r->body.data));
}

void log_world_expect_lane(struct log_world *w, uint64_t destination, size_t count,
                           const uint64_t *numbers)
{
    struct cursor *c = cursor_open(w->log, CURSOR_COLD, destination, 0);
    struct record r;

    for (size_t i = 0; i < count; i++) {
        assert_int_equal(log_world_next(w, c, &r), 0);
        assert_int_equal(r.number, numbers[i]);
        assert_true(log_world_is_whole(&r));
        if (r.kind != KIND_TOMBSTONE)
            assert_int_equal(get_le64(r.body.data + (destination == LOG_SHARED ? 0 : 16)),
                             r.number);
    }
    assert_int_equal(log_world_next(w, c, &r), ERR_NOT_FOUND);
    cursor_close(c);
}

void log_world_expect_hot(struct log_world *w, uint64_t from, uint64_t to)
{
    struct cursor *c = cursor_open(w->log, CURSOR_HOT, 0, from);
    struct record r;

    for (uint64_t n = from; n < to; n++) {
        assert_int_equal(log_world_next(w, c, &r), 0);
        assert_int_equal(r.number, n);
        assert_true(log_world_is_whole(&r));
        if (r.kind != KIND_TOMBSTONE)
            assert_int_equal(get_le64(r.body.data), n);
    }
    assert_int_equal(log_world_next(w, c, &r), ERR_NOT_FOUND);
    cursor_close(c);
}

/* ---- Files ---- */

struct count {
    const char *prefix;
    size_t found;
};

static void count_one(void *owner, const char *path, bool is_dir, uint64_t size)
{
    struct count *c = owner;

    (void)size;
    if (!is_dir && strncmp(path, "log/", 4) == 0 &&
        strncmp(path + 4, c->prefix, strlen(c->prefix)) == 0)
        c->found++;
}

size_t log_world_count_files(const struct log_world *w, const char *prefix)
{
    struct count c = {.prefix = prefix};

    sim_disk_walk(w->disk, count_one, &c);
    return c.found;
}

size_t log_world_fail(struct log_world *w, unsigned ops, const char *path_part, int err,
                      uint64_t times)
{
    return sim_disk_add_fault(
        w->disk,
        &(struct sim_fault){.err = err, .ops = ops, .path_part = path_part, .times = times});
}
