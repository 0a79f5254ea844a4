/* What can be set about diagnostics, under RabbitMQ's names: what it calls its log is not our log.
 * */
#ifndef SERVER_DIAG_SETTINGS_H
#define SERVER_DIAG_SETTINGS_H

#include "base/diag.h"
#include "base/setting.h"

/* Levels are choices: of the table's own words. */
struct diag_settings_options {
    int default_level;
    int connection_level;
    int channel_level;
    int queue_level;
    bool has_console;
    int console_level;
    int console_formatter;
    int exchange_level;
    int exchange_formatter;
    char *dir;
    char *file; /* "false": none */
    int file_level;
    int file_formatter;
    uint64_t rotation_bytes;
    int rotation_date;
    int64_t rotation_count;
};

extern const struct setting diag_settings[];

/* Makes the diagnostics what the settings say. */
void diag_settings_apply(const struct diag_settings_options *o);

#endif
