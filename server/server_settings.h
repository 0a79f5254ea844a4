/* What can be set about the program as a whole: doors, data directory, diagnostics. */
#ifndef SERVER_SERVER_SETTINGS_H
#define SERVER_SERVER_SETTINGS_H

#include "base/diag.h"
#include "base/setting.h"

struct server_options {
    struct setting_endpoint amqp;
    struct setting_endpoint management;
    struct setting_endpoint prometheus;
    char *data_dir;
    int console_level; /* a choice, see server_level() */
    int default_level;
};

extern const struct setting server_settings[];

/* The threshold that both levels together ask for: a line must be loud enough for each. */
enum diag_level server_level(const struct server_options *options);

#endif
