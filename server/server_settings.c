/* The settings of the program as a whole, named as in rabbitmq.conf where they mean the same. */
#include "server/server_settings.h"

#include <stddef.h>

#define FIELD(name) offsetof(struct server_options, name)

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
        .help = "A file of definitions, as RabbitMQ exports them, that is imported at every start. "
                "With one no default user and virtual host are made.",
    },
    {
        .name = "definitions.skip_if_unchanged",
        .kind = SETTING_BOOL,
        .offset = FIELD(skips_unchanged_definitions),
        .fallback = "false",
        .help = "Whether that file is passed over when it was imported before as it is.",
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
    {0},
};
