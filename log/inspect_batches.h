/* Walking over the batches of one segment for an inspection: each is checked by itself, against
 * the one before it, and against the segment's index, and shown to the visitor.
 *
 *     batches_open -> batches_header -> batches_index -> batches_next, batches_take ... ->
 *     batches_close
 *                                                    '-> batches_resync: go on behind damage
 *
 * What must follow the last batch (more of them, the index, a tail) is for the caller to judge.
 * Owner: the thread of the inspection. */
#ifndef LOG_INSPECT_BATCHES_H
#define LOG_INSPECT_BATCHES_H

#include "log/inspect_parts.h"
#include "log/scan.h"

/* What a header says that other files must agree with. */
struct batches_header {
    const char *why; /* it is no good, or NULL */
    uint64_t epoch;
    uint64_t id;
    uint64_t destination;
    uint64_t first;
    uint64_t bytes_before;
    uint32_t chain_before;
};

struct batch_walk {
    struct inspection *log;
    struct inspect_segment *shown;
    struct disk_file *file;
    struct scan scan;
    struct index *index; /* the footer's, or NULL */
    size_t entry;        /* the next of its entries to be met */
    bool is_chain_known;
    uint32_t chain; /* CRC of the batch before */
    uint64_t next;  /* no number below is expected any more */
    uint64_t epoch; /* these three never fall */
    uint64_t durable;
    int64_t time_ms;
};

/* Opens shown->path, which stays borrowed like all of *shown, and notes its size. On failure
 * there is nothing to close. Errors: those of the disk. */
MUST_USE int batches_open(struct batch_walk *w, struct inspection *l,
                          struct inspect_segment *shown);
void batches_close(struct batch_walk *w);

/* Reads the header of an open segment file of the given kind. Errors: those of the disk. */
MUST_USE int batches_header(const struct inspection *l, struct disk_file *f, uint8_t kind,
                            struct batches_header *out);

/* Reads the footer, shows its entries, and keeps it to be compared with the batches. False when
 * it is missing or disagrees with the span. */
bool batches_index(struct batch_walk *w, const struct index_span *span);

/* Says that the index, as it was read, names a place where no batch begins. */
void batches_index_end(struct batch_walk *w);

/* From now on batches in [from, to) are read; `from` is where one may start. */
void batches_seek(struct batch_walk *w, uint64_t from, uint64_t to);

/* Where the next batch would start. */
uint64_t batches_at(const struct batch_walk *w);

/* The next batch, good by itself; its bytes stay until the next call. Errors: as scan_next(). */
MUST_USE int batches_next(struct batch_walk *w, struct batch_head *head, const uint8_t **bytes);

/* Checks the batch that started at `at` against what came before, shows it, and goes on from it. */
void batches_take(struct batch_walk *w, uint64_t at, const struct batch_head *head,
                  const uint8_t *bytes);

/* Looks behind the damage at `at` for a good batch with a base in [lowest, below), and goes
 * there; what comes before it is then unknown. *base tells it. Errors: ERR_NOT_FOUND, those of
 * the disk. */
MUST_USE int batches_resync(struct batch_walk *w, uint64_t at, uint64_t lowest, uint64_t below,
                            uint64_t *base);

/* Why no good batch starts at `at`, as the end of a sentence. */
const char *batches_explain(const struct batch_walk *w, uint64_t at);

/* What lies at `at`, where no batch is due. */
enum inspect_tail batches_tail(const struct batch_walk *w, uint64_t at);

#endif
