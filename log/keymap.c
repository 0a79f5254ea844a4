/* An open-addressing map from key hashes to numbers; see keymap.h. */
#include "log/keymap.h"

#include "base/mem.h"

enum { CAPACITY_MIN = 64 };

void keymap_init(struct keymap *m, uint64_t bytes_max)
{
    size_t most = CAPACITY_MIN;

    while (most * 2 * sizeof(struct keymap_slot) <= bytes_max)
        most *= 2;
    m->capacity = CAPACITY_MIN;
    m->count = 0;
    m->count_max = most / 4 * 3;
    m->slots = MEM_NEW_ARRAY(struct keymap_slot, m->capacity);
}

void keymap_release(struct keymap *m)
{
    mem_free(m->slots);
    m->slots = NULL;
}

static struct hash128 key_hash(struct bytes key)
{
    struct hash128 h = hash128(key, 0);

    if (h.low == 0 && h.high == 0)
        h.low = 1; /* both zero marks a free slot */
    return h;
}

/* The key's slot, or the free one where it would go. */
static struct keymap_slot *slot_of(const struct keymap *m, struct hash128 h)
{
    size_t i = (size_t)h.low & (m->capacity - 1);

    for (;;) {
        struct keymap_slot *s = &m->slots[i];
        if (s->key.low == h.low && s->key.high == h.high)
            return s;
        if (s->key.low == 0 && s->key.high == 0)
            return s;
        i = (i + 1) & (m->capacity - 1);
    }
}

static void grow(struct keymap *m)
{
    struct keymap bigger = {
        .capacity = m->capacity * 2, .count = m->count, .count_max = m->count_max};

    bigger.slots = MEM_NEW_ARRAY(struct keymap_slot, bigger.capacity);
    for (size_t i = 0; i < m->capacity; i++) {
        if (m->slots[i].key.low != 0 || m->slots[i].key.high != 0)
            *slot_of(&bigger, m->slots[i].key) = m->slots[i];
    }
    mem_free(m->slots);
    *m = bigger;
}

bool keymap_put(struct keymap *m, struct bytes key, uint64_t number)
{
    struct hash128 h = key_hash(key);
    struct keymap_slot *s = slot_of(m, h);

    if (s->key.low == 0 && s->key.high == 0) {
        if (m->count == m->count_max)
            return false;
        if (m->count >= m->capacity / 4 * 3) {
            grow(m);
            s = slot_of(m, h);
        }
        m->count++;
        s->key = h;
    }
    ASSERT(number >= s->number);
    s->number = number;
    return true;
}

bool keymap_get(const struct keymap *m, struct bytes key, uint64_t *number)
{
    struct keymap_slot *s = slot_of(m, key_hash(key));

    if (s->key.low == 0 && s->key.high == 0)
        return false;
    *number = s->number;
    return true;
}
