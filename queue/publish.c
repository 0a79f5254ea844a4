/* A message goes to queues: stored once, then an entry in the ledger of each. */
#include "base/mem.h"
#include "base/zoo.h"
#include "msg/slip.h"
#include "msg/ttl.h"
#include "queue/claim.h"
#include "queue/origins.h"
#include "queue/queues_parts.h"
#include "queue/stream.h"

/* What is the same for all queues of a message. */
struct arrival {
    const struct queues_publish *p;
    int64_t now_ms;
    uint64_t place;
    uint64_t part_first; /* kept by each stream */
};

int64_t queue_date(struct queue *q, int64_t wall_ms, uint64_t expiration_ms,
                   const struct props *props)
{
    if (UNLIKELY(q->delayed != NULL))
        return delayed_date(q, wall_ms, props);

    uint64_t ttl_ms =
        expiration_ms < q->args.message_ttl_ms ? expiration_ms : q->args.message_ttl_ms;

    if (LIKELY(ttl_ms == QUEUE_NO_LIMIT))
        return 0;
    return queues_steady_ms(q->home, wall_ms) + (int64_t)ttl_ms +
           (ttl_ms > 0 ? SPAN_ROUNDED_MS : 0);
}

uint8_t queue_level(const struct queue *q, const struct props *props, struct bytes slip)
{
    uint8_t level = 0;

    if (UNLIKELY(q->delayed != NULL))
        return delayed_level(props);
    if (LIKELY(q->args.max_priority == 0)) {
        bool is_ahead = slip.size > 0 && q->stream == NULL && slip_read(slip).origin.goes_ahead;

        return is_ahead ? READY_AHEAD : 0;
    }
    if (!props_find_octet(props, PROP_PRIORITY, &level))
        return 0;
    return level < q->args.max_priority ? level : q->args.max_priority;
}

uint64_t queue_expiration(const struct props *props)
{
    struct bytes text;

    if (!props_find_text(props, PROP_EXPIRATION, &text))
        return QUEUE_NO_LIMIT;
    struct ttl ttl = ttl_parse(text);
    return ttl.fault == TTL_OK ? ttl.ms : QUEUE_NO_LIMIT;
}

void queue_index_date(struct queue *q, uint64_t seq, const struct ledger_entry *e)
{
    if (q->delayed != NULL)
        delayed_add(q, seq, e);
    else
        expiry_add(&q->expiry, &q->ledger, seq, e->expires_ms);
}

void queue_add_key(struct queue *q, uint64_t seq, const struct dedup_key *key,
                   const struct queue_arrived *a)
{
    int64_t until_ms = 0;

    if (dedup_is_cache(q->dedup))
        until_ms = dedup_until(q->dedup, a->props, a->steady_ms);
    dedup_add(q->dedup, key, seq, until_ms);
}

/* The key of the message is known from now on. True for a cache: that is all it wants of it. */
static bool is_only_known(struct queue *q, const struct arrival *a, uint64_t seq,
                          const struct ledger_entry *e)
{
    struct queues *qs = q->home;
    const struct queue_arrived now = {&a->p->message->props, steady_now_ms(&qs->steady, qs->io)};

    queue_add_key(q, seq, &qs->scratch.key, &now);
    if (!dedup_is_cache(q->dedup))
        return false;
    queue_settle(q, seq, e);
    return true;
}

/* The message is the newest of this queue. `is_refused`: it goes to the dead at once. */
static void arrive(struct queue *q, const struct arrival *a, bool is_refused)
{
    const struct message *m = a->p->message;
    struct ledger_entry e = {
        .place = a->place,
        .size = (uint32_t)m->body_size,
        .priority = queue_level(q, &m->props, m->slip),
        .expires_ms = queue_date(q, a->now_ms, a->p->expiration_ms, &m->props),
    };
    uint64_t seq = ledger_add(&q->ledger, &e);

    if (UNLIKELY(q->dedup != NULL) && is_only_known(q, a, seq, &e))
        return;
    if (UNLIKELY(is_refused)) {
        queue_kill_new(q, seq, &e, DEATH_MAXLEN);
        return;
    }
    QUEUE_TALLY(q, published, 1);
    if (UNLIKELY(q->stream != NULL)) {
        stream_arrived(q, seq, a->part_first);
        return;
    }
    ready_add(&q->ready, seq, e.priority);
    if (e.expires_ms != 0)
        queue_index_date(q, seq, &e);
    if (UNLIKELY(q->delayed != NULL))
        delayed_know(q, seq, &m->props);
    queue_activate(q);
}

