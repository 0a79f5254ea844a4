/* One seed a test program. */
#include "tests/lib/seed.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/parse.h"

static uint64_t choose_seed(void)
{
    const char *text = getenv("MILLRACE_SEED");
    uint64_t seed = 0;

    if (text != NULL) {
        int rv = parse_u64(bytes_text(text), 0, UINT64_MAX, &seed);
        ASSERT(rv == 0); /* MILLRACE_SEED is a whole number */
        return seed;
    }
    int rv = getentropy(&seed, sizeof(seed));
    ASSERT(rv == 0);
    return seed;
}

uint64_t test_seed(void)
{
    static bool is_chosen;
    static uint64_t seed;

    if (!is_chosen) {
        seed = choose_seed();
        is_chosen = true;
        printf("MILLRACE_SEED=%" PRIu64 "\n", seed);
        fflush(stdout); /* before anything can crash */
    }
    return seed;
}

unsigned test_share(unsigned count)
{
    const char *size = getenv("MILLRACE_SIZE");

    if (size != NULL && strcmp(size, "short") == 0)
        count /= 10;
    if (size != NULL && strcmp(size, "tiny") == 0)
        count /= 100;
    return count > 0 ? count : 1;
}
