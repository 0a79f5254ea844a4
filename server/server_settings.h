/* What can be set about the program as a whole: doors, data directory. */
#ifndef SERVER_SERVER_SETTINGS_H
#define SERVER_SERVER_SETTINGS_H

#include <stdbool.h>

#include "base/setting.h"

enum { SERVER_LISTENERS_MAX = 5 };

/* Whether there are listeners of a kind at all. */
enum server_listeners { SERVER_LISTENERS_DEFAULT, SERVER_LISTENERS_NONE };

struct server_options {
    int tcp_listeners; /* a choice: none, whatever the places say */
    int ssl_listeners;
    struct setting_endpoint tcp[SERVER_LISTENERS_MAX];
    struct setting_endpoint ssl[SERVER_LISTENERS_MAX];
    char *data_dir;
    char *load_definitions; /* "": nothing */
    bool skips_unchanged_definitions;
};

extern const struct setting server_settings[];

#endif
