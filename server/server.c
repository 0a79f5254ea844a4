/* struct server: the only place that knows all rooms.
 *
 * The configuration is read before there is a loop, straight from the disk. When SIGHUP asks for it
 * again the loop is running, so a worker reads the file, and the shard takes over what came out. */
#include "server/server.h"

#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>

#include "base/diag.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "io/io.h"
#include "io/real.h"
#include "log/datadir.h"
#include "log/log_settings.h"
#include "server/arguments.h"
#include "server/conf_file.h"
#include "server/findings.h"
#include "server/server_settings.h"
#include "server/version.h"

/* Reading the file again, on a worker. */
struct reload {
    struct io_job job;
    bool is_running;
    bool is_wanted_again; /* another SIGHUP came meanwhile */
    const char *path;
    struct conf_file file;
    struct err_note note;
    int result;
};

struct server {
    const struct arguments *arguments;

    struct conf *conf;
    struct findings findings;
    struct server_options options;
    struct real_options real_options;
    struct log_options log_options;

    struct real *real;
    struct io *io;
    struct datadir *data;
    struct reload reload;
    bool is_stopping;
};

/* ---- configuration ---- */

/* A room's settings become known here: a table, and the struct that it fills. */
static void add_tables(struct server *s)
{
    conf_add(s->conf, server_settings, &s->options, sizeof(s->options));
    conf_add(s->conf, real_settings, &s->real_options, sizeof(s->real_options));
    conf_add(s->conf, log_settings, &s->log_options, sizeof(s->log_options));
}

struct server *server_new(const struct arguments *a)
{
    struct server *s = MEM_NEW(struct server);

    s->arguments = a;
    findings_init(&s->findings);
    s->conf = conf_new(findings_add, &s->findings);
    add_tables(s);
    return s;
}

void server_free(struct server *s)
{
    ASSERT(s->real == NULL && s->data == NULL);
    conf_free(s->conf);
    findings_clear(&s->findings);
    mem_free(s);
}

static struct conf_source source_of(const struct server *s, const struct conf_file *file)
{
    return (struct conf_source){
        .file = s->arguments->conf,
        .text = bytes_of(file->data, file->size),
        .sets = (const char *const *)s->arguments->sets,
        .set_count = s->arguments->set_count,
    };
}

/* Reads the file, if there is one, and all settings. What was found stays in s->findings. */
static int load_conf(struct server *s, struct err_note *note)
{
    struct conf_file file = {0};
    struct conf_source source;
    int rv = 0;

    if (s->arguments->conf != NULL)
        rv = conf_file_read(real_disk(), s->arguments->conf, &file, note);
    if (rv != 0)
        return rv;
    source = source_of(s, &file);
    rv = conf_load(s->conf, &source);
    conf_file_release(&file);
    return rv;
}

int server_read_conf(struct server *s, struct err_note *note)
{
    int rv = load_conf(s, note);
    const char *error = findings_error(&s->findings);
    size_t count = conf_error_count(s->conf);

    if (count > 1)
        return err_note(note, rv, "%s (and %zu more; --check-conf says them all)", error,
                        count - 1);
    if (count == 1)
        return err_note(note, rv, "%s", error);
    if (rv != 0)
        return rv;
    diag_set_level(server_level(&s->options));
    findings_tell(&s->findings);
    return 0;
}

int server_check_conf(struct server *s)
{
    struct err_note note = {{0}};
    int rv = load_conf(s, &note);
    size_t count = conf_error_count(s->conf);
    char *line = NULL;

    if (rv != 0 && count == 0)
        findings_add(&s->findings, DIAG_ERROR, note.text);
    findings_print(&s->findings);
    if (count > CONF_ERRORS_MAX)
        line = mem_format("millrace: and %zu more errors\n", count - CONF_ERRORS_MAX);
    if (line != NULL)
        real_print_error(line);
    mem_free(line);
    return rv == 0 ? real_print("the configuration is valid\n") : rv;
}

