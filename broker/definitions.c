/* The index of definitions and the writing of their records. Reading them back is in
 * definitions_fold.c. */
#include "broker/definitions.h"

#include "base/diag.h"
#include "base/mem.h"
#include "broker/definitions_parts.h"
#include "cluster/partition.h"

enum { KEY_SIZE_MAX = 1 + RECORD_KEY_MAX };

void definitions_init(struct definitions *d, uint64_t seed, const struct definitions_calls *calls)
{
    *d = (struct definitions){.calls = *calls, .next_id = 1, .reserved_id = 1};
    names_init(&d->by_key, seed);
    buf_init(&d->scratch, KEY_SIZE_MAX);
    buf_init(&d->outbox, UINT32_MAX);
}

void definitions_release(struct definitions *d)
{
    for (struct names_entry *e = names_first(&d->by_key); e != NULL; e = names_next(&d->by_key, e))
        mem_free(e->value);
    names_release(&d->by_key);
    buf_release(&d->scratch);
    buf_release(&d->outbox);
}

/* ---- the index ---- */

/* Kind and key as a name, borrowed until the next call. */
static struct bytes name_of(struct definitions *d, uint8_t kind, struct bytes key)
{
    buf_clear(&d->scratch);
    buf_u8(&d->scratch, kind);
    buf_bytes(&d->scratch, key);
    ASSERT(buf_error(&d->scratch) == 0); /* whoever makes keys has bounds for them */
    return buf_view(&d->scratch);
}

static struct definition *find(struct definitions *d, uint8_t kind, struct bytes key)
{
    return (struct definition *)names_find(&d->by_key, name_of(d, kind, key));
}

const struct definition *definitions_find(struct definitions *d, uint8_t kind, struct bytes key)
{
    return find(d, kind, key);
}

static void copy(uint8_t *at, struct bytes b)
{
    if (b.size > 0)
        memcpy(at, b.data, b.size);
}

struct definition *definitions_index(struct definitions *d, const struct definition *what)
{
    size_t size = what->key.size + what->body.size;
    struct definition *n = (struct definition *)mem_alloc(sizeof(*n) + size);
    uint8_t *bytes = (uint8_t *)(n + 1);

    *n = *what;
    copy(bytes, what->key);
    copy(bytes + what->key.size, what->body);
    n->key = bytes_of(bytes, what->key.size);
    n->body = bytes_of(bytes + what->key.size, what->body.size);

    struct definition *old =
        (struct definition *)names_put(&d->by_key, name_of(d, n->kind, n->key), n);

    if (old != NULL)
        definitions_supersede(d, old->position);
    mem_free(old);
    return n;
}

bool definitions_unindex(struct definitions *d, uint8_t kind, struct bytes key)
{
    struct definition *old = (struct definition *)names_remove(&d->by_key, name_of(d, kind, key));

    if (old == NULL)
        return false;
    definitions_supersede(d, old->position);
    mem_free(old);
    return true;
}

void definitions_supersede(struct definitions *d, uint64_t position)
{
    if (d->partition != NULL && position != DEFINITION_UNWRITTEN)
        log_release(partition_log(d->partition), LOG_SHARED, position);
}

struct names_entry *definitions_next(const struct definitions *d, uint8_t kind,
                                     const struct names_entry *at)
{
    struct names_entry *e = at == NULL ? names_first(&d->by_key) : names_next(&d->by_key, at);

    while (e != NULL && ((const struct definition *)e->value)->kind != kind)
        e = names_next(&d->by_key, e);
    return e;
}

/* ---- records ---- */

/* A record that is to be written. */
struct writing {
    uint8_t kind;
    bool is_gone;
    struct bytes key;
    struct bytes body;
};

static int append(struct definitions *d, const struct writing *w, uint64_t *position)
{
    const struct log_entry e = {
        .kind = w->kind,
        .may_use_reserve = w->is_gone,
        .is_transitory = w->is_gone,
        .key = w->key,
        .body_size = DEFINITION_HEADER_SIZE + (w->is_gone ? 0 : w->body.size),
    };
    uint8_t *body = NULL;
    int rv = partition_append(d->partition, &e, position, &body);

    if (rv != 0)
        return rv;
    body[0] = DEFINITION_VERSION;
    body[1] = w->is_gone ? 0 : 1;
    if (!w->is_gone)
        copy(body + DEFINITION_HEADER_SIZE, w->body);
    return 0;
}

