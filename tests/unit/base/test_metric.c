/* Tests of base/metric. */
#include "base/metric.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/rand.h"
#include "tests/lib/death.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"

struct stats {
    struct counter appended;
    struct gauge open;
    struct histogram sync_ns;
};

static const struct metric table[] = {
    {"t_appended_total", METRIC_COUNTER, offsetof(struct stats, appended), "Records appended."},
    {"t_open", METRIC_GAUGE, offsetof(struct stats, open), "Segments open."},
    {"t_sync_ns", METRIC_HISTOGRAM, offsetof(struct stats, sync_ns), "Time of a sync."},
    {0},
};

static void test_counters_grow_and_gauges_move(void **state)
{
    struct stats s = {0};

    (void)state;
    counter_add(&s.appended, 1);
    counter_add(&s.appended, 41);
    assert_int_equal(counter_read(&s.appended), 42);
    gauge_set(&s.open, -5);
    gauge_add(&s.open, 3);
    assert_int_equal(gauge_read(&s.open), -2);
}

static void test_every_value_lies_in_its_bucket(void **state)
{
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    for (int i = 0; i < 100000; i++) {
        uint64_t value = rand_next(&r) >> rand_below(&r, 64);
        size_t bucket = histogram_bucket_of(value);
        uint64_t max = histogram_bucket_max(bucket);
        assert_true(value <= max);
        assert_true(bucket == 0 || value > histogram_bucket_max(bucket - 1));
        assert_true(max - value <= value / 8); /* what reporting the bucket's end can add */
    }
}

static void test_buckets_cover_all_numbers_without_a_gap(void **state)
{
    (void)state;
    for (size_t bucket = 0; bucket + 1 < HISTOGRAM_BUCKETS; bucket++) {
        assert_int_equal(histogram_bucket_of(histogram_bucket_max(bucket)), bucket);
        assert_int_equal(histogram_bucket_of(histogram_bucket_max(bucket) + 1), bucket + 1);
    }
    assert_int_equal(histogram_bucket_max(HISTOGRAM_BUCKETS - 1), UINT64_MAX);
    for (uint64_t value = 0; value < 16; value++)
        assert_int_equal(histogram_bucket_max(histogram_bucket_of(value)), value);
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static void test_quantiles_agree_with_sorting(void **state)
{
    enum { VALUES = 10000 };
    static uint64_t values[VALUES];
    static struct histogram h;
    static const double shares[] = {0, 0.1, 0.5, 0.9, 0.99, 0.999, 1};
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    for (size_t i = 0; i < VALUES; i++) {
        values[i] = rand_below(&r, 1000) << rand_below(&r, 20);
        histogram_record(&h, values[i]);
    }
    qsort(values, VALUES, sizeof(values[0]), by_size);
    for (size_t i = 0; i < ARRAY_SIZE(shares); i++) {
        size_t rank = (size_t)(shares[i] * VALUES);
        uint64_t exact = values[rank == 0 ? 0 : rank - 1];
        assert_int_equal(histogram_quantile(&h, shares[i]),
                         histogram_bucket_max(histogram_bucket_of(exact)));
    }
    assert_int_equal(histogram_count(&h), VALUES);
}

static void test_an_empty_histogram_says_zero(void **state)
{
    static struct histogram h;

    (void)state;
    assert_int_equal(histogram_count(&h), 0);
    assert_int_equal(histogram_sum(&h), 0);
    assert_int_equal(histogram_quantile(&h, 0.5), 0);
    histogram_record(&h, 7);
    assert_int_equal(histogram_quantile(&h, 0), 7);
    assert_int_equal(histogram_quantile(&h, 1), 7);
}

static void test_shards_add_up(void **state)
{
    static struct stats a;
    static struct stats b;
    static struct stats sum;

    (void)state;
    counter_add(&a.appended, 10);
    counter_add(&b.appended, 20);
    gauge_set(&a.open, 5);
    gauge_set(&b.open, -2);
    histogram_record(&a.sync_ns, 100);
    histogram_record(&b.sync_ns, 100);
    histogram_record(&b.sync_ns, 5000);
    metric_merge(table, &sum, &a);
    metric_merge(table, &sum, &b);
    assert_int_equal(counter_read(&sum.appended), 30);
    assert_int_equal(gauge_read(&sum.open), 3);
    assert_int_equal(histogram_count(&sum.sync_ns), 3);
    assert_int_equal(histogram_sum(&sum.sync_ns), 5200);
    assert_int_equal(atomic_load(&sum.sync_ns.buckets[histogram_bucket_of(100)]), 2);
}

struct visits {
    size_t count;
    const void *fields[3];
};

static void note_visit(void *owner, const struct metric *row, const void *field)
{
    struct visits *v = owner;

    assert_ptr_equal(row, &table[v->count]);
    v->fields[v->count++] = field;
}

static void test_a_walk_visits_each_row_with_its_field(void **state)
{
    static struct stats s;
    struct visits v = {0};

    (void)state;
    metric_walk(table, &s, note_visit, &v);
    assert_int_equal(v.count, 3);
    assert_ptr_equal(v.fields[0], &s.appended);
    assert_ptr_equal(v.fields[1], &s.open);
    assert_ptr_equal(v.fields[2], &s.sync_ns);
}

enum { RECORDS = 100000 };

static void *record_many(void *owner)
{
    struct stats *s = owner;

    for (uint64_t i = 0; i < RECORDS; i++) {
        counter_add(&s->appended, 1);
        gauge_add(&s->open, 1);
        histogram_record(&s->sync_ns, i);
    }
    return NULL;
}

static void test_another_thread_may_read_while_the_owner_writes(void **state)
{
    static struct stats s;
    uint64_t last = 0;
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, record_many, &s), 0);
    for (int i = 0; i < 1000; i++) {
        uint64_t now = counter_read(&s.appended);
        assert_true(now >= last && now <= RECORDS);
        last = now;
        assert_in_range(gauge_read(&s.open), 0, RECORDS);
        assert_true(histogram_count(&s.sync_ns) <= RECORDS);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(counter_read(&s.appended), RECORDS);
    assert_int_equal(histogram_count(&s.sync_ns), RECORDS);
    assert_int_equal(histogram_sum(&s.sync_ns), (uint64_t)RECORDS * (RECORDS - 1) / 2);
}

static void ask_for_too_much(void *owner)
{
    histogram_quantile(owner, 1.5);
}

static void test_a_share_above_one_is_a_bug(void **state)
{
    static struct histogram h;

    (void)state;
    expect_death(ask_for_too_much, &h, "share <= 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counters_grow_and_gauges_move),
        cmocka_unit_test(test_every_value_lies_in_its_bucket),
        cmocka_unit_test(test_buckets_cover_all_numbers_without_a_gap),
        cmocka_unit_test(test_quantiles_agree_with_sorting),
        cmocka_unit_test(test_an_empty_histogram_says_zero),
        cmocka_unit_test(test_shards_add_up),
        cmocka_unit_test(test_a_walk_visits_each_row_with_its_field),
        cmocka_unit_test(test_another_thread_may_read_while_the_owner_writes),
        cmocka_unit_test(test_a_share_above_one_is_a_bug),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
