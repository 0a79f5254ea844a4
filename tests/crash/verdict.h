/* How the crash tests fail: with the case that was tried, the command that repeats it, and the last
 * lines the log said.
 *
 * A broken assertion inside the log ends in the same way, because SIGABRT is caught for that. */
#ifndef TESTS_CRASH_VERDICT_H
#define TESTS_CRASH_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"

/* Keeps what the log says from standard error, but the last lines, and catches SIGABRT.
 * `program` is what to run again. Once, at the start of main(). */
void verdict_begin(const char *program);

/* What is tried from now on: the environment variables that pick it out. The seed of the run, and
 * the variables that say how much is tried, are printed too. */
void verdict_case(const char *format, ...) PRINTF_LIKE(1, 2);

/* A promise was broken. Says all there is to say and fails the running test. */
void verdict_fail(const char *format, ...) PRINTF_LIKE(1, 2) __attribute__((noreturn));

/* Forgets the lines that the log said. */
void verdict_forget_lines(void);

/* How many lines of level error or warning it has said since then, and whether one of them, or
 * one of level info, has `part` in it. */
unsigned verdict_line_count(void);
bool verdict_has_line(const char *part);

#define MUST(cond, ...) ((cond) ? (void)0 : verdict_fail(__VA_ARGS__))

/* A whole number from the environment, or `otherwise`. */
uint64_t verdict_setting(const char *name, uint64_t otherwise);

/* How much of the full work a test does: 1 is the default, MILLRACE_CRASH_SCALE multiplies it,
 * MILLRACE_SIZE=short divides it by ten and tiny by a hundred. Given as hundredths, at least 1. */
uint64_t verdict_scale_hundredths(void);

/* A test takes every so-many-th of what it goes through in the usual run. */
uint64_t verdict_stride(void);

#endif
