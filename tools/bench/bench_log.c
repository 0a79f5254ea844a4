/* `millrace-bench log`: its options, its scenarios, and the folder they work in. */
#include "tools/bench/bench_log.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/parse.h"
#include "io/disk.h"
#include "io/real.h"
#include "tools/bench/bench.h"
#include "tools/bench/measure/machine.h"
#include "tools/bench/writers.h"

enum { SCENARIOS_MAX = 16, ROUNDS_DEFAULT = 5, SECONDS_DEFAULT = 2, SECONDS_MAX = 3600 };

#define NS_PER_S    (UINT64_C(1000) * 1000 * 1000)
#define DEFAULT_DIR "./bench-data"

static const struct {
    const char *name;
    bench_log_scenario_fn *run;
    const char *what;
} scenarios[] = {
    {"append", bench_log_append, "1 KiB records, group commit, 1, 100 and 1000 waiting writers"},
    {"cost", bench_log_cost, "CPU of an append, without waiting for the disk"},
    {"spares", bench_log_spares, "new segment files, and appends that need one after another"},
    {"read", bench_log_read, "the hot log in order and at random"},
    {"sort", bench_log_sort, "the sorter, and reading the lane of one destination"},
    {"recovery", bench_log_recovery, "opening a log of a million records"},
};

/* What the words on the command line ask for. */
struct request {
    const char *dir; /* NULL: the default */
    const char *json;
    uint64_t seconds;
    uint64_t rounds;
    uint64_t writers; /* 0: as planned */
    bool is_wanted[SCENARIOS_MAX];
    bool is_choice; /* some scenarios were named */
    bool is_list;
    bool is_help;
    struct log_options options;
};

STATIC_ASSERT(ARRAY_SIZE(scenarios) <= SCENARIOS_MAX, "each scenario has its mark");

static const char usage[] =
    "usage: millrace-bench log [OPTIONS]\n"
    "\n"
    "Measures the commit log in a folder of its own, which is removed afterwards.\n"
    "\n"
    "  --scenario NAME   only this one; may come several times\n"
    "  --list            says which scenarios there are\n"
    "  --seconds N       how long a timed round lasts (2)\n"
    "  --rounds N        how many samples of each figure are taken (5)\n"
    "  --dir DIR         where the folder is made; DIR must exist (./bench-data, which is made)\n"
    "  --writers N       appends by so many waiting writers only\n"
    "  --set KEY=VALUE   a setting of the log, such as millrace.log.segment_size=128MiB\n"
    "  --json FILE       writes all figures to FILE too\n"
    "  --help            this text\n";

/* ---- the command line ---- */

static int set_log_option(struct request *q, const char *word, struct err_note *note)
{
    const char *equals = strchr(word, '=');
    size_t size = equals != NULL ? (size_t)(equals - word) : 0;

    for (const struct setting *s = log_settings; equals != NULL && s->name != NULL; s++) {
        if (strlen(s->name) == size && memcmp(s->name, word, size) == 0)
            return setting_set(s, &q->options, equals + 1, note);
    }
    return err_note(note, ERR_INVALID, "'%s' is not KEY=VALUE for a setting of the log", word);
}

static int want_scenario(struct request *q, const char *name, struct err_note *note)
{
    for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++) {
        if (strcmp(scenarios[i].name, name) == 0) {
            q->is_wanted[i] = true;
            q->is_choice = true;
            return 0;
        }
    }
    return err_note(note, ERR_INVALID, "there is no scenario '%s'; --list names them", name);
}

static int take_number(const char *value, uint64_t max, uint64_t *out, struct err_note *note)
{
    if (parse_u64(bytes_text(value), 1, max, out) == 0)
        return 0;
    return err_note(note, ERR_INVALID, "'%s' is not a number from 1 to %" PRIu64, value, max);
}

static int take_value(struct request *q, const char *option, const char *value,
                      struct err_note *note)
{
    if (strcmp(option, "--scenario") == 0)
        return want_scenario(q, value, note);
    if (strcmp(option, "--seconds") == 0)
        return take_number(value, SECONDS_MAX, &q->seconds, note);
    if (strcmp(option, "--rounds") == 0)
        return take_number(value, SAMPLES_MAX, &q->rounds, note);
    if (strcmp(option, "--writers") == 0)
        return take_number(value, WRITERS_DEPTH_MAX, &q->writers, note);
    if (strcmp(option, "--set") == 0)
        return set_log_option(q, value, note);
    if (strcmp(option, "--dir") == 0)
        q->dir = value;
    else if (strcmp(option, "--json") == 0)
        q->json = value;
    else
        return err_note(note, ERR_INVALID, "unknown option '%s'", option);
    return 0;
}

