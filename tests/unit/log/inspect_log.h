/* A small log with everything in it, made by the log itself in a simulated world, for the tests
 * of the inspection.
 *
 *     demo_make -> demo_fill ..., demo_checkpoint, demo_run -> demo_close -> demo_release
 *
 * Kinds of record: 'd' is dropped by the sorter, 's' stays in the shared lane, 'm' moves to lane 7
 * under its own position. Owner: a test. */
#ifndef TESTS_UNIT_LOG_INSPECT_LOG_H
#define TESTS_UNIT_LOG_INSPECT_LOG_H

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "io/sim/sim.h"
#include "log/log.h"
#include "tests/lib/test.h"

enum { DEMO_LANE = 7, DEMO_MS = 1000 * 1000 };

struct demo {
    struct sim_disk *disk;
    struct sim *sim;
    struct sim_node *node;
    struct io *io;
    struct log *log;
    struct rand rand;
    uint64_t appended;
    int64_t compression; /* of cold files */
    bool is_closed;
};

static inline void demo_on_durable(void *owner, uint64_t position)
{
    (void)owner;
    (void)position;
}

static inline void demo_classify(void *owner, uint64_t lane, const struct record *r,
                                 struct log_sorting *s)
{
    (void)owner;
    if (r->kind == 'm' && lane == LOG_SHARED)
        log_move(s, DEMO_LANE, r->number);
    else if (r->kind != 'd')
        log_keep(s);
}

static inline void demo_closed(void *owner)
{
    struct demo *d = owner;

    d->is_closed = true;
}

static inline struct log_options demo_options(void)
{
    return (struct log_options){
        .segment_bytes = 16 << 10,
        .block_bytes = 4 << 10,
        .cache_bytes = 32 << 10,
        .pending_bytes_max = 64 << 10,
        .spare_segments = 3,
        .cold_segment_bytes = 16 << 10,
        .sorter_buffer_bytes = 16 << 10,
        .watermark_interval_ms = 50,
        .trash_keep_ms = 1000,
        .debt_bytes_max = 1 << 20,
    };
}

/* Lets so much time pass. */
static inline void demo_run(struct demo *d, uint64_t ms)
{
    sim_run_for(d->sim, ms * DEMO_MS);
}

static inline void demo_open(struct demo *d)
{
    struct log_options options = demo_options();
    struct log_owner owner = {.owner = d, .on_durable = demo_on_durable, .classify = demo_classify};
    struct err_note note = {{0}};

    options.cold_compression = d->compression;
    d->io = sim_io_new(d->node);
    assert_int_equal(log_open(d->io, "log", &options, &owner, &d->log, &note), 0);
    demo_run(d, 20);
}

/* An empty log in the directory "log" of a new disk; cold files will be compressed with that
 * level. */
static inline void demo_make(struct demo *d, int64_t compression)
{
    memset(d, 0, sizeof(*d));
    d->compression = compression;
    diag_set_level(DIAG_OFF);
    rand_init(&d->rand, 4);
    d->disk = sim_disk_new(NULL);
    d->sim = sim_new(&(struct sim_options){.seed = 3});
    d->node = sim_node_new(d->sim, "a", d->disk);
    assert_int_equal(disk_make_dir(sim_disk_as_disk(d->disk), "log"), 0);
    assert_int_equal(disk_sync_dir(sim_disk_as_disk(d->disk), "/"), 0);
    demo_open(d);
}

static inline void demo_close(struct demo *d)
{
    d->is_closed = false;
    log_close(d->log, demo_closed, d);
    demo_run(d, 2000);
    assert_true(d->is_closed);
    sim_io_free(d->io);
    d->io = NULL;
    d->log = NULL;
}

static inline void demo_release(struct demo *d)
{
    if (d->log != NULL)
        demo_close(d);
    sim_free(d->sim);
    sim_disk_free(d->disk);
    diag_set_level(DIAG_INFO);
}

/* Appends one record, waiting as long as the log holds it back. */
static inline void demo_append(struct demo *d, char kind, size_t size)
{
    struct log_entry e = {.kind = (uint8_t)kind, .key = bytes_text("key"), .body_size = size};
    uint64_t position = 0;
    uint8_t *body = NULL;
    int rv = log_append(d->log, &e, &position, &body);

    for (int i = 0; rv == ERR_FULL && i < 1000; i++) {
        demo_run(d, 5);
        rv = log_append(d->log, &e, &position, &body);
    }
    assert_int_equal(rv, 0);
    assert_int_equal(position, d->appended);
    for (size_t i = 0; i < size; i++)
        body[i] = i % 8 < 4 ? (uint8_t)rand_below(&d->rand, 256) : (uint8_t)position;
    d->appended++;
}

/* Appends `count` records of all kinds, a few in each turn. */
static inline void demo_fill(struct demo *d, unsigned count)
{
    static const char kinds[] = {'s', 'd', 'm', 'd', 'd', 'm', 's', 'd'};

    for (unsigned i = 0; i < count; i++) {
        demo_append(d, kinds[d->appended % sizeof(kinds)], 20 + rand_below(&d->rand, 900));
        if (i % 3 == 0)
            demo_run(d, 1);
    }
    demo_run(d, 10);
}

/* A checkpoint of everything that is durable, and what the sorter makes of it. */
static inline void demo_checkpoint(struct demo *d)
{
    char state[100];

    memset(state, 'c', sizeof(state));
    demo_run(d, 10);
    assert_int_equal(log_checkpoint(d->log, log_durable(d->log), bytes_of(state, sizeof(state))),
                     0);
    demo_run(d, 100);
}

/* A closed log: sorted segments, two lanes, two checkpoints, several hot segments, two epochs. */
static inline void demo_make_full(struct demo *d, int64_t compression)
{
    demo_make(d, compression);
    demo_fill(d, 60);
    demo_checkpoint(d);
    demo_fill(d, 30);
    demo_checkpoint(d);
    demo_fill(d, 20);
    demo_checkpoint(d);
    demo_close(d);
    demo_open(d);
    demo_fill(d, 40);
    demo_close(d);
}

#endif
