/* Words to workloads: first what concerns the brokers and the scenarios, then, over each of these,
 * the options of a workload. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "tools/bench/amqp/scenario.h"
#include "tools/bench/bench_amqp.h"
#include "tools/bench/measure/samples.h"

enum { SCENARIOS_MAX = 64, WORD_MAX = 4096, OPTIONS_MAX = 4096, HELP_INDENT = 26, HELP_WIDTH = 70 };

#define URI_DEFAULT "amqp://guest:guest@127.0.0.1:5672/"

static const char usage[] =
    "usage: millrace-bench amqp [--uri URI] [--scenario NAME]... [OPTIONS]\n"
    "       millrace-bench amqp --list\n"
    "\n"
    "Loads an AMQP 0-9-1 broker, any of them, measures it, and checks that every message came, "
    "once,\n"
    "in order and unaltered. What it declares it takes away again. Exit status 1 when something "
    "was\n"
    "wrong. Rates are medians of the rounds, with the smallest and the largest in brackets.\n"
    "\n"
    "A scenario is a name for some of the options below, and the options given change it; without\n"
    "a scenario the options alone say what to do.\n"
    "\n"
    "  Example: a window of 500, two consumers on one queue, ten seconds:\n"
    "    millrace-bench amqp --scenario persistent-window-100 --window 500 --consumers 2 \\\n"
    "        --duration 10s --broker-pid $(pidof millrace)\n"
    "\n"
    "The brokers:\n";

/* ---- options that do not belong to a workload ---- */

#define FIELD(name)  .offset = offsetof(struct bench_amqp_request, name)
#define TEXT(name)   .kind = SETTING_TEXT, .fallback = "", FIELD(name)
#define SWITCH(name) .kind = SETTING_BOOL, .fallback = "false", FIELD(name)
#define PID(name)    .kind = SETTING_INT, .fallback = "0", .max = INT32_MAX, FIELD(name)

static const struct setting broker_settings[] = {
    {.name = "uri",
     .kind = SETTING_TEXT,
     .fallback = URI_DEFAULT,
     FIELD(broker.uri),
     .help = "the broker; user, password, port and vhost may be left out"},
    {.name = "name", TEXT(broker.name), .help = "what the tables call it"},
    {.name = "broker-pid",
     PID(broker.pid),
     .help = "its process, so that its CPU and memory are measured"},
    {.name = "broker-data", TEXT(broker.data_dir), .help = "its folder, so that its disk is"},
    {.name = "broker-command",
     TEXT(broker.command),
     .help =
         "a command line that starts it; it is then started before, anew where memory is measured, "
         "and ended after"},
    {.name = "vs", TEXT(other.uri), .help = "another broker; the rounds of both take turns"},
    {.name = "vs-name", TEXT(other.name), .help = "as --name, for the other one"},
    {.name = "vs-pid", PID(other.pid), .help = "as --broker-pid"},
    {.name = "vs-data", TEXT(other.data_dir), .help = "as --broker-data"},
    {.name = "vs-command", TEXT(other.command), .help = "as --broker-command"},
    {.name = "floor",
     SWITCH(has_floor),
     .help = "beside it the least program that could do the job: millrace-bench floor --help"},
    {.name = "floor-alone", SWITCH(is_floor_alone), .help = "only that, and no broker"},
    {.name = "floor-data",
     TEXT(floor_dir),
     .help = "a folder where the floor keeps its log, on the disk that the broker uses; without it "
             "the floor confirms what is in no file"},
    {.name = "rounds",
     .kind = SETTING_INT,
     .fallback = "3",
     .min = 1,
     .max = SAMPLES_MAX,
     FIELD(rounds),
     .help = "how often each is measured"},
    {.name = "json",
     TEXT(json),
     .help = "a file for the figures, a line for each broker and scenario"},
    {0},
};

/* Texts that were not given are NULL. */
static void drop_empty(struct bench_amqp_request *q)
{
    for (const struct setting *s = broker_settings; s->name != NULL; s++) {
        char **text = (char **)(void *)((char *)q + s->offset);

        if (s->kind != SETTING_TEXT || *text == NULL || **text != '\0')
            continue;
        mem_free(*text);
        *text = NULL;
    }
}

/* ---- help ---- */

/* Breaks a text into lines behind the names. */
static void print_wrapped(const char *text)
{
    size_t column = 0;

    while (*text != '\0') {
        size_t size = strcspn(text, " ");

        if (column > 0 && column + size + 1 > HELP_WIDTH) {
            printf("\n%*s", HELP_INDENT, "");
            column = 0;
        }
        column += (size_t)printf("%s%.*s", column > 0 ? " " : "", (int)size, text);
        text += size;
        text += strspn(text, " ");
    }
    printf("\n");
}

static void print_options(const struct setting *table)
{
    for (const struct setting *s = table; s->name != NULL; s++) {
        char *text = s->fallback[0] != '\0' && strcmp(s->fallback, "false") != 0
                         ? mem_format("%s (%s)", s->help, s->fallback)
                         : mem_text(s->help);

        printf("  --%-*s", HELP_INDENT - 4, s->name);
        print_wrapped(text);
        mem_free(text);
    }
}

static void print_help(void)
{
    printf("%s", usage);
    print_options(broker_settings);
    printf(
        "\nWhat is done:\n"
        "  --scenario              a name from --list, all, or table: those of the table by which\n"
        "                          brokers are compared; may come several times\n");
    print_options(workload_settings);
}

static void print_list(void)
{
    const struct scenario *s;

    for (size_t i = 0; (s = scenario_at(i)) != NULL; i++)
        printf("%-26s%s\n%26s%s\n", s->name, s->what, "", s->options);
}

/* ---- words ---- */

