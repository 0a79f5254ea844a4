/* The settings of the log room. */
#include "log/log_settings.h"

#include "base/units.h"

#define FIELD(name) offsetof(struct log_options, name)

const struct setting log_settings[] = {
    {"millrace.log.segment_size", SETTING_SIZE, FIELD(segment_bytes), "64MiB", 16 * MIB, 2 * GIB,
     NULL, false, "Size of the files that make up the hot log; they are prepared and recycled."},
    {"millrace.log.block_size", SETTING_SIZE, FIELD(block_bytes), "1MiB", 64 * KIB, 8 * MIB, NULL,
     false, "Unit of reading from disk and of caching, and the size a batch aims for."},
    {"millrace.log.cache_size", SETTING_SIZE, FIELD(cache_bytes), "32MiB", 0, TIB, NULL, false,
     "Memory for recently written and read parts of a partition's log."},
    {"millrace.log.pending_max", SETTING_SIZE, FIELD(pending_bytes_max), "64MiB", 64 * KIB, 4 * GIB,
     NULL, false, "Bytes that may wait for the disk before publishers are held back."},
    {"millrace.log.spare_segments", SETTING_INT, FIELD(spare_segments), "3", 2, 64, NULL, false,
     "Segment files prepared ahead; one of them is the reserve that keeps a full disk usable."},
    {"millrace.log.cold_segment_size", SETTING_SIZE, FIELD(cold_segment_bytes), "64MiB", 64 * KIB,
     4 * GIB, NULL, false, "Aim for the size of the files of streams and deep queues."},
    {"millrace.log.cold_compression", SETTING_INT, FIELD(cold_compression), "0", 0, 19, NULL, false,
     "zstd level for the files of streams and deep queues; 0 stores them as they are."},
    {"millrace.log.sorter_buffer", SETTING_SIZE, FIELD(sorter_buffer_bytes), "8MiB", 64 * KIB, GIB,
     NULL, false, "Memory that the sorter may use to collect what it moves."},
    {"millrace.log.sync_interval", SETTING_DURATION, FIELD(sync_interval_ms), "0", 0, 60000, NULL,
     false,
     "0: a message is confirmed when it is on the disk. Else it is confirmed when the system has "
     "it, which syncs it within this time: a power cut may lose what was confirmed in the last of "
     "it, the end of the broker alone nothing."},
    {"millrace.log.watermark_interval", SETTING_DURATION, FIELD(watermark_interval_ms), "1s", 10,
     60000, NULL, false, "How often the durable watermark file is renewed while there is traffic."},
    {"millrace.log.trash_keep", SETTING_DURATION, FIELD(trash_keep_ms), "7d", 0,
     INT64_C(365) * 86400000, NULL, false, "How long files that no index knows are kept in trash."},
    {"millrace.log.burst_max", SETTING_SIZE, FIELD(burst_bytes_max), "0", 0, TIB, NULL, false,
     "Bytes that may wait to be sorted as long as segments fill faster than one a second; at most "
     "half of millrace.log.debt_max counts. 0: they are sorted at once."},
    {"millrace.log.debt_max", SETTING_SIZE, FIELD(debt_bytes_max), "4GiB", MIB, TIB, NULL, false,
     "Bytes that may wait to be sorted before publishers are held back."},
    {NULL, SETTING_INT, 0, NULL, 0, 0, NULL, false, NULL},
};
