/* Sorting and hashing of field tables. */
#include "exchange/arguments.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"

/* Seeds of their own for what is equal across types, so that 1 and 1.0 do not meet. */
enum { SEED_INTEGER = 1, SEED_REAL = 2, SEED_BOOL = 3 };

/* By name; entries of one name in the order in which they came, which their addresses tell. */
static int compare_entries(const void *left, const void *right)
{
    const struct table_entry *a = (const struct table_entry *)left;
    const struct table_entry *b = (const struct table_entry *)right;
    size_t size = a->name.size < b->name.size ? a->name.size : b->name.size;
    int order = size == 0 ? 0 : memcmp(a->name.data, b->name.data, size);

    if (order != 0)
        return order;
    if (a->name.size != b->name.size)
        return a->name.size < b->name.size ? -1 : 1;
    return a->whole.data < b->whole.data ? -1 : 1;
}

int arguments_sort(struct table t, struct buf *out)
{
    size_t count = table_count(t);
    struct table_walk w = table_walk(t);
    size_t at = 0;

    if (t.bytes.size > out->limit)
        return ERR_FULL;
    if (count == 0)
        return 0;

    struct table_entry *entries = MEM_NEW_ARRAY(struct table_entry, count);

    while (table_next(&w, &entries[at]) && ++at < count)
        ;
    ASSERT(at == count);
    qsort(entries, count, sizeof(*entries), compare_entries);
    for (size_t i = 0; i < count; i++) {
        if (i + 1 == count || !bytes_equal(entries[i].name, entries[i + 1].name))
            buf_bytes(out, entries[i].whole);
    }
    mem_free(entries);
    return buf_error(out) == 0 ? 0 : ERR_FULL;
}

uint64_t field_hash(const struct field *f, uint64_t seed)
{
    int64_t integer = 0;
    double real = 0;
    bool truth = false;

    if (field_as_integer(f, &integer))
        return hash64(bytes_of(&integer, sizeof(integer)), seed + SEED_INTEGER);
    if (field_as_real(f, &real)) {
        real = real == 0 ? 0 : real; /* -0.0 is 0.0 */
        return hash64(bytes_of(&real, sizeof(real)), seed + SEED_REAL);
    }
    if (field_as_bool(f, &truth))
        return hash64(bytes_of(&truth, sizeof(truth)), seed + SEED_BOOL);
    if (f->type == FIELD_TABLE || f->type == FIELD_ARRAY)
        return hash64(bytes_of(NULL, 0), seed + (uint64_t)f->type); /* integers inside may differ */
    return hash64(f->bytes, seed + (uint64_t)f->type);
}

uint64_t arguments_hash(struct table sorted, uint64_t seed)
{
    struct table_walk w = table_walk(sorted);
    struct table_entry e;
    uint64_t hash = seed;

    while (table_next(&w, &e)) {
        uint64_t parts[3] = {hash, hash64(e.name, seed), field_hash(&e.value, seed)};
        hash = hash64(bytes_of(parts, sizeof(parts)), seed);
    }
    return hash;
}
