/* x-consistent-hash: each message goes to one destination, chosen by a hash of the message, in
 * proportion to the weights that are the binding keys.
 *
 * Weighted rendezvous: every destination draws a lot from the hash of the message and its own
 * name, and the best lot gets the message. With u the draw in (0, 1] and w the weight, the lot is
 * -log2(u) / w and the smallest wins, which makes destination i win in w_i of the sum of all w.
 * Lots do not depend on one another: when a destination comes, it takes its share from all the
 * others, and when it goes, only its own messages move. Nor do they depend on the order of
 * bindings or on anything kept, so after a restart each key finds its old destination.
 *
 * It costs a few nanoseconds per binding, and for hashes of the routing key the result is
 * remembered. A destination that is bound more than once counts with its largest weight. */
#include "base/hash.h"
#include "base/mem.h"
#include "base/parse.h"
#include "exchange/hash_source.h"
#include "exchange/row.h"

enum { LOG_STEPS = 64, LOG_STEP_BITS = 6, LOG_FRACTION_BITS = 32 };

/* The largest lot is 64 in the fixed point below; times a weight it must fit 64 bits. */
enum { WEIGHT_BITS_MAX = 25 };

struct hash_state {
    struct hash_source source;
    struct row row;
    uint32_t *weights; /* of the items of the row */
    uint32_t weights_capacity;
    uint64_t logs[LOG_STEPS + 1]; /* log2(1 + i / 64) as a fraction of 2^32 */
};

/* log2 of x = 1 + i / LOG_STEPS, digit by digit: squaring x doubles its logarithm. */
static uint64_t log2_of_step(unsigned i)
{
    uint64_t x = (UINT64_C(1) << 31) + ((uint64_t)i << (31 - LOG_STEP_BITS)); /* 1.0 is 2^31 */
    uint64_t result = 0;

    if (i == LOG_STEPS)
        return UINT64_C(1) << LOG_FRACTION_BITS;
    for (int bit = LOG_FRACTION_BITS - 1; bit >= 0; bit--) {
        x = x * x >> 31;
        if (x >= UINT64_C(1) << 32) {
            x >>= 1;
            result |= UINT64_C(1) << bit;
        }
    }
    return result;
}

/* -log2 of draw / 2^64 in the fixed point, by straight lines between the steps. Falls as the draw
 * rises. */
static uint64_t minus_log2(const struct hash_state *s, uint64_t draw)
{
    if (draw == 0)
        draw = 1;

    unsigned zeros = (unsigned)__builtin_clzll(draw);
    uint64_t mantissa = draw << zeros << 1; /* what is behind the leading one */
    size_t step = (size_t)(mantissa >> (64 - LOG_STEP_BITS));
    uint64_t part = mantissa << LOG_STEP_BITS >> 32;
    uint64_t log = s->logs[step] + ((s->logs[step + 1] - s->logs[step]) * part >> 32);

    return ((uint64_t)(zeros + 1) << LOG_FRACTION_BITS) - log;
}

