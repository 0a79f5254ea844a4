/* Between definitions.c and definitions_fold.c, and for nobody else. */
#ifndef BROKER_DEFINITIONS_PARTS_H
#define BROKER_DEFINITIONS_PARTS_H

#include "broker/definitions.h"

enum { DEFINITION_VERSION = 1, DEFINITION_HEADER_SIZE = 2 };

/* Puts a copy into the index and gives it, borrowed. */
struct definition *definitions_index(struct definitions *d, const struct definition *what);
/* False when it was not there. */
bool definitions_unindex(struct definitions *d, uint8_t kind, struct bytes key);
/* The record at that position is not the newest any more. */
void definitions_supersede(struct definitions *d, uint64_t position);
/* Writes a record of what is in the index. */
void definitions_rewrite(struct definitions *d, const struct definition *n);

#endif
