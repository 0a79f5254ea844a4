/* The network of a simulated world: streams (io/net.h) between its nodes, and all that can go
 * wrong with them.
 *
 *     socket_write -> [ in flight: delay, jitter, pieces ] -> [ arrived ] -> socket_read
 *                     \______________ one bounded buffer _____________/
 *
 * Bytes of one direction keep their order, arrive once, and never change: it is TCP. A full
 * buffer makes socket_write() answer ERR_AGAIN; room comes back one delay after the bytes were
 * read.
 *
 * A cut way loses nothing by itself: bytes, connects and room on it wait until it is healed, as
 * retransmission would have it, or until the sender gives up (give_up_ns) with ERR_IO.
 *
 * Ways have a direction: what holds from a to b need not hold from b to a. */
#ifndef IO_SIM_SIM_NET_H
#define IO_SIM_SIM_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io/net.h"
#include "io/sim/sim.h"

/* How one way behaves. Zero means the default. */
struct sim_way {
    uint64_t delay_ns;     /* default 100,000; within one node 5,000 */
    uint64_t jitter_ns;    /* up to so much more, by chance; default 0 */
    size_t buffer_bytes;   /* for connections made from now on; default 65,536 */
    size_t piece_max;      /* writes travel in pieces of 1 to so many bytes; default whole */
    uint32_t reset_one_in; /* one of so many pieces breaks its connection; default never */
    uint32_t short_one_in; /* one of so many reads and writes does less than it could */
    uint64_t give_up_ns;   /* of waiting on a cut way; default 900 s, and 127 s for a connect */
};

/* Sets all ways, also those of nodes to come. Cuts stay. */
void sim_net_set_ways(struct sim *s, const struct sim_way *w);

/* Sets one way, `from` to `to`. */
void sim_net_set_way(struct sim_node *from, struct sim_node *to, const struct sim_way *w);

/* ---- partitions ---- */

/* Cuts one direction. */
void sim_net_cut(struct sim_node *from, struct sim_node *to);

/* Cuts both. */
void sim_net_partition(struct sim_node *a, struct sim_node *b);

/* Cuts a node off from all others, both ways. */
void sim_net_isolate(struct sim_node *n);

/* Mends both directions between two nodes; all that waited starts again. */
void sim_net_heal(struct sim_node *a, struct sim_node *b);
void sim_net_heal_all(struct sim *s);

bool sim_net_is_cut(struct sim_node *from, struct sim_node *to);

/* ---- lost connections ---- */

/* Breaks every connection between the two at once: both sides see a reset. Returns how many. */
size_t sim_net_reset(struct sim_node *a, struct sim_node *b);

/* Breaks each connection of the world with the chance num / den. Returns how many. */
size_t sim_net_reset_some(struct sim *s, uint32_t num, uint32_t den);

/* Makes every connection between the two half-open: neither side hears from the other again,
 * healed or not. New connections are well. Returns how many. */
size_t sim_net_forget(struct sim_node *a, struct sim_node *b);

/* Connections that at least one side still holds. */
size_t sim_net_connections(const struct sim *s);

#endif
