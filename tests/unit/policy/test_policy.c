/* Tests of policy: which one applies, what two say together, what is refused. */
#include "policy/policy.h"

#include <string.h>

#include "tests/lib/leaks.h"
#include "tests/lib/table_text.h"

struct world {
    struct policies *policies;
    struct buf area;
    struct buf merged;
    struct err_note note;
};

static void begin(struct world *w)
{
    memset(w, 0, sizeof(*w));
    w->policies = policies_new();
    buf_init(&w->area, 1 << 16);
    buf_init(&w->merged, 1 << 16);
}

static void end(struct world *w)
{
    policies_check(w->policies);
    policies_free(w->policies);
    buf_release(&w->area);
    buf_release(&w->merged);
}

static int put(struct world *w, enum policy_rank rank, struct policy_spec spec, const char *text)
{
    spec.definition = table_text(&w->area, text);
    return policies_put(w->policies, rank, &spec, &w->note);
}

static void put_good(struct world *w, enum policy_rank rank, struct policy_spec spec,
                     const char *text)
{
    if (put(w, rank, spec, text) != 0)
        fail_msg("%s", w->note.text);
}

static struct policy_spec spec_of(const char *name, const char *pattern, int64_t priority)
{
    return (struct policy_spec){.name = bytes_text(name),
                                .pattern = bytes_text(pattern),
                                .apply_to = POLICY_ALL,
                                .priority = priority};
}

static void assert_applies(const struct world *w, uint8_t target, const char *name,
                           const char *expected)
{
    struct policy_match m = policies_match(w->policies, target, bytes_text(name));

    if (expected == NULL) {
        assert_null(m.policy);
        return;
    }
    assert_non_null(m.policy);
    assert_true(bytes_equal(policy_spec(m.policy).name, bytes_text(expected)));
}

static void test_the_highest_priority_counts_and_of_equals_the_first_name(void **state)
{
    struct world w;

    (void)state;
    begin(&w);
    put_good(&w, POLICY_OF_USERS, spec_of("low", ".*", 0), "expires=5");
    put_good(&w, POLICY_OF_USERS, spec_of("high", "^q", 9), "expires=5");
    put_good(&w, POLICY_OF_USERS, spec_of("b", "^r", 3), "expires=5");
    put_good(&w, POLICY_OF_USERS, spec_of("a", "^r", 3), "expires=5");
    assert_applies(&w, POLICY_CLASSIC, "q1", "high");
    assert_applies(&w, POLICY_CLASSIC, "r1", "a");
    assert_applies(&w, POLICY_EXCHANGES, "z", "low");
    assert_int_equal(policies_delete(w.policies, POLICY_OF_USERS, bytes_text("a")), 0);
    assert_int_equal(policies_delete(w.policies, POLICY_OF_USERS, bytes_text("a")), ERR_NOT_FOUND);
    assert_applies(&w, POLICY_CLASSIC, "r1", "b");
    put_good(&w, POLICY_OF_USERS, spec_of("b", "^nothing$", 3), "expires=5");
    assert_applies(&w, POLICY_CLASSIC, "r1", "low");
    end(&w);
}

static void test_a_policy_applies_to_what_it_says(void **state)
{
    static const struct {
        const char *apply_to;
        uint8_t bits;
    } rows[] = {{"queues", POLICY_CLASSIC | POLICY_QUORUM | POLICY_STREAM},
                {"classic_queues", POLICY_CLASSIC},
                {"quorum_queues", POLICY_QUORUM},
                {"streams", POLICY_STREAM},
                {"exchanges", POLICY_EXCHANGES},
                {"all", POLICY_ALL}};
    struct world w;
    uint8_t none = 0;

    (void)state;
    begin(&w);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct policy_spec s = spec_of("p", "", 0);

        assert_int_equal(policy_target_read(bytes_text(rows[i].apply_to), &s.apply_to, NULL), 0);
        assert_string_equal(policy_target_name(s.apply_to), rows[i].apply_to);
        put_good(&w, POLICY_OF_USERS, s, "expires=5");
        for (unsigned bit = 1; bit <= POLICY_EXCHANGES; bit <<= 1)
            assert_applies(&w, (uint8_t)bit, "any", (rows[i].bits & bit) != 0 ? "p" : NULL);
    }
    assert_int_equal(policy_target_read(bytes_text("things"), &none, &w.note), ERR_INVALID);
    assert_string_equal(w.note.text,
                        "apply-to 'things' unrecognised; should be 'queues', 'classic_queues', "
                        "'quorum_queues', 'streams', 'exchanges' or 'all'");
    end(&w);
}

