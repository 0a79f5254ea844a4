/* Policies become arguments in effect. */
#include "broker/apply.h"

#include "broker/exchange_log.h"
#include "broker/parts.h"
#include "broker/policies.h"
#include "exchange/exchange.h"
#include "msg/shortstr.h"
#include "queue/age.h"
#include "queue/queue.h"

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* QUEUE_NO_LIMIT is the largest number. */
static void limit(uint64_t *value, const struct policy_match *m, const char *key)
{
    uint64_t of_policy = QUEUE_NO_LIMIT;

    if (policy_number(m, key, &of_policy))
        *value = smaller(*value, of_policy);
}

static void limit_deliveries(int64_t *value, const struct policy_match *m)
{
    uint64_t of_policy = 0;

    if (!policy_number(m, "delivery-limit", &of_policy))
        return;
    if (*value < 0 || of_policy < (uint64_t)*value)
        *value = (int64_t)of_policy;
}

static bool has_argument(struct table arguments, const char *name)
{
    struct field f;

    return table_find(arguments, bytes_text(name), &f);
}

static void set_overflow(struct queue_args *a, const struct policy_match *m)
{
    struct bytes word;

    if (!policy_text(m, "overflow", &word))
        return;
    if (bytes_equal(word, bytes_text("reject-publish")))
        a->overflow = OVERFLOW_REJECT;
    else if (bytes_equal(word, bytes_text("reject-publish-dlx")))
        a->overflow = OVERFLOW_REJECT_DEAD_LETTER;
    else
        a->overflow = OVERFLOW_DROP_HEAD;
}

static void set_dead_letters(struct queue_args *a, struct table arguments,
                             const struct policy_match *m)
{
    struct bytes text;

    if (!a->has_dead_letter_exchange && policy_text(m, "dead-letter-exchange", &text)) {
        a->has_dead_letter_exchange = true;
        a->dead_letter_exchange = text;
    }
    if (!a->has_dead_letter_key && policy_text(m, "dead-letter-routing-key", &text)) {
        a->has_dead_letter_key = true;
        a->dead_letter_key = text;
    }
    if (!has_argument(arguments, "x-dead-letter-strategy") &&
        policy_text(m, "dead-letter-strategy", &text))
        a->is_at_least_once = bytes_equal(text, bytes_text("at-least-once"));
}

static void set_retry_ms(uint32_t *value, const struct policy_match *m, const char *key)
{
    uint64_t of_policy = 0;

    if (policy_number(m, key, &of_policy))
        *value = of_policy < UINT32_MAX ? (uint32_t)of_policy : UINT32_MAX;
}

/* Where the arguments say nothing. */
static void set_retries(struct queue_args *a, struct table arguments, const struct policy_match *m)
{
    static const char *const words[] = {
        [RETRY_DISABLED] = "disabled",
        [RETRY_ALL] = "all",
        [RETRY_FAILED] = "failed",
        [RETRY_RETURNED] = "returned",
    };
    struct bytes word;

    if (!has_argument(arguments, "x-delayed-retry-type") &&
        policy_text(m, "delayed-retry-type", &word))
        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
            if (bytes_equal(word, bytes_text(words[i])))
                a->retry = (enum queue_retry)i;
    if (!has_argument(arguments, "x-delayed-retry-min"))
        set_retry_ms(&a->retry_min_ms, m, "delayed-retry-min");
    if (!has_argument(arguments, "x-delayed-retry-max"))
        set_retry_ms(&a->retry_max_ms, m, "delayed-retry-max");
}

static uint8_t target_of(const struct queue_args *a)
{
    if (a->type == QUEUE_STREAM)
        return POLICY_STREAM;
    return a->type == QUEUE_QUORUM ? POLICY_QUORUM : POLICY_CLASSIC;
}

