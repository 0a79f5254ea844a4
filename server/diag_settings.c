/* The settings of diagnostics. */
#include "server/diag_settings.h"

#include <stddef.h>
#include <string.h>

#include "base/mem.h"

#define FIELD(name) offsetof(struct diag_settings_options, name)

/* RabbitMQ's levels. Ours are fewer: its notice is a warning here, and all above error is an error,
 * because nothing that is wrong should vanish. */
static const char *const levels[] = {"debug",    "info",  "notice",    "warning", "error",
                                     "critical", "alert", "emergency", "none",    NULL};
static const enum diag_level thresholds[] = {DIAG_DEBUG,   DIAG_INFO,  DIAG_WARNING,
                                             DIAG_WARNING, DIAG_ERROR, DIAG_ERROR,
                                             DIAG_ERROR,   DIAG_ERROR, DIAG_OFF};

STATIC_ASSERT(ARRAY_SIZE(levels) == ARRAY_SIZE(thresholds) + 1, "each level has a threshold");

/* The same, behind a word for that of everybody else. */
static const char *const area_levels[] = {"default",   "debug", "info",     "notice",
                                          "warning",   "error", "critical", "alert",
                                          "emergency", "none",  NULL};

STATIC_ASSERT(ARRAY_SIZE(area_levels) == ARRAY_SIZE(levels) + 1, "one word more");

static const char *const formatters[] = {"plaintext", "json", "text", NULL};
enum { FORMATTER_JSON = 1 };

static const char *const dates[] = {"none", "$D0", "$H0", NULL};
static const enum diag_period periods[] = {DIAG_NEVER, DIAG_DAILY, DIAG_HOURLY};

#define AREA(area, what)                                                                           \
    {                                                                                              \
        .name = "log." #area ".level", .kind = SETTING_CHOICE, .offset = FIELD(area##_level),      \
        .fallback = "default", .choices = area_levels, .is_reloadable = true,                      \
        .help = "How important a line about " what " must be; default is log.default.level.",      \
    }

const struct setting diag_settings[] = {
    {
        .name = "log.default.level",
        .kind = SETTING_CHOICE,
        .offset = FIELD(default_level),
        .fallback = "info",
        .choices = levels,
        .is_reloadable = true,
        .help = "How important a line of diagnostics must be to be considered at all; the higher "
                "of this and that of the place it goes to counts.",
    },
    AREA(connection, "connections"),
    AREA(channel, "channels"),
    AREA(queue, "queues"),
    {
        .name = "log.console",
        .kind = SETTING_BOOL,
        .offset = FIELD(has_console),
        .fallback = "true",
        .is_reloadable = true,
        .help = "Whether diagnostics are written to standard error.",
    },
    {
        .name = "log.console.level",
        .kind = SETTING_CHOICE,
        .offset = FIELD(console_level),
        .fallback = "info",
        .choices = levels,
        .is_reloadable = true,
        .help = "How important a line of diagnostics must be to be written to standard error.",
    },
    {
        .name = "log.console.formatter",
        .kind = SETTING_CHOICE,
        .offset = FIELD(console_formatter),
        .fallback = "plaintext",
        .choices = formatters,
        .is_reloadable = true,
        .help = "The form of a line there: json is one object with time, level, domain and msg.",
    },
    {
        .name = "log.file",
        .kind = SETTING_TEXT,
        .offset = FIELD(file),
        .fallback = "false",
        .is_reloadable = true,
        .help = "The file to which diagnostics are written, or false for none. SIGHUP opens it "
                "anew, for programs that move such files away.",
    },
    {
        .name = "log.dir",
        .kind = SETTING_TEXT,
        .offset = FIELD(dir),
        .fallback = "",
        .is_reloadable = true,
        .help = "The folder of that file, when its name does not begin with a slash.",
    },
    {
        .name = "log.file.level",
        .kind = SETTING_CHOICE,
        .offset = FIELD(file_level),
        .fallback = "info",
        .choices = levels,
        .is_reloadable = true,
        .help = "How important a line of diagnostics must be to be written to that file.",
    },
    {
        .name = "log.file.formatter",
        .kind = SETTING_CHOICE,
        .offset = FIELD(file_formatter),
        .fallback = "plaintext",
        .choices = formatters,
        .is_reloadable = true,
        .help = "The form of a line there.",
    },
    {
        .name = "log.file.rotation.size",
        .kind = SETTING_SIZE,
        .offset = FIELD(rotation_bytes),
        .fallback = "0",
        .max = INT64_C(1) << 40,
        .is_reloadable = true,
        .help = "A file that would be larger is renamed, with .0 behind its name, and a new one "
                "begins; 0 lets it grow.",
    },
    {
        .name = "log.file.rotation.date",
        .kind = SETTING_CHOICE,
        .offset = FIELD(rotation_date),
        .fallback = "none",
        .choices = dates,
        .is_reloadable = true,
        .help = "The same when a day ($D0) or an hour ($H0) begins, in UTC.",
    },
    {
        .name = "log.file.rotation.count",
        .kind = SETTING_INT,
        .offset = FIELD(rotation_count),
        .fallback = "5",
        .max = DIAG_ROTATIONS_MAX,
        .is_reloadable = true,
        .help = "How many renamed files are kept; 0 keeps none.",
    },
    {
        .name = "log.exchange.level",
        .kind = SETTING_CHOICE,
        .offset = FIELD(exchange_level),
        .fallback = "info",
        .choices = levels,
        .is_reloadable = true,
        .help = "How important a line of diagnostics must be to become a message, where "
                "log.exchange says that they do.",
    },
    {
        .name = "log.exchange.formatter",
        .kind = SETTING_CHOICE,
        .offset = FIELD(exchange_formatter),
        .fallback = "plaintext",
        .choices = formatters,
        .is_reloadable = true,
        .help = "The form of a line there.",
    },
    {0},
};

static enum diag_level area_level(const struct diag_settings_options *o, int choice)
{
    return thresholds[choice == 0 ? o->default_level : choice - 1];
}

static char *path_of(const struct diag_settings_options *o)
{
    if (strcmp(o->file, "false") == 0 || o->file[0] == '\0')
        return NULL;
    if (o->file[0] == '/' || o->dir[0] == '\0')
        return mem_text(o->file);
    return mem_format("%s/%s", o->dir, o->file);
}

void diag_settings_apply(const struct diag_settings_options *o)
{
    char *path = path_of(o);
    struct diag_options options = {
        .levels = {[DIAG_OTHERS] = thresholds[o->default_level],
                   [DIAG_CONNECTIONS] = area_level(o, o->connection_level),
                   [DIAG_CHANNELS] = area_level(o, o->channel_level),
                   [DIAG_QUEUES] = area_level(o, o->queue_level)},
        .console = {.level = o->has_console ? thresholds[o->console_level] : DIAG_OFF,
                    .is_json = o->console_formatter == FORMATTER_JSON},
        .file = {.level = path != NULL ? thresholds[o->file_level] : DIAG_OFF,
                 .is_json = o->file_formatter == FORMATTER_JSON},
        .tap = {.level = thresholds[o->exchange_level],
                .is_json = o->exchange_formatter == FORMATTER_JSON},
        .path = path,
        .rotation_bytes = o->rotation_bytes,
        .rotation_period = periods[o->rotation_date],
        .rotation_count = (uint64_t)o->rotation_count,
    };

    diag_set(&options);
    mem_free(path);
}
