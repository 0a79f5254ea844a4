/* A binary heap of pointers, smallest first; timers and time indexes use it. The item keeps
 * its own place, so removal from the middle is O(log n). */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Lies inside each item. `order` first, then `tie`: items with equal keys leave in the
 * order that the tie says (give them a running number for first in, first out). */
struct heap_node {
    uint64_t order;
    uint64_t tie;
    size_t place; /* 1 + index in the heap; 0 when in none */
};

struct heap {
    struct heap_node **nodes;
    size_t count;
    size_t capacity;
};

void heap_init(struct heap *h);
/* Frees the heap's own memory; the items are the caller's. */
void heap_release(struct heap *h);

/* Puts the node in by its order and tie. It must be in no heap. */
void heap_push(struct heap *h, struct heap_node *n);

/* Takes the node out; it must be in this heap. */
void heap_remove(struct heap *h, struct heap_node *n);

/* The smallest node, or NULL; it stays in. */
struct heap_node *heap_first(const struct heap *h);

/* Whether the node is in a heap. */
bool heap_holds(const struct heap_node *n);

/* Asserts that no node is before its parent and that every node knows its place. */
void heap_check(const struct heap *h);

#endif
