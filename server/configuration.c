/* Reads the configuration. At the start there is no loop yet, so it comes straight from the disk;
 * later a worker reads the files, and the shard takes over what came out. */
#include "server/configuration.h"

#include "base/diag.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "io/real.h"
#include "server/arguments.h"
#include "server/environment.h"
#include "server/findings.h"
#include "server/listeners.h"
#include "server/machine.h"
#include "server/options.h"
#include "server/version.h"

struct configuration {
    const struct arguments *arguments;
    struct environment environment;
    const char *const *paths; /* files and folders, of the arguments or the environment */
    size_t path_count;
    char *names; /* all of them, for lines about them */

    struct conf *conf;
    struct findings findings;
    struct options *options;
    uint64_t machine_memory; /* bytes */
};

/* Which files there are to read: what --conf says, else what the environment says. */
static void name_paths(struct configuration *c)
{
    c->paths = c->arguments->confs;
    c->path_count = c->arguments->conf_count;
    if (c->path_count == 0 && c->environment.confs[0] != NULL) {
        c->paths = c->environment.confs;
        c->path_count = 1;
    }
    c->names = mem_text("");
    for (size_t i = 0; i < c->path_count; i++) {
        char *longer = mem_format("%s%s%s", c->names, i == 0 ? "" : ",", c->paths[i]);
        mem_free(c->names);
        c->names = longer;
    }
}

struct configuration *configuration_new(const struct arguments *a, struct options *options)
{
    struct configuration *c = MEM_NEW(struct configuration);

    c->arguments = a;
    c->options = options;
    environment_read(&c->environment);
    name_paths(c);
    findings_init(&c->findings);
    c->conf = conf_new(findings_add, &c->findings);
    options_add(options, c->conf);
    return c;
}

void configuration_free(struct configuration *c)
{
    conf_free(c->conf);
    findings_clear(&c->findings);
    mem_free(c->names);
    mem_free(c);
}

/* ---- reading ---- */

int configuration_read_files(const struct configuration *c, struct disk *d, struct conf_files *out,
                             struct err_note *note)
{
    int rv = 0;

    for (size_t i = 0; i < c->path_count && rv == 0; i++)
        rv = conf_files_read(d, c->paths[i], out, note);
    if (c->environment.settings != NULL)
        conf_files_add(out, environment_settings, c->environment.settings);
    return rv;
}

static struct conf_source source_of(const struct configuration *c, const struct conf_files *files)
{
    return (struct conf_source){
        .texts = files->texts,
        .text_count = files->count,
        .variables = c->environment.variables,
        .variable_count = c->environment.variable_count,
        .sets = (const char *const *)c->arguments->sets,
        .set_count = c->arguments->set_count,
    };
}

/* Reads the files, if there are any, and all settings. What was found stays in c->findings. */
static int load_conf(struct configuration *c, struct err_note *note)
{
    struct conf_files files = {0};
    int rv = configuration_read_files(c, real_disk(), &files, note);

    if (rv == 0) {
        struct conf_source source = source_of(c, &files);
        rv = conf_load(c->conf, &source);
    }
    conf_files_release(&files);
    return rv;
}

/* Limits that may be written as shares of the memory that the machine has. */
static void work_out_limits(struct configuration *c)
{
    struct broker_options *o = &c->options->broker;
    uint64_t total = o->memory_total_bytes > 0 ? o->memory_total_bytes : c->machine_memory;

    o->memory_max_bytes = o->memory_high_bytes;
    if (o->memory_max_bytes == 0)
        o->memory_max_bytes = (uint64_t)(o->memory_high_share * (double)total);
    if (o->memory_max_bytes == 0 && total > 0)
        o->memory_max_bytes = 1; /* a share of nothing blocks publishers always, as in RabbitMQ */
    o->disk_min_bytes = o->disk_low_bytes;
    if (o->disk_low_share > 0)
        o->disk_min_bytes = (uint64_t)(o->disk_low_share * (double)total);
}

