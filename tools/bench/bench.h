/* The bench's subcommands: each measures one part of the house and says so in one table.
 *
 * A subcommand gets the words behind its name, prints to standard output, and returns the
 * exit code of the program: 0 when everything was measured and all content was right, 1
 * when not, 2 for words that make no sense. Whether a figure meets its bar is said in the
 * table and is not an error. */
#ifndef TOOLS_BENCH_BENCH_H
#define TOOLS_BENCH_BENCH_H

enum bench_exit {
    BENCH_WELL = 0,
    BENCH_FAILED = 1,
    BENCH_USAGE = 2,
};

typedef int bench_fn(int count, char *const *words);

/* The commit log: appends, reads, sorter, recovery. */
int bench_log(int count, char *const *words);

/* Any AMQP 0-9-1 broker, by its URI. */
int bench_amqp(int count, char *const *words);

/* The floor: a server that a broker is measured against. */
int bench_floor(int count, char *const *words);

#endif
