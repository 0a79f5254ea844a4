/* What the steps of an opening share; see recover.h. Lives on the opener's stack. */
#ifndef LOG_RECOVERY_H
#define LOG_RECOVERY_H

#include "log/listing.h"
#include "log/manifest.h"
#include "log/recover.h"

struct recovery {
    struct site *site;
    struct hot *hot;
    struct cold *cold;
    struct spares *spares;
    struct keeper *keeper;
    const struct log_owner *owner;
    struct recovered *out;
    struct err_note *note;
    struct listing listing;
    struct manifest manifest;
    struct watermark watermark; /* zero when it was lost */
    uint64_t epoch;             /* highest seen */
    uint64_t doubt_at;          /* in the last segment: batches from here on are in doubt (V3) */
    bool is_manifest_wounded;
    bool is_watermark_lost;
};

/* recover_new.c: makes an empty log: id, watermark, manifest. */
MUST_USE int recover_make_log(struct recovery *r);
/* recover_new.c: makes the first hot segment of a new log. */
MUST_USE int recover_make_segment(struct recovery *r, uint64_t first);

/* recover_row.c: puts the sealed segments and the last one into the hot row, headers and
 * ends checked. */
MUST_USE int recover_row(struct recovery *r);

/* recover_tail.c: finds the end of the last segment (V2) and readies it for appends. */
MUST_USE int recover_tail(struct recovery *r);
/* recover_tail.c: makes durable what only looks it (V3), and all names in the directory. */
MUST_USE int recover_settle(struct recovery *r);

/* recover_replay.c: newest good checkpoint, then every record above it. */
MUST_USE int recover_replay(struct recovery *r);

/* recover_files.c: cold lanes from the manifest; leftovers to spares, trash, or away. */
MUST_USE int recover_lanes(struct recovery *r);
MUST_USE int recover_leftovers(struct recovery *r);

#endif
