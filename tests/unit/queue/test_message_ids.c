/* The index of message-ids against a plain array, and a million messages that wait. */
#include "queue/message_ids.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/rand.h"
#include "queue/expiry.h"
#include "store/ledger.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"

enum {
    MESSAGES = 30000,
    IDS = 60,
    MILLION = 1000 * 1000,
    HOUR_MS = 3600 * 1000,
    LOOKS_MAX = 60000
};

static struct bytes id_of(unsigned number, char area[16])
{
    int size = snprintf(area, 16, "m%u", number);

    return bytes_of(area, (size_t)size);
}

static uint64_t add(struct message_ids *m, struct ledger *l, unsigned id, int64_t date_ms)
{
    uint64_t seq = ledger_add(l, &(struct ledger_entry){.place = 1, .expires_ms = date_ms});
    char area[16];

    message_ids_add(m, id_of(id, area), seq);
    return seq;
}

/* All that a search finds, put together; each slice costs no more than so many looks. */
static struct message_ids_found find_all(const struct message_ids *m, struct ledger *l,
                                         struct bytes id, size_t looks_max)
{
    struct message_ids_search s = message_ids_search(m, l, id);
    struct message_ids_found all = {.seqs = NULL};

    while (s.next < s.end) {
        struct message_ids_found f = message_ids_find(m, l, &s);

        assert_in_range(f.count, 0, MESSAGE_IDS_FOUND_MAX);
        assert_in_range(f.looks, 0, looks_max);
        all.seqs = (uint64_t *)mem_grow(all.seqs, all.count + f.count + 1, sizeof(*all.seqs));
        for (size_t i = 0; i < f.count; i++)
            all.seqs[all.count++] = f.seqs[i];
        mem_free(f.seqs);
    }
    return all;
}

/* Every live message of each id is found, in order; others hardly ever. */
static void check_all(const struct message_ids *m, struct ledger *l, const unsigned *ids)
{
    unsigned wrong = 0;
    char area[16];

    message_ids_check(m);
    for (unsigned id = 0; id < IDS; id++) {
        struct message_ids_found f = find_all(m, l, id_of(id, area), LOOKS_MAX);
        size_t at = 0;

        for (uint64_t seq = l->low; seq < l->next; seq++) {
            if (at < f.count && f.seqs[at] == seq) {
                assert_true(ledger_is_live(l, seq));
                wrong += ids[seq] != id;
                at++;
            } else {
                assert_false(ledger_is_live(l, seq) && ids[seq] == id);
            }
        }
        assert_int_equal(at, f.count);
        mem_free(f.seqs);
    }
    assert_in_range(wrong, 0, 2);
}

static void test_what_is_alive_is_found(void **state)
{
    unsigned *ids = MEM_NEW_ARRAY(unsigned, MESSAGES + 1);
    struct message_ids m;
    struct ledger l;
    struct rand rand;

    (void)state;
    rand_init(&rand, test_seed());
    message_ids_init(&m, 7);
    ledger_init(&l);
    for (unsigned i = 1; i <= MESSAGES; i++) {
        unsigned id = (unsigned)rand_below(&rand, IDS);

        ids[add(&m, &l, id, 1)] = id;
        for (unsigned k = 0; k < 2; k++) /* somebody settles one */
            (void)ledger_settle(&l, 1 + rand_below(&rand, i));
        message_ids_sift(&m, &l);
        if (i % (MESSAGES / 5) == 0)
            check_all(&m, &l, ids);
    }
    for (unsigned i = 0; i < 20; i++)
        message_ids_sift(&m, &l);
    assert_in_range(m.count, l.live, 2 * l.live + 2 * MESSAGE_IDS_RUN_MAX);
    check_all(&m, &l, ids);
    ledger_settle_below(&l, l.next, NULL, NULL);
    message_ids_sift(&m, &l);
    assert_int_equal(message_ids_memory(&m), 0);
    message_ids_release(&m);
    ledger_release(&l);
    mem_free(ids);
}