/* Mixes the hashes of message and destination into the draw. */
static uint64_t draw_of(uint64_t message, uint64_t destination)
{
    uint64_t x = message ^ destination;

    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9u;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static int consistent_check_arguments(const struct exchange_options *o, struct table arguments,
                                      struct err_note *note)
{
    struct hash_source source;

    (void)o;
    return hash_source_read(arguments, &source, note);
}

static int consistent_check_binding(const struct exchange_options *o,
                                    const struct binding_spec *spec, struct err_note *note)
{
    int64_t weight = 0;
    int rv = parse_i64(spec->key, INT64_MIN, INT64_MAX, &weight);

    ASSERT(o->hash_weight_max < 1U << WEIGHT_BITS_MAX);
    if (rv == ERR_INVALID)
        return err_note(note, ERR_INVALID, "The binding key must be an integer: <<\"%.*s\">>",
                        (int)spec->key.size, (const char *)spec->key.data);
    if (rv == 0 && weight < 1)
        return err_note(note, ERR_INVALID, "The binding key must be greater than 0");
    if (rv != 0 || weight > o->hash_weight_max)
        return err_note(note, ERR_INVALID, "The binding key must not be greater than %u",
                        o->hash_weight_max);
    return 0;
}

static void consistent_open(struct exchange *x)
{
    struct hash_state *s = MEM_NEW(struct hash_state);
    int rv = hash_source_read((struct table){x->arguments}, &s->source, NULL);

    ASSERT(rv == 0); /* it was checked */
    for (unsigned i = 0; i <= LOG_STEPS; i++)
        s->logs[i] = log2_of_step(i);
    if (s->source.kind != HASH_KEY)
        x->looks_at = LOOKS_AT_MESSAGE;
    x->state = s;
}

static void consistent_close(struct exchange *x)
{
    struct hash_state *s = (struct hash_state *)x->state;

    row_release(&s->row);
    mem_free(s->weights);
    mem_free(s);
}

static void consistent_bind(struct exchange *x, struct binding *b)
{
    struct hash_state *s = (struct hash_state *)x->state;
    uint64_t weight = 0;
    int rv = parse_u64(b->key, 0, UINT64_MAX, &weight);

    ASSERT(rv == 0 && weight > 0 && weight < 1U << WEIGHT_BITS_MAX);
    row_add(&s->row, b);
    if (s->row.capacity > s->weights_capacity) {
        s->weights_capacity = s->row.capacity;
        s->weights = (uint32_t *)mem_grow(s->weights, s->weights_capacity, sizeof(*s->weights));
    }
    s->weights[b->slot] = (uint32_t)weight;
}

static void consistent_unbind(struct exchange *x, struct binding *b)
{
    struct hash_state *s = (struct hash_state *)x->state;

    s->weights[b->slot] = s->weights[s->row.count - 1]; /* as the row does */
    row_remove(&s->row, b);
}

/* Whether `a` wins over `b`: by its lot, and between equal ones by its name's hash. */
static bool is_better(uint64_t lot_a, uint32_t weight_a, uint64_t lot_b, uint32_t weight_b)
{
    return lot_a * weight_b < lot_b * weight_a;
}

static void consistent_route(struct exchange *x, struct walk *w)
{
    const struct hash_state *s = (const struct hash_state *)x->state;
    struct target *best = NULL;
    uint64_t best_lot = 0;
    uint32_t best_weight = 0;

    if (s->row.count == 0)
        return;

    uint64_t message = hash_source_hash(&s->source, w);

    for (uint32_t i = 0; i < s->row.count; i++) {
        struct target *target = s->row.items[i].target;
        uint64_t lot = minus_log2(s, draw_of(message, target->stable_hash));
        uint32_t weight = s->weights[i];
        bool is_tie = best != NULL && lot * best_weight == best_lot * weight;

        if (best == NULL || is_better(lot, weight, best_lot, best_weight) ||
            (is_tie && target->stable_hash < best->stable_hash)) {
            best = target;
            best_lot = lot;
            best_weight = weight;
        }
    }
    walk_hit(w, best);
}

static size_t consistent_check(const struct exchange *x)
{
    const struct hash_state *s = (const struct hash_state *)x->state;

    for (uint32_t i = 0; i < s->row.count; i++) {
        uint64_t weight = 0;
        int rv = parse_u64(s->row.items[i].binding->key, 1, UINT32_MAX, &weight);
        ASSERT(rv == 0 && s->weights[i] == weight);
    }
    return row_check(&s->row);
}

const struct exchange_kind consistent_hash_kind = {
    .name = "x-consistent-hash",
    .looks_at = LOOKS_AT_KEY,
    .check_arguments = consistent_check_arguments,
    .check_binding = consistent_check_binding,
    .open = consistent_open,
    .close = consistent_close,
    .bind = consistent_bind,
    .unbind = consistent_unbind,
    .route = consistent_route,
    .check = consistent_check,
};
