/* Whole brokers in the simulated world: seeds that are always the same, some that nobody has seen,
 * and the proof that a seed says everything about its run. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"
#include "tests/trust/run.h"

enum { FIXED = 100, FRESH = 30, TWICE = 3 };

/* How many of so many: fewer where every run is slow. */
static unsigned size_of(unsigned count)
{
    const char *size = getenv("MILLRACE_SIZE");

    if (size == NULL)
        return count;
    return strcmp(size, "tiny") == 0 ? count / 25 + 1 : count / 10 + 1;
}

static void run_good(uint64_t seed, struct run_result *out)
{
    const struct run_options o = {.seed = seed};

    trust_run(&o, out);
    if (!out->is_good)
        fail_msg("%srepeat: scripts/trust seed %" PRIu64, out->report, seed);
    mem_free(out->report);
}

/* `count` of them, from this seed on. Returns whether all that a run can meet was met. */
static bool run_some(uint64_t seed, unsigned count)
{
    struct run_result result;
    size_t messages = 0;
    size_t redeliveries = 0;
    unsigned crashes = 0;

    for (unsigned i = 0; i < count; i++) {
        run_good(seed + i, &result);
        messages += result.confirmed;
        redeliveries += result.redeliveries;
        crashes += result.crashes;
    }
    printf("seeds %" PRIu64 " to %" PRIu64 ": %zu confirmed messages, %zu redeliveries, "
           "%u crashes\n",
           seed, seed + count - 1, messages, redeliveries, crashes);
    return messages > count && redeliveries > 0 && crashes > 0;
}

static void test_fixed_seeds_are_good(void **state)
{
    (void)state;
    assert_true(run_some(1, size_of(FIXED))); /* something happened */
}

static void test_fresh_seeds_are_good(void **state)
{
    (void)state;
    (void)run_some(test_seed() >> 16, size_of(FRESH)); /* a few may all be quiet ones */
}

/* As long as a seed draws what it drew then. */
static void test_seeds_that_were_bad_are_good(void **state)
{
    static const uint64_t seeds[] = {
        991671320861, /* a publisher was held back for ever */
        645076301131, /* a time to live was a millisecond short */
        645076304114, /* the broker hears late of one who goes while his commit waits */
        506951374521, /* retention left a hole in a stream behind what a crash brought back */
        506951378381, /* whom an exclusive queue belonged to went, and the network forgot it */
    };
    struct run_result result;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(seeds); i++)
        run_good(seeds[i], &result);
}

static void test_the_same_seed_gives_the_same_run(void **state)
{
    uint64_t seed = test_seed() >> 8;
    struct run_result first;
    struct run_result second;

    (void)state;
    for (unsigned i = 0; i < size_of(TWICE); i++) {
        run_good(seed + i, &first);
        run_good(seed + i, &second);
        assert_int_equal(first.trace, second.trace);
        assert_int_equal(first.events, second.events);
        assert_true(first.trace != 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_fixed_seeds_are_good),
        LEAK_CHECKED(test_seeds_that_were_bad_are_good),
        LEAK_CHECKED(test_fresh_seeds_are_good),
        LEAK_CHECKED(test_the_same_seed_gives_the_same_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