static void test_all_of_one_id_are_found(void **state)
{
    struct message_ids m;
    struct ledger l;
    char area[16];

    (void)state;
    message_ids_init(&m, 7);
    ledger_init(&l);
    for (unsigned i = 0; i < MESSAGES; i++)
        (void)add(&m, &l, 5, 1);
    struct message_ids_found f = find_all(&m, &l, id_of(5, area), LOOKS_MAX);
    assert_int_equal(f.count, MESSAGES);
    mem_free(f.seqs);
    message_ids_release(&m);
    ledger_release(&l);
}

/* As after a start: the same items in other runs. */
static void save_and_restore(struct message_ids *m, const struct ledger *l)
{
    struct buf out;

    buf_init(&out, 16 << 20);
    message_ids_save(m, &out);
    message_ids_release(m);
    struct reader r = reader_of(buf_view(&out));
    message_ids_restore(m, l, &r);
    assert_true(reader_is_done(&r));
    message_ids_check(m);
    buf_release(&out);
}

/* While somebody goes from slice to slice, what he found is settled, runs are sifted and merged,
 * and more comes: each that was there is found once, what came since is not. */
static void test_a_search_goes_on_while_things_change(void **state)
{
    enum { FOUND = 40000, OTHERS = 2 }; /* between two of them, gone */
    struct message_ids m;
    struct ledger l;
    uint64_t found = 0;
    uint64_t last = 0;
    char area[16];

    (void)state;
    message_ids_init(&m, 7);
    ledger_init(&l);
    for (unsigned i = 0; i < FOUND; i++) {
        (void)add(&m, &l, 5, 1);
        for (unsigned k = 0; k < OTHERS; k++)
            assert_true(ledger_settle(&l, add(&m, &l, 1, 1)));
    }
    struct message_ids_search s = message_ids_search(&m, &l, id_of(5, area));
    while (s.next < s.end) {
        struct message_ids_found f = message_ids_find(&m, &l, &s);

        for (size_t i = 0; i < f.count; i++) {
            assert_true(f.seqs[i] > last);
            last = f.seqs[i];
            assert_true(ledger_settle(&l, last));
        }
        found += f.count;
        mem_free(f.seqs);
        for (unsigned i = 0; i < 1000; i++)
            (void)add(&m, &l, 5, 1);
        for (unsigned i = 0; i < 5; i++)
            message_ids_sift(&m, &l);
        save_and_restore(&m, &l);
    }
    assert_int_equal(found, FOUND);
    assert_int_equal(last, (FOUND - 1) * (1 + OTHERS) + 1);
    message_ids_release(&m);
    ledger_release(&l);
}

/* What is read back from a checkpoint lies in any order: what came first may be in the tail. */
static void test_what_came_first_may_be_in_the_tail(void **state)
{
    struct message_ids_found f;
    struct message_ids m;
    struct ledger l;
    char area[16];

    (void)state;
    message_ids_init(&m, 7);
    ledger_init(&l);
    for (unsigned i = 0; i < MESSAGES; i++)
        (void)ledger_add(&l, &(struct ledger_entry){.place = 1});
    for (uint64_t seq = MESSAGES - MESSAGE_IDS_RUN_MAX + 1; seq <= MESSAGES; seq++)
        message_ids_add(&m, id_of(5, area), seq);
    for (uint64_t seq = 1; seq <= 100; seq++)
        message_ids_add(&m, id_of(5, area), seq);
    f = find_all(&m, &l, id_of(5, area), LOOKS_MAX);
    assert_int_equal(f.count, MESSAGE_IDS_RUN_MAX + 100);
    for (size_t i = 1; i < f.count; i++)
        assert_true(f.seqs[i] > f.seqs[i - 1]);
    mem_free(f.seqs);
    message_ids_release(&m);
    ledger_release(&l);
}

