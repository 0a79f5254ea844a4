/* A broker behind its door in a simulated world; its clients are in client.h.
 *
 *     struct world w;
 *     world_init(&w);
 *     w.amqp_options.output_max_bytes = 65536;           before the opening
 *     world_open(&w);
 *     ...
 *     world_crash(&w, SIM_DEATH_POWER, &how);            it dies, and can be opened again
 *     world_open(&w);
 *     ...
 *     world_release(&w);
 *
 * Owner: a test. */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "amqp/amqp.h"
#include "broker/broker.h"
#include "cluster/partition.h"
#include "io/sim/sim.h"
#include "log/log_settings.h"
#include "queue/queue.h"

#define WORLD_MS          UINT64_C(1000000)
#define WORLD_PATIENCE_NS (60000 * WORLD_MS) /* what has not come by then fails the test */

enum { WORLD_PORT = 5672 };

struct world {
    struct sim_disk *disk;
    struct sim *sim;
    struct sim_node *server;
    struct sim_node *clients;
    struct io *io; /* the server's */
    struct io *client_io;
    struct gate_settings gate_settings;
    struct amqp_options amqp_options;
    struct broker_options broker_options;
    struct partition_options partition_options;
    struct log_options log_options;
    struct queues_options queues_options;
    struct datadir *data;
    struct broker *broker;
    struct amqp *door;
    bool is_stopped;
    bool is_closed;
};

/* A disk and two nodes; defaults in all options, and guest may come from anywhere. */
void world_init(struct world *w);
/* The same in a world of chance. */
void world_init_with(struct world *w, const struct sim_options *sim,
                     const struct sim_disk_options *disk);
void world_open(struct world *w);
/* The same when it may fail; nothing is left open then, but what happened on the disk. */
MUST_USE int world_try_open(struct world *w, struct err_note *note);
/* Stops the door, then the broker, in peace. */
void world_close(struct world *w);
/* The process dies, or the power fails and the disk becomes this image (NULL: none). Whether it was
 * open or not. */
void world_crash(struct world *w, enum sim_death how, const struct sim_crash *image);
/* Closes if it is open. */
void world_release(struct world *w);

void world_run_ms(struct world *w, uint64_t ms);

#endif
