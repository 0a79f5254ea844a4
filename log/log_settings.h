/* What can be set about a log: one options struct, and the table that fills it from a file. */
#ifndef LOG_LOG_SETTINGS_H
#define LOG_LOG_SETTINGS_H

#include <stdint.h>

#include "base/setting.h"

struct log_options {
    uint64_t segment_bytes;         /* size of a hot segment's file */
    uint64_t block_bytes;           /* unit of reading and caching, and the aim for a batch */
    uint64_t cache_bytes;           /* blocks kept in memory for readers */
    uint64_t pending_bytes_max;     /* appended and not yet durable; more is refused */
    int64_t spare_segments;         /* prepared ahead of need */
    uint64_t cold_segment_bytes;    /* aim for the size of a cold file */
    int64_t cold_compression;       /* zstd level, 0 is none */
    uint64_t sorter_buffer_bytes;   /* memory for what a sorter run collects */
    uint64_t sync_interval_ms;      /* 0: synced before told; else so long after */
    uint64_t watermark_interval_ms; /* between renewals of the durable watermark */
    uint64_t trash_keep_ms;         /* how long files that nothing knows are kept */
    uint64_t burst_bytes_max;       /* unsorted bytes that may wait while publishers are fast */
    uint64_t debt_bytes_max;        /* unsorted bytes from which publishers are held back */
};

/* Every field above as "millrace.log.<name>", ended by a row without a name. */
extern const struct setting log_settings[];

#endif