int server_print_conf(struct server *s, struct err_note *note)
{
    char *sample = conf_sample(s->conf);
    int rv = real_print(sample);

    mem_free(sample);
    return rv == 0 ? 0 : err_note(note, rv, "cannot write to standard output: %s", err_text(rv));
}

/* ---- reloading ---- */

static void reload_work(struct io_job *j)
{
    struct reload *r = CONTAINER_OF(j, struct reload, job);

    r->result = conf_file_read(r->job.io->disk, r->path, &r->file, &r->note);
}

/* Takes over the file that was read. A bad one leaves everything as it is. */
static void finish_reload(struct server *s)
{
    struct reload *r = &s->reload;
    struct conf_source source = source_of(s, &r->file);
    int rv = r->result;

    if (rv != 0)
        diag(DIAG_ERROR, "server", "%s", r->note.text);
    else
        rv = conf_reload(s->conf, &source);
    findings_tell(&s->findings);
    conf_file_release(&r->file);
    if (rv != 0) {
        diag(DIAG_ERROR, "server", "the old settings stay file=%s", r->path);
        return;
    }
    diag_set_level(server_level(&s->options));
    diag(DIAG_INFO, "server", "read the configuration again file=%s", r->path);
}

static void start_reload(struct server *s)
{
    struct reload *r = &s->reload;

    ASSERT(!r->is_running);
    r->is_running = true;
    r->is_wanted_again = false;
    r->path = s->arguments->conf;
    io_submit(s->io, &r->job);
}

static void reload_done(struct io_job *j)
{
    struct server *s = CONTAINER_OF(j, struct server, reload.job);

    s->reload.is_running = false;
    if (s->is_stopping) {
        conf_file_release(&s->reload.file);
        real_io_stop(s->io);
        return;
    }
    finish_reload(s);
    if (s->reload.is_wanted_again)
        start_reload(s);
}

/* ---- signals ---- */

static void on_hangup(void *owner)
{
    struct server *s = owner;

    if (s->arguments->conf == NULL)
        diag(DIAG_INFO, "server", "there is no configuration file to read again");
    else if (s->reload.is_running)
        s->reload.is_wanted_again = true;
    else
        start_reload(s);
}

static void on_terminate(void *owner)
{
    struct server *s = owner;

    s->is_stopping = true;
    if (!s->reload.is_running)
        real_io_stop(s->io);
}

static int watch_signals(struct server *s, struct err_note *note)
{
    int rv = real_on_signal(s->io, SIGTERM, on_terminate, s);

    if (rv == 0)
        rv = real_on_signal(s->io, SIGINT, on_terminate, s);
    if (rv == 0)
        rv = real_on_signal(s->io, SIGHUP, on_hangup, s);
    return rv == 0 ? 0 : err_note(note, rv, "cannot watch for signals: %s", err_text(rv));
}

/* ---- the world and the data ---- */

int server_open_world(struct server *s, struct err_note *note)
{
    int rv = real_open(&s->real_options, &s->real, note);

    if (rv == 0)
        rv = real_io_open(s->real, &s->io, note);
    if (rv == 0)
        rv = watch_signals(s, note);
    s->reload.job.work = reload_work;
    s->reload.job.done = reload_done;
    return rv;
}

void server_close_world(struct server *s)
{
    real_io_close(s->io);
    real_close(s->real);
    s->io = NULL;
    s->real = NULL;
}

int server_open_data(struct server *s, struct err_note *note)
{
    return datadir_open(s->io, s->options.data_dir, &s->data, note);
}

void server_close_data(struct server *s)
{
    datadir_close(s->data);
    s->data = NULL;
}

void server_run(struct server *s)
{
    ASSERT(s->io != NULL && s->data != NULL);
    diag(DIAG_INFO, "server", "millrace " MILLRACE_VERSION " is ready data_dir=%s workers=%" PRId64,
         s->options.data_dir, s->real_options.worker_count);
    real_io_run(s->io);
    ASSERT(s->is_stopping);
    diag(DIAG_INFO, "server", "millrace stops as it was told");
}