/* Whether the queue took it when it was published before, or has one that is the same. A cache is
 * asked by whoever routes (queue_knows()). */
static bool has_it(struct queue *q, const struct queues_publish *p)
{
    struct dedup_key *key = &q->home->scratch.key;

    if (UNLIKELY(p->once.publisher.data != NULL) &&
        sequels_have(&q->home->memory.sequels, q->identity->id, &p->once))
        return true;
    if (LIKELY(q->dedup == NULL))
        return false;
    dedup_key_of(&p->message->props, key);
    return !dedup_is_cache(q->dedup) && dedup_has(q->dedup, key, 0);
}

/* The queues that take the message, those that refuse it but have a dead letter exchange for it
 * among them, into qs->scratch. Returns how many. */
static size_t choose_takers(struct queues *qs, const struct queues_publish *p,
                            uint64_t shares_parts, struct queues_published *result)
{
    /* A large body came into memory, for at its beginning there was no stream. */
    bool is_body_in_log = store_upload_is_in_log(p->upload) &&
                          (shares_parts == 0 || store_parts_are_in_log(qs->store, shares_parts));
    size_t count = 0;

    queues_scratch_targets(qs, p->target_count);
    for (size_t i = 0; i < p->target_count; i++) {
        struct queue *q = p->targets[i];
        bool is_refused;

        ASSERT(q->home == qs);
        if (UNLIKELY(has_it(q, p))) {
            result->known++;
            continue;
        }
        is_refused =
            queue_refuses(q, p->message->body_size) || (q->stream != NULL && !is_body_in_log);
        result->rejected += is_refused;
        if (!is_refused || (q->args.overflow == OVERFLOW_REJECT_DEAD_LETTER &&
                            q->args.has_dead_letter_exchange && queue_can_kill(q)))
            qs->scratch.queues[count++] = q;
    }
    return ZOO(LAST_TARGET_DROPPED) && count > 1 ? count - 1 : count;
}

/* The durable ones among the takers, as the record names them. */
static size_t name_targets(struct queues *qs, size_t takers)
{
    size_t count = 0;

    for (size_t i = 0; i < takers; i++) {
        const struct queue *q = qs->scratch.queues[i];

        if (q->is.is_durable)
            qs->scratch.targets[count++] = (struct store_target){q->identity->id, q->ledger.next};
    }
    return count;
}

void queues_trim_sequels(struct queues *qs, int64_t now_ms)
{
    const struct sequels_limits limits = {
        .count_max = (uint64_t)qs->options->publishers_max,
        .age_max_ms = (int64_t)qs->options->publisher_memory_ms,
    };

    sequels_trim(&qs->memory.sequels, &limits, now_ms);
}

/* What is known already may not be safe yet: it is when all that was appended so far is. */
static void await_known(const struct queues *qs, struct queues_published *result)
{
    uint64_t next = partition_next(qs->partition);

    if (LIKELY(result->known == 0) || result->is_in_log || next == 0)
        return;
    result->is_in_log = true;
    result->position = next - 1;
}

/* Streams take every message into the log, and own no reference. */
static void count_streams(struct queues *qs, size_t takers, struct store_put *put,
                          struct arrival *a)
{
    for (size_t i = 0; i < takers; i++) {
        const struct queue *q = qs->scratch.queues[i];

        ASSERT(q->args.partitions == 0); /* whoever publishes chooses one */
        if (q->stream == NULL)
            continue;
        put->stream_count++;
        put->references--;
        if (q->args.is_compact)
            put->key = stream_key(put->message);
    }
    put->part_first = &a->part_first;
    if (put->key.size > RECORD_KEY_MAX)
        put->key = bytes_of(NULL, 0); /* it stays, as messages without a key do */
}

int queues_put(struct queues *qs, const struct queues_publish *p, uint64_t shares_parts,
               struct queues_published *out)
{
    struct arrival a = {.p = p};
    struct queues_published result = {.is_in_log = false};
    size_t takers = choose_takers(qs, p, shares_parts, &result);

