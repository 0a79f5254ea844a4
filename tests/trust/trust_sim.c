/* trust_sim: whole brokers in the simulated world, one for each seed.
 *
 *     trust_sim SEED [COUNT]               the seeds SEED, SEED + 1, ...
 *     trust_sim --until-bad SEED COUNT     the same, up to the first that is bad
 *     trust_sim --history FILE SEED        the history of one goes into the file */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "tests/trust/run.h"

static bool run_one(uint64_t seed, const char *path)
{
    const struct run_options o = {.seed = seed, .history_path = path, .speaks = path != NULL};
    struct run_result result;
    bool is_good;

    printf("seed %" PRIu64 ": ", seed);
    fflush(stdout); /* before an assertion can end it */
    trust_run(&o, &result);
    is_good = result.is_good;
    printf("%s, %zu events, %zu messages, %zu confirmed, %zu deliveries, %zu redelivered, "
           "%u crashes, %" PRIu64 " ms, trace %" PRIx64 "\n",
           is_good ? "good" : "BAD", result.events, result.messages, result.confirmed,
           result.deliveries, result.redeliveries, result.crashes, result.virtual_ms, result.trace);
    if (!is_good)
        printf("%srepeat: scripts/trust seed %" PRIu64 "\n", result.report, seed);
    mem_free(result.report);
    return is_good;
}

int main(int argc, char **argv)
{
    const char *path = NULL;
    bool is_patient = true;
    uint64_t seed = 0;
    uint64_t count = 1;
    uint64_t done = 0;
    uint64_t bad = 0;

    if (argc > 2 && strcmp(argv[1], "--history") == 0) {
        path = argv[2];
        argv += 2;
        argc -= 2;
    }
    if (argc > 1 && strcmp(argv[1], "--until-bad") == 0) {
        is_patient = false;
        argv++;
        argc--;
    }
    if (argc < 2 || parse_u64(bytes_text(argv[1]), 0, UINT64_MAX, &seed) != 0 ||
        (argc > 2 && parse_u64(bytes_text(argv[2]), 1, UINT32_MAX, &count) != 0)) {
        fprintf(stderr, "usage: trust_sim [--history FILE | --until-bad] SEED [COUNT]\n");
        return 2;
    }
    for (; done < count && (is_patient || bad == 0); done++)
        bad += !run_one(seed + done, path);
    printf("%" PRIu64 " seeds, %" PRIu64 " bad\n", done, bad);
    return bad == 0 ? 0 : 1;
}
