/* The x-arguments of queues: one row each, with what it must be and where it goes.
 *
 * The reasons in the notes are RabbitMQ's Erlang terms: {value_zero,0}, {unacceptable_type,bool},
 * and sentences in quotes. */
#include "queue/queue_args.h"

#include <inttypes.h>
#include <stdio.h>

#include "msg/shortstr.h"
#include "msg/ttl.h"
#include "queue/age.h"

enum { REASON_SIZE = 160, PRIORITY_MAX = 255, FILTER_SIZE_MIN = 16, FILTER_SIZE_MAX = 255 };

#define SEGMENT_BYTES_MAX UINT64_C(3000000000)
#define MS_PER_S          UINT64_C(1000)
#define TOMBSTONE_AGE_S   (24 * 60 * 60)

/* What is wrong with a value; empty: nothing. */
struct reason {
    char text[REASON_SIZE];
};

/* Takes the value of an argument into the struct, or says what is wrong with it. */
typedef void take_fn(const struct field *f, struct queue_args *out, struct reason *wrong);

/* Which types of queues may have the argument. */
enum row_use {
    FOR_QUEUES,
    FOR_ALL,
    FOR_STREAMS_TOO, /* queues keep it, and it means nothing there */
    FOR_STREAMS,
};

struct row {
    const char *name;
    take_fn *take;
    bool is_compared; /* it changes what the queue does: a redeclaration must say the same */
    enum row_use use;
};

/* ---- kinds of values ---- */

static bool take_integer(const struct field *f, int64_t *out, struct reason *wrong)
{
    if (field_as_integer(f, out))
        return true;
    snprintf(wrong->text, sizeof(wrong->text), "\"expected integer, got %s\"", field_type_name(f));
    return false;
}

static bool take_count(const struct field *f, uint64_t *out, struct reason *wrong)
{
    int64_t value = 0;

    if (!take_integer(f, &value, wrong))
        return false;
    if (value < 0) {
        snprintf(wrong->text, sizeof(wrong->text), "{value_negative,%" PRId64 "}", value);
        return false;
    }
    *out = (uint64_t)value;
    return true;
}

static bool take_positive(const struct field *f, uint64_t *out, struct reason *wrong)
{
    uint64_t value = 0;

    if (!take_count(f, &value, wrong))
        return false;
    if (value == 0) {
        snprintf(wrong->text, sizeof(wrong->text), "{value_zero,0}");
        return false;
    }
    *out = value;
    return true;
}

static void check_duration(uint64_t value_ms, struct reason *wrong)
{
    if (value_ms > TTL_MAX_MS)
        snprintf(wrong->text, sizeof(wrong->text), "{value_too_large,%" PRIu64 "}", value_ms);
}

static bool take_text(const struct field *f, struct bytes *out, struct reason *wrong)
{
    if (field_as_text(f, out))
        return true;
    snprintf(wrong->text, sizeof(wrong->text), "{unacceptable_type,%s}", field_type_name(f));
    return false;
}

/* A name of an exchange or a routing key: it must fit where it will be sent. */
static bool take_name(const struct field *f, struct bytes *out, struct reason *wrong)
{
    if (!take_text(f, out, wrong))
        return false;
    if (out->size <= SHORTSTR_MAX)
        return true;
    snprintf(wrong->text, sizeof(wrong->text), "{value_too_long,%zu}", out->size);
    return false;
}

/* The index of the text among `words`, which NULL ends; -1 with the reason when it is none. */
static int take_word(const struct field *f, const char *const *words, const char *reason,
                     struct reason *wrong)
{
    struct bytes text;

    if (!take_text(f, &text, wrong))
        return -1;
    for (int i = 0; words[i] != NULL; i++) {
        if (bytes_equal(text, bytes_text(words[i])))
            return i;
    }
    snprintf(wrong->text, sizeof(wrong->text), "%s", reason);
    return -1;
}

/* A word that is text, and none of those there are. */
static void refuse_word(const struct field *f, const char *what, struct reason *wrong)
{
    struct bytes text;

    if (field_as_text(f, &text))
        snprintf(wrong->text, sizeof(wrong->text), "\"unsupported queue %s '%.*s'\"", what,
                 text.size > 64 ? 64 : (int)text.size, (const char *)text.data);
}

/* ---- arguments that mean something ---- */

