/* Names of queue and publisher, and a list by age. A checkpoint has
 *
 *     count | ( queue | size u8 | publisher | highest | when it was used, u64 )*
 *
 * in the order of their age; numbers without a size are varints. */
#include "queue/sequels.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "store/varint.h"

enum { KEY_MAX = sizeof(uint64_t) + ONCE_ID_MAX };

struct sequel {
    struct list_link link; /* by age */
    const struct names_entry *entry;
    uint64_t highest;
    int64_t used_ms;
};

struct key {
    uint8_t bytes[KEY_MAX];
};

static struct bytes key_of(struct key *k, uint64_t queue, struct bytes publisher)
{
    ASSERT(publisher.size > 0 && publisher.size <= ONCE_ID_MAX);
    put_le64(k->bytes, queue);
    memcpy(k->bytes + sizeof(uint64_t), publisher.data, publisher.size);
    return bytes_of(k->bytes, sizeof(uint64_t) + publisher.size);
}

static struct sequel *at(struct list_link *link)
{
    return CONTAINER_OF(link, struct sequel, link);
}

void sequels_init(struct sequels *s, uint64_t seed)
{
    names_init(&s->entries, seed);
    list_init(&s->by_age);
}

void sequels_release(struct sequels *s)
{
    struct list_link *link;

    while ((link = list_take(&s->by_age)) != NULL)
        mem_free(at(link));
    names_release(&s->entries);
}

static struct sequel *find(const struct sequels *s, uint64_t queue, struct bytes publisher)
{
    struct key k;

    return (struct sequel *)names_find(&s->entries, key_of(&k, queue, publisher));
}

bool sequels_have(struct sequels *s, uint64_t queue, const struct once *once)
{
    const struct sequel *q = find(s, queue, once->publisher);

    return q != NULL && once->seq <= q->highest;
}

/* A new one is the youngest. */
static struct sequel *make(struct sequels *s, uint64_t queue, struct bytes publisher)
{
    struct sequel *q = MEM_NEW(struct sequel);
    struct key k;

    names_put(&s->entries, key_of(&k, queue, publisher), q);
    q->entry = CONTAINER_OF(list_last(&s->entries.order), struct names_entry, link);
    list_push(&s->by_age, &q->link);
    return q;
}

void sequels_add(struct sequels *s, uint64_t queue, const struct once *once, int64_t now_ms)
{
    struct sequel *q = find(s, queue, once->publisher);

    if (q == NULL) {
        q = make(s, queue, once->publisher);
        q->highest = once->seq;
    } else {
        list_remove(&q->link);
        list_push(&s->by_age, &q->link);
    }
    if (once->seq > q->highest)
        q->highest = once->seq;
    q->used_ms = now_ms;
}

static void forget(struct sequels *s, struct sequel *q)
{
    void *value;

    list_remove(&q->link);
    value = names_remove(&s->entries, q->entry->name);
    ASSERT(value == q);
    mem_free(q);
}

void sequels_trim(struct sequels *s, const struct sequels_limits *limits, int64_t now_ms)
{
    struct list_link *link;

    while ((link = list_first(&s->by_age)) != NULL &&
           (names_count(&s->entries) > limits->count_max ||
            now_ms - at(link)->used_ms > limits->age_max_ms))
        forget(s, at(link));
}

size_t sequels_count(const struct sequels *s)
{
    return names_count(&s->entries);
}

void sequels_save(const struct sequels *s, struct buf *out)
{
    buf_varint(out, names_count(&s->entries));
    LIST_FOREACH (link, &s->by_age) {
        const struct sequel *q = CONTAINER_OF(link, struct sequel, link);
        struct bytes name = q->entry->name;

        buf_varint(out, get_le64(name.data));
        buf_u8(out, (uint8_t)(name.size - sizeof(uint64_t)));
        buf_bytes(out, bytes_of(name.data + sizeof(uint64_t), name.size - sizeof(uint64_t)));
        buf_varint(out, q->highest);
        buf_le64(out, (uint64_t)q->used_ms);
    }
}

void sequels_restore(struct sequels *s, struct reader *r)
{
    for (uint64_t left = reader_varint(r); left > 0 && !r->is_failed; left--) {
        uint64_t queue = reader_varint(r);
        struct once once = {.publisher = reader_bytes(r, reader_u8(r))};

        once.seq = reader_varint(r);
        int64_t used_ms = (int64_t)reader_le64(r);
        if (once.publisher.size == 0)
            r->is_failed = true;
        if (!r->is_failed)
            sequels_add(s, queue, &once, used_ms);
    }
}

void sequels_check(const struct sequels *s)
{
    size_t count = 0;

    LIST_FOREACH (link, &s->by_age) {
        const struct sequel *q = CONTAINER_OF(link, struct sequel, link);

        ASSERT(names_find(&s->entries, q->entry->name) == q);
        count++;
    }
    ASSERT(count == names_count(&s->entries));
}