/* What follows from settings that were read, at the start or again. */
static void settle_conf(struct configuration *c)
{
    diag_settings_apply(&c->options->diag);
    work_out_limits(c);
}

int configuration_load(struct configuration *c, struct err_note *note)
{
    int rv = load_conf(c, note);
    const char *error = findings_error(&c->findings);
    size_t count = conf_error_count(c->conf);

    if (count > 1)
        return err_note(note, rv, "%s (and %zu more; --check-conf says them all)", error,
                        count - 1);
    if (count == 1)
        return err_note(note, rv, "%s", error);
    if (rv == 0)
        rv = server_settings_check(&c->options->server, note);
    if (rv != 0)
        return rv;
    c->machine_memory = machine_memory(real_disk());
    settle_conf(c);
    rv = diag_start();
    if (rv != 0)
        return err_note(note, rv, "cannot start a thread for diagnostics: %s", err_text(rv));
    findings_tell(&c->findings);
    return 0;
}

bool configuration_has_files(const struct configuration *c)
{
    return c->path_count > 0;
}

void configuration_reload(struct configuration *c, const struct conf_files *files, int rv,
                          const struct err_note *note)
{
    struct conf_source source = source_of(c, files);

    if (rv != 0)
        diag(DIAG_ERROR, "server", "%s", note->text);
    else
        rv = conf_reload(c->conf, &source);
    findings_tell(&c->findings);
    if (rv != 0) {
        diag(DIAG_ERROR, "server", "the old settings stay file=%s", c->names);
        return;
    }
    settle_conf(c);
    diag(DIAG_INFO, "server",
         "read the configuration again file=%s changed=%zu waiting_for_a_restart=%zu", c->names,
         conf_changed_count(c->conf), conf_kept_count(c->conf));
}

int configuration_change(struct configuration *c, const char *name, const char *value,
                         struct err_note *note)
{
    int rv = conf_change(c->conf, name, value, note);

    findings_tell(&c->findings);
    if (rv == 0)
        settle_conf(c);
    return rv;
}

/* ---- checking and printing ---- */

int configuration_check(struct configuration *c)
{
    struct err_note note = {{0}};
    int rv = load_conf(c, &note);
    size_t count = conf_error_count(c->conf);
    char *line = NULL;

    if (rv == 0)
        rv = server_settings_check(&c->options->server, &note);
    if (rv == 0)
        rv = listeners_check(c->options, &note);
    if (rv != 0 && count == 0)
        findings_add(&c->findings, DIAG_ERROR, note.text);
    findings_print(&c->findings);
    if (count > CONF_ERRORS_MAX)
        line = mem_format("millrace: and %zu more errors\n", count - CONF_ERRORS_MAX);
    if (line != NULL)
        real_print_error(line);
    mem_free(line);
    return rv == 0 ? real_print("the configuration is valid\n") : rv;
}

/* Takes the text. */
static int print(char *text, struct err_note *note)
{
    int rv = real_print(text);

    mem_free(text);
    return rv == 0 ? 0 : err_note(note, rv, "cannot write to standard output: %s", err_text(rv));
}

struct telling {
    void (*fn)(void *to, const char *name, const char *value);
    void *to;
};

static void on_setting(void *owner, const struct setting *s, const char *value)
{
    const struct telling *t = (const struct telling *)owner;

    t->fn(t->to, s->name, value);
}

void configuration_each(const struct configuration *c,
                        void (*fn)(void *to, const char *name, const char *value), void *to)
{
    struct telling t = {.fn = fn, .to = to};

    conf_each(c->conf, on_setting, &t);
}

int configuration_print_sample(struct configuration *c, struct err_note *note)
{
    return print(conf_sample(c->conf), note);
}

int configuration_print_manual(struct configuration *c, struct err_note *note)
{
    return print(conf_manual(c->conf, MILLRACE_VERSION), note);
}