static void take_type(const struct field *f, struct queue_args *out, struct reason *wrong)
{
    static const char *const words[] = {"classic", "quorum",    "stream", "",
                                        "default", "undefined", NULL};
    int word = take_word(f, words, "", wrong);

    if (word > QUEUE_STREAM)
        word = QUEUE_CLASSIC; /* several names for "whatever is usual" */
    if (word >= 0)
        out->type = (enum queue_type)word;
    else
        refuse_word(f, "type", wrong);
}

static void take_message_ttl(const struct field *f, struct queue_args *out, struct reason *wrong)
{
    if (take_count(f, &out->message_ttl_ms, wrong))
        check_duration(out->message_ttl_ms, wrong);
}

static void take_expires(const struct field *f, struct queue_args *out, struct reason *wrong)
{
    if (take_positive(f, &out->expires_ms, wrong))
        check_duration(out->expires_ms, wrong);
}

static void take_max_length(const struct field *f, struct queue_args *out, struct reason *wrong)
{
    take_count(f, &out->max_length, wrong);
}

static void take_max_bytes(const struct field *f, struct queue_args *out, struct reason *wrong)
{
    take_count(f, &out->max_length_bytes, wrong);
}

static void take_overflow(const struct field *f, struct queue_args *out, struct reason *wrong)
{
    static const char *const words[] = {"drop-head", "reject-publish", "reject-publish-dlx", NULL};
    int word = take_word(f, words, "invalid_overflow", wrong);

    if (word >= 0)
        out->overflow = (enum queue_overflow)word;
}

static void take_exchange(const struct field *f, struct queue_args *out, struct reason *wrong)
{
    out->has_dead_letter_exchange = take_name(f, &out->dead_letter_exchange, wrong);
}

static void take_key(const struct field *f, struct queue_args *out, struct reason *wrong)
{
    out->has_dead_letter_key = take_name(f, &out->dead_letter_key, wrong);
}

static void take_strategy(const struct field *f, struct queue_args *out, struct reason *wrong)
{
    static const char *const words[] = {"at-most-once", "at-least-once", NULL};

    out->is_at_least_once = take_word(f, words, "invalid_dlx_strategy", wrong) == 1;
}

static void take_max_priority(const struct field *f, struct queue_args *out, struct reason *wrong)
{
    uint64_t value = 0;

    if (!take_count(f, &value, wrong))
        return;
    if (value > PRIORITY_MAX)
        snprintf(wrong->text, sizeof(wrong->text), "{max_value_exceeded,%" PRIu64 "}", value);
    else
        out->max_priority = (uint8_t)value;
}

static void take_single_active(const struct field *f, struct queue_args *out, struct reason *wrong)
{
    if (!field_as_bool(f, &out->is_single_active))
        snprintf(wrong->text, sizeof(wrong->text), "{unacceptable_type,%s}", field_type_name(f));
}

static void take_deduplication(const struct field *f, struct queue_args *out, struct reason *wrong)
{
    if (!field_as_bool(f, &out->is_deduplicating))
        snprintf(wrong->text, sizeof(wrong->text), "{unacceptable_type,%s}", field_type_name(f));
}

static void take_delivery_limit(const struct field *f, struct queue_args *out, struct reason *wrong)
{
    int64_t value = 0;

    if (take_integer(f, &value, wrong))
        out->delivery_limit = value < 0 ? QUEUE_LIMIT_NONE : value;
}

static void take_timeout(const struct field *f, struct queue_args *out, struct reason *wrong)
{
    if (take_count(f, &out->consumer_timeout_ms, wrong))
        check_duration(out->consumer_timeout_ms, wrong);
}

static void take_retry(const struct field *f, struct queue_args *out, struct reason *wrong)
{
    static const char *const words[] = {"disabled", "all", "failed", "returned", NULL};
    int word = take_word(f, words, "invalid_delayed_retry_type", wrong);

    if (word >= 0)
        out->retry = (enum queue_retry)word;
}

static void take_retry_ms(const struct field *f, uint32_t *out, struct reason *wrong)
{
    uint64_t value = 0;

    if (take_count(f, &value, wrong) && value > UINT32_MAX)
        snprintf(wrong->text, sizeof(wrong->text), "{value_too_large,%" PRIu64 "}", value);
    else
        *out = (uint32_t)value;
}

