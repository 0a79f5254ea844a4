/* The keys of policies, a row each. */
#include "policy/keys.h"

#include "base/units.h"
#include "msg/shortstr.h"
#include "policy/term.h"

enum { WRONG_MAX = 256 }; /* bytes of a value in a text */

#define SEGMENT_MAX INT64_C(3000000000)
/* Ten years in milliseconds, as RabbitMQ has it. */
#define DURATION_MAX INT64_C(315360000000)

struct key;
typedef bool accepts_fn(const struct key *k, const struct field *f);

struct key {
    const char *name;
    const char *what; /* "<value> is not a valid <what>" */
    accepts_fn *accepts;
    int64_t min;
    int64_t max;
    const char *words; /* with spaces between them */
    bool is_for_operators;
    enum key_merge merge;
};

/* ---- kinds of values ---- */

static bool is_number(const struct key *k, const struct field *f)
{
    int64_t n = 0;

    return field_as_integer(f, &n) && n >= k->min && n <= k->max;
}

static bool is_name(const struct key *k, const struct field *f)
{
    struct bytes text;

    (void)k;
    return field_as_text(f, &text) && shortstr_check(text) == 0;
}

static bool is_text(const struct key *k, const struct field *f)
{
    struct bytes text;

    (void)k;
    return field_as_text(f, &text);
}

static bool is_bool(const struct key *k, const struct field *f)
{
    bool value = false;

    (void)k;
    return field_as_bool(f, &value);
}

static bool is_word(const struct key *k, const struct field *f)
{
    struct bytes text;
    const char *at = k->words;

    if (!field_as_text(f, &text))
        return false;
    while (*at != '\0') {
        size_t size = strcspn(at, " ");

        if (bytes_equal(text, bytes_of(at, size)))
            return true;
        at += size;
        at += *at == ' ';
    }
    return false;
}