    ASSERT(p->target_count > 0);
    if (takers == 0) {
        await_known(qs, &result);
        *out = result;
        return 0;
    }
    if (!qs->is_grouped)
        queues_see_clock(qs);
    struct store_put put = {
        .message = p->message,
        .references = (uint32_t)takers,
        .shares_parts = shares_parts,
        .shares_first = p->shares_first,
        .upload = p->upload,
        .is_moved = p->is_moved,
    };
    if (UNLIKELY(qs->streams.count > 0))
        count_streams(qs, takers, &put, &a);
    if (put.stream_count > 0 || message_is_persistent(p->message)) {
        put.targets = qs->scratch.targets;
        put.target_count = name_targets(qs, takers);
        put.is_persistent =
            put.target_count > 0 && !(ZOO(PERSISTENT_IN_MEMORY) && put.stream_count == 0);
    }
    int rv = store_put(qs->store, &put, &a.place);
    if (UNLIKELY(rv != 0))
        return rv;
    a.now_ms = io_wall_ms(qs->io);

    /* Of several queues some may be rid of it at once; one alone was asked before. */
    bool is_straight = takers > 1 && queues_can_go_straight(qs, p);
    bool may_be_train = is_straight && takers == p->target_count;

    for (size_t i = 0; i < takers; i++) {
        struct queue *q = qs->scratch.queues[i];

        bool is_refused = result.rejected > 0 && queue_refuses(q, p->message->body_size);

        if (is_straight && !is_refused && queue_give_straight(q, p->message)) {
            store_unref(qs->store, a.place);
            may_be_train = may_be_train && queue_may_take_train(q);
            continue;
        }
        may_be_train = false;
        arrive(q, &a, is_refused);
        if (UNLIKELY(p->once.publisher.data != NULL) && !is_refused)
            sequels_add(&qs->memory.sequels, q->identity->id, &p->once,
                        queues_steady_ms(qs, a.now_ms));
    }
    if (UNLIKELY(p->once.publisher.data != NULL))
        queues_trim_sequels(qs, queues_steady_ms(qs, a.now_ms));
    origins_note(qs->memory.origins, p->message->slip);
    result.is_in_log = put.is_persistent;
    result.position = a.place;
    result.may_be_train = may_be_train;
    await_known(qs, &result);
    *out = result;
    return 0;
}

int queues_publish(struct queues *qs, const struct queues_publish *p, struct queues_published *out)
{
    if (p->target_count == 1 && queues_can_go_straight(qs, p) &&
        queue_give_straight(p->targets[0], p->message)) {
        *out = (struct queues_published){.may_be_train = queue_may_take_train(p->targets[0])};
        return 0;
    }
    return queues_put(qs, p, 0, out);
}

/* ---- groups ---- */

static bool has_stream(const struct queues_publish *p)
{
    for (size_t i = 0; i < p->target_count; i++)
        if (p->targets[i]->stream != NULL)
            return true;
    return false;
}

size_t queues_publish_size(const struct queues_publish *p)
{
    struct store_target none = {UINT64_MAX, UINT64_MAX};
    size_t settles = 0;
    struct store_put put = {.message = p->message,
                            .is_persistent = message_is_persistent(p->message) || has_stream(p),
                            .targets = &none,
                            .target_count = 1,
                            .references = (uint32_t)p->target_count,
                            .upload = p->upload};

    if (!put.is_persistent)
        return 0;
    if (has_stream(p))
        put.key = stream_key(p->message);
    for (size_t i = 0; i < p->target_count; i++)
        settles += queue_is_cache(p->targets[i]); /* it lets go of the message at once */
    return store_put_size(&put) + settles * QUEUES_SETTLE_SIZE +
           (p->target_count - 1) * sizeof(struct store_target) * 2;
}

int queues_begin_group(struct queues *qs, size_t size)
{
    int rv;

    ASSERT(!qs->is_grouped);
    claims_hurry(qs);
    rv = queues_write_settles(qs); /* what came before is not of the group */
    if (rv == 0)
        rv = partition_begin_group(qs->partition, size + log_record_size(0, QUEUES_SETTLE_SIZE),
                                   false);
    qs->is_grouped = rv == 0;
    return rv;
}

void queues_end_group(struct queues *qs, uint64_t *position)
{
    ASSERT(qs->is_grouped);
    qs->is_grouped = false;
    claims_hurry(qs);
    (void)queues_write_settles(qs); /* refused: it is written by the next pass */

    uint64_t next = partition_next(qs->partition);
    *position = next > 0 ? next - 1 : 0;
    queues_part_at(qs, *position);
    if (partition_committed(qs->partition) >= next)
        queues_partings_committed(qs, next);
}
