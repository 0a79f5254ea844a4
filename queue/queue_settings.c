/* The settings of queues. */
#include "queue/queue_settings.h"

#include <stddef.h>

#define OFFSET(field) offsetof(struct queues_options, field)

const struct setting queue_settings[] = {
    {
        .name = "consumer_timeout",
        .kind = SETTING_DURATION,
        .offset = OFFSET(consumer_timeout_ms),
        .fallback = "30m",
        .max = INT64_C(365) * 24 * 3600 * 1000,
        .is_reloadable = true,
        .help = "How long a consumer may hold a delivery before its channel is closed; 0: for "
                "ever. A plain number is milliseconds.",
    },
    {
        .name = "millrace.queue.consumer_unsettled_max",
        .kind = SETTING_INT,
        .offset = OFFSET(consumer_unsettled_max),
        .fallback = "100000",
        .min = 1,
        .max = 10000000,
        .is_reloadable = true,
        .help = "How many deliveries a consumer without prefetch may hold.",
    },
    {
        .name = "millrace.queue.default_delivery_limit",
        .kind = SETTING_INT,
        .offset = OFFSET(default_delivery_limit),
        .fallback = "20",
        .min = -1,
        .max = INT64_C(1) << 31,
        .is_reloadable = true,
        .help = "x-delivery-limit of queues of type quorum that say nothing; -1: none.",
    },
    {
        .name = "millrace.queue.lane_min",
        .kind = SETTING_SIZE,
        .offset = OFFSET(lane_min_bytes),
        .fallback = "16MiB",
        .min = 1 << 16,
        .max = INT64_C(1) << 44,
        .is_reloadable = true,
        .help = "Bytes a queue must hold for its messages to be sorted into files of its own.",
    },
    {
        .name = "millrace.queue.publishers_max",
        .kind = SETTING_INT,
        .offset = OFFSET(publishers_max),
        .fallback = "100000",
        .max = 10000000,
        .is_reloadable = true,
        .help = "Publishers with x-publisher-id whose x-publish-seq is remembered, for each queue; "
                "those used longest ago are forgotten first.",
    },
    {
        .name = "millrace.queue.publisher_memory",
        .kind = SETTING_DURATION,
        .offset = OFFSET(publisher_memory_ms),
        .fallback = "7d",
        .min = 1000,
        .max = INT64_C(3650) * 24 * 3600 * 1000,
        .is_reloadable = true,
        .help = "How long the x-publish-seq of a publisher that publishes no more is remembered.",
    },
    {
        .name = "millrace.queue.stream_max_age",
        .kind = SETTING_DURATION,
        .offset = OFFSET(stream_age_max_ms),
        .fallback = "0",
        .max = INT64_C(36500) * 24 * 3600 * 1000,
        .is_reloadable = true,
        .help = "x-max-age of streams and exchange logs that have none; 0: what they have stays.",
    },
    {
        .name = "millrace.queue.stream_max_length_bytes",
        .kind = SETTING_SIZE,
        .offset = OFFSET(stream_bytes_max),
        .fallback = "0",
        .max = INT64_C(1) << 60,
        .is_reloadable = true,
        .help = "x-max-length-bytes of streams and exchange logs that have none; 0: no limit.",
    },
    {
        .name = "millrace.queue.transient_max",
        .kind = SETTING_SIZE,
        .offset = OFFSET(store.transient_bytes_max),
        .fallback = "256MiB",
        .min = 1 << 20,
        .max = INT64_C(1) << 44,
        .help = "Memory for transient messages; what is beyond goes to a scratch file.",
    },
    {
        .name = "millrace.queue.spill_max",
        .kind = SETTING_SIZE,
        .offset = OFFSET(store.spill_bytes_max),
        .fallback = "4GiB",
        .min = 1 << 20,
        .max = INT64_C(1) << 50,
        .help = "Size of the scratch file of transient messages; when it is full publishers are "
                "held back.",
    },
    {0},
};
