/* A log's directory on a simulated disk, for tests of the parts that need no loop: the
 * directory "log" exists, its sizes are tiny, its id is known.
 *
 * Owner: a test. */
#ifndef TESTS_UNIT_LOG_LOG_SITE_H
#define TESTS_UNIT_LOG_LOG_SITE_H

#include <stddef.h>
#include <stdint.h>

#include "io/sim/sim_disk.h"
#include "log/site.h"

struct log_site {
    struct sim_disk *disk;
    struct site site; /* its io is NULL */
};

/* The sizes that tests use: a block of 4 KiB, a segment of 32 KiB, the rest in
 * proportion. */
struct log_options log_site_options(void);

void log_site_init(struct log_site *s);
/* All files must be closed. */
void log_site_release(struct log_site *s);

/* Opens a file of the log; it must work. */
struct disk_file *log_site_open(struct log_site *s, const char *name, unsigned flags);

/* Puts a file there, durably. */
void log_site_put(struct log_site *s, const char *name, const void *bytes, size_t size);

/* As sim_disk.h, for a file of the log. */
bool log_site_has(const struct log_site *s, const char *name);
void log_site_flip(struct log_site *s, const char *name, uint64_t at, unsigned bit);
void log_site_cut(struct log_site *s, const char *name, uint64_t size);
uint64_t log_site_size(const struct log_site *s, const char *name);

/* From now on operations of these kinds fail with `err`, so many times (0: for ever). */
void log_site_fail(struct log_site *s, unsigned ops, int err, uint64_t times);

/* The power fails and comes back; what was not synced is lost. */
void log_site_crash(struct log_site *s);

#endif