static void take_retry_min(const struct field *f, struct queue_args *out, struct reason *wrong)
{
    take_retry_ms(f, &out->retry_min_ms, wrong);
}

static void take_retry_max(const struct field *f, struct queue_args *out, struct reason *wrong)
{
    take_retry_ms(f, &out->retry_max_ms, wrong);
}

/* ---- arguments of streams ---- */

/* "7D": RabbitMQ's way to write an age. */
static void take_max_age(const struct field *f, struct queue_args *out, struct reason *wrong)
{
    struct bytes text;

    if (take_text(f, &text, wrong) && !age_parse(text, &out->max_age_s))
        snprintf(wrong->text, sizeof(wrong->text), "invalid_max_age");
}

static void take_segment_bytes(const struct field *f, struct queue_args *out, struct reason *wrong)
{
    uint64_t value = 0;

    if (!take_positive(f, &value, wrong))
        return;
    if (value > SEGMENT_BYTES_MAX)
        snprintf(wrong->text, sizeof(wrong->text), "{max_value_exceeded,%" PRIu64 "}", value);
    else
        out->segment_bytes = (uint32_t)value;
}

static void keep_filter_size(const struct field *f, struct queue_args *out, struct reason *wrong)
{
    uint64_t value = 0;

    (void)out;
    if (take_count(f, &value, wrong) && (value < FILTER_SIZE_MIN || value > FILTER_SIZE_MAX))
        snprintf(wrong->text, sizeof(wrong->text), "{value_out_of_range,%" PRIu64 ",%d,%d}", value,
                 FILTER_SIZE_MIN, FILTER_SIZE_MAX);
}

static void take_partitions(const struct field *f, struct queue_args *out, struct reason *wrong)
{
    uint64_t value = 0;

    if (!take_positive(f, &value, wrong))
        return;
    if (value > QUEUE_PARTITIONS_MAX)
        snprintf(wrong->text, sizeof(wrong->text), "{max_value_exceeded,%" PRIu64 "}", value);
    else
        out->partitions = (uint32_t)value;
}

static void take_compact(const struct field *f, struct queue_args *out, struct reason *wrong)
{
    if (!field_as_bool(f, &out->is_compact))
        snprintf(wrong->text, sizeof(wrong->text), "{unacceptable_type,%s}", field_type_name(f));
}

/* Milliseconds, or an age. */
static void take_tombstone_age(const struct field *f, struct queue_args *out, struct reason *wrong)
{
    struct bytes text;
    uint64_t age_ms = 0;

    if (field_as_text(f, &text)) {
        if (!age_parse(text, &out->tombstone_age_s))
            snprintf(wrong->text, sizeof(wrong->text), "invalid_tombstone_age");
    } else if (take_count(f, &age_ms, wrong)) {
        check_duration(age_ms, wrong);
        out->tombstone_age_s = (uint32_t)((age_ms + MS_PER_S - 1) / MS_PER_S);
    }
}

/* ---- arguments that steer what is inside RabbitMQ: checked and kept ----
 *
 * x-consumer-disconnected-timeout is one of them: it says how long a queue waits for the node of a
 * consumer that is out of reach. Here a consumer is a connection of this node; when that ends, his
 * deliveries are back at once. */

static void keep_count(const struct field *f, struct queue_args *out, struct reason *wrong)
{
    uint64_t value = 0;

    (void)out;
    take_count(f, &value, wrong);
}

static void keep_positive(const struct field *f, struct queue_args *out, struct reason *wrong)
{
    uint64_t value = 0;

    (void)out;
    take_positive(f, &value, wrong);
}

static void keep_text(const struct field *f, struct queue_args *out, struct reason *wrong)
{
    struct bytes text;

    (void)out;
    take_text(f, &text, wrong);
}

static void keep_mode(const struct field *f, struct queue_args *out, struct reason *wrong)
{
    static const char *const words[] = {"default", "lazy", NULL};

    (void)out;
    if (take_word(f, words, "", wrong) < 0)
        refuse_word(f, "mode", wrong);
}

static void keep_locator(const struct field *f, struct queue_args *out, struct reason *wrong)
{
    static const char *const words[] = {"client-local", "balanced", "random", "least-leaders",
                                        NULL};

    (void)out;
    take_word(f, words, "invalid_queue_locator_arg", wrong);
}

