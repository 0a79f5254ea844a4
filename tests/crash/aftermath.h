/* What comes after a power cut: opening again, looking, going on, and the next power cut.
 *
 *     image --> (an opening that is cut short) --> opening --> oracle --> some work --> power cut
 *                                                    ^                                     |
 *                                                    '-------------------------------------'
 *
 * Everything is drawn from one seed, so that a failure can be repeated. */
#ifndef TESTS_CRASH_AFTERMATH_H
#define TESTS_CRASH_AFTERMATH_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/crash/machine.h"

struct aftermath_options {
    uint64_t seed;
    int64_t wall_ms;
    struct log_options log;
    unsigned rounds;       /* of opening, looking, working; the last one ends in peace */
    unsigned steps;        /* of work in each round */
    bool may_cut_openings; /* openings are cut short too */
};

struct aftermath_counts {
    uint64_t recoveries; /* openings that went through and were looked at */
    uint64_t cut_short;  /* openings that met a power cut */
    uint64_t cuts;       /* power cuts in the work */
    uint64_t steps;
};

/* Takes a disk through it all. `known` is what was appended and promised when the power first
 * failed; it stays as it is. Adds to the counts. */
void aftermath(struct sim_disk *disk, struct model *known, const struct aftermath_options *options,
               struct aftermath_counts *counts);

/* Draws one legal image for a disk that lost its power. */
void aftermath_draw_crash(struct rand *r, const struct sim_disk *disk, struct sim_crash *out);

#endif
