/* Insertion for few, heap sort for many: no input makes it slow, and it takes no memory. */
#include "exchange/sort_ids.h"

#include <stdbool.h>

#include "base/check.h"

enum { SORT_INSERT_MAX = 24 };

static bool is_rising(const uint64_t *ids, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (ids[i - 1] > ids[i])
            return false;
    }
    return true;
}

static void insertion_sort(uint64_t *ids, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        uint64_t id = ids[i];
        size_t at = i;

        for (; at > 0 && ids[at - 1] > id; at--)
            ids[at] = ids[at - 1];
        ids[at] = id;
    }
}

/* Lets the number at `at` sink until none below it is larger. */
static void sink(uint64_t *ids, size_t at, size_t count)
{
    uint64_t id = ids[at];

    for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && ids[child + 1] > ids[child])
            child++;
        if (ids[child] <= id)
            break;
        ids[at] = ids[child];
        at = child;
    }
    ids[at] = id;
}

static void heap_sort(uint64_t *ids, size_t count)
{
    for (size_t i = count / 2; i-- > 0;)
        sink(ids, i, count);
    for (size_t end = count - 1; end > 0; end--) {
        uint64_t largest = ids[0];

        ids[0] = ids[end];
        ids[end] = largest;
        sink(ids, 0, end);
    }
}

void sort_ids(uint64_t *ids, size_t count)
{
    if (is_rising(ids, count))
        return;
    if (count <= SORT_INSERT_MAX)
        insertion_sort(ids, count);
    else
        heap_sort(ids, count);
    ASSERT(ids[0] <= ids[count - 1]);
}
