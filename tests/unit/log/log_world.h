/* A log of tiny sizes in a simulated world, and an owner that decides by what is written
 * in the records themselves.
 *
 *     struct log_world w;
 *     log_world_init(&w);
 *     w.options.cache_bytes = 0;                  before the opening
 *     log_world_open(&w);
 *     log_world_append(&w, KIND_KEEP, 100);       position 0
 *     log_world_settle(&w);                       all that goes on has ended
 *     log_world_close(&w);
 *     log_world_release(&w);
 *
 * What the owner says of a record in classify():
 *     KIND_DROP                          nothing
 *     KIND_KEEP                          log_keep, unless it was released
 *     KIND_MOVE, in the hot log          log_move to the destination and number in the record
 *     KIND_MOVE, in its lane             log_keep, unless it was released
 *     KIND_TOMBSTONE                     as KIND_MOVE; it has a key and no body
 *
 *     body:  0 position   8 destination   16 number   24 bytes that follow from the position
 *
 * Owner: a test. */
#ifndef TESTS_UNIT_LOG_LOG_WORLD_H
#define TESTS_UNIT_LOG_LOG_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io/sim/sim.h"
#include "log/cursor.h"
#include "log/log.h"

enum { KIND_DROP = 1, KIND_KEEP = 2, KIND_MOVE = 3, KIND_TOMBSTONE = 4 };

enum { LOG_WORLD_BODY_MIN = 24 };

#define LOG_WORLD_MS UINT64_C(1000000)

/* A record in a lane. */
struct log_world_number {
    uint64_t lane;
    uint64_t number;
};

enum { LOG_WORLD_TOMBSTONES_MAX = 64 };

/* What the log told its owner since the last opening. */
struct log_world_told {
    uint64_t durable;
    uint32_t durables;
    int failed;
    uint32_t failures;
    bool is_pressed;
    uint32_t pressures;
    uint64_t sorted;
    uint32_t sorteds;
    uint32_t classified;
    uint64_t restored; /* position; UINT64_MAX: no checkpoint was given */
    uint64_t replayed_from;
    uint64_t replayed;
    uint64_t survivors;
};

struct log_world {
    struct sim_disk *disk;
    struct sim *sim;
    struct sim_node *node;
    struct io *io;
    struct log_options options;
    struct log *log; /* NULL: closed */
    struct err_note note;
    struct log_world_told told;
    int replay_rv; /* what the owner answers while opening */
    bool is_closed;
    bool is_calling; /* inside one of the log's functions: nobody may be called now */
    char said[1024]; /* the last warning or error */
    struct log_world_number *released;
    size_t released_count;
    struct log_world_number tombstones[LOG_WORLD_TOMBSTONES_MAX]; /* where they go */
    uint64_t tombstone_positions[LOG_WORLD_TOMBSTONES_MAX];
    size_t tombstone_count;
    void (*on_durable)(struct log_world *w); /* called then, when not NULL */
    void (*on_classify)(struct log_world *w, uint64_t lane, const struct record *r);
    bool (*is_tombstone)(void *owner, const struct record *r); /* of the owner; may be NULL */
};

/* An empty disk, one node, one shard, the directory "log". */
void log_world_init(struct log_world *w);
/* The log must be closed, and with it every file. */
void log_world_release(struct log_world *w);

/* Opens the log; it must work. */
void log_world_open(struct log_world *w);
/* The same; what log_open() returned. */
MUST_USE int log_world_try_open(struct log_world *w);
/* Closes the log in peace. */
void log_world_close(struct log_world *w);
/* The power fails, what was not synced is lost, the power comes back. The log is closed. */
void log_world_crash(struct log_world *w);

/* Runs until nothing goes on any more; that must come within a minute. */
void log_world_settle(struct log_world *w);
void log_world_run_ms(struct log_world *w, uint64_t ms);

struct log_world_entry {
    uint8_t kind;
    bool may_use_reserve;
    bool is_transitory;
    const char *key; /* NULL: none */
    size_t body_size;
    uint64_t destination; /* for KIND_MOVE */
    uint64_t number;
};

/* What log_append() returned; the body is written. */
MUST_USE int log_world_try_append(struct log_world *w, const struct log_world_entry *e);
/* Appends; it must work. Returns the position. */
uint64_t log_world_append(struct log_world *w, uint8_t kind, size_t body_size);
uint64_t log_world_move(struct log_world *w, uint64_t destination, uint64_t number, const char *key,
                        size_t body_size);
/* Appends a record without a body that goes to that lane. */
uint64_t log_world_tombstone(struct log_world *w, uint64_t destination, uint64_t number,
                             const char *key);
/* Appends so many, each in a commit of its own. */
void log_world_append_each(struct log_world *w, uint8_t kind, size_t body_size, uint32_t count);
/* Appends records of a kind until a new segment begins; each in a commit of its own. */
void log_world_fill_segment(struct log_world *w, uint8_t kind, size_t body_size);

/* Two checkpoints of all that is durable, so that it may be sorted; then settles. */
void log_world_checkpoint(struct log_world *w);

/* The owner needs the record no longer. */
void log_world_let_go(struct log_world *w, uint64_t lane, uint64_t number);

/* cursor_next(), turning the world while it answers ERR_AGAIN. */
int log_world_next(struct log_world *w, struct cursor *c, struct record *out);

/* True when the body is what was appended at the position that stands in it, or it has
 * none. */
bool log_world_is_whole(const struct record *r);

/* The lane, or the hot log, must hold exactly these records, all whole. */
void log_world_expect_lane(struct log_world *w, uint64_t destination, size_t count,
                           const uint64_t *numbers);
void log_world_expect_hot(struct log_world *w, uint64_t from, uint64_t to);

/* How many files of the log's directory have a name that starts like that. */
size_t log_world_count_files(const struct log_world *w, const char *prefix);

/* From now on operations of these kinds on such paths fail; see sim_disk.h. Returns the
 * rule's number. */
size_t log_world_fail(struct log_world *w, unsigned ops, const char *path_part, int err,
                      uint64_t times);

#endif
