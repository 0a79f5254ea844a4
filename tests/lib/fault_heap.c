/* See fault_heap.h; built on the fault hook of base/mem. */
#include "tests/lib/fault_heap.h"

#include "base/mem.h"

static bool refuses(void *owner, size_t size)
{
    struct fault_heap *f = owner;

    (void)size;
    f->calls++;
    if (f->calls != f->refuse_at && !(f->is_for_ever && f->calls > f->refuse_at))
        return false;
    f->refused++;
    return true;
}

void fault_heap_start(struct fault_heap *f, uint64_t refuse_at, bool is_for_ever)
{
    *f = (struct fault_heap){.refuse_at = refuse_at, .is_for_ever = is_for_ever};
    mem_set_fault(refuses, f);
}

bool fault_heap_stop(struct fault_heap *f)
{
    mem_set_fault(NULL, NULL);
    return f->refused > 0;
}
