/* The settings of a partition. */
#include "base/units.h"
#include "cluster/partition.h"

#define FIELD(name) offsetof(struct partition_options, name)

const struct setting partition_settings[] = {
    {"millrace.partition.checkpoint_size", SETTING_SIZE, FIELD(checkpoint_bytes), "128MiB",
     64 * KIB, TIB, NULL, false,
     "A checkpoint is made after so many bytes of records; a start replays at most that much "
     "twice."},
    {"millrace.partition.checkpoint_interval", SETTING_DURATION, FIELD(checkpoint_interval_ms),
     "60s", 0, INT64_C(86400000), NULL, false,
     "A checkpoint is made at least so often while records come; 0 leaves it to their size."},
    {"millrace.partition.checkpoint_max", SETTING_SIZE, FIELD(checkpoint_max_bytes), "2GiB", MIB,
     TIB, NULL, false, "The largest checkpoint; where the state is larger none is made."},
    {NULL, SETTING_INT, 0, NULL, 0, 0, NULL, false, NULL},
};
