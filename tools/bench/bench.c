/* The bench's front door: finds the subcommand and leaves the rest to it. */
#include "tools/bench/bench.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

static const struct {
    const char *name;
    bench_fn *run;
    const char *what;
} commands[] = {
    {"log", bench_log, "the commit log against bare loops over the same file system"},
    {"amqp", bench_amqp, "any AMQP 0-9-1 broker, from outside"},
    {"floor", bench_floor, "serves as the least program that could do a broker's job"},
};

static void print_usage(FILE *to)
{
    (void)fprintf(to, "usage: millrace-bench COMMAND [OPTIONS]\n"
                      "       millrace-bench COMMAND --help\n"
                      "       millrace-bench --version\n"
                      "\n");
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
        (void)fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].what);
}

int main(int count, char **words)
{
    const char *name = count > 1 ? words[1] : "";

    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        if (strcmp(name, commands[i].name) == 0)
            return commands[i].run(count - 2, words + 2);
    }
    if (strcmp(name, "--version") == 0) {
        printf("millrace-bench %s\n", MILLRACE_VERSION);
        return BENCH_WELL;
    }
    if (strcmp(name, "--help") == 0) {
        print_usage(stdout);
        return BENCH_WELL;
    }
    if (count > 1)
        (void)fprintf(stderr, "millrace-bench: unknown command '%s'\n", name);
    print_usage(stderr);
    return BENCH_USAGE;
}