static void test_an_operator_policy_limits(void **state)
{
    struct world w;
    struct policy_match m;
    struct table merged;
    struct field f;
    struct bytes text;
    uint64_t n = 0;

    (void)state;
    begin(&w);
    put_good(&w, POLICY_OF_USERS, spec_of("u", "q", 0),
             "max-length=10 expires=50 overflow=drop-head delivery-limit=-1 "
             "dead-letter-exchange=x");
    put_good(&w, POLICY_OF_OPERATORS, spec_of("o", "q", 0),
             "max-length=5 expires=90 overflow=reject-publish delivery-limit=7 message-ttl=3");
    m = policies_match(w.policies, POLICY_CLASSIC, bytes_text("q"));
    assert_true(policy_number(&m, "max-length", &n) && n == 5);
    assert_true(policy_number(&m, "expires", &n) && n == 50);
    assert_true(policy_number(&m, "delivery-limit", &n) && n == 7);
    assert_true(policy_number(&m, "message-ttl", &n) && n == 3);
    assert_true(policy_text(&m, "overflow", &text));
    assert_true(bytes_equal(text, bytes_text("reject-publish")));
    assert_true(policy_text(&m, "dead-letter-exchange", &text));
    assert_false(policy_value(&m, bytes_text("max-age"), &f));
    merged = policy_merge(&m, &w.merged);
    assert_int_equal(table_count(merged), 6);
    assert_true(table_find(merged, bytes_text("max-length"), &f));
    end(&w);
}

static void test_bad_definitions_are_refused_in_rabbitmqs_words(void **state)
{
    static const struct {
        const char *definition;
        const char *text;
        enum policy_rank rank;
    } rows[] = {
        {"", "no policy provided", POLICY_OF_USERS},
        {"foo=bar", "[{<<\"foo\">>,<<\"bar\">>}] are not recognised policy settings",
         POLICY_OF_USERS},
        {"max-age=1D", "[{<<\"max-age\">>,<<\"1D\">>}] are not recognised policy settings",
         POLICY_OF_OPERATORS},
        {"expires=0", "0 is not a valid queue expiry", POLICY_OF_USERS},
        {"expires=soon", "<<\"soon\">> is not a valid queue expiry", POLICY_OF_USERS},
        {"message-ttl=-1", "-1 is not a valid message TTL", POLICY_OF_USERS},
        {"max-length=-1", "-1 is not a valid maximum length", POLICY_OF_USERS},
        {"max-length-bytes=true", "true is not a valid maximum length in bytes", POLICY_OF_USERS},
        {"overflow=spill", "<<\"spill\">> is not a valid overflow value", POLICY_OF_USERS},
        {"queue-mode=slow", "<<\"slow\">> is not a valid queue-mode value", POLICY_OF_USERS},
        {"max-age=5", "5 is not a valid max age", POLICY_OF_USERS},
        {"max-age=5x", "<<\"5x\">> is not a valid max age", POLICY_OF_USERS},
        {"dead-letter-exchange=7", "7 is not a valid dead letter exchange name", POLICY_OF_USERS},
        {"alternate-exchange=[a,b]", "[<<\"a\">>,<<\"b\">>] is not a valid alternate exchange name",
         POLICY_OF_USERS},
        {"queue-version=3", "3 is not a valid queue version", POLICY_OF_USERS},
        {"stream-filter-size-bytes=15", "15 is not a valid filter size", POLICY_OF_USERS},
        {"log=1", "1 is not a valid log value; true or false are", POLICY_OF_USERS},
    };
    struct world w;

    (void)state;
    begin(&w);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(put(&w, rows[i].rank, spec_of("p", "q", 0), rows[i].definition),
                         ERR_INVALID);
        assert_string_equal(w.note.text, rows[i].text);
    }
    assert_int_equal(put(&w, POLICY_OF_USERS, spec_of("p", "(", 0), "expires=1"), ERR_INVALID);
    assert_non_null(strstr(w.note.text, "pattern should be regular expression but is invalid: "));
    assert_int_equal(put(&w, POLICY_OF_USERS, spec_of("", "q", 0), "expires=1"), ERR_INVALID);
    assert_null(policies_next(w.policies, POLICY_OF_USERS, NULL));
    end(&w);
}

static void test_every_key_is_taken_where_it_may_be(void **state)
{
    static const char *const of_operators[] = {
        "expires=1",           "message-ttl=1",      "max-length=1",
        "max-length-bytes=1",  "delivery-limit=1",   "queue-version=2",
        "target-group-size=3", "overflow=drop-head", "delayed-retry-type=all"};
    static const char *const of_users[] = {"alternate-exchange=x",
                                           "consumer-timeout=1",
                                           "dead-letter-routing-key=k",
                                           "max-age=5D",
                                           "queue-mode=lazy",
                                           "initial-cluster-size=1",
                                           "log=true log-partitions=3",
                                           "compact=false",
                                           "ha-mode=all",
                                           "queue-leader-locator=client-local",
                                           "stream-max-segment-size-bytes=500000000",
                                           "dead-letter-strategy=at-least-once"};
    struct world w;

    (void)state;
    begin(&w);
    for (size_t i = 0; i < ARRAY_SIZE(of_operators); i++) {
        put_good(&w, POLICY_OF_OPERATORS, spec_of("p", "q", 0), of_operators[i]);
        put_good(&w, POLICY_OF_USERS, spec_of("p", "q", 0), of_operators[i]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(of_users); i++)
        put_good(&w, POLICY_OF_USERS, spec_of("p", "q", 0), of_users[i]);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_the_highest_priority_counts_and_of_equals_the_first_name),
        LEAK_CHECKED(test_a_policy_applies_to_what_it_says),
        LEAK_CHECKED(test_an_operator_policy_limits),
        LEAK_CHECKED(test_bad_definitions_are_refused_in_rabbitmqs_words),
        LEAK_CHECKED(test_every_key_is_taken_where_it_may_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
