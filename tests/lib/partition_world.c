/* See partition_world.h. */
#include "tests/lib/partition_world.h"

#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "tests/lib/test.h"

static const uint64_t minute_ns = 60 * 1000 * PARTITION_WORLD_MS;

static void on_diag(void *owner, const char *line)
{
    struct partition_world *w = owner;

    (void)snprintf(w->said, sizeof(w->said), "%s", line);
}

void partition_world_init(struct partition_world *w)
{
    struct sim_disk *disk = sim_disk_new(NULL);
    struct disk *d = sim_disk_as_disk(disk);

    assert_int_equal(disk_make_dir(d, "log"), 0);
    assert_int_equal(disk_sync_dir(d, "/"), 0);
    partition_world_init_on(w, disk);
}

void partition_world_init_on(struct partition_world *w, struct sim_disk *disk)
{
    memset(w, 0, sizeof(*w));
    diag_set_level(DIAG_WARNING);
    diag_set_sink(on_diag, w);
    w->disk = disk;
    w->sim = sim_new(NULL);
    w->node = sim_node_new(w->sim, "a", w->disk);
    w->io = sim_io_new(w->node);
    w->options = (struct partition_options){
        .checkpoint_bytes = 40 << 10,
        .checkpoint_interval_ms = 0,
        .checkpoint_max_bytes = 16 << 20,
    };
    w->log_options = (struct log_options){
        .segment_bytes = 32 << 10,
        .block_bytes = 4 << 10,
        .cache_bytes = 16 << 10,
        .pending_bytes_max = 64 << 10,
        .spare_segments = 3,
        .cold_segment_bytes = 32 << 10,
        .sorter_buffer_bytes = 16 << 10,
        .watermark_interval_ms = 1000,
        .trash_keep_ms = 86400000,
        .debt_bytes_max = 1 << 20,
    };
}

void partition_world_release(struct partition_world *w)
{
    assert_null(w->partition);
    assert_int_equal(sim_disk_open_files(w->disk), 0);
    sim_io_free(w->io);
    sim_free(w->sim);
    sim_disk_free(w->disk);
    diag_set_sink(NULL, NULL);
}

int partition_world_try_open(struct partition_world *w)
{
    const struct partition_open o = {
        .io = w->io,
        .number = 3,
        .dir = "log",
        .options = &w->options,
        .log = &w->log_options,
        .folds = w->folds,
        .fold_count = w->fold_count,
    };
    int rv;

    assert_null(w->partition);
    w->note.text[0] = '\0';
    rv = partition_open(&o, &w->partition, &w->note);
    if (rv == 0)
        partition_check(w->partition);
    else
        assert_null(w->partition);
    return rv;
}

void partition_world_open(struct partition_world *w)
{
    if (partition_world_try_open(w) != 0)
        fail_msg("the partition does not open: %s", w->note.text);
}

static void on_closed(void *owner)
{
    ((struct partition_world *)owner)->is_closed = true;
}

static bool is_closed(void *owner)
{
    return ((struct partition_world *)owner)->is_closed;
}

void partition_world_close(struct partition_world *w)
{
    assert_non_null(w->partition);
    w->is_closed = false;
    partition_close(w->partition, on_closed, w);
    assert_false(w->is_closed); /* not inside the call */
    assert_true(sim_run_until(w->sim, is_closed, w, minute_ns));
    w->partition = NULL;
}

void partition_world_crash(struct partition_world *w, const struct sim_crash *crash,
                           void (*on_halted)(void *owner), void *owner)
{
    sim_node_halt(w->node, SIM_DEATH_POWER);
    if (on_halted != NULL)
        on_halted(owner);
    if (w->partition != NULL)
        partition_world_close(w);
    partition_world_settle(w);
    sim_io_free(w->io);
    sim_disk_crash(w->disk, crash);
    sim_node_restart(w->node);
    w->io = sim_io_new(w->node);
}

void partition_world_settle(struct partition_world *w)
{
    assert_true(sim_run_idle(w->sim, minute_ns));
    if (w->partition != NULL)
        partition_check(w->partition);
}

void partition_world_run_ms(struct partition_world *w, uint64_t ms)
{
    sim_run_for(w->sim, ms * PARTITION_WORLD_MS);
    if (w->partition != NULL)
        partition_check(w->partition);
}

uint64_t partition_world_append(struct partition_world *w, uint8_t kind, const void *body,
                                size_t size)
{
    const struct log_entry e = {.kind = kind, .body_size = size};
    uint64_t position, next = partition_next(w->partition);
    uint8_t *at;

    assert_int_equal(partition_append(w->partition, &e, &position, &at), 0);
    assert_int_equal(position, next); /* P1 */
    if (size > 0)
        memcpy(at, body, size);
    return position;
}

struct counting {
    const char *prefix;
    size_t count;
};

static void count_file(void *owner, const char *path, bool is_dir, uint64_t size)
{
    struct counting *c = owner;

    (void)size;
    if (!is_dir && strncmp(path, "log/", 4) == 0 &&
        strncmp(path + 4, c->prefix, strlen(c->prefix)) == 0)
        c->count++;
}

size_t partition_world_count_files(const struct partition_world *w, const char *prefix)
{
    struct counting c = {.prefix = prefix};

    sim_disk_walk(w->disk, count_file, &c);
    return c.count;
}
