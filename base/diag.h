/* Diagnostics: what the program tells its operator. One line an event, on one stream.
 *
 *     2026-01-02 03:04:05.678Z info  [log] partition-0 opened position=42 segments=3
 *
 * The first words are a sentence; facts follow as key=value. Nothing secret is ever written.
 * Owner: any thread; a line is written whole. */
#ifndef BASE_DIAG_H
#define BASE_DIAG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"

enum diag_level {
    DIAG_DEBUG,
    DIAG_INFO,
    DIAG_WARNING,
    DIAG_ERROR,
    DIAG_OFF, /* as a threshold only: nothing is written */
};

/* Writes one line when `level` is at or above the threshold. `room` names the part that
 * speaks. */
void diag(enum diag_level level, const char *room, const char *format, ...) PRINTF_LIKE(3, 4);

/* Sets the threshold; DIAG_INFO at the start. */
void diag_set_level(enum diag_level level);
enum diag_level diag_level(void);

/* Reads a level's name as rabbitmq.conf spells it (debug, info, warning, error, none). */
MUST_USE bool diag_level_parse(const char *text, enum diag_level *out);

/* For tests: where lines go, without the line's end, and what time it is in milliseconds
 * since 1970. NULL restores the default (standard error, the wall clock). Set while no
 * other thread speaks. */
typedef void diag_sink_fn(void *owner, const char *line);
void diag_set_sink(diag_sink_fn *fn, void *owner);
typedef int64_t diag_clock_fn(void *owner);
void diag_set_clock(diag_clock_fn *fn, void *owner);

#endif
