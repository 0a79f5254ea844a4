/* What can be set about the broker, named as in rabbitmq.conf. */
#include <stddef.h>

#include "base/units.h"
#include "broker/parts.h"
#include "msg/msg.h"

#define FIELD(name) offsetof(struct broker_options, name)

/* A tag that the default user may have. */
#define TAG(tag, text)                                                                             \
    {                                                                                              \
        .name = "default_user_tags." #tag, .kind = SETTING_BOOL,                                   \
        .offset = FIELD(default_is_##tag), .fallback = (text),                                     \
        .help = "Whether the user made with the first start has the tag " #tag ".",                \
    }

const char *const broker_queue_types[] = {"classic", "quorum", "stream", NULL};

const struct setting broker_settings[] = {
    {
        .name = "default_user",
        .kind = SETTING_TEXT,
        .offset = FIELD(default_user),
        .fallback = "guest",
        .help = "The user that is made with the first start.",
    },
    {
        .name = "default_pass",
        .kind = SETTING_SECRET,
        .offset = FIELD(default_pass),
        .fallback = "guest",
        .help = "The password of that user.",
    },
    {
        .name = "default_vhost",
        .kind = SETTING_TEXT,
        .offset = FIELD(default_vhost),
        .fallback = "/",
        .help = "The virtual host that is made with the first start.",
    },
    {
        .name = "default_permissions.configure",
        .kind = SETTING_TEXT,
        .offset = FIELD(default_configure),
        .fallback = ".*",
        .help = "Names that the user made with the first start may configure in that virtual "
                "host: a regular expression.",
    },
    {
        .name = "default_permissions.write",
        .kind = SETTING_TEXT,
        .offset = FIELD(default_write),
        .fallback = ".*",
        .help = "The same for names that he may write to.",
    },
    {
        .name = "default_permissions.read",
        .kind = SETTING_TEXT,
        .offset = FIELD(default_read),
        .fallback = ".*",
        .help = "The same for names that he may read from.",
    },
    TAG(administrator, "true"),
    TAG(monitoring, "false"),
    TAG(management, "false"),
    TAG(policymaker, "false"),
    TAG(impersonator, "false"),
    {
        .name = "default_queue_type",
        .kind = SETTING_CHOICE,
        .offset = FIELD(default_queue_type),
        .fallback = "classic",
        .choices = broker_queue_types,
        .is_reloadable = true,
        .help = "The type of durable queues that name none, where their virtual host says nothing.",
    },
    {
        .name = "millrace.broker.events",
        .kind = SETTING_BOOL,
        .offset = FIELD(has_events),
        .fallback = "false",
        .help = "Whether the default virtual host has the exchange amq.rabbitmq.event, which is "
                "told what comes, goes and changes.",
    },
    {
        .name = "log.exchange",
        .kind = SETTING_BOOL,
        .offset = FIELD(has_diag_exchange),
        .fallback = "false",
        .help = "Whether the default virtual host has the exchange amq.rabbitmq.log, through which "
                "each line of diagnostics goes as a message, with its level as routing key.",
    },
    {
        .name = "millrace.node_name",
        .kind = SETTING_TEXT,
        .offset = FIELD(node_name),
        .fallback = "millrace@localhost",
        .help = "How this node is named in traced messages and in those of diagnostics.",
    },
    {
        .name = "loopback_users",
        .kind = SETTING_TEXT,
        .offset = FIELD(loopback_users),
        .fallback = "guest",
        .is_reloadable = true,
        .help = "Users who may log in from this machine alone: names with commas between them, or "
                "none.",
    },
    {
        .name = "loopback_users.guest",
        .kind = SETTING_BOOL,
        .offset = FIELD(guest_is_loopback_user),
        .fallback = "true",
        .is_reloadable = true,
        .help = "Whether guest, if he is on that list, stays on it.",
    },
    {
        .name = "max_message_size",
        .kind = SETTING_SIZE,
        .offset = FIELD(message_max_bytes),
        .fallback = "128MiB",
        .min = 0,
        .max = (int64_t)MESSAGE_BODY_MAX,
        .is_reloadable = true,
        .help = "The largest body of a message; a larger one ends its channel.",
    },
    {
        .name = "vm_memory_high_watermark.absolute",
        .kind = SETTING_SIZE,
        .offset = FIELD(memory_high_bytes),
        .fallback = "0",
        .is_reloadable = true,
        .help = "Memory in use above which publishers are blocked until it is less; 0 leaves it "
                "to vm_memory_high_watermark.relative.",
    },
    {
        .name = "vm_memory_high_watermark.relative",
        .kind = SETTING_SHARE,
        .offset = FIELD(memory_high_share),
        .fallback = "0.6",
        .is_reloadable = true,
        .help = "The same as a share of the memory that this machine, or this container, has.",
    },
    {
        .name = "total_memory_available_override_value",
        .kind = SETTING_SIZE,
        .offset = FIELD(memory_total_bytes),
        .fallback = "0",
        .is_reloadable = true,
        .help = "The memory that this machine is taken to have, for settings that are shares of "
                "it; 0 is what it says itself.",
    },
    {
        .name = "disk_free_limit.absolute",
        .kind = SETTING_SIZE,
        .offset = FIELD(disk_low_bytes),
        .fallback = "50MB",
        .is_reloadable = true,
        .help = "Free bytes of the disk with the data below which publishers are blocked until "
                "there are more.",
    },
    {
        .name = "disk_free_limit.relative",
        .kind = SETTING_SHARE,
        .offset = FIELD(disk_low_share),
        .fallback = "0",
        .max = 100,
        .is_reloadable = true,
        .help = "The same as a share of the memory that this machine has, or as a multiple of it; "
                "0 leaves it to disk_free_limit.absolute.",
    },
    {
        .name = "vhost_max",
        .kind = SETTING_INT,
        .offset = FIELD(vhosts_max),
        .fallback = "0",
        .max = INT32_MAX,
        .is_reloadable = true,
        .help = "Virtual hosts; one more is refused. 0: no limit.",
    },
    {
        .name = "channel_max_per_node",
        .kind = SETTING_INT,
        .offset = FIELD(channels_max),
        .fallback = "0",
        .max = INT32_MAX,
        .is_reloadable = true,
        .help = "Channels of all connections together; one more ends its connection. 0: no limit.",
    },
    {
        .name = "millrace.broker.queues_max",
        .kind = SETTING_INT,
        .offset = FIELD(queues_max),
        .fallback = "0",
        .max = INT32_MAX,
        .is_reloadable = true,
        .help = "Queues that a virtual host may have; 0 is no limit.",
    },
    {
        .name = "millrace.broker.exchanges_max",
        .kind = SETTING_INT,
        .offset = FIELD(exchanges_max),
        .fallback = "0",
        .max = INT32_MAX,
        .is_reloadable = true,
        .help = "Exchanges that a virtual host may have, those that are always there included; 0 "
                "is no limit.",
    },
    {
        .name = "millrace.broker.tx_max",
        .kind = SETTING_SIZE,
        .offset = FIELD(tx_max_bytes),
        .fallback = "16MiB",
        .min = 64 << 10,
        .max = 24 << 20,
        .is_reloadable = true,
        .help = "What one transaction of a channel may hold; more ends the channel. Messages that "
                "arrive in one batch of the log are all there or not at all.",
    },
    {0},
};
