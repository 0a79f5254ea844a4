/* Keys by name, by seq and by age. In a checkpoint:
 *
 *     count | ( size u8 | key | seq | until, u64 )*     the oldest first */
#include "queue/dedup.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "msg/props.h"
#include "store/ledger.h"
#include "store/varint.h"

struct known {
    struct list_link link;
    const struct names_entry *entry;
    uint64_t seq;
    int64_t until_ms;
};

static struct known *known_at(struct list_link *link)
{
    return CONTAINER_OF(link, struct known, link);
}

struct dedup *dedup_new(uint64_t seed, uint64_t count_max, uint64_t ttl_ms)
{
    struct dedup *d = MEM_NEW(struct dedup);

    names_init(&d->keys, seed);
    map_init(&d->by_seq);
    list_init(&d->by_age);
    d->count_max = count_max;
    d->ttl_ms = ttl_ms;
    return d;
}

void dedup_free(struct dedup *d)
{
    struct list_link *link;

    if (d == NULL)
        return;
    while ((link = list_take(&d->by_age)) != NULL)
        mem_free(known_at(link));
    names_release(&d->keys);
    map_release(&d->by_seq);
    mem_free(d);
}

void dedup_key_of(const struct props *props, struct dedup_key *out)
{
    struct table headers;

    out->size = 0;
    if (props_find_headers(props, &headers))
        dedup_read(headers, out);
}

static struct known *find(const struct dedup *d, const struct dedup_key *k)
{
    return (struct known *)names_find(&d->keys, dedup_key_bytes(k));
}

bool dedup_has(const struct dedup *d, const struct dedup_key *k, int64_t now_ms)
{
    const struct known *at = k->size == 0 ? NULL : find(d, k);

    return at != NULL && (!dedup_is_cache(d) || at->until_ms > now_ms);
}

int64_t dedup_until(const struct dedup *d, const struct props *props, int64_t now_ms)
{
    uint64_t ttl_ms = d->ttl_ms;
    struct table headers;

    if (props_find_headers(props, &headers))
        (void)dedup_read_ttl(headers, &ttl_ms);
    return ttl_ms > (uint64_t)(INT64_MAX - now_ms) ? INT64_MAX : now_ms + (int64_t)ttl_ms;
}

static void forget(struct dedup *d, struct known *at)
{
    void *value = names_remove(&d->keys, at->entry->name);

    ASSERT(value == at);
    if (!dedup_is_cache(d))
        map_remove(&d->by_seq, at->seq);
    list_remove(&at->link);
    mem_free(at);
}

void dedup_add(struct dedup *d, const struct dedup_key *k, uint64_t seq, int64_t until_ms)
{
    struct known *at = k->size == 0 ? NULL : find(d, k);

    if (k->size == 0)
        return;
    if (at != NULL)
        forget(d, at); /* its time was over, or a replay knows it better */
    at = MEM_NEW(struct known);
    at->seq = seq;
    at->until_ms = until_ms;
    names_put(&d->keys, dedup_key_bytes(k), at);
    at->entry = CONTAINER_OF(list_last(&d->keys.order), struct names_entry, link);
    list_push(&d->by_age, &at->link);
    if (!dedup_is_cache(d))
        map_put(&d->by_seq, seq, at);
    else if (names_count(&d->keys) > d->count_max)
        forget(d, known_at(list_first(&d->by_age)));
}

void dedup_settle(struct dedup *d, uint64_t seq)
{
    struct known *at = map_count(&d->by_seq) > 0 ? (struct known *)map_find(&d->by_seq, seq) : NULL;

    if (at != NULL)
        forget(d, at);
}

void dedup_sweep(struct dedup *d, struct ledger *l)
{
    LIST_FOREACH_SAFE (link, &d->by_age) {
        struct known *at = CONTAINER_OF(link, struct known, link);

        if (!dedup_is_cache(d) && !ledger_is_live(l, at->seq))
            forget(d, at);
    }
}

void dedup_save(const struct dedup *d, struct buf *out)
{
    buf_varint(out, names_count(&d->keys));
    LIST_FOREACH (link, &d->by_age) {
        const struct known *at = CONTAINER_OF(link, struct known, link);

        buf_u8(out, (uint8_t)at->entry->name.size);
        buf_bytes(out, at->entry->name);
        buf_varint(out, at->seq);
        buf_le64(out, (uint64_t)at->until_ms);
    }
}

void dedup_restore(struct dedup *d, struct ledger *l, struct reader *r)
{
    for (uint64_t left = reader_varint(r); left > 0 && !r->is_failed; left--) {
        struct bytes name = reader_bytes(r, reader_u8(r));
        uint64_t seq = reader_varint(r);
        int64_t until_ms = (int64_t)reader_le64(r);
        struct dedup_key k = {.size = name.size};

        if (name.size == 0 || name.size > DEDUP_KEY_MAX) {
            r->is_failed = true;
            return;
        }
        memcpy(k.bytes, name.data, name.size);
        if (dedup_is_cache(d) || ledger_is_live(l, seq))
            dedup_add(d, &k, seq, until_ms);
    }
}

void dedup_check(const struct dedup *d)
{
    size_t count = 0;

    LIST_FOREACH (link, &d->by_age) {
        const struct known *at = CONTAINER_OF(link, struct known, link);

        ASSERT(names_find(&d->keys, at->entry->name) == at);
        ASSERT(dedup_is_cache(d) || map_find(&d->by_seq, at->seq) == at);
        count++;
    }
    ASSERT(count == names_count(&d->keys));
    ASSERT(dedup_is_cache(d) ? count <= d->count_max : map_count(&d->by_seq) == count);
}
