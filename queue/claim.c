/* What groups have of streams: kept, written, and read back; see claim.h. */
#include "queue/claim.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "log/log.h"
#include "queue/group_parts.h"
#include "queue/queues_parts.h"
#include "queue/stream.h"
#include "store/records.h"
#include "store/varint.h"

/* How long an ack may wait for its record: single acks must not flood the log. */
#define WRITE_NS UINT64_C(100000000)

static struct claim *claim_at(struct list_link *link)
{
    return CONTAINER_OF(link, struct claim, of_stream);
}

struct bytes claim_name(const struct claim *c)
{
    return bytes_of(c->name, c->name_size);
}

struct claim *claim_find(const struct queue *stream, uint64_t owner, struct bytes name)
{
    LIST_FOREACH (link, &stream->stream->claims) {
        struct claim *c = claim_at(link);

        if (c->owner == owner && bytes_equal(claim_name(c), name))
            return c;
    }
    return NULL;
}

struct claim *claim_new(struct queue *stream, uint64_t owner, struct bytes name)
{
    struct claim *c = (struct claim *)mem_zero(1, sizeof(struct claim) + name.size);

    ASSERT(name.size > 0 && name.size <= GROUP_NAME_MAX);
    c->stream = stream;
    c->owner = owner;
    c->position = CLAIM_UNWRITTEN;
    c->name_size = (uint8_t)name.size;
    memcpy(c->name, name.data, name.size);
    list_push(&stream->stream->claims, &c->of_stream);
    return c;
}

/* Its record, if it has one, is not needed any more. */
static void supersede(const struct claim *c)
{
    struct partition *p = c->stream->home->partition;

    if (p != NULL && c->position != CLAIM_UNWRITTEN)
        log_release(partition_log(p), LOG_SHARED, c->position);
}

static void claim_free(struct claim *c)
{
    ASSERT(c->group == NULL && c->holder == NULL && c->heir == NULL);
    supersede(c);
    if (c->bookmark != NULL)
        bookmark_free(c->bookmark);
    if (list_linked(&c->moved))
        list_remove(&c->moved);
    list_remove(&c->of_stream);
    mem_free(c);
}

void claims_release(struct queue *stream)
{
    struct list_link *link;

    while ((link = list_first(&stream->stream->claims)) != NULL) {
        group_lose_claim(claim_at(link));
        claim_free(claim_at(link));
    }
}

void claims_start(struct queue *stream)
{
    LIST_FOREACH (link, &stream->stream->claims) {
        struct claim *c = claim_at(link);

        if (c->next > stream->ledger.next)
            c->next = stream->ledger.next;
        if (!stream->home->survivors.is_clean)
            c->maybe_seen = stream->ledger.next;
    }
    claims_hurry(stream->home); /* a checkpoint may know more than the records */
}

/* ---- written ---- */

void claims_hurry(struct queues *qs)
{
    if (list_empty(&qs->streams.claims.moved))
        return;
    qs->streams.claims.is_due = true;
    queues_need_pass(qs);
}

void claim_move(struct claim *c, uint64_t next, bool is_now)
{
    struct queues *qs = c->stream->home;
    struct queues_claims *all = &qs->streams.claims;

    ASSERT(next > 0);
    c->next = next;
    if (!list_linked(&c->moved))
        list_push(&all->moved, &c->moved);
    uint64_t now_ns = io_now_ns(qs->io), due_ns = all->written_ns + WRITE_NS;
    if (is_now || now_ns >= due_ns)
        claims_hurry(qs);
    else if (qs->partition != NULL && !alarm_waits(&all->write))
        alarm_set_after(&qs->alarms, &all->write, due_ns - now_ns);
}

static void encode(const struct claim *c, uint64_t next, struct buf *out)
{
    buf_clear(out);
    buf_varint(out, c->stream->identity->id);
    buf_varint(out, c->owner);
    buf_varint(out, next);
    buf_bytes(out, claim_name(c));
}

size_t claim_record_size(const struct claim *c)
{
    return log_record_size(0, (size_t)3 * VARINT_MAX + c->name_size);
}

static int write_one(struct claim *c, uint64_t next)
{
    struct queues *qs = c->stream->home;
    struct buf *record = &qs->scratch.record;
    uint64_t position = 0;
    uint8_t *body = NULL;

    encode(c, next, record);
    const struct log_entry entry = {.kind = RECORD_GROUP,
                                    .may_use_reserve = true,
                                    .is_transitory = next == 0,
                                    .body_size = record->size};
    int rv = partition_append(qs->partition, &entry, &position, &body);
    if (rv != 0)
        return rv;
    memcpy(body, record->data, record->size);
    if (next == 0)
        return 0;
    supersede(c);
    c->position = position;
    return 0;
}

