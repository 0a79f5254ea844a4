/* Reads the command line: "--name", "--name value", "--name=value", and RabbitMQ's short forms. */
#include "tools/ctl/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/parse.h"

enum { TIMEOUT_S = 60, TIMEOUT_MAX_S = 86400 };

const char options_help[] =
    "usage: millracectl [OPTION]... VERB [WORD]...\n"
    "\n"
    "Asks a running broker over its HTTP API, with the verbs of rabbitmqctl.\n"
    "'millracectl help' lists the verbs, 'millracectl help VERB' explains one.\n"
    "\n"
    "  --uri URI              http[s]://[user:password@]host[:port] of the HTTP API;\n"
    "                         default $MILLRACE_URI, then http://guest:guest@127.0.0.1:15672\n"
    "  -u, --username NAME    instead of that of the URI\n"
    "      --password TEXT    the same; $MILLRACE_PASSWORD keeps it off the command line\n"
    "  -p, --vhost NAME       the virtual host; default /\n"
    "  -n, --node NAME        refuse to go on when the node that answers is not called so\n"
    "      --cacert FILE      certificates to trust, for https\n"
    "      --formatter NAME   table (values with tabs between), pretty_table, csv, json\n"
    "  -q, --quiet            do not say what is being done, show no progress\n"
    "  -s, --silent           the same, and no header line\n"
    "      --no-table-headers no header line\n"
    "      --verbose          show each request on standard error\n"
    "  -t, --timeout SECONDS  for the whole of a request; default 60\n"
    "      --if-empty, --if-unused    of delete_queue and delete_exchange\n"
    "      --apply-to KIND, --priority N    of set_policy and set_operator_policy\n"
    "      --reason TEXT      of close_connection\n"
    "      --dry-run          of reset_group: only tell what would be\n"
    "      --force            of reset_group: though it has members, who go on from there\n"
    "      --version, --help\n"
    "\n"
    "Exit status: 0 done, 64 wrong usage, 65 refused or not found, 69 the broker cannot be\n"
    "reached, 77 not allowed, 70 anything else.\n";

enum option {
    OPTION_URI,
    OPTION_USER,
    OPTION_PASSWORD,
    OPTION_VHOST,
    OPTION_NODE,
    OPTION_CACERT,
    OPTION_FORMATTER,
    OPTION_TIMEOUT,
    OPTION_APPLY_TO,
    OPTION_PRIORITY,
    OPTION_REASON,
    OPTION_WITH_VALUE_END,
    OPTION_QUIET,
    OPTION_SILENT,
    OPTION_HEADLESS,
    OPTION_VERBOSE,
    OPTION_IF_EMPTY,
    OPTION_IF_UNUSED,
    OPTION_DRY_RUN,
    OPTION_FORCE,
    OPTION_HELP,
    OPTION_VERSION,
    OPTION_NONE,
};

static const struct {
    const char *name;
    enum option option;
} rows[] = {
    {"--uri", OPTION_URI},
    {"--username", OPTION_USER},
    {"-u", OPTION_USER},
    {"--password", OPTION_PASSWORD},
    {"--vhost", OPTION_VHOST},
    {"-p", OPTION_VHOST},
    {"--node", OPTION_NODE},
    {"-n", OPTION_NODE},
    {"--cacert", OPTION_CACERT},
    {"--formatter", OPTION_FORMATTER},
    {"--timeout", OPTION_TIMEOUT},
    {"-t", OPTION_TIMEOUT},
    {"--apply-to", OPTION_APPLY_TO},
    {"--priority", OPTION_PRIORITY},
    {"--reason", OPTION_REASON},
    {"--quiet", OPTION_QUIET},
    {"-q", OPTION_QUIET},
    {"--silent", OPTION_SILENT},
    {"-s", OPTION_SILENT},
    {"--no-table-headers", OPTION_HEADLESS},
    {"--verbose", OPTION_VERBOSE},
    {"--if-empty", OPTION_IF_EMPTY},
    {"--if-unused", OPTION_IF_UNUSED},
    {"--dry-run", OPTION_DRY_RUN},
    {"--force", OPTION_FORCE},
    {"--help", OPTION_HELP},
    {"-h", OPTION_HELP},
    {"--version", OPTION_VERSION},
};

static enum option find(const char *text)
{
    size_t size = strncmp(text, "--", 2) == 0 ? strcspn(text, "=") : strlen(text);

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (strlen(rows[i].name) == size && memcmp(rows[i].name, text, size) == 0)
            return rows[i].option;
    }
    return OPTION_NONE;
}

static int take_formatter(struct options *o, const char *value, struct err_note *note)
{
    static const char *const names[] = {"table", "pretty_table", "csv", "json"};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (strcmp(names[i], value) == 0) {
            o->formatter = (enum formatter)i;
            return 0;
        }
    }
    return err_note(note, ERR_INVALID,
                    "there is no formatter '%s'; take table, pretty_table, csv or json", value);
}

