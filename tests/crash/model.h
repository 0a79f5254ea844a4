/* What a test knows about a log: every record that was appended, what was promised about it, and
 * what may be missing.
 *
 * A model may stand on another one, whose first records it shares: the world after a power cut
 * knows what the world before it had appended, up to where the log was recovered. The base must
 * not change while another model stands on it. */
#ifndef TESTS_CRASH_MODEL_H
#define TESTS_CRASH_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log/record.h"
#include "tests/crash/fold.h"

struct model_record {
    uint8_t *bytes; /* key, then body; owned */
    uint32_t key_size;
    uint32_t body_size;
    uint8_t kind;
    uint64_t group_end; /* position behind the group it belongs to; its own + 1 when it has none */
};

struct model_checkpoint {
    uint64_t position;
    uint64_t digest;
};

/* Positions by number of one lane, from number `start` on. */
struct model_lane {
    uint64_t start;
    uint64_t *positions;
    size_t count;
    size_t capacity;
};

struct model {
    const struct model *base; /* NULL: none. It has the records below base_count */
    uint64_t base_count;
    struct model_record *records; /* from base_count on */
    size_t count;
    size_t capacity;
    struct fold fold; /* over all records */
    uint64_t durable; /* every position below survives a power cut, as the log says */
    uint64_t told;    /* what on_durable() said: survives the end of the process */
    struct model_lane lanes[PLACE_COUNT][GENERATIONS_MAX];
    uint64_t floors[PLACE_COUNT][GENERATIONS_MAX]; /* retention may have taken what is below */
    bool is_compacted; /* PLACE_COMPACTED may lack what newer records supersede */
    struct model_checkpoint *checkpoints; /* that were asked for, in any order */
    size_t checkpoint_count;
    size_t checkpoint_capacity;
};

/* A model of an empty log. */
void model_init(struct model *m);
void model_release(struct model *m);

/* Makes `m`, which is not initialised, stand on the first `count` records of `base`. */
void model_branch(struct model *m, const struct model *base, uint64_t count);

/* Position of the next record. */
uint64_t model_next(const struct model *m);

/* A record that the log has taken at model_next(). The bytes are copied. */
void model_append(struct model *m, uint8_t kind, struct bytes key, struct bytes body);
/* The records from `first` on are one group. */
void model_group(struct model *m, uint64_t first);

/* The record at a position below model_next(); time_ms is 0. */
struct record model_record(const struct model *m, uint64_t position);
/* Position behind the group of the record at a position. */
uint64_t model_group_end(const struct model *m, uint64_t position);

/* True when kind, key and body are those of the position. */
bool model_is_record(const struct model *m, uint64_t position, const struct record *r);

/* The position of a number in a lane; false when no record was ever meant for it. */
MUST_USE bool model_lane_position(const struct model *m, uint64_t lane, uint64_t number,
                                  uint64_t *position);

/* Folds the first `count` records into `f`, which is initialised. */
void model_fold(const struct model *m, uint64_t count, struct fold *f);

/* Remembers a checkpoint that was asked for. */
void model_checkpoint(struct model *m, uint64_t position, uint64_t digest);
/* True when this state was once asked to be kept for this position. */
bool model_has_checkpoint(const struct model *m, uint64_t position, uint64_t digest);

/* Retention was allowed to take what is below `floor` from a lane. */
void model_retain(struct model *m, uint64_t lane, uint64_t floor);

/* Whether an entry of m->fold may be missing in the lane of a place, by retention or by compaction.
 * `cold_end` is the position below which records are in lanes. */
bool model_may_miss(const struct model *m, const struct fold_entry *e, enum place place,
                    uint64_t cold_end);

#endif
