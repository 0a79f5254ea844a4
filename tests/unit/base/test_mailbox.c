/* Tests of base/mailbox. */
#include "base/mailbox.h"

#include <pthread.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rand.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"

static void test_items_come_out_in_order_in_batches_of_any_size(void **state)
{
    struct mailbox *m = mailbox_new(sizeof(int), 8);
    static const int in[] = {1, 2, 3, 4, 5};
    int out[8] = {0};
    bool was_empty = false;

    (void)state;
    assert_int_equal(mailbox_take(m, out, 8), 0);
    assert_int_equal(mailbox_push(m, in, 3, &was_empty), 0);
    assert_int_equal(mailbox_push(m, in + 3, 2, &was_empty), 0);
    assert_int_equal(mailbox_count(m), 5);
    assert_int_equal(mailbox_take(m, out, 2), 2);
    assert_int_equal(mailbox_take(m, out + 2, 6), 3);
    assert_memory_equal(in, out, sizeof(in));
    assert_int_equal(mailbox_take(m, out, 8), 0);
    mailbox_free(m);
    mailbox_free(NULL);
}

static void test_only_the_push_into_an_empty_mailbox_asks_to_wake(void **state)
{
    struct mailbox *m = mailbox_new(sizeof(int), 8);
    int items[4] = {0};
    bool was_empty = false;

    (void)state;
    assert_int_equal(mailbox_push(m, items, 2, &was_empty), 0);
    assert_true(was_empty);
    assert_int_equal(mailbox_push(m, items, 1, &was_empty), 0);
    assert_false(was_empty);
    assert_int_equal(mailbox_take(m, items, 2), 2);
    assert_int_equal(mailbox_push(m, items, 1, &was_empty), 0);
    assert_false(was_empty); /* one was left */
    assert_int_equal(mailbox_take(m, items, 4), 2);
    assert_int_equal(mailbox_push(m, items, 1, &was_empty), 0);
    assert_true(was_empty);
    mailbox_free(m);
}

static void test_a_push_is_taken_whole_or_not_at_all(void **state)
{
    struct mailbox *m = mailbox_new(sizeof(int), 4);
    static const int in[] = {1, 2, 3, 4, 5};
    int out[4] = {0};
    bool was_empty = true;

    (void)state;
    assert_int_equal(mailbox_push(m, in, 5, &was_empty), ERR_FULL);
    assert_int_equal(mailbox_count(m), 0);
    assert_int_equal(mailbox_push(m, in, 3, &was_empty), 0);
    was_empty = true;
    assert_int_equal(mailbox_push(m, in + 3, 2, &was_empty), ERR_FULL);
    assert_true(was_empty); /* untouched */
    assert_int_equal(mailbox_push(m, in + 3, 1, &was_empty), 0);
    assert_false(was_empty);
    assert_int_equal(mailbox_take(m, out, 4), 4);
    assert_memory_equal(in, out, sizeof(out));
    mailbox_free(m);
}

/* Threads: senders push batches of numbered letters; the receiver sleeps when it found
 * nothing and goes on only when a sender that was told so woke it. A wake-up that is lost
 * hangs the test. */

enum { SENDERS = 4, LETTERS = 20000, BATCH_MAX = 7, TAKE_MAX = 16 };

struct letter {
    uint32_t sender;
    uint32_t number;
};

struct bell {
    pthread_mutex_t lock;
    pthread_cond_t rung;
    bool is_rung;
};

struct sender {
    pthread_t thread;
    struct mailbox *to;
    struct bell *bell;
    uint32_t number;
    uint64_t seed;
};

static void ring_bell(struct bell *b)
{
    pthread_mutex_lock(&b->lock);
    b->is_rung = true;
    pthread_cond_signal(&b->rung);
    pthread_mutex_unlock(&b->lock);
}

static void wait_for_bell(struct bell *b)
{
    pthread_mutex_lock(&b->lock);
    while (!b->is_rung)
        pthread_cond_wait(&b->rung, &b->lock);
    b->is_rung = false;
    pthread_mutex_unlock(&b->lock);
}

static void *send_letters(void *owner)
{
    struct sender *s = owner;
    struct rand r;
    uint32_t sent = 0;

    rand_init(&r, s->seed);
    while (sent < LETTERS) {
        struct letter batch[BATCH_MAX];
        uint32_t count = 1 + (uint32_t)rand_below(&r, BATCH_MAX);
        bool was_empty = false;
        if (count > LETTERS - sent)
            count = LETTERS - sent;
        for (uint32_t i = 0; i < count; i++)
            batch[i] = (struct letter){s->number, sent + i};
        if (mailbox_push(s->to, batch, count, &was_empty) != 0)
            continue; /* full: try again until the receiver has made room */
        sent += count;
        if (was_empty)
            ring_bell(s->bell);
    }
    return NULL;
}

static uint32_t receive(struct mailbox *m, struct bell *bell, uint32_t next[SENDERS])
{
    struct letter letters[TAKE_MAX];
    size_t count = mailbox_take(m, letters, TAKE_MAX);

    for (size_t i = 0; i < count; i++) {
        assert_true(letters[i].sender < SENDERS);
        assert_int_equal(letters[i].number, next[letters[i].sender]); /* X1 */
        next[letters[i].sender]++;
    }
    if (count == 0)
        wait_for_bell(bell);
    return (uint32_t)count;
}

static void test_many_senders_lose_no_letter_and_no_wake_up(void **state)
{
    struct bell bell = {.lock = PTHREAD_MUTEX_INITIALIZER, .rung = PTHREAD_COND_INITIALIZER};
    struct mailbox *m = mailbox_new(sizeof(struct letter), 64);
    struct sender senders[SENDERS] = {0};
    uint32_t next[SENDERS] = {0};
    uint32_t received = 0;

    (void)state;
    for (uint32_t i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){.to = m, .bell = &bell, .number = i, .seed = test_seed() + i};
        assert_int_equal(pthread_create(&senders[i].thread, NULL, send_letters, &senders[i]), 0);
    }
    while (received < SENDERS * LETTERS)
        received += receive(m, &bell, next);
    for (uint32_t i = 0; i < SENDERS; i++) {
        assert_int_equal(pthread_join(senders[i].thread, NULL), 0);
        assert_int_equal(next[i], LETTERS);
    }
    assert_int_equal(mailbox_count(m), 0);
    mailbox_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_items_come_out_in_order_in_batches_of_any_size),
        LEAK_CHECKED(test_only_the_push_into_an_empty_mailbox_asks_to_wake),
        LEAK_CHECKED(test_a_push_is_taken_whole_or_not_at_all),
        LEAK_CHECKED(test_many_senders_lose_no_letter_and_no_wake_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
