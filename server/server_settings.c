/* The settings of the program as a whole, named as in rabbitmq.conf where they mean the same. */
#include "server/server_settings.h"

#include <inttypes.h>
#include <stddef.h>

#include "broker/broker.h"

#define FIELD(name) offsetof(struct server_options, name)

static const char *const definitions_backends[] = {"none", "local_filesystem", NULL};
static const char *const listener_words[] = {"default", "none", NULL};

#define LISTENER(kind_, number)                                                                    \
    {                                                                                              \
        .name = "listeners." #kind_ "." #number, .kind = SETTING_ENDPOINT,                         \
        .offset = FIELD(kind_) + (number) * sizeof(struct setting_endpoint), .fallback = "none",   \
        .help = "One more, in the same form.",                                                     \
    }

const struct setting server_settings[] = {
    {
        .name = "load_definitions",
        .kind = SETTING_TEXT,
        .offset = FIELD(load_definitions),
        .fallback = "",
        .help = "A file of definitions, as RabbitMQ exports them, that is imported at every start, "
                "or a folder, of which all *.json are, in the order of their names. With one no "
                "default user and virtual host are made.",
    },
    {
        .name = "management.load_definitions",
        .kind = SETTING_TEXT,
        .offset = FIELD(old_load_definitions),
        .fallback = "",
        .help = "The same, under an older name.",
    },
    {
        .name = "definitions.import_backend",
        .kind = SETTING_CHOICE,
        .offset = FIELD(definitions_backend),
        .fallback = "none",
        .choices = definitions_backends,
        .help = "With local_filesystem what definitions.local.path names is imported too.",
    },
    {
        .name = "definitions.local.path",
        .kind = SETTING_TEXT,
        .offset = FIELD(definitions_path),
        .fallback = "",
        .help = "A file or a folder, as for load_definitions.",
    },
    {
        .name = "definitions.skip_if_unchanged",
        .kind = SETTING_BOOL,
        .offset = FIELD(skips_unchanged_definitions),
        .fallback = "false",
        .help = "Whether those files are passed over when they were imported before as they are.",
    },
    {
        .name = "listeners.tcp",
        .kind = SETTING_CHOICE,
        .offset = FIELD(tcp_listeners),
        .fallback = "default",
        .choices = listener_words,
        .help = "With none no AMQP client connects without TLS, whatever the places say.",
    },
    {
        .name = "listeners.tcp.default",
        .kind = SETTING_ENDPOINT,
        .offset = FIELD(tcp),
        .fallback = "5672",
        .help = "Where AMQP clients connect: a port of every address, an address and a port, or "
                "none. Behind an address port 0 is any that is free.",
    },
    LISTENER(tcp, 1),
    LISTENER(tcp, 2),
    LISTENER(tcp, 3),
    LISTENER(tcp, 4),
    {
        .name = "listeners.ssl",
        .kind = SETTING_CHOICE,
        .offset = FIELD(ssl_listeners),
        .fallback = "default",
        .choices = listener_words,
        .help = "With none no AMQP client connects with TLS, whatever the places say.",
    },
    {
        .name = "listeners.ssl.default",
        .kind = SETTING_ENDPOINT,
        .offset = FIELD(ssl),
        .fallback = "none",
        .help = "Where AMQP clients connect with TLS, in the same form; RabbitMQ's port is 5671. "
                "It needs ssl_options.certfile and ssl_options.keyfile.",
    },
    LISTENER(ssl, 1),
    LISTENER(ssl, 2),
    LISTENER(ssl, 3),
    LISTENER(ssl, 4),
    {
        .name = "millrace.data_dir",
        .kind = SETTING_TEXT,
        .offset = FIELD(data_dir),
        .fallback = "./data",
        .help = "The directory in which everything is kept. It is made when it is missing; its "
                "parent must be there. One broker uses it at a time.",
    },
    {
        .name = "millrace.partitions",
        .kind = SETTING_INT,
        .offset = FIELD(partitions),
        .fallback = "1",
        .min = 1,
        .max = BROKER_PARTITIONS_MAX,
        .help = "Commit logs of this node, each with its own writes and syncs. A new queue goes to "
                "the one with the fewest. May be raised later, and counts for new queues then; not "
                "lowered.",
    },
    {0},
};

bool server_settings_has_definitions(const struct server_options *o)
{
    return o->load_definitions[0] != '\0' || o->old_load_definitions[0] != '\0' ||
           o->definitions_path[0] != '\0';
}

int server_settings_check_partitions(const struct server_options *o, unsigned has,
                                     struct err_note *note)
{
    if (has <= (uint64_t)o->partitions)
        return 0;
    return err_note(note, ERR_INVALID,
                    "millrace.partitions is %" PRId64 ", but '%s' has %u partitions, which hold "
                    "queues and messages; set it to %u",
                    o->partitions, o->data_dir, has, has);
}

int server_settings_check(const struct server_options *o, struct err_note *note)
{
    bool has_path = o->definitions_path[0] != '\0';

    if (has_path && o->definitions_backend == SERVER_DEFINITIONS_NONE)
        return err_note(note, ERR_INVALID,
                        "definitions.local.path needs definitions.import_backend = "
                        "local_filesystem");
    if (!has_path && o->definitions_backend == SERVER_DEFINITIONS_LOCAL)
        return err_note(note, ERR_INVALID,
                        "definitions.import_backend = local_filesystem needs "
                        "definitions.local.path");
    return 0;
}
