/* A broker behind its door in a simulated world; its clients are in client.h.
 *
 *     struct world w;
 *     world_init(&w);
 *     w.amqp_options.output_max_bytes = 65536;           before the opening
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
void world_open(struct world *w);
/* Stops the door, then the broker, in peace. */
void world_close(struct world *w);
/* Closes if it is open. */
void world_release(struct world *w);

void world_run_ms(struct world *w, uint64_t ms);

#endif