/* Seqs are told apart though only half of each is kept. */
static void test_seqs_that_differ_in_their_high_half(void **state)
{
    const uint64_t far = (UINT64_C(5) << 32) - 2;
    struct message_ids m;
    struct ledger l;
    char area[16];

    (void)state;
    message_ids_init(&m, 7);
    ledger_init(&l);
    ledger_skip_to(&l, far);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(add(&m, &l, i % 2, 1), far + i);
    struct message_ids_found f = find_all(&m, &l, id_of(0, area), LOOKS_MAX);
    assert_int_equal(f.count, 2);
    assert_int_equal(f.seqs[0], far);
    assert_int_equal(f.seqs[1], far + 2);
    mem_free(f.seqs);
    for (unsigned i = 0; i < MESSAGES; i++)
        (void)add(&m, &l, 0, 1);
    f = find_all(&m, &l, id_of(0, area), LOOKS_MAX);
    assert_int_equal(f.count, MESSAGES + 2);
    for (size_t i = 1; i < f.count; i++)
        assert_true(f.seqs[i] > f.seqs[i - 1]);
    mem_free(f.seqs);
    message_ids_release(&m);
    ledger_release(&l);
}

static void test_it_is_saved(void **state)
{
    unsigned *ids = MEM_NEW_ARRAY(unsigned, MESSAGES + 1);
    struct message_ids m;
    struct message_ids other;
    struct ledger l;
    struct buf out;

    (void)state;
    message_ids_init(&m, 7);
    message_ids_init(&other, 8);
    ledger_init(&l);
    buf_init(&out, 1 << 20);
    for (unsigned i = 1; i <= MESSAGES / 3; i++)
        ids[add(&m, &l, i % IDS, 1)] = i % IDS;
    message_ids_save(&m, &out);
    struct reader r = reader_of(buf_view(&out));
    message_ids_restore(&other, &l, &r);
    assert_true(reader_is_done(&r));
    assert_true(message_ids_is_whole(&other, &l));
    check_all(&other, &l, ids);
    for (size_t cut = 1; cut < 40; cut++) {
        struct message_ids bad;

        message_ids_init(&bad, 0);
        r = reader_of(bytes_of(out.data, out.size - cut));
        message_ids_restore(&bad, &l, &r);
        assert_true(r.is_failed);
        message_ids_release(&bad);
    }
    buf_release(&out);
    message_ids_release(&m);
    message_ids_release(&other);
    ledger_release(&l);
    mem_free(ids);
}

static void test_a_checkpoint_without_any_is_known_to_have_none(void **state)
{
    struct reader r = reader_of(bytes_of(NULL, 0));
    struct message_ids m;
    struct ledger l;

    (void)state;
    message_ids_init(&m, 7);
    ledger_init(&l);
    uint64_t old = ledger_add(&l, &(struct ledger_entry){.place = 1, .expires_ms = 1});
    message_ids_restore(&m, &l, &r);
    assert_false(r.is_failed);
    (void)add(&m, &l, 1, 1);
    assert_false(message_ids_is_whole(&m, &l));
    assert_true(ledger_settle(&l, old));
    assert_true(message_ids_is_whole(&m, &l));
    message_ids_release(&m);
    ledger_release(&l);
}

/* ---- a million ---- */

static void count_shown(void *owner, const struct expiry_item *item)
{
    (void)item;
    ++*(unsigned *)owner;
}

/* A message is found by its id, and a page of what comes next, with a few thousand looks. */
static void look_for_some(struct message_ids *m, struct expiry *x, struct ledger *l)
{
    enum { PAGE = 100, FEW = 20000 };
    unsigned shown = 0;
    char area[16];

    for (unsigned id = 0; id < MILLION; id += MILLION / 50 + 1) {
        struct message_ids_search s = message_ids_search(m, l, id_of(id, area));
        struct message_ids_found f = message_ids_find(m, l, &s);

        assert_int_equal(s.next, s.end);
        assert_in_range(f.count, 1, 3);
        assert_in_range(f.looks, 1, FEW);
        mem_free(f.seqs);
    }
    struct expiry_visit v = {.max = PAGE, .steps = FEW, .show = count_shown, .owner = &shown};
    assert_true(expiry_visit_next(x, l, &v));
    assert_in_range(shown, PAGE, 2 * PAGE);
}

