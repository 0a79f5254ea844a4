/* Reads the command line: a path, "--name", "--name value" or "--name=value". */
#include "tools/logdump/arguments.h"

#include <string.h>

#include "base/bytes.h"
#include "base/parse.h"

const char arguments_help[] =
    "usage: millrace-logdump [OPTION]... DIR\n"
    "       millrace-logdump [OPTION]... --file PATH\n"
    "\n"
    "Shows what a data directory or one log in it holds; changes nothing and takes no lock.\n"
    "Without an option it prints a summary.\n"
    "\n"
    "  --verify           reads and compares everything; one line for each thing found\n"
    "  --manifest         the manifest's copies, and the cold files it names\n"
    "  --watermark        both slots of the durable watermark\n"
    "  --checkpoints      the checkpoints\n"
    "  --segments         one line for each segment\n"
    "  --batches          one line for each batch\n"
    "  --records          one line for each record\n"
    "  --body             with --records: the bytes of the record too\n"
    "  --from N           with --records: only numbers from N on\n"
    "  --count N          with --records: only so many numbers\n"
    "  --index            the entries of each segment's index\n"
    "  --file PATH        looks at this one file, by itself\n"
    "  --version          prints the version\n"
    "  --help             prints this\n"
    "\n"
    "Exit status: 0 all is well, 1 something is wrong, 2 wrong usage or nothing to read.\n";

enum effect { SHOW, VERIFY, FILE_PATH, FROM, COUNT, TASK };

static const struct {
    const char *name;
    enum effect effect;
    unsigned value;
} names[] = {
    {"--verify", VERIFY, 0},
    {"--manifest", SHOW, SHOW_MANIFEST},
    {"--watermark", SHOW, SHOW_WATERMARK},
    {"--checkpoints", SHOW, SHOW_CHECKPOINTS},
    {"--segments", SHOW, SHOW_SEGMENTS},
    {"--batches", SHOW, SHOW_BATCHES},
    {"--records", SHOW, SHOW_RECORDS},
    {"--body", SHOW, SHOW_RECORDS | SHOW_BODIES},
    {"--index", SHOW, SHOW_INDEX},
    {"--file", FILE_PATH, 0},
    {"--from", FROM, 0},
    {"--count", COUNT, 0},
    {"--version", TASK, TASK_VERSION},
    {"--help", TASK, TASK_HELP},
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

static int set_path(struct arguments *a, const char *path, bool is_file, struct err_note *note)
{
    if (a->path != NULL)
        return err_note(note, ERR_INVALID, "'%s' and '%s': one path at a time", a->path, path);
    a->path = path;
    a->is_file = is_file;
    return 0;
}

static int set_number(uint64_t *out, const char *name, const char *text, struct err_note *note)
{
    if (parse_u64(bytes_text(text), 0, UINT64_MAX, out) != 0)
        return err_note(note, ERR_INVALID, "%s: '%s' is no number", name, text);
    return 0;
}

static int take_value(struct arguments *a, size_t row, const char *value, struct err_note *note)
{
    switch (names[row].effect) {
    case FILE_PATH:
        return set_path(a, value, true, note);
    case FROM:
        return set_number(&a->from, names[row].name, value, note);
    case COUNT:
        return set_number(&a->count, names[row].name, value, note);
    default:
        ASSERT(false);
        return ERR_INVALID;
    }
}

static void take_flag(struct arguments *a, size_t row)
{
    if (names[row].effect == SHOW)
        a->sections |= names[row].value;
    else if (names[row].effect == VERIFY)
        a->verifies = true;
    else
        a->task = (enum arguments_task)names[row].value;
}

static bool needs_value(size_t row)
{
    return names[row].effect == FILE_PATH || names[row].effect == FROM ||
           names[row].effect == COUNT;
}

/* Takes the argument at *i; moves *i over a value that stands by itself. */
static int take(struct arguments *a, char *const *texts, int *i, struct err_note *note)
{
    const char *value = strchr(texts[*i], '=');
    size_t row = find_name(texts[*i]);

    if (texts[*i][0] != '-')
        return set_path(a, texts[*i], false, note);
    if (row == ARRAY_SIZE(names))
        return err_note(note, ERR_INVALID, "unknown argument '%s'; see millrace-logdump --help",
                        texts[*i]);
    if (!needs_value(row)) {
        if (value != NULL)
            return err_note(note, ERR_INVALID, "%s takes no value", names[row].name);
        take_flag(a, row);
        return 0;
    }
    value = value != NULL ? value + 1 : texts[++*i]; /* NULL behind the last one */
    if (value == NULL)
        return err_note(note, ERR_INVALID, "%s needs a value", names[row].name);
    return take_value(a, row, value, note);
}

int arguments_read(struct arguments *a, int count, char *const *texts, struct err_note *note)
{
    *a = (struct arguments){.count = UINT64_MAX};
    for (int i = 1; i < count; i++) {
        int rv = take(a, texts, &i, note);

        if (rv != 0)
            return rv;
    }
    if (a->task == TASK_LOOK && a->path == NULL)
        return err_note(note, ERR_INVALID, "which directory? see millrace-logdump --help");
    return 0;
}
