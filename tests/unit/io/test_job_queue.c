/* Tests of io/job_queue: the most urgent first, and nobody waits for less urgent ones. */
#include "io/job_queue.h"

#include <string.h>

#include "tests/lib/test.h"

enum { JOBS = 8 };

static struct io_job jobs[JOBS];

static void push(struct job_queue *q, unsigned i, enum io_urgency urgency)
{
    jobs[i] = (struct io_job){.urgency = urgency};
    job_queue_push(q, &jobs[i]);
}

static void expect(struct job_queue *q, unsigned i)
{
    assert_ptr_equal(job_queue_take(q), &jobs[i]);
}

static void expect_none(struct job_queue *q)
{
    assert_null(job_queue_take(q));
}

static void test_the_most_urgent_is_first_then_the_oldest(void **state)
{
    struct job_queue q;

    (void)state;
    job_queue_init(&q, 100);
    assert_true(job_queue_is_empty(&q));
    push(&q, 0, IO_BACKGROUND);
    push(&q, 1, IO_WANTED);
    push(&q, 2, IO_URGENT);
    push(&q, 3, IO_BACKGROUND);
    push(&q, 4, IO_WANTED);
    push(&q, 5, IO_URGENT);
    assert_false(job_queue_is_empty(&q));
    expect(&q, 2);
    expect(&q, 5);
    expect(&q, 1);
    expect(&q, 4);
    expect(&q, 0);
    expect(&q, 3);
    expect_none(&q);
    assert_true(job_queue_is_empty(&q));
}

static void test_reads_leave_a_thread_to_commits(void **state)
{
    struct job_queue q;

    (void)state;
    job_queue_init(&q, 3);
    for (unsigned i = 0; i < 4; i++)
        push(&q, i, IO_WANTED);
    expect(&q, 0);
    expect(&q, 1);
    expect_none(&q);
    push(&q, 4, IO_URGENT);
    expect(&q, 4);
    job_queue_end(&q, IO_URGENT);
    expect_none(&q);
    job_queue_end(&q, IO_WANTED);
    expect(&q, 2);
}

static void test_background_jobs_leave_a_thread_to_reads(void **state)
{
    struct job_queue q;

    (void)state;
    job_queue_init(&q, 4);
    for (unsigned i = 0; i < 4; i++)
        push(&q, i, IO_BACKGROUND);
    expect(&q, 0);
    expect(&q, 1);
    expect_none(&q);
    push(&q, 4, IO_WANTED);
    expect(&q, 4);
    push(&q, 5, IO_WANTED);
    expect_none(&q); /* three are taken: the last thread is for commits */
    job_queue_end(&q, IO_BACKGROUND);
    expect(&q, 5); /* it was not its turn before, and has it now */
    expect_none(&q);
    job_queue_end(&q, IO_WANTED);
    expect(&q, 2);
}

/* With one thread all share it; with two, background jobs have one of them. */
static void test_few_threads_are_for_everybody(void **state)
{
    struct job_queue q;

    (void)state;
    for (uint32_t threads = 1; threads <= 2; threads++) {
        job_queue_init(&q, threads);
        push(&q, 0, IO_BACKGROUND);
        push(&q, 1, IO_BACKGROUND);
        expect(&q, 0);
        expect_none(&q);
        push(&q, 2, IO_WANTED);
        if (threads == 2)
            expect(&q, 2);
        else
            expect_none(&q);
        push(&q, 3, IO_URGENT);
        expect(&q, 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_most_urgent_is_first_then_the_oldest),
        cmocka_unit_test(test_reads_leave_a_thread_to_commits),
        cmocka_unit_test(test_background_jobs_leave_a_thread_to_reads),
        cmocka_unit_test(test_few_threads_are_for_everybody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