int claims_write(struct queues *qs)
{
    struct queues_claims *all = &qs->streams.claims;
    struct list_link *link;
    int rv = 0;

    if (!all->is_due)
        return 0;
    while (rv != ERR_FULL && (link = list_first(&all->moved)) != NULL) {
        struct claim *c = CONTAINER_OF(link, struct claim, moved);

        rv = write_one(c, c->next);
        if (rv != ERR_FULL)
            list_remove(&c->moved);
    }
    all->is_due = rv == ERR_FULL;
    all->written_ns = io_now_ns(qs->io);
    return rv;
}

int claim_forget(struct claim *c)
{
    int rv = c->next != 0 ? write_one(c, 0) : 0;

    if (rv == 0)
        claim_free(c);
    return rv;
}

/* ---- saved and restored ---- */

static void save_one(const struct claim *c, struct buf *out)
{
    buf_varint(out, c->stream->identity->id);
    buf_varint(out, c->owner);
    buf_varint(out, c->next);
    buf_varint(out, c->position + 1); /* wraps, and back again */
    buf_u8(out, list_linked(&c->moved));
    buf_varint(out, c->name_size);
    buf_bytes(out, claim_name(c));
}

/* How many claims of the queue have begun; saves them when there is a buffer. */
static uint64_t walk_begun(const struct queue *q, struct buf *out)
{
    uint64_t count = 0;

    if (q->stream == NULL)
        return 0;
    LIST_FOREACH (link, &q->stream->claims) {
        if (claim_at(link)->next == 0)
            continue;
        count++;
        if (out != NULL)
            save_one(claim_at(link), out);
    }
    return count;
}

void claims_save(const struct queues *qs, struct buf *out)
{
    uint64_t count = 0;

    for (size_t i = 0; i < qs->count; i++)
        count += walk_begun(qs->all[i], NULL);
    buf_varint(out, count);
    for (size_t i = 0; i < qs->count; i++)
        (void)walk_begun(qs->all[i], out);
}

/* What a record or a checkpoint says of a claim. */
struct claim_said {
    struct queue *stream; /* NULL: it is gone */
    uint64_t owner;
    uint64_t next;
    uint64_t position;
    bool is_moved; /* its record does not say so yet */
    struct bytes name;
};

static struct claim *take(const struct claim_said *said)
{
    struct claim *c = claim_find(said->stream, said->owner, said->name);

    if (c == NULL)
        c = claim_new(said->stream, said->owner, said->name);
    c->next = said->next;
    c->position = said->position;
    if (list_linked(&c->moved))
        list_remove(&c->moved);
    if (said->is_moved)
        list_push(&said->stream->home->streams.claims.moved, &c->moved);
    return c;
}

static struct queue *find_stream(const struct queues *qs, uint64_t id)
{
    struct queue *q = queues_find(qs, id);

    return q != NULL && q->stream != NULL ? q : NULL;
}

void claims_restore(struct queues *qs, struct reader *r)
{
    for (uint64_t left = reader_varint(r); left > 0 && !r->is_failed; left--) {
        struct claim_said said = {.stream = find_stream(qs, reader_varint(r))};

        said.owner = reader_varint(r);
        said.next = reader_varint(r);
        said.position = reader_varint(r) - 1;
        said.is_moved = reader_u8(r) != 0;
        said.name = reader_bytes(r, reader_varint(r));
        if (said.next == 0 || said.name.size == 0 || said.name.size > GROUP_NAME_MAX)
            r->is_failed = true;
        if (!r->is_failed && said.stream != NULL)
            (void)take(&said);
    }
}

static int decode(const struct queues *qs, const struct record *record, struct claim_said *out)
{
    struct reader r = reader_of(record->body);

    *out = (struct claim_said){.stream = find_stream(qs, reader_varint(&r))};
    out->owner = reader_varint(&r);
    out->next = reader_varint(&r);
    out->position = record->number;
    out->name = reader_bytes(&r, r.left);
    if (r.is_failed || out->name.size == 0 || out->name.size > GROUP_NAME_MAX)
        return ERR_CORRUPT;
    return 0;
}

int claims_replay(struct queues *qs, const struct record *r)
{
    struct claim_said said;
    struct claim *c = NULL;
    int rv = decode(qs, r, &said);

    if (rv != 0 || said.stream == NULL)
        return rv;
    if (said.next != 0)
        (void)take(&said);
    else if ((c = claim_find(said.stream, said.owner, said.name)) != NULL)
        claim_free(c);
    return 0;
}

int claims_survivor(struct queues *qs, const struct record *r)
{
    struct claim_said said;
    const struct claim *c = NULL;
    int rv = decode(qs, r, &said);

    if (rv != 0 || said.stream == NULL || said.next == 0)
        return rv;
    c = claim_find(said.stream, said.owner, said.name);
    if (c == NULL || c->position < said.position)
        (void)take(&said);
    return 0;
}

void claims_classify(const struct queues *qs, const struct record *r, struct log_sorting *s)
{
    struct claim_said said;
    const struct claim *c = NULL;

    if (decode(qs, r, &said) != 0 || said.stream == NULL)
        return;
    c = claim_find(said.stream, said.owner, said.name);
    if (c != NULL && c->position == r->number)
        log_keep(s);
}