/* Whether applying `a` would change nothing; what starts anew must not for nothing. */
static bool is_in_effect(const struct queue_args *now, const struct queue_args *a)
{
    return now->message_ttl_ms == a->message_ttl_ms && now->expires_ms == a->expires_ms &&
           now->max_length == a->max_length && now->max_length_bytes == a->max_length_bytes &&
           now->overflow == a->overflow && now->is_at_least_once == a->is_at_least_once &&
           now->consumer_timeout_ms == a->consumer_timeout_ms && now->max_age_s == a->max_age_s &&
           now->segment_bytes == a->segment_bytes && now->delivery_limit == a->delivery_limit &&
           now->has_dead_letter_exchange == a->has_dead_letter_exchange &&
           bytes_equal(now->dead_letter_exchange, a->dead_letter_exchange) &&
           now->retry == a->retry && now->retry_min_ms == a->retry_min_ms &&
           now->retry_max_ms == a->retry_max_ms &&
           now->has_dead_letter_key == a->has_dead_letter_key &&
           bytes_equal(now->dead_letter_key, a->dead_letter_key);
}

static void set_limits(struct queue_args *a, struct table arguments, const struct policy_match *m)
{
    limit(&a->message_ttl_ms, m, "message-ttl");
    limit(&a->expires_ms, m, "expires");
    limit(&a->max_length, m, "max-length");
    limit(&a->max_length_bytes, m, "max-length-bytes");
    limit(&a->consumer_timeout_ms, m, "consumer-timeout");
    limit_deliveries(&a->delivery_limit, m);
    if (!has_argument(arguments, "x-overflow"))
        set_overflow(a, m);
    set_dead_letters(a, arguments, m);
    set_retries(a, arguments, m);
}

/* What a stream keeps is the policy's to say, whatever was declared. */
static void set_stream(struct queue_args *a, const struct policy_match *m)
{
    uint64_t segment_bytes = 0;
    struct bytes age;

    (void)!policy_number(m, "max-length-bytes", &a->max_length_bytes);
    if (policy_text(m, "max-age", &age))
        (void)!age_parse(age, &a->max_age_s);
    if (policy_number(m, "stream-max-segment-size-bytes", &segment_bytes))
        a->segment_bytes = segment_bytes < UINT32_MAX ? (uint32_t)segment_bytes : UINT32_MAX;
}

/* An exclusive queue has policies like all others. */
void apply_to_queue(struct named_queue *q)
{
    struct table arguments = queue_arguments(q->queue);
    struct queue_args a;
    int rv = queue_args_read(arguments, queue_name(q->queue), q->vhost->name, &a, NULL);
    struct policy_match m;

    ASSERT(rv == 0); /* it was declared with them */
    m = policies_match(q->vhost->policies, target_of(&a), queue_name(q->queue));
    if (m.policy == NULL && m.operator_policy == NULL && q->policy == NULL &&
        q->operator_policy == NULL)
        return;
    q->policy = m.policy;
    q->operator_policy = m.operator_policy;
    if (a.type == QUEUE_STREAM)
        set_stream(&a, &m);
    else
        set_limits(&a, arguments, &m);
    if (!is_in_effect(queue_args(q->queue), &a))
        queue_set_args(q->queue, &a);
}

void apply_to_exchange(struct vhost *v, struct exchange *x)
{
    struct bytes alternate = bytes_of(NULL, 0);
    struct policy_match m;

    if (exchange_is_default(x))
        return;
    m = vhost_match_exchange(v, exchange_spec(x).name);
    if (!policy_text(&m, "alternate-exchange", &alternate))
        alternate = bytes_of(NULL, 0);
    if (!bytes_equal(alternate, exchange_alternate(x)))
        exchange_set_alternate(v->table, x, alternate);
}

void apply_to_all(struct vhost *v)
{
    struct exchange *x = NULL;

    for (struct names_entry *e = names_first(&v->queues); e != NULL; e = names_next(&v->queues, e))
        apply_to_queue((struct named_queue *)e->value);
    while ((x = exchange_next(v->table, x)) != NULL) {
        apply_to_exchange(v, x);
        if (definitions_are_open(&v->broker->definitions))
            exchange_log_attach(v, x, false);
    }
}
