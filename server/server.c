/* struct server: the only place that knows all rooms.
 *
 * The configuration is read before there is a loop, straight from the disk. When SIGHUP asks for it
 * again the loop is running, so a worker reads the file, and the shard takes over what came out. */
#include "server/server.h"

#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>

#include "amqp/amqp.h"
#include "base/diag.h"
#include "base/mem.h"
#include "broker/broker.h"
#include "conf/conf.h"
#include "io/io.h"
#include "io/real.h"
#include "log/datadir.h"
#include "server/arguments.h"
#include "server/conf_file.h"
#include "server/findings.h"
#include "server/machine.h"
#include "server/options.h"
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
    struct options options;

    struct real *real;
    struct io *io;
    struct datadir *data;
    struct broker *broker;
    struct amqp *amqp;
    struct reload reload;
    bool is_stopping;
};

/* ---- configuration ---- */

struct server *server_new(const struct arguments *a)
{
    struct server *s = MEM_NEW(struct server);

    s->arguments = a;
    findings_init(&s->findings);
    s->conf = conf_new(findings_add, &s->findings);
    options_add(&s->options, s->conf);
    return s;
}

void server_free(struct server *s)
{
    ASSERT(s->real == NULL && s->data == NULL && s->broker == NULL);
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
    diag_set_level(server_level(&s->options.server));
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
    diag_set_level(server_level(&s->options.server));
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

/* The loop ends when nothing of ours is in it any more. */
static void end_if_over(struct server *s)
{
    if (s->is_stopping && s->broker == NULL && !s->reload.is_running)
        real_io_stop(s->io);
}

static void reload_done(struct io_job *j)
{
    struct server *s = CONTAINER_OF(j, struct server, reload.job);

    s->reload.is_running = false;
    if (s->is_stopping) {
        conf_file_release(&s->reload.file);
        end_if_over(s);
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

    if (s->is_stopping)
        return;
    if (s->arguments->conf == NULL)
        diag(DIAG_INFO, "server", "there is no configuration file to read again");
    else if (s->reload.is_running)
        s->reload.is_wanted_again = true;
    else
        start_reload(s);
}

static void on_broker_closed(void *owner)
{
    struct server *s = owner;

    s->broker = NULL;
    end_if_over(s);
}

static void on_amqp_stopped(void *owner)
{
    struct server *s = owner;

    amqp_free(s->amqp);
    s->amqp = NULL;
    broker_close(s->broker, on_broker_closed, s);
}

/* The visitors leave, then the broker closes, then the loop ends. */
static void on_terminate(void *owner)
{
    struct server *s = owner;

    if (s->is_stopping)
        return;
    s->is_stopping = true;
    if (s->amqp != NULL)
        amqp_stop(s->amqp, on_amqp_stopped, s);
    else if (s->broker != NULL)
        broker_close(s->broker, on_broker_closed, s);
    end_if_over(s);
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
    int rv = real_open(&s->options.real, &s->real, note);

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
    return datadir_open(s->io, s->options.server.data_dir, &s->data, note);
}

void server_close_data(struct server *s)
{
    datadir_close(s->data);
    s->data = NULL;
}

/* ---- the broker ---- */

/* The limit of memory, which may be written as a share of what the machine has. */
static void work_out_memory(struct server *s)
{
    struct broker_options *o = &s->options.broker;

    o->memory_max_bytes = o->memory_high_bytes;
    if (o->memory_max_bytes == 0)
        o->memory_max_bytes =
            (uint64_t)(o->memory_high_share * (double)machine_memory(real_disk()));
}

int server_open_broker(struct server *s, struct err_note *note)
{
    const struct broker_open open = {
        .io = s->io,
        .data = s->data,
        .data_dir = s->options.server.data_dir,
        .options = &s->options.broker,
        .partition = &s->options.partition,
        .log = &s->options.log,
        .queues = &s->options.queues,
    };

    work_out_memory(s);
    return broker_open(&open, &s->broker, note);
}

int server_open_doors(struct server *s, struct err_note *note)
{
    const struct setting_endpoint *amqp = &s->options.server.amqp;

    s->amqp = amqp_new(s->io, s->broker, &s->options.amqp);
    return !amqp->is_on ? 0 : amqp_listen(s->amqp, amqp->host, amqp->port, note);
}

void server_close_broker(struct server *s)
{
    if (s->broker == NULL)
        return;
    on_terminate(s); /* a later step of starting failed: nobody has run the loop */
    real_io_run(s->io);
    ASSERT(s->broker == NULL);
}

void server_run(struct server *s)
{
    const struct setting_endpoint *amqp = &s->options.server.amqp;
    char *where = mem_text("none");

    ASSERT(s->io != NULL && s->amqp != NULL);
    if (amqp->is_on) {
        mem_free(where);
        where = mem_format("%s:%u", amqp->host[0] == '\0' ? "*" : amqp->host, amqp_port(s->amqp));
    }
    diag(DIAG_INFO, "server",
         "millrace " MILLRACE_VERSION " is ready data_dir=%s workers=%" PRId64 " amqp=%s",
         s->options.server.data_dir, s->options.real.worker_count, where);
    mem_free(where);
    real_io_run(s->io);
    ASSERT(s->is_stopping);
    diag(DIAG_INFO, "server", "millrace stops as it was told");
}