static const struct row rows[] = {
    {"x-queue-type", take_type, true, FOR_ALL},
    {"x-message-ttl", take_message_ttl, true, FOR_QUEUES},
    {"x-expires", take_expires, true, FOR_QUEUES},
    {"x-max-length", take_max_length, true, FOR_QUEUES},
    {"x-max-length-bytes", take_max_bytes, true, FOR_ALL},
    {"x-overflow", take_overflow, true, FOR_QUEUES},
    {"x-dead-letter-exchange", take_exchange, true, FOR_QUEUES},
    {"x-dead-letter-routing-key", take_key, true, FOR_QUEUES},
    {"x-dead-letter-strategy", take_strategy, true, FOR_QUEUES},
    {"x-max-priority", take_max_priority, true, FOR_QUEUES},
    {"x-single-active-consumer", take_single_active, true, FOR_QUEUES},
    {"x-message-deduplication", take_deduplication, true, FOR_QUEUES},
    {"x-delivery-limit", take_delivery_limit, true, FOR_QUEUES},
    {"x-consumer-timeout", take_timeout, true, FOR_ALL},
    {"x-delayed-retry-type", take_retry, true, FOR_QUEUES},
    {"x-delayed-retry-min", take_retry_min, true, FOR_QUEUES},
    {"x-delayed-retry-max", take_retry_max, true, FOR_QUEUES},
    {"x-queue-mode", keep_mode, false, FOR_QUEUES},
    {"x-queue-version", keep_positive, false, FOR_QUEUES},
    {"x-queue-leader-locator", keep_locator, false, FOR_ALL},
    {"x-queue-master-locator", keep_text, false, FOR_ALL},
    {"x-quorum-initial-group-size", keep_positive, false, FOR_QUEUES},
    {"x-member-placement-tag", keep_text, false, FOR_QUEUES},
    {"x-consumer-disconnected-timeout", keep_count, false, FOR_QUEUES},
    {"x-max-in-memory-length", keep_count, false, FOR_QUEUES},
    {"x-max-in-memory-bytes", keep_count, false, FOR_QUEUES},
    {"x-max-age", take_max_age, true, FOR_STREAMS_TOO},
    {"x-stream-max-segment-size-bytes", take_segment_bytes, true, FOR_STREAMS_TOO},
    {"x-stream-filter-size-bytes", keep_filter_size, false, FOR_STREAMS_TOO},
    {"x-initial-cluster-size", keep_positive, false, FOR_ALL},
    {"x-partitions", take_partitions, true, FOR_STREAMS},
    {"x-compact", take_compact, true, FOR_STREAMS},
    {"x-tombstone-age", take_tombstone_age, true, FOR_STREAMS},
    {"x-name-prefix", keep_text, false, FOR_ALL},
};

/* ---- read ---- */

static int refuse(const char *argument, struct bytes name, struct bytes vhost,
                  const struct reason *wrong, struct err_note *note)
{
    return err_note(note, ERR_INVALID, "invalid arg '%s' for queue '%.*s' in vhost '%.*s': %s",
                    argument, (int)name.size, (const char *)name.data, (int)vhost.size,
                    (const char *)vhost.data, wrong->text);
}

const char *queue_type_module(enum queue_type type)
{
    static const char *const names[] = {
        [QUEUE_CLASSIC] = "rabbit_classic_queue",
        [QUEUE_QUORUM] = "rabbit_quorum_queue",
        [QUEUE_STREAM] = "rabbit_stream_queue",
    };

    return names[type];
}

static bool is_for(enum row_use use, enum queue_type type)
{
    return use == FOR_ALL || use == FOR_STREAMS_TOO ||
           (use == FOR_STREAMS) == (type == QUEUE_STREAM);
}

/* The queue whose argument belongs to another type. */
struct refused {
    struct bytes name;
    struct bytes vhost;
    enum queue_type type;
};

static int refuse_for_type(const char *argument, const struct refused *q, struct err_note *note)
{
    return err_note(note, ERR_INVALID,
                    "invalid arg '%s' for queue '%.*s' in vhost '%.*s' of queue type %s", argument,
                    (int)q->name.size, (const char *)q->name.data, (int)q->vhost.size,
                    (const char *)q->vhost.data, queue_type_module(q->type));
}

