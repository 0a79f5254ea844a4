/* A broker and its door in a simulated world. */
#include "tests/sim/world.h"

#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "io/sim/sim_disk.h"
#include "log/datadir.h"
#include "tests/lib/test.h"

/* ---- the broker ---- */

void world_init(struct world *w)
{
    world_init_with(w, NULL, NULL);
}

void world_init_with(struct world *w, const struct sim_options *sim,
                     const struct sim_disk_options *disk)
{
    memset(w, 0, sizeof(*w));
    w->disk = sim_disk_new(disk);
    w->sim = sim_new(sim);
    w->server = sim_node_new(w->sim, "server", w->disk);
    w->clients = sim_node_new(w->sim, "clients", NULL);
    w->io = sim_io_new(w->server);
    w->client_io = sim_io_new(w->clients);
    setting_defaults(amqp_settings, &w->amqp_options);
    setting_defaults(gate_settings, &w->gate_settings);
    setting_defaults(broker_settings, &w->broker_options);
    setting_defaults(partition_settings, &w->partition_options);
    setting_defaults(log_settings, &w->log_options);
    setting_defaults(queue_settings, &w->queues_options);
    mem_free(w->broker_options.loopback_users);
    w->broker_options.loopback_users = mem_text("none");
    w->broker_options.guest_is_loopback_user = false;
    w->log_options.segment_bytes = 4 * MIB;
    w->log_options.block_bytes = 256 * KIB;
}

static int open_broker(struct world *w, struct err_note *note)
{
    const struct broker_open open = {
        .io = w->io,
        .data = w->data,
        .data_dir = "data",
        .options = &w->broker_options,
        .partition = &w->partition_options,
        .log = &w->log_options,
        .queues = &w->queues_options,
    };

    return broker_open(&open, &w->broker, note);
}

int world_try_open(struct world *w, struct err_note *note)
{
    const struct gate_options gate = {
        .host = "", .port = WORLD_PORT, .what = "amqp", .settings = &w->gate_settings};
    int rv = datadir_open(w->io, "data", &w->data, note);

    if (rv != 0)
        return rv;
    rv = open_broker(w, note);
    if (rv != 0) {
        datadir_close(w->data);
        return rv;
    }
    w->door = amqp_new(w->io, w->broker, &w->amqp_options);
    rv = amqp_listen(w->door, &gate, note);
    if (rv != 0)
        world_close(w);
    return rv;
}

void world_open(struct world *w)
{
    struct err_note note = {{0}};

    if (world_try_open(w, &note) != 0)
        fail_msg("%s", note.text);
}

static void on_stopped(void *owner)
{
    ((struct world *)owner)->is_stopped = true;
}

static void on_closed(void *owner)
{
    ((struct world *)owner)->is_closed = true;
}

static bool is_stopped(void *owner)
{
    return ((struct world *)owner)->is_stopped;
}

static bool is_closed(void *owner)
{
    return ((struct world *)owner)->is_closed;
}

void world_close(struct world *w)
{
    w->is_stopped = w->is_closed = false;
    amqp_stop(w->door, on_stopped, w);
    assert_true(sim_run_until(w->sim, is_stopped, w, WORLD_PATIENCE_NS));
    amqp_free(w->door);
    broker_close(w->broker, on_closed, w);
    assert_true(sim_run_until(w->sim, is_closed, w, WORLD_PATIENCE_NS));
    datadir_close(w->data);
    w->door = NULL;
}

void world_crash(struct world *w, enum sim_death how, const struct sim_crash *image)
{
    sim_node_halt(w->server, how);
    if (w->door != NULL)
        world_close(w);
    sim_io_free(w->io);
    if (image != NULL)
        sim_disk_crash(w->disk, image);
    sim_node_restart(w->server);
    w->io = sim_io_new(w->server);
}

void world_release(struct world *w)
{
    if (w->door != NULL)
        world_close(w);
    sim_io_free(w->io);
    sim_io_free(w->client_io);
    sim_free(w->sim);
    sim_disk_free(w->disk);
    setting_release(amqp_settings, &w->amqp_options);
    setting_release(broker_settings, &w->broker_options);
    setting_release(partition_settings, &w->partition_options);
    setting_release(log_settings, &w->log_options);
    setting_release(queue_settings, &w->queues_options);
}

void world_run_ms(struct world *w, uint64_t ms)
{
    sim_run_for(w->sim, ms * WORLD_MS);
}
