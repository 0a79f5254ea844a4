/* A binary heap in one array: the children of place i are 2 i and 2 i + 1, counted from 1. */
#include "base/heap.h"

#include "base/check.h"
#include "base/mem.h"

enum { HEAP_CAPACITY_MIN = 16 };

static bool is_before(const struct heap_node *a, const struct heap_node *b)
{
    return a->order < b->order || (a->order == b->order && a->tie < b->tie);
}

static void settle_at(struct heap *h, struct heap_node *n, size_t place)
{
    h->nodes[place - 1] = n;
    n->place = place;
}

/* Moves the node towards the top while its parent is larger. Returns whether it moved. */
static bool move_up(struct heap *h, struct heap_node *n)
{
    size_t place = n->place;

    while (place > 1 && is_before(n, h->nodes[place / 2 - 1])) {
        settle_at(h, h->nodes[place / 2 - 1], place);
        place /= 2;
    }
    bool moved = place != n->place;
    settle_at(h, n, place);
    return moved;
}

/* Moves the node towards the bottom while one of its children is smaller. */
static void move_down(struct heap *h, struct heap_node *n)
{
    size_t place = n->place;

    while (place <= h->count / 2) {
        size_t child = 2 * place;
        if (child < h->count && is_before(h->nodes[child], h->nodes[child - 1]))
            child++;
        if (!is_before(h->nodes[child - 1], n))
            break;
        settle_at(h, h->nodes[child - 1], place);
        place = child;
    }
    settle_at(h, n, place);
}

void heap_init(struct heap *h)
{
    *h = (struct heap){0};
}

void heap_release(struct heap *h)
{
    mem_free(h->nodes);
    heap_init(h);
}

void heap_push(struct heap *h, struct heap_node *n)
{
    ASSERT(n->place == 0);
    if (h->count == h->capacity) {
        h->capacity = h->capacity == 0 ? HEAP_CAPACITY_MIN : 2 * h->capacity;
        h->nodes = mem_grow(h->nodes, h->capacity, sizeof(*h->nodes));
    }
    h->count++;
    settle_at(h, n, h->count);
    move_up(h, n);
}

void heap_remove(struct heap *h, struct heap_node *n)
{
    ASSERT(n->place > 0 && n->place <= h->count);
    ASSERT(h->nodes[n->place - 1] == n);

    struct heap_node *last = h->nodes[h->count - 1];
    size_t place = n->place;

    h->count--;
    n->place = 0;
    if (last == n)
        return;
    settle_at(h, last, place);
    if (!move_up(h, last))
        move_down(h, last);
}

struct heap_node *heap_first(const struct heap *h)
{
    return h->count == 0 ? NULL : h->nodes[0];
}

bool heap_holds(const struct heap_node *n)
{
    return n->place > 0;
}

void heap_check(const struct heap *h)
{
    ASSERT(h->count <= h->capacity);
    for (size_t place = 1; place <= h->count; place++) {
        ASSERT(h->nodes[place - 1]->place == place);
        ASSERT(place == 1 || !is_before(h->nodes[place - 1], h->nodes[place / 2 - 1]));
    }
}