int queue_args_read(struct table t, struct bytes name, struct bytes vhost, struct queue_args *out,
                    struct err_note *note)
{
    struct queue_args args = {
        .message_ttl_ms = QUEUE_NO_LIMIT,
        .expires_ms = QUEUE_NO_LIMIT,
        .max_length = QUEUE_NO_LIMIT,
        .max_length_bytes = QUEUE_NO_LIMIT,
        .delivery_limit = QUEUE_LIMIT_UNSAID,
        .consumer_timeout_ms = QUEUE_NO_LIMIT,
        .retry_max_ms = UINT32_MAX,
        .max_age_s = QUEUE_NO_AGE,
        .tombstone_age_s = TOMBSTONE_AGE_S,
    };
    struct reason wrong = {.text = ""};
    struct field f;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (!table_find(t, bytes_text(rows[i].name), &f))
            continue;
        if (!is_for(rows[i].use, args.type))
            return refuse_for_type(rows[i].name, &(struct refused){name, vhost, args.type}, note);
        rows[i].take(&f, &args, &wrong);
        if (wrong.text[0] != '\0')
            return refuse(rows[i].name, name, vhost, &wrong, note);
    }
    if (args.has_dead_letter_key && !args.has_dead_letter_exchange) {
        snprintf(wrong.text, sizeof(wrong.text), "routing_key_but_no_dlx_defined");
        return refuse("x-dead-letter-routing-key", name, vhost, &wrong, note);
    }
    *out = args;
    return 0;
}

/* ---- compare ---- */

enum { VALUE_SIZE = 128 };

/* "the value '1' of type 'signedint'", or "none"; "'1'" when both have a value. */
static void show_value(const struct field *f, bool is_plain, char text[static VALUE_SIZE])
{
    struct bytes value = {NULL, 0};
    int64_t number = 0;
    bool truth = false;
    char plain[VALUE_SIZE / 2] = "...";

    if (f == NULL) {
        snprintf(text, VALUE_SIZE, "none");
        return;
    }
    if (field_as_integer(f, &number))
        snprintf(plain, sizeof(plain), "%" PRId64, number);
    else if (field_as_bool(f, &truth))
        snprintf(plain, sizeof(plain), "%s", truth ? "true" : "false");
    else if (field_as_text(f, &value))
        snprintf(plain, sizeof(plain), "%.*s", (int)(value.size > 60 ? 60 : value.size),
                 (const char *)value.data);
    if (is_plain)
        snprintf(text, VALUE_SIZE, "'%s'", plain);
    else
        snprintf(text, VALUE_SIZE, "the value '%s' of type '%s'", plain, field_type_name(f));
}

/* Not saying a type and saying the usual one are the same. */
static bool is_usual_type(const struct row *row, const struct field *f)
{
    struct queue_args args = {.type = QUEUE_QUORUM};
    struct reason wrong = {.text = ""};

    if (row->take != take_type)
        return false;
    take_type(f, &args, &wrong);
    return args.type == QUEUE_CLASSIC;
}

static bool is_same(const struct row *row, const struct field *a, const struct field *b)
{
    if (a == NULL && b == NULL)
        return true;
    if (a == NULL || b == NULL)
        return is_usual_type(row, a == NULL ? b : a);
    return field_equal(a, b);
}

int queue_args_compare(struct table received, struct table current, struct bytes name,
                       struct bytes vhost, struct err_note *note)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct bytes argument = bytes_text(rows[i].name);
        struct field a, b;
        bool has_a = table_find(received, argument, &a);
        bool has_b = table_find(current, argument, &b);
        char text_a[VALUE_SIZE], text_b[VALUE_SIZE];

        if (!rows[i].is_compared || is_same(&rows[i], has_a ? &a : NULL, has_b ? &b : NULL))
            continue;
        show_value(has_a ? &a : NULL, has_a && has_b, text_a);
        show_value(has_b ? &b : NULL, has_a && has_b, text_b);
        return err_note(note, ERR_EXISTS,
                        "inequivalent arg '%s' for queue '%.*s' in vhost '%.*s': received %s but "
                        "current is %s",
                        rows[i].name, (int)name.size, (const char *)name.data, (int)vhost.size,
                        (const char *)vhost.data, text_a, text_b);
    }
    return 0;
}
