/* Large bodies on their way into parts, in the log or in memory; see store.h. */
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "cluster/partition.h"
#include "store/publish_record.h"
#include "store/records.h"
#include "store/store_state.h"

struct store_upload {
    struct store *store;
    struct parts *parts; /* referenced */
};

/* A part of `size` bytes at the end; the caller fills *at at once. */
static int add_part_of_log(struct store *s, struct parts *parts, size_t size, uint8_t **at)
{
    uint64_t first = parts->count > 0 ? parts->places[0] : partition_next(s->partition);
    uint64_t back = partition_next(s->partition) - first, position;
    const struct log_entry e = {.kind = RECORD_PART, .body_size = part_record_size(back, size)};
    uint8_t *body;
    int rv = partition_append(s->partition, &e, &position, &body);

    if (rv != 0)
        return rv;
    ASSERT(position == first + back);
    *at = part_record_write(back, body);
    parts_add(&s->holds, parts, position, size);
    return 0;
}

static int add_part_of_slab(struct store *s, struct parts *parts, size_t size, uint8_t **at)
{
    struct slab_item *item;
    uint64_t place;

    item = slab_take(&s->slabs, slab_item_size(sizeof(uint64_t) + size), 1, &place);
    if (item == NULL)
        return ERR_FULL;
    put_le64(item + 1, size);
    *at = (uint8_t *)(item + 1) + sizeof(uint64_t);
    parts_add(&s->holds, parts, place, size);
    return 0;
}

static int add_part(struct store *s, struct parts *parts, size_t size, uint8_t **at)
{
    ASSERT(size > 0 && size <= STORE_PART_BYTES);
    return parts->is_transient ? add_part_of_slab(s, parts, size, at)
                               : add_part_of_log(s, parts, size, at);
}

/* ---- Uploads ---- */

struct store_upload *store_upload_open(struct store *s, bool is_persistent)
{
    struct store_upload *u = MEM_NEW(struct store_upload);

    u->store = s;
    u->parts = parts_new(!is_persistent);
    s->readers++;
    return u;
}

int store_upload_add(struct store_upload *u, struct bytes bytes, size_t *taken)
{
    size_t done = 0;
    int rv = 0;

    ASSERT(u->parts->refs == 1); /* a message that has them has the whole body */
    while (rv == 0 && done < bytes.size) {
        size_t left = bytes.size - done;
        size_t size = left < STORE_PART_BYTES ? left : STORE_PART_BYTES;
        uint8_t *at;

        if (u->parts->is_transient && store_is_full(u->store))
            rv = ERR_FULL;
        else
            rv = add_part(u->store, u->parts, size, &at);
        if (rv != 0)
            break;
        memcpy(at, bytes.data + done, size);
        done += size;
    }
    *taken = done;
    return rv;
}

void store_upload_close(struct store_upload *u)
{
    if (u == NULL)
        return;
    u->store->readers--;
    store_parts_unref(u->store, u->parts);
    mem_free(u);
}

bool store_upload_is_in_log(const struct store_upload *u)
{
    return u == NULL || !u->parts->is_transient;
}

struct parts *store_upload_get(const struct store_upload *u)
{
    ASSERT(u->parts->count > 0);
    return u->parts;
}

/* ---- At once ---- */

/* A place in the pieces of a body. */
struct body_walk {
    const struct bytes *pieces;
    size_t piece;
    size_t done; /* of that piece */
};

static void copy_next(struct body_walk *w, uint8_t *at, size_t size)
{
    while (size > 0) {
        struct bytes piece = w->pieces[w->piece];
        size_t left = piece.size - w->done, n = left < size ? left : size;

        if (n > 0)
            memcpy(at, piece.data + w->done, n);
        at += n;
        size -= n;
        w->done += n;
        if (w->done == piece.size) {
            w->piece++;
            w->done = 0;
        }
    }
}

int store_upload_body(struct store *s, const struct message *m, bool is_persistent,
                      struct parts **out)
{
    struct parts *parts = parts_new(!is_persistent);
    struct body_walk walk = {.pieces = m->body};
    int rv = 0;

    for (uint64_t done = 0; rv == 0 && done < m->body_size;) {
        uint64_t left = m->body_size - done;
        size_t size = left < STORE_PART_BYTES ? (size_t)left : STORE_PART_BYTES;
        uint8_t *at;

        rv = add_part(s, parts, size, &at);
        if (rv == 0)
            copy_next(&walk, at, size);
        done += size;
    }
    if (rv == 0)
        *out = parts;
    else
        store_parts_unref(s, parts);
    return rv;
}