/* What was read so far. */
struct reading {
    struct bench_amqp_request *q;
    const char *scenarios[SCENARIOS_MAX];
    size_t scenario_count;
    struct buf options; /* of workloads: "name=value name=value " */
    struct err_note *note;
};

static const struct setting *find(const struct setting *table, const char *name)
{
    for (const struct setting *s = table; s->name != NULL; s++) {
        if (strcmp(s->name, name) == 0)
            return s;
    }
    return NULL;
}

static int want_scenario(struct reading *r, const char *name)
{
    const struct scenario *s;

    bool is_table = strcmp(name, "table") == 0;

    if (is_table || strcmp(name, "all") == 0) {
        for (size_t i = 0; (s = scenario_at(i)) != NULL; i++) {
            if (is_table && !scenario_is_in_table(s))
                continue;
            ASSERT(r->scenario_count < SCENARIOS_MAX);
            r->scenarios[r->scenario_count++] = s->name;
        }
        return 0;
    }
    if (scenario_find(name) == NULL)
        return err_note(r->note, ERR_INVALID, "there is no scenario '%s'; --list names them", name);
    if (r->scenario_count == SCENARIOS_MAX)
        return err_note(r->note, ERR_RANGE, "too many scenarios");
    r->scenarios[r->scenario_count++] = name;
    return 0;
}

static int take_option(struct reading *r, const char *name, const char *value)
{
    const struct setting *s = find(broker_settings, name);

    if (strcmp(name, "scenario") == 0)
        return want_scenario(r, value);
    if (s != NULL)
        return setting_set(s, r->q, value, r->note);
    if (strchr(value, ' ') != NULL)
        return err_note(r->note, ERR_INVALID, "'%s' is no value for --%s", value, name);
    buf_text(&r->options, "%s%s=%s", r->options.size > 0 ? " " : "", name, value);
    return buf_error(&r->options);
}

static bool is_switch(const char *name)
{
    const struct setting *s = find(broker_settings, name);

    s = s != NULL ? s : find(workload_settings, name);
    return s != NULL && s->kind == SETTING_BOOL;
}

static bool is_answer(const char *word)
{
    return strcmp(word, "true") == 0 || strcmp(word, "false") == 0;
}

/* Takes "--name value", "--name=value" or "--switch"; returns how many words that were, or an
 * error. */
static int take_words(struct reading *r, int count, char *const *words)
{
    const char *equals = strchr(words[0], '=');
    char name[WORD_MAX];
    size_t size = equals != NULL ? (size_t)(equals - words[0]) : strlen(words[0]);
    int rv;

    if (strncmp(words[0], "--", 2) != 0 || size >= sizeof(name))
        return err_note(r->note, ERR_INVALID, "'%s' is not an option", words[0]);
    (void)snprintf(name, sizeof(name), "%.*s", (int)(size - 2), words[0] + 2);
    if (equals != NULL) {
        rv = take_option(r, name, equals + 1);
        return rv == 0 ? 1 : rv;
    }
    if (is_switch(name) && (count == 1 || !is_answer(words[1]))) {
        rv = take_option(r, name, "true");
        return rv == 0 ? 1 : rv;
    }
    if (count == 1)
        return err_note(r->note, ERR_INVALID, "'%s' is unknown or lacks its value", words[0]);
    rv = take_option(r, name, words[1]);
    return rv == 0 ? 2 : rv;
}

/* ---- jobs ---- */

static int make_job(struct reading *r, const struct scenario *s, struct bench_amqp_job *job)
{
    const char *options = r->options.size > 0 ? (const char *)r->options.data : "";
    int rv;

    *job = (struct bench_amqp_job){
        .name = s->name,
        .what = s->what,
        .has_floor = s->has_floor,
        .options = mem_format("%s %s", s->options, options),
    };
    setting_defaults(workload_settings, &job->work);
    rv = workload_set_all(&job->work, s->options, r->note);
    if (rv == 0)
        rv = workload_set_all(&job->work, options, r->note);
    return rv == 0 ? workload_agree(&job->work, r->note) : rv;
}

static int make_jobs(struct reading *r)
{
    static const struct scenario own = {"custom", "", true, "as the options say"};
    size_t count = r->scenario_count > 0 ? r->scenario_count : 1;
    int rv = 0;

    buf_u8(&r->options, '\0');
    r->q->jobs = MEM_NEW_ARRAY(struct bench_amqp_job, count);
    for (; rv == 0 && r->q->job_count < count; r->q->job_count++) {
        const struct scenario *s =
            r->scenario_count > 0 ? scenario_find(r->scenarios[r->q->job_count]) : &own;

        rv = make_job(r, s, &r->q->jobs[r->q->job_count]);
    }
    return rv;
}

int bench_amqp_read(struct bench_amqp_request *q, int count, char *const *words,
                    struct err_note *note)
{
    struct reading r = {.q = q, .note = note};
    int rv = 0;

    *q = (struct bench_amqp_request){0};
    setting_defaults(broker_settings, q);
    buf_init(&r.options, OPTIONS_MAX);
    for (int i = 0; rv >= 0 && i < count; i += rv) {
        q->is_help = strcmp(words[i], "--help") == 0 || strcmp(words[i], "--list") == 0;
        if (q->is_help) {
            (strcmp(words[i], "--help") == 0 ? print_help : print_list)();
            break;
        }
        rv = take_words(&r, count - i, words + i);
    }
    if (rv >= 0 && !q->is_help)
        rv = make_jobs(&r);
    drop_empty(q);
    buf_release(&r.options);
    return rv < 0 ? rv : 0;
}

void bench_amqp_release(struct bench_amqp_request *q)
{
    for (size_t i = 0; i < q->job_count; i++)
        mem_free(q->jobs[i].options);
    mem_free(q->jobs);
    setting_release(broker_settings, q);
}