static int read_words(struct request *q, int count, char *const *words, struct err_note *note)
{
    int rv = 0;

    *q = (struct request){.seconds = SECONDS_DEFAULT, .rounds = ROUNDS_DEFAULT};
    setting_defaults(log_settings, &q->options);
    for (int i = 0; rv == 0 && i < count; i++) {
        if (strcmp(words[i], "--list") == 0) {
            q->is_list = true;
        } else if (strcmp(words[i], "--help") == 0) {
            q->is_help = true;
        } else if (i + 1 == count) {
            rv = err_note(note, ERR_INVALID, "'%s' is unknown or lacks its value", words[i]);
        } else {
            rv = take_value(q, words[i], words[i + 1], note);
            i++;
        }
    }
    return rv;
}

/* The line that gives the same figures again. */
static char *command_line(int count, char *const *words)
{
    char *line = mem_text("millrace-bench log");

    for (int i = 0; i < count; i++) {
        char *longer = mem_format("%s %s", line, words[i]);
        mem_free(line);
        line = longer;
    }
    return line;
}

/* ---- the run ---- */

/* Makes a folder of our own; *dir is new memory. */
static int make_folder(const struct request *q, char **dir, struct err_note *note)
{
    struct disk *d = real_disk();
    const char *parent = q->dir != NULL ? q->dir : DEFAULT_DIR;
    char *path;
    int rv = q->dir != NULL ? 0 : disk_make_dir(d, parent);

    if (rv != 0 && rv != ERR_EXISTS)
        return err_note(note, rv, "cannot make '%s': %s", parent, err_text(rv));
    path = mem_format("%s/run-%016" PRIx64, parent, machine_now_ns());
    rv = disk_make_dir(d, path);
    if (rv != 0) {
        err_note(note, rv, "cannot make '%s': %s", path, err_text(rv));
        mem_free(path);
        return rv;
    }
    *dir = path;
    return 0;
}

static int run_scenarios(const struct request *q, struct bench_log_run *run)
{
    int rv = 0;

    report_print_head(run->report);
    for (size_t i = 0; rv == 0 && i < ARRAY_SIZE(scenarios); i++) {
        if (q->is_choice && !q->is_wanted[i])
            continue;
        report_begin(run->report, scenarios[i].name, scenarios[i].what);
        rv = scenarios[i].run(run);
    }
    if (rv == 0)
        report_print_foot(run->report);
    return rv;
}

static int measure(const struct request *q, const char *command, struct err_note *note)
{
    struct machine machine;
    struct bench_log_run run = {
        .options = q->options,
        .round_ns = q->seconds * NS_PER_S,
        .rounds = (uint32_t)q->rounds,
        .writers = (uint32_t)q->writers,
    };
    char *dir = NULL;
    int removed, rv = make_folder(q, &dir, note);

    if (rv != 0)
        return rv;
    machine_describe(dir, &machine);
    run.dir = dir;
    run.report = report_new(&machine, command);
    rv = run_scenarios(q, &run);
    *note = run.note;
    if (rv == 0 && q->json != NULL)
        rv = report_save(run.report, q->json, note);
    removed = machine_remove_tree(dir, rv == 0 ? note : NULL);
    report_free(run.report);
    mem_free(dir);
    return rv != 0 ? rv : removed;
}

static void print_list(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++)
        printf("%-10s %s\n", scenarios[i].name, scenarios[i].what);
}

int bench_log(int count, char *const *words)
{
    struct err_note note = {{0}};
    struct request q;
    char *command;
    int rv = read_words(&q, count, words, &note);

    if (rv != 0) {
        (void)fprintf(stderr, "millrace-bench: %s\n\n%s", note.text, usage);
        return BENCH_USAGE;
    }
    if (q.is_help) {
        printf("%s", usage);
        return BENCH_WELL;
    }
    if (q.is_list) {
        print_list();
        return BENCH_WELL;
    }
    diag_set_level(DIAG_WARNING);
    command = command_line(count, words);
    rv = measure(&q, command, &note);
    mem_free(command);
    if (rv == 0)
        return BENCH_WELL;
    (void)fprintf(stderr, "millrace-bench: %s\n", note.text[0] != '\0' ? note.text : err_text(rv));
    return BENCH_FAILED;
}
