/* struct server: the only place that knows all rooms. */
#include "server/server.h"

#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>

#include "amqp/amqp.h"
#include "base/diag.h"
#include "base/mem.h"
#include "broker/broker.h"
#include "io/io.h"
#include "io/real.h"
#include "log/datadir.h"
#include "server/configuration.h"
#include "server/definitions_file.h"
#include "server/listeners.h"
#include "server/management.h"
#include "server/options.h"
#include "server/service.h"
#include "server/version.h"

/* Reading the files again, on a worker. */
struct reload {
    struct io_job job;
    bool is_running;
    bool is_wanted_again; /* another SIGHUP came meanwhile */
    struct conf_files files;
    struct err_note note;
    int result;
};

struct server {
    struct options options;
    struct configuration *configuration;

    struct real *real;
    struct io *io;
    struct datadir *data;
    struct broker *broker;
    struct certificates certificates; /* of AMQP */
    struct certificates http_certificates;
    struct amqp *amqp;
    struct management *management;
    char *where; /* the listeners, as facts */
    struct reload reload;
    struct service service;
    bool is_loading; /* definitions, before the doors open */
    bool is_stopping;
};

/* ---- configuration ---- */

struct server *server_new(const struct arguments *a)
{
    struct server *s = MEM_NEW(struct server);

    s->configuration = configuration_new(a, &s->options);
    return s;
}

void server_free(struct server *s)
{
    ASSERT(s->real == NULL && s->data == NULL && s->broker == NULL);
    configuration_free(s->configuration);
    mem_free(s->where);
    mem_free(s);
}

int server_read_conf(struct server *s, struct err_note *note)
{
    return configuration_load(s->configuration, note);
}

int server_check_conf(struct server *s)
{
    return configuration_check(s->configuration);
}

int server_print_conf(struct server *s, struct err_note *note)
{
    return configuration_print_sample(s->configuration, note);
}

int server_print_man(struct server *s, struct err_note *note)
{
    return configuration_print_manual(s->configuration, note);
}

/* ---- reloading ---- */

static void reload_work(struct io_job *j)
{
    struct server *s = CONTAINER_OF(j, struct server, reload.job);

    s->reload.result =
        configuration_read_files(s->configuration, j->io->disk, &s->reload.files, &s->reload.note);
    certificates_read(&s->certificates, j->io->disk);
    certificates_read(&s->http_certificates, j->io->disk);
}

static void start_reload(struct server *s)
{
    struct reload *r = &s->reload;

    ASSERT(!r->is_running);
    r->is_running = true;
    r->is_wanted_again = false;
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
        conf_files_release(&s->reload.files);
        certificates_forget(&s->certificates);
        certificates_forget(&s->http_certificates);
        end_if_over(s);
        return;
    }
    if (configuration_has_files(s->configuration))
        configuration_reload(s->configuration, &s->reload.files, s->reload.result, &s->reload.note);
    certificates_renew(&s->certificates);
    certificates_renew(&s->http_certificates);
    conf_files_release(&s->reload.files);
    if (s->reload.is_wanted_again)
        start_reload(s);
}

/* ---- signals ---- */

static void on_hangup(void *owner)
{
    struct server *s = owner;

    if (s->is_stopping)
        return;
    diag_reopen();
    if (!configuration_has_files(s->configuration) && s->certificates.tls == NULL &&
        s->http_certificates.tls == NULL)
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

static void on_management_stopped(void *owner)
{
    struct server *s = owner;

    management_free(s->management);
    s->management = NULL;
    amqp_stop(s->amqp, on_amqp_stopped, s);
}

/* The visitors leave, then the broker closes, then the loop ends. */
static void on_terminate(void *owner)
{
    struct server *s = owner;

    if (s->is_loading)
        real_io_stop(s->io); /* the step of starting fails by it */
    if (s->is_stopping || s->is_loading)
        return;
    s->is_stopping = true;
    service_stopping(&s->service);
    if (s->amqp != NULL)
        amqp_close_gates(s->amqp); /* nobody else comes while the others leave */
    if (s->management != NULL)
        management_stop(s->management, on_management_stopped, s);
    else if (s->amqp != NULL)
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
    certificates_close(&s->certificates);
    certificates_close(&s->http_certificates);
    real_io_close(s->io);
    real_close(s->real);
    s->io = NULL;
    s->real = NULL;
    diag_stop();
}

int server_open_data(struct server *s, struct err_note *note)
{
    const struct server_options *o = &s->options.server;
    unsigned count = 0;
    int rv = datadir_open(s->io, o->data_dir, &s->data, note);

    if (rv == 0)
        rv = datadir_count_partitions(s->data, &count, note);
    if (rv == 0)
        rv = server_settings_check_partitions(o, count, note);
    if (rv == 0 && s->options.log.sync_interval_ms > 0)
        diag(DIAG_WARNING, "server",
             "messages are confirmed before they are on the disk: a power cut may lose those that "
             "were confirmed in the last %" PRIu64
             " ms; millrace.log.sync_interval = 0 confirms what is on the disk",
             s->options.log.sync_interval_ms);
    return rv;
}

void server_close_data(struct server *s)
{
    datadir_close(s->data);
    s->data = NULL;
}

/* ---- the broker ---- */

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
        .partition_count = (unsigned)s->options.server.partitions,
        .is_unseeded = server_settings_has_definitions(&s->options.server),
    };

    return broker_open(&open, &s->broker, note);
}

int server_load_definitions(struct server *s, struct err_note *note)
{
    const struct definitions_file f = {
        .io = s->io,
        .broker = s->broker,
        .paths = {s->options.server.load_definitions, s->options.server.old_load_definitions,
                  s->options.server.definitions_path},
        .skips_unchanged = s->options.server.skips_unchanged_definitions,
    };
    int rv = 0;

    s->is_loading = true;
    rv = definitions_file_load(&f, note);
    s->is_loading = false;
    return rv;
}

int server_open_doors(struct server *s, struct err_note *note)
{
    int rv = 0;

    s->amqp = amqp_new(s->io, s->broker, &s->options.amqp);
    struct management_open open = {.io = s->io,
                                   .broker = s->broker,
                                   .amqp = s->amqp,
                                   .options = &s->options,
                                   .configuration = s->configuration};
    broker_watch_shortages(s->broker);
    listeners_name_certificates(&s->options, &s->certificates, &s->http_certificates);
    if (listeners_need_tls(&s->options))
        rv = certificates_open(&s->certificates, s->io, note);
    if (rv == 0 && s->options.api.ssl_endpoint.is_on)
        rv = certificates_open(&s->http_certificates, s->io, note);
    open.tls = s->http_certificates.tls;
    if (rv == 0)
        rv = listeners_open(&s->options, s->amqp, s->certificates.tls, &s->where, note);
    return rv == 0 ? management_open(&open, &s->management, note) : rv;
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
    char *http = management_where(s->management);

    ASSERT(s->io != NULL && s->amqp != NULL && s->where != NULL);
    diag(DIAG_INFO, "server",
         "millrace " MILLRACE_VERSION " is ready data_dir=%s workers=%" PRId64 " %s %s",
         s->options.server.data_dir, s->options.real.worker_count, s->where, http);
    mem_free(http);
    service_ready(&s->service, s->io);
    real_io_run(s->io);
    service_close(&s->service);
    ASSERT(s->is_stopping);
    diag(DIAG_INFO, "server", "millrace stops as it was told");
}