/* Writes one record and remembers where. Errors: ERR_FULL. */
static int write_now(struct definitions *d, const struct writing *w)
{
    struct definition *n = NULL;
    uint64_t position = 0;
    int rv = append(d, w, &position);

    if (rv == ERR_FULL)
        return rv;
    if (rv != 0) {
        if (!d->is_failed)
            diag(DIAG_ERROR, "broker", "definitions are not kept any more error=%s", err_name(rv));
        d->is_failed = true;
        return 0;
    }
    d->last_position = position;
    d->has_record = true;
    n = w->is_gone ? NULL : find(d, w->kind, w->key);
    if (n != NULL)
        n->position = position;
    return 0;
}

/* In the outbox: kind, whether it is gone, sizes, key, body. */
static void hold(struct definitions *d, const struct writing *w)
{
    buf_u8(&d->outbox, w->kind);
    buf_u8(&d->outbox, w->is_gone ? 1 : 0);
    buf_le32(&d->outbox, (uint32_t)w->key.size);
    buf_le32(&d->outbox, (uint32_t)w->body.size);
    buf_bytes(&d->outbox, w->key);
    buf_bytes(&d->outbox, w->body);
    ASSERT(buf_error(&d->outbox) == 0); /* see definitions_are_full() */
}

static void write_record(struct definitions *d, const struct writing *w)
{
    if (d->is_failed)
        return;
    ASSERT(d->partition != NULL);
    if (d->outbox.size > 0 || write_now(d, w) == ERR_FULL)
        hold(d, w);
}

static bool read_held(struct reader *r, struct writing *out)
{
    uint32_t key = 0;
    uint32_t body = 0;

    if (r->left == 0)
        return false;
    out->kind = reader_u8(r);
    out->is_gone = reader_u8(r) != 0;
    key = reader_le32(r);
    body = reader_le32(r);
    out->key = reader_bytes(r, key);
    out->body = reader_bytes(r, body);
    ASSERT(!r->is_failed);
    return true;
}

void definitions_flush(struct definitions *d)
{
    struct bytes held = buf_view(&d->outbox);
    struct reader r = reader_of(held);
    struct reader at = r;
    struct writing w;

    while (read_held(&r, &w) && (d->is_failed || write_now(d, &w) == 0))
        at = r;
    if (at.left == 0) {
        buf_clear(&d->outbox);
        return;
    }
    memmove(d->outbox.data, at.at, at.left);
    d->outbox.size = at.left;
}

bool definitions_are_full(const struct definitions *d)
{
    return d->outbox.size > DEFINITIONS_OUTBOX_MAX;
}

bool definitions_newest(const struct definitions *d, uint64_t *position)
{
    if (!d->has_record && d->outbox.size == 0)
        return false;
    *position = d->outbox.size > 0 ? DEFINITION_UNWRITTEN : d->last_position;
    return true;
}

/* ---- use ---- */

void definitions_rewrite(struct definitions *d, const struct definition *n)
{
    write_record(d, &(struct writing){.kind = n->kind, .key = n->key, .body = n->body});
}

void definitions_put(struct definitions *d, uint8_t kind, struct bytes key, struct bytes body)
{
    const struct definition what = {
        .kind = kind, .position = DEFINITION_UNWRITTEN, .key = key, .body = body};

    definitions_rewrite(d, definitions_index(d, &what));
}

void definitions_remove(struct definitions *d, uint8_t kind, struct bytes key)
{
    if (definitions_unindex(d, kind, key))
        write_record(d, &(struct writing){.kind = kind, .is_gone = true, .key = key});
}

void definitions_drop(struct definitions *d, uint8_t kind, struct bytes key)
{
    (void)definitions_unindex(d, kind, key);
}

uint64_t definitions_take_id(struct definitions *d)
{
    uint8_t body[sizeof(uint64_t)];

    /* Half a block ahead, so that the reservation is safe long before it is needed. */
    if (d->next_id + DEFINITIONS_IDS_BLOCK / 2 > d->reserved_id) {
        d->reserved_id = d->next_id + DEFINITIONS_IDS_BLOCK;
        put_le64(body, d->reserved_id);
        definitions_put(d, DEFINITION_IDS, bytes_of(NULL, 0), bytes_of(body, sizeof(body)));
    }
    return d->next_id++;
}

void definitions_check(const struct definitions *d)
{
    for (struct names_entry *e = names_first(&d->by_key); e != NULL;
         e = names_next(&d->by_key, e)) {
        const struct definition *n = (const struct definition *)e->value;

        ASSERT(n->kind >= DEFINITION_IDS && n->kind <= DEFINITION_NEWEST);
        ASSERT(e->name.size == n->key.size + 1 && e->name.data[0] == n->kind);
        ASSERT(d->is_failed || n->position != DEFINITION_UNWRITTEN || d->outbox.size > 0);
    }
    ASSERT(d->next_id <= d->reserved_id);
}
