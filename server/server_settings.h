/* What can be set about the program as a whole: doors, data directory. */
#ifndef SERVER_SERVER_SETTINGS_H
#define SERVER_SERVER_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"
#include "base/err.h"
#include "base/setting.h"

enum { SERVER_LISTENERS_MAX = 5 };

/* Whether there are listeners of a kind at all. */
enum server_listeners { SERVER_LISTENERS_DEFAULT, SERVER_LISTENERS_NONE };

/* Where other definitions come from. */
enum server_definitions { SERVER_DEFINITIONS_NONE, SERVER_DEFINITIONS_LOCAL };

struct server_options {
    int tcp_listeners; /* a choice: none, whatever the places say */
    int ssl_listeners;
    struct setting_endpoint tcp[SERVER_LISTENERS_MAX];
    struct setting_endpoint ssl[SERVER_LISTENERS_MAX];
    char *data_dir;
    int64_t partitions;
    char *load_definitions;     /* "": nothing */
    char *old_load_definitions; /* management.load_definitions */
    int definitions_backend;    /* enum server_definitions */
    char *definitions_path;     /* definitions.local.path */
    bool skips_unchanged_definitions;
};

extern const struct setting server_settings[];

/* Whether definitions are imported at the start. */
bool server_settings_has_definitions(const struct server_options *o);

/* Whether a data directory with so many partitions can be used: there may be more than it has, not
 * fewer. ERR_INVALID with a note. */
MUST_USE int server_settings_check_partitions(const struct server_options *o, unsigned has,
                                              struct err_note *note);

/* What one setting alone cannot say. ERR_INVALID with a note. */
MUST_USE int server_settings_check(const struct server_options *o, struct err_note *note);

#endif
