/* Reads the command line: "--name", "--name value" or "--name=value". */
#include "server/arguments.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"

const char arguments_help[] =
    "usage: millrace [--conf FILE]... [--data-dir DIR] [--set KEY=VALUE]...\n"
    "\n"
    "Runs a message broker until it gets SIGTERM or SIGINT. SIGHUP makes it read its\n"
    "configuration again.\n"
    "\n"
    "  --conf FILE        configuration, in the format of rabbitmq.conf, or a folder\n"
    "                     of such files, *.conf; may come again, later ones win\n"
    "  --data-dir DIR     where everything is kept; made when it is missing (./data)\n"
    "  --set KEY=VALUE    sets one key over what the file says; may come again\n"
    "  --check-conf       checks the configuration, says all that is wrong, and ends\n"
    "  --print-conf       prints every setting at its default, as such a file\n"
    "  --print-man        prints the manual page millrace.conf(5)\n"
    "  --version          prints the version\n"
    "  --help             prints this\n"
    "\n"
    "The environment counts over files and under --set: MILLRACE_CONF, a FILE when\n"
    "there is no --conf; MILLRACE_DATA_DIR; MILLRACE_SETTINGS, lines as in a file;\n"
    "RABBITMQ_DEFAULT_USER, RABBITMQ_DEFAULT_PASS and RABBITMQ_DEFAULT_VHOST.\n";

static const struct {
    const char *name;
    bool has_value;
    enum arguments_task task; /* of those without a value */
} names[] = {
    {"--conf", true, TASK_RUN},
    {"--data-dir", true, TASK_RUN},
    {"--set", true, TASK_RUN},
    {"--check-conf", false, TASK_CHECK_CONF},
    {"--print-conf", false, TASK_PRINT_CONF},
    {"--print-man", false, TASK_PRINT_MAN},
    {"--version", false, TASK_VERSION},
    {"--help", false, TASK_HELP},
};

/* The row whose name `text` is, up to a '='; the size of the table when there is none. */
static size_t find_name(const char *text)
{
    size_t size = strcspn(text, "=");
    size_t i = 0;

    while (i < ARRAY_SIZE(names) &&
           (strlen(names[i].name) != size || memcmp(names[i].name, text, size) != 0))
        i++;
    return i;
}

static void add_set(struct arguments *a, char *text)
{
    a->sets = mem_grow(a->sets, a->set_count + 1, sizeof(a->sets[0]));
    a->sets[a->set_count++] = text;
}

static void add_conf(struct arguments *a, const char *path)
{
    a->confs = mem_grow(a->confs, a->conf_count + 1, sizeof(a->confs[0]));
    a->confs[a->conf_count++] = path;
}

static void take_value(struct arguments *a, const char *name, const char *value)
{
    if (strcmp(name, "--conf") == 0)
        add_conf(a, value);
    else if (strcmp(name, "--data-dir") == 0)
        add_set(a, mem_format("millrace.data_dir=%s", value));
    else
        add_set(a, mem_text(value));
}

int arguments_read(struct arguments *a, int count, char *const *texts, struct err_note *note)
{
    *a = (struct arguments){.task = TASK_RUN};
    for (int i = 1; i < count; i++) {
        const char *value = strchr(texts[i], '=');
        size_t row = find_name(texts[i]);

        if (row == ARRAY_SIZE(names))
            return err_note(note, ERR_INVALID, "unknown argument '%s'; see millrace --help",
                            texts[i]);
        if (names[row].has_value) {
            value = value != NULL ? value + 1 : texts[++i]; /* NULL behind the last one */
            if (value == NULL)
                return err_note(note, ERR_INVALID, "%s needs a value; see millrace --help",
                                names[row].name);
            take_value(a, names[row].name, value);
            continue;
        }
        if (value != NULL)
            return err_note(note, ERR_INVALID, "%s takes no value; see millrace --help",
                            names[row].name);
        a->task = names[row].task;
    }
    return 0;
}

void arguments_release(struct arguments *a)
{
    for (size_t i = 0; i < a->set_count; i++)
        mem_free(a->sets[i]);
    mem_free(a->sets);
    mem_free(a->confs);
    *a = (struct arguments){.task = TASK_RUN};
}