static int take_timeout(struct options *o, const char *value, struct err_note *note)
{
    uint64_t seconds = 0;

    if (parse_u64(bytes_text(value), 1, TIMEOUT_MAX_S, &seconds) != 0)
        return err_note(note, ERR_INVALID, "--timeout takes seconds from 1 to %d, not '%s'",
                        (int)TIMEOUT_MAX_S, value);
    o->timeout_ms = seconds * 1000;
    return 0;
}

static int take_value(struct options *o, enum option option, const char *value,
                      struct err_note *note)
{
    const char **texts[OPTION_WITH_VALUE_END] = {
        [OPTION_URI] = &o->uri,           [OPTION_USER] = &o->user,
        [OPTION_PASSWORD] = &o->password, [OPTION_VHOST] = &o->vhost,
        [OPTION_CACERT] = &o->ca_file,    [OPTION_APPLY_TO] = &o->apply_to,
        [OPTION_NODE] = &o->node,         [OPTION_PRIORITY] = &o->priority,
        [OPTION_REASON] = &o->reason,
    };

    if (option == OPTION_FORMATTER)
        return take_formatter(o, value, note);
    if (option == OPTION_TIMEOUT)
        return take_timeout(o, value, note);
    *texts[option] = value;
    o->names_vhost = o->names_vhost || option == OPTION_VHOST;
    return 0;
}

static void take_flag(struct options *o, enum option option)
{
    switch (option) {
    case OPTION_SILENT:
        o->is_silent = true;
        o->is_quiet = true;
        o->is_headless = true;
        break;
    case OPTION_HEADLESS:
        o->is_headless = true;
        break;
    case OPTION_QUIET:
        o->is_quiet = true;
        break;
    case OPTION_VERBOSE:
        o->is_verbose = true;
        break;
    case OPTION_IF_EMPTY:
        o->if_empty = true;
        break;
    case OPTION_IF_UNUSED:
        o->if_unused = true;
        break;
    case OPTION_DRY_RUN:
        o->is_dry_run = true;
        break;
    case OPTION_FORCE:
        o->is_forced = true;
        break;
    case OPTION_HELP:
        o->wants_help = true;
        break;
    default:
        ASSERT(option == OPTION_VERSION);
        o->wants_version = true;
        break;
    }
}

static int take_word(struct options *o, const char *text, struct err_note *note)
{
    if (o->verb == NULL) {
        o->verb = text;
        return 0;
    }
    if (o->word_count == OPTIONS_WORDS_MAX)
        return err_note(note, ERR_INVALID, "more than %d words behind '%s'", (int)OPTIONS_WORDS_MAX,
                        o->verb);
    o->words[o->word_count++] = text;
    return 0;
}

/* Takes the option at *i; moves *i over a value that stands by itself. */
static int take_option(struct options *o, char *const *texts, int *i, struct err_note *note)
{
    const char *text = texts[*i];
    enum option option = find(text);
    const char *value = strncmp(text, "--", 2) == 0 ? strchr(text, '=') : NULL;

    if (option == OPTION_NONE)
        return err_note(note, ERR_INVALID, "there is no option '%s'; see millracectl --help", text);
    if (option > OPTION_WITH_VALUE_END) {
        if (value != NULL)
            return err_note(note, ERR_INVALID, "'%s' takes no value", text);
        take_flag(o, option);
        return 0;
    }
    value = value != NULL ? value + 1 : texts[++*i]; /* NULL behind the last one */
    if (value == NULL)
        return err_note(note, ERR_INVALID, "'%s' needs a value", text);
    return take_value(o, option, value, note);
}

static const char *from_environment(const char *name, const char *otherwise)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : otherwise;
}

int options_read(struct options *o, int count, char *const *texts, struct err_note *note)
{
    bool are_words = false; /* behind "--" everything is a word */

    *o = (struct options){
        .uri = from_environment("MILLRACE_URI", "http://guest:guest@127.0.0.1:15672"),
        .password = from_environment("MILLRACE_PASSWORD", NULL),
        .vhost = "/",
        .timeout_ms = TIMEOUT_S * UINT64_C(1000),
    };
    for (int i = 1; i < count; i++) {
        bool is_number = texts[i][0] == '-' && texts[i][1] >= '0' && texts[i][1] <= '9';
        bool is_option = !are_words && !is_number && texts[i][0] == '-' && texts[i][1] != '\0';
        int rv = 0;

        if (is_option && strcmp(texts[i], "--") == 0)
            are_words = true;
        else
            rv = is_option ? take_option(o, texts, &i, note) : take_word(o, texts[i], note);
        if (rv != 0)
            return rv;
    }
    return 0;
}

void options_print_names(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        printf("%s\n", rows[i].name);
}