/* All come out in the order of their dates, and each is looked at two times at most. */
static void fire_all(struct expiry *x, struct ledger *l)
{
    unsigned steps = 2 * MILLION + 1000;
    int64_t last_ms = 0;
    struct ledger_entry e;
    uint64_t seq;

    for (unsigned i = 0; i < MILLION; i++) {
        assert_true(expiry_take(x, l, INT64_MAX - 1, &steps, &seq));
        assert_true(ledger_find(l, seq, &e));
        assert_true(e.expires_ms >= last_ms);
        last_ms = e.expires_ms;
        assert_true(ledger_settle(l, seq));
    }
    assert_int_equal(l->live, 0);
}

/* No slice looks at more of them than a few thousand, and none is forgotten. */
static void test_a_million_with_one_id_come_in_slices(void **state)
{
    struct message_ids m;
    struct ledger l;
    char area[16];

    (void)state;
    message_ids_init(&m, 7);
    ledger_init(&l);
    for (unsigned i = 0; i < MILLION; i++) {
        uint64_t seq = add(&m, &l, 5, 1);

        if (i < MILLION / 2) /* gone, and not sifted yet */
            assert_true(ledger_settle(&l, seq));
    }
    struct message_ids_found f = find_all(&m, &l, id_of(5, area), LOOKS_MAX);
    assert_int_equal(f.count, MILLION - MILLION / 2);
    mem_free(f.seqs);
    message_ids_release(&m);
    ledger_release(&l);
}

static void a_million(struct rand *rand, int64_t spread_ms, size_t bytes_each)
{
    struct message_ids m;
    struct ledger l;
    struct expiry x;

    message_ids_init(&m, 7);
    ledger_init(&l);
    expiry_init(&x);
    for (unsigned i = 0; i < MILLION; i++) {
        int64_t date_ms = HOUR_MS + i + (int64_t)rand_below(rand, (uint64_t)spread_ms);

        expiry_add(&x, &l, add(&m, &l, i, date_ms), date_ms);
    }
    size_t memory = l.memory + x.capacity * sizeof(*x.heap) + message_ids_memory(&m);
    print_message("%.1f bytes each\n", (double)memory / MILLION);
    assert_in_range(memory / MILLION, 1, bytes_each);
    look_for_some(&m, &x, &l);
    fire_all(&x, &l);
    message_ids_release(&m);
    expiry_release(&x);
    ledger_release(&l);
}

static void test_a_million_wait_for_as_long_as_one_another(void **state)
{
    struct rand rand;

    (void)state;
    rand_init(&rand, test_seed());
    a_million(&rand, 1, 24);
}

static void test_a_million_wait_for_any_time(void **state)
{
    struct rand rand;

    (void)state;
    rand_init(&rand, test_seed());
    a_million(&rand, 30 * INT64_C(24) * HOUR_MS, 48);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_what_is_alive_is_found),
        LEAK_CHECKED(test_all_of_one_id_are_found),
        LEAK_CHECKED(test_a_search_goes_on_while_things_change),
        LEAK_CHECKED(test_what_came_first_may_be_in_the_tail),
        LEAK_CHECKED(test_seqs_that_differ_in_their_high_half),
        LEAK_CHECKED(test_it_is_saved),
        LEAK_CHECKED(test_a_checkpoint_without_any_is_known_to_have_none),
        LEAK_CHECKED(test_a_million_with_one_id_come_in_slices),
        LEAK_CHECKED(test_a_million_wait_for_as_long_as_one_another),
        LEAK_CHECKED(test_a_million_wait_for_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