/* Digits and one of Y M D h m s. */
static bool is_age(const struct key *k, const struct field *f)
{
    static const char units[] = {'Y', 'M', 'D', 'h', 'm', 's'};
    struct bytes text;

    (void)k;
    if (!field_as_text(f, &text) || text.size < 2 || text.size > 16)
        return false;
    for (size_t i = 0; i + 1 < text.size; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    return memchr(units, text.data[text.size - 1], sizeof(units)) != NULL;
}

static bool is_anything(const struct key *k, const struct field *f)
{
    (void)k;
    (void)f;
    return true;
}

/* ---- the keys ---- */

#define NUMBER(name_, what_, min_, max_)                                                           \
    .name = (name_), .what = (what_), .accepts = is_number, .min = (min_), .max = (max_)
#define WORDS(name_, what_, words_)                                                                \
    .name = (name_), .what = (what_), .accepts = is_word, .words = (words_)
#define OF_KIND(name_, what_, accepts_) .name = (name_), .what = (what_), .accepts = (accepts_)
#define LIMITS                          .is_for_operators = true, .merge = KEY_SMALLER
#define RULES                           .is_for_operators = true, .merge = KEY_OF_OPERATOR

static const struct key keys[] = {
    {OF_KIND("alternate-exchange", "alternate exchange name", is_name)},
    {NUMBER("consumer-timeout", "consumer timeout", 0, INT64_MAX)},
    {NUMBER("consumer-disconnected-timeout", "consumer disconnected timeout", 0, INT64_MAX)},
    {OF_KIND("dead-letter-exchange", "dead letter exchange name", is_name)},
    {OF_KIND("dead-letter-routing-key", "dead letter routing key", is_name)},
    {WORDS("dead-letter-strategy", "dead letter strategy", "at-most-once at-least-once")},
    {NUMBER("message-ttl", "message TTL", 0, DURATION_MAX), LIMITS},
    {NUMBER("expires", "queue expiry", 1, DURATION_MAX), LIMITS},
    {NUMBER("max-length", "maximum length", 0, INT64_MAX), LIMITS},
    {NUMBER("max-length-bytes", "maximum length in bytes", 0, INT64_MAX), LIMITS},
    {NUMBER("max-in-memory-length", "maximum memory in bytes", 0, INT64_MAX), LIMITS},
    {NUMBER("max-in-memory-bytes", "maximum memory in bytes", 0, INT64_MAX), LIMITS},
    {WORDS("queue-mode", "queue-mode value", "default lazy")},
    {NUMBER("queue-version", "queue version", 1, 2), RULES},
    {WORDS("overflow", "overflow value", "drop-head reject-publish reject-publish-dlx"), RULES},
    {NUMBER("delivery-limit", "delivery limit", -1, INT32_MAX), LIMITS},
    {OF_KIND("max-age", "max age", is_age)},
    {NUMBER("stream-max-segment-size-bytes", "segment size", 0, SEGMENT_MAX)},
    {NUMBER("stream-filter-size-bytes", "filter size", 16, 255)},
    {OF_KIND("queue-leader-locator", "queue leader locator value", is_text)},
    {WORDS("queue-master-locator", "master locator", "min-masters client-local random")},
    {NUMBER("initial-cluster-size", "cluster size", 0, INT32_MAX)},
    {NUMBER("target-group-size", "target group size", 0, INT32_MAX), LIMITS},
    {OF_KIND("member-placement-tag", "member placement tag", is_text), RULES},
    {WORDS("delayed-retry-type", "delayed retry type", "disabled all failed returned"), RULES},
    {NUMBER("delayed-retry-min", "delayed retry time", 0, DURATION_MAX), RULES},
    {NUMBER("delayed-retry-max", "delayed retry time", 0, DURATION_MAX), RULES},
    /* of mirrored queues, which are no more: RabbitMQ's old definitions have them */
    {OF_KIND("ha-mode", "ha-mode", is_anything)},
    {OF_KIND("ha-params", "ha-params", is_anything)},
    {OF_KIND("ha-sync-mode", "ha-sync-mode", is_anything)},
    {OF_KIND("ha-sync-batch-size", "ha-sync-batch-size", is_anything)},
    {OF_KIND("ha-promote-on-shutdown", "ha-promote-on-shutdown", is_anything)},
    {OF_KIND("ha-promote-on-failure", "ha-promote-on-failure", is_anything)},
    /* our own, of exchanges */
    {OF_KIND("log", "log value; true or false are", is_bool)},
    {NUMBER("log-partitions", "number of log partitions", 1, 1024)},
    {OF_KIND("compact", "compact value; true or false are", is_bool)},
};

static const struct key *find(struct bytes name)
{
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (bytes_equal(name, bytes_text(keys[i].name)))
            return &keys[i];
    return NULL;
}

enum key_merge keys_merge(struct bytes key)
{
    const struct key *k = find(key);

    return k == NULL ? KEY_OF_OPERATOR : k->merge;
}

/* ---- check ---- */

static int refuse_value(const struct key *k, const struct field *f, struct err_note *note)
{
    struct buf text;
    int rv = 0;

    buf_init(&text, WRONG_MAX);
    term_write(&text, f);
    rv = err_note(note, ERR_INVALID, "%.*s is not a valid %s", (int)text.size,
                  text.size == 0 ? "" : (const char *)text.data, k->what);
    buf_release(&text);
    return rv;
}

static int refuse_key(const struct table_entry *e, struct err_note *note)
{
    struct buf text;
    int rv = 0;

    buf_init(&text, WRONG_MAX);
    term_write(&text, &e->value);
    rv = err_note(note, ERR_INVALID, "[{<<\"%.*s\">>,%.*s}] are not recognised policy settings",
                  (int)e->name.size, (const char *)e->name.data, (int)text.size,
                  text.size == 0 ? "" : (const char *)text.data);
    buf_release(&text);
    return rv;
}

int keys_check(enum policy_rank rank, struct table definition, struct err_note *note)
{
    struct table_walk w = table_walk(definition);
    struct table_entry e;

    if (table_count(definition) == 0)
        return err_note(note, ERR_INVALID, "no policy provided");
    while (table_next(&w, &e)) {
        const struct key *k = find(e.name);

        if (k == NULL || (rank == POLICY_OF_OPERATORS && !k->is_for_operators))
            return refuse_key(&e, note);
        if (!k->accepts(k, &e.value))
            return refuse_value(k, &e.value, note);
    }
    return 0;
}
