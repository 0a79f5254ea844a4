/* Diagnostics: what the program tells its operator. One line an event.
 *
 *     2026-01-02 03:04:05.678Z info    [log] partition-0 opened position=42 segments=3
 *     {"time":"2026-01-02 03:04:05.678Z","level":"info","domain":"log","msg":"partition-0 ope..."}
 *
 * The first words are a sentence; facts follow as key=value. Nothing secret is ever written.
 *
 * Lines go to the console (standard error), to a file, and to who taps them (base/diag_tap.h).
 * Until diag_start() a line is written by who says it, to the console; from then on a thread writes
 * what others leave for it, so nobody waits for a slow reader or disk. When it is too far behind
 * lines are dropped, and counted.
 *
 * Owner: any thread may speak; a line is written whole. The rest belongs to the main thread. */
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

/* Writes one line when `level` is at or above the threshold of who speaks, and of where it goes.
 * `room` names the part that speaks. */
void diag(enum diag_level level, const char *room, const char *format, ...) PRINTF_LIKE(3, 4);

/* Who speaks: "connection", "channel" and "queue" have thresholds of their own. */
enum diag_area { DIAG_OTHERS, DIAG_CONNECTIONS, DIAG_CHANNELS, DIAG_QUEUES, DIAG_AREAS };

enum diag_period { DIAG_NEVER, DIAG_DAILY, DIAG_HOURLY };

struct diag_sink {
    enum diag_level level; /* DIAG_OFF: nothing goes there */
    bool is_json;
};

struct diag_options {
    enum diag_level levels[DIAG_AREAS];
    struct diag_sink console;
    struct diag_sink file;
    struct diag_sink tap; /* while one is open (base/diag_tap.h) */
    const char *path;     /* of the file; borrowed for the call */
    uint64_t
        rotation_bytes; /* a file of so many is renamed to path.0, path.0 to path.1 ...; 0: none */
    enum diag_period rotation_period; /* the same when a day or an hour of UTC begins */
    uint64_t rotation_count;          /* files beside the one that is written; 0: it begins anew */
};

enum { DIAG_ROTATIONS_MAX = 1000, DIAG_PATH_MAX = 8256 };

/* Takes effect for the next line. The file is opened when a line is written to it. */
void diag_set(const struct diag_options *o);

/* All thresholds at once, with the console alone; DIAG_INFO at the start. */
void diag_set_level(enum diag_level level);

/* Starts the thread that writes. Errors: ERR_NO_MEMORY. */
MUST_USE int diag_start(void);
/* Writes what is left, unless that takes longer than a second. Allowed without diag_start(). */
void diag_stop(void);
/* The file is closed, and opened anew with the next line: somebody may have moved it. */
void diag_reopen(void);

/* A level's name, for all but DIAG_OFF. */
const char *diag_level_name(enum diag_level level);

/* Reads a level's name as rabbitmq.conf spells it (debug, info, warning, error, none). */
MUST_USE bool diag_level_parse(const char *text, enum diag_level *out);

/* For tests: where lines go, as text, without the line's end, and what time it is in milliseconds
 * since 1970. NULL restores the default (standard error, the wall clock). Set while no
 * other thread speaks. */
typedef void diag_sink_fn(void *owner, const char *line);
void diag_set_sink(diag_sink_fn *fn, void *owner);
typedef int64_t diag_clock_fn(void *owner);
void diag_set_clock(diag_clock_fn *fn, void *owner);

#endif
