/* What the machine has that settings are shares of, and its name. */
#ifndef SERVER_MACHINE_H
#define SERVER_MACHINE_H

#include <stdint.h>

struct disk;

/* Bytes of memory that this process may use: the machine's, or less where a control group says so.
 * 0 when nothing says it. Blocks. */
uint64_t machine_memory(struct disk *d);

/* "rabbit@host": what tools take for the name of a node; new memory. Blocks. */
char *machine_node_name(struct disk *d);

#endif
