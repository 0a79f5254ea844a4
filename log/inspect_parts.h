/* What the parts of an inspection share; see inspect.h. Private to them.
 *
 *     inspect.c            entry points, findings, the order of the walk
 *     inspect_state.c      state files: format, manifest, checkpoints; which log this is
 *     inspect_watermark.c  the two slots
 *     inspect_batches.c    the batches of one segment
 *     inspect_hot.c        the hot row and its tail
 *     inspect_cold.c       the lanes
 *     inspect_others.c     every other name
 *     inspect_file.c       the entry point for one file alone
 *
 * Owner: the thread of the inspection. */
#ifndef LOG_INSPECT_PARTS_H
#define LOG_INSPECT_PARTS_H

#include "log/inspect.h"
#include "log/listing.h"
#include "log/manifest.h"

/* One log, or one file of a log, being looked at. */
struct inspection {
    struct inspect *in;
    struct site site; /* without an io: nothing here needs a clock or chance */
    bool is_id_known;
    bool is_alone; /* one file: what others say is not known */
    struct listing listing;
    struct manifest manifest;
    bool has_manifest;
    uint64_t newest_checkpoint; /* the highest position of a good one; 0: none */
    size_t good_checkpoints;
    uint64_t watermark_epoch; /* INSPECT_NOWHERE: a slot is bad, so it proves nothing */
    uint64_t proven;          /* everything below was durable */
    struct inspect_log shown;
    uint8_t *raw; /* a payload, decompressed */
    size_t raw_capacity;
};

/* inspect.c: a log about to be looked at; `dir` is borrowed and leaves room for names. */
struct inspection *inspection_new(struct inspect *in, const char *dir);
void inspection_free(struct inspection *l);

/* inspect.c: one sentence about a place; path and text are borrowed for the call. */
void inspect_problem(struct inspect *in, const char *path, uint64_t at, const char *format, ...)
    PRINTF_LIKE(4, 5);
void inspect_note(struct inspect *in, const char *path, uint64_t at, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* What is asked for needs the batches, or the records in them, to be read. */
bool inspect_reads_batches(const struct inspection *l);
bool inspect_reads_records(const struct inspection *l);

/* Something durable is known to end at `position`, and `epoch` was seen. */
void inspect_prove(struct inspection *l, uint64_t position, uint64_t epoch);

/* inspect_state.c: what lies in state files of each kind, as their magic tells. */
extern const char inspect_manifest_magic[];
extern const char inspect_checkpoint_magic[];
extern const char inspect_format_magic[];

/* Reads a state file, its CRC too, without keeping the content. out->why says what is
 * wrong with it. Errors: ERR_CORRUPT, ERR_VERSION (with out->why), those of the disk. */
MUST_USE int inspect_state_read(struct inspect *in, const char *path, struct inspect_state *out);
/* As above for a file of which the magic is known. */
MUST_USE int inspect_state_expect(struct inspect *in, const char *path, const char *magic,
                                  struct inspect_state *out);
/* Takes the log's id from a segment's header. False when it is no good. */
MUST_USE bool inspect_take_id(struct inspection *l, const char *path);
void inspect_format(struct inspect *in, const char *path, bool has_partitions);
void inspect_manifest(struct inspection *l);
void inspect_checkpoints(struct inspection *l);
/* Compares the checkpoints with the hot row, which was looked at. */
void inspect_checkpoints_end(struct inspection *l);

/* inspect_watermark.c */
void inspect_watermark(struct inspection *l);
/* Shows the slots of a file by itself; no other file is compared. Errors: those of reading it. */
MUST_USE int inspect_watermark_file(struct inspection *l, const char *path);

/* inspect_hot.c */
void inspect_row(struct inspection *l);
MUST_USE int inspect_hot_file(struct inspection *l, const char *path);

/* inspect_cold.c */
void inspect_lanes(struct inspection *l);
MUST_USE int inspect_cold_file(struct inspection *l, const char *path);

/* inspect_others.c */
void inspect_others(struct inspection *l);

#endif
