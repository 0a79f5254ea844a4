/* Looking at a log's directory, or at a whole data directory, as it lies on the disk: what its
 * files say, and whether all of it is as it must be. For people with a copy of a crashed
 * directory.
 *
 *     inspect_directory --- data directory: format, then each partition in turn
 *                       '-- log: manifest, watermark, checkpoints, hot row, cold lanes, other files
 *     inspect_file ------- any one of these files alone
 *
 * What is read goes to a visitor, in that order; what is not as it must be goes to on_finding(),
 * in one sentence that names the file, the byte, and what follows from it.
 *
 * Invariants:
 *   I1  the disk is not changed: names are listed, files are opened for reading, nothing is
 *       locked.
 *   I2  what a power cut may leave behind is a note, never a problem.
 *   I3  nothing read is believed before it was checked; memory is bounded by the largest batch,
 *       its payload once decompressed, one segment's index, and the names in one directory.
 *
 * All calls block. What the visitor gets is borrowed for the call. Owner: one thread. */
#ifndef LOG_INSPECT_H
#define LOG_INSPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/err.h"
#include "log/record.h"

struct disk;

#define INSPECT_NOWHERE UINT64_MAX /* no byte, no number: not known */

enum { INSPECT_ID_SIZE = 16, INSPECT_MAGIC_SIZE = 8 };

enum inspect_severity {
    INSPECT_NOTE,    /* unusual and harmless */
    INSPECT_PROBLEM, /* something was lost, or will be missing when it is needed */
};

struct inspect_finding {
    enum inspect_severity severity;
    const char *path;
    uint64_t at; /* byte, or INSPECT_NOWHERE */
    const char *text;
};

/* A file that is replaced as a whole: manifest, checkpoint, format. */
struct inspect_state {
    const char *path;
    const char *why; /* it is no good; NULL when it is. Then nothing below counts */
    char magic[INSPECT_MAGIC_SIZE + 1];
    uint8_t id[INSPECT_ID_SIZE];
    uint32_t version;
    uint32_t crc;
    uint64_t generation; /* of a checkpoint: its position */
    uint64_t content_bytes;
};

/* What the ruling copy of the manifest says of the log, and of each cold file. */
struct inspect_manifest {
    uint64_t generation;
    uint64_t hot_first;
    uint64_t next_id;
    uint64_t durable;
    uint64_t count;
};
struct inspect_entry {
    uint64_t id;
    uint64_t destination;
    uint64_t first;
    uint64_t end;
    uint64_t records;
    uint64_t live;
    uint64_t file_bytes;
    int64_t first_time_ms;
    int64_t last_time_ms;
};

/* One slot of the watermark. */
struct inspect_slot {
    const char *path;
    uint64_t at;
    bool is_good;
    bool is_unused;
    uint64_t number;
    uint64_t epoch;
    uint64_t position;
};

/* What lies behind the last batch of a segment. */
enum inspect_tail {
    INSPECT_TAIL_SEALED, /* the index */
    INSPECT_TAIL_CLEAN,  /* zeros, or the end of the file */
    INSPECT_TAIL_OLD,    /* bytes of an earlier use of the file */
    INSPECT_TAIL_TORN,   /* a batch that was never written whole */
};

struct inspect_segment {
    const char *path;
    bool is_cold;
    bool is_last; /* of the hot row: it takes appends */
    bool is_header_good;
    bool is_index_good;
    bool is_read; /* the batches were read; else what is counted from them is 0 */
    bool is_damaged;
    enum inspect_tail tail;
    uint64_t id;
    uint64_t destination;
    uint64_t first;
    uint64_t end;   /* INSPECT_NOWHERE: not known yet */
    uint64_t bytes; /* where the batches end; 0: not known */
    uint64_t file_bytes;
    uint64_t batches;
    uint64_t records;
    uint64_t index_count;
    uint64_t first_epoch;
    uint64_t last_epoch;
    int64_t first_time_ms;
    int64_t last_time_ms;
};

struct inspect_batch {
    const char *path;
    uint64_t at;
    uint64_t base;
    uint32_t count;
    uint32_t length;
    uint32_t raw_size;
    uint32_t crc;
    uint32_t chain;
    bool is_numbered;
    bool is_compressed;
    uint64_t epoch;
    uint64_t durable;
    int64_t time_ms;
};

struct inspect_index_entry {
    const char *path; /* of the segment */
    uint64_t number;
    uint64_t at;
    int64_t time_ms;
};

/* Files beside the log proper. */
enum inspect_other {
    INSPECT_SPARE,
    INSPECT_SORTED,   /* a hot segment below the first that counts */
    INSPECT_UNNAMED,  /* a cold file that the manifest does not name */
    INSPECT_LEFTOVER, /* a state file that was never finished */
    INSPECT_TRASH,
    INSPECT_WOUNDED,
    INSPECT_FOREIGN, /* none of ours */
};

/* A whole log, when all of it was looked at. */
struct inspect_log {
    const char *path;
    bool is_begun; /* false: it was never made, or not completely */
    uint8_t id[INSPECT_ID_SIZE];
    uint64_t epoch; /* highest seen */
    uint64_t first; /* positions of the hot row: [first, next) */
    uint64_t next;
    uint64_t durable; /* proven: watermark, checkpoints, and what the batches say */
    uint64_t hot_segments;
    uint64_t hot_bytes;
    uint64_t cold_segments;
    uint64_t cold_bytes;
    uint64_t spares;
    enum inspect_tail tail;
    uint64_t tail_at;
};

/* Who is told. Each may be NULL; what nobody asks for is not read, unless `verifies`. */
struct inspect_visitor {
    void *owner;
    void (*on_finding)(void *owner, const struct inspect_finding *f);
    void (*on_format)(void *owner, const struct inspect_state *s);
    void (*on_log)(void *owner, const char *path);
    void (*on_manifest_copy)(void *owner, const struct inspect_state *s);
    void (*on_manifest)(void *owner, const struct inspect_manifest *m);
    void (*on_entry)(void *owner, const struct inspect_entry *e);
    void (*on_slot)(void *owner, const struct inspect_slot *s);
    void (*on_checkpoint)(void *owner, const struct inspect_state *s);
    void (*on_segment)(void *owner, const struct inspect_segment *g);
    void (*on_batch)(void *owner, const struct inspect_batch *b);
    void (*on_record)(void *owner, const struct record *r);
    void (*on_index_entry)(void *owner, const struct inspect_index_entry *e);
    void (*on_segment_end)(void *owner, const struct inspect_segment *g);
    void (*on_other)(void *owner, enum inspect_other what, const char *path);
    void (*on_log_end)(void *owner, const struct inspect_log *l);
};

/* What is asked for; the last two come back. A plain value, filled by the caller. */
struct inspect {
    struct disk *disk;
    struct inspect_visitor visitor;
    bool verifies;  /* reads and compares everything */
    uint64_t from;  /* records with lower numbers are not shown */
    uint64_t count; /* nor those from `from` + `count` on; UINT64_MAX: no limit */
    uint64_t problems;
    uint64_t notes;
};

/* Looks at a data directory or at one log. Problems are findings, not errors. Errors, with a note:
 * ERR_INVALID when it is neither, ERR_RANGE when the path is too long, those of listing it. */
MUST_USE int inspect_directory(struct inspect *in, const char *path, struct err_note *note);

/* Looks at one file by itself; what other files say about it is not compared. Errors, with a note:
 * ERR_INVALID when it is no file of a log, those of opening and reading it. */
MUST_USE int inspect_file(struct inspect *in, const char *path, struct err_note *note);

#endif
