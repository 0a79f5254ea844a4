/* What a sorter run does with each record, kind of run by kind of run. Part of the sorter.
 *
 * Owner: the shard of the log. */
#ifndef LOG_SORT_RULES_H
#define LOG_SORT_RULES_H

#include <stdbool.h>

#include "log/sorter.h"

/* Applies the run's rule to the records of a block of input `g`, from number s->read_at on.
 * An error is left in s->classify_err. */
void rules_apply(struct sorter *s, const struct segment *g, const struct block *b);

/* Chooses the next step of a compaction: a MAP or a COMPACT run. False when there is none. */
bool rules_choose_compaction(struct sorter *s);

/* What a file of the lane may take; UINT64_MAX: there is no limit. */
uint64_t rules_file_max(const struct sorter *s, uint64_t destination);

/* The inputs have all been read. True when the run had nothing to publish (SURVEY, MAP). */
bool rules_finish(struct sorter *s);

/* The run came to nothing: a compaction starts over. */
void rules_abort(struct sorter *s);

#endif
