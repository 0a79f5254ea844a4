/* How far replays are. */
#include "queue/origins.h"

#include "base/map.h"
#include "base/mem.h"
#include "msg/slip.h"
#include "store/varint.h"

enum { PART_BITS = 16 };

struct origins {
    struct map by_key; /* replay and part -> offset + 1, as a pointer */
};

/* Ids of replays come from one counter; no broker makes as many as there are with 48 bits. */
static uint64_t key_of(uint64_t replay, uint16_t part)
{
    return replay << PART_BITS | part;
}

struct origins *origins_new(void)
{
    struct origins *o = MEM_NEW(struct origins);

    map_init(&o->by_key);
    return o;
}

void origins_free(struct origins *o)
{
    map_release(&o->by_key);
    mem_free(o);
}

/* Offsets are smaller than what a pointer holds, by far. */
static void put(struct origins *o, uint64_t key, uint64_t next)
{
    (void)map_put(&o->by_key, key, (void *)(uintptr_t)next);
}

void origins_note(struct origins *o, struct bytes slip)
{
    struct slip s;

    if (LIKELY(slip.size == 0))
        return;
    s = slip_read(slip);
    if (s.has_origin)
        put(o, key_of(s.origin.replay, s.origin.part), s.origin.offset + 1);
}

bool origins_find(const struct origins *o, uint64_t replay, uint16_t part, uint64_t *next)
{
    const void *value = map_find(&o->by_key, key_of(replay, part));

    if (value == NULL)
        return false;
    *next = (uint64_t)(uintptr_t)value;
    return true;
}

void origins_drop(struct origins *o, uint64_t replay, uint16_t part)
{
    (void)map_remove(&o->by_key, key_of(replay, part));
}

void origins_save(const struct origins *o, struct buf *out)
{
    buf_varint(out, map_count(&o->by_key));
    MAP_FOREACH (w, &o->by_key) {
        buf_varint(out, w.key);
        buf_varint(out, (uint64_t)(uintptr_t)w.value);
    }
}

void origins_restore(struct origins *o, struct reader *r)
{
    for (uint64_t left = reader_varint(r); left > 0 && !r->is_failed; left--) {
        uint64_t key = reader_varint(r);
        uint64_t next = reader_varint(r);

        if (next == 0)
            r->is_failed = true;
        if (!r->is_failed)
            put(o, key, next);
    }
}
