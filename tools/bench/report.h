/* What was measured, as a table for people that is printed as it grows, and as JSON for
 * programs.
 *
 *     report_begin("append")               a scenario
 *       report_case("1000 waiting writers")  one case of it
 *         report_add(figure, samples)          a line: median, smallest, largest, the bar
 *
 * What other programs took of the processors is told with each case. On a machine that is not
 * quiet the log and the bare loop wait for a core as much as for the disk; such figures are shown,
 * but whether they meet a bar is left open.
 *
 * Owner: one thread. */
#ifndef TOOLS_BENCH_REPORT_H
#define TOOLS_BENCH_REPORT_H

#include "base/check.h"
#include "base/err.h"
#include "tools/bench/measure/samples.h"

struct machine;
struct report;

/* What a figure should be, at its median. */
enum bar {
    BAR_NONE,
    BAR_AT_MOST,
    BAR_AT_LEAST,
};

struct figure {
    const char *name; /* both are literals */
    const char *unit;
    enum bar bar;
    double limit; /* of the bar */
};

/* `command` is the line that a person types to get the same. Both are borrowed as long as
 * the report lives. */
struct report *report_new(const struct machine *m, const char *command);
void report_free(struct report *r);

/* Prints what stands above all tables: the machine and the command. */
void report_print_head(const struct report *r);

/* The figures from now on belong to this scenario. Both texts are literals. */
void report_begin(struct report *r, const char *scenario, const char *what);

/* The figures from now on belong to this case of the scenario, which has just been measured:
 * since the case before, or the begin, the machine was looked at. When other programs kept it
 * busy, bars are not judged. */
void report_case(struct report *r, const char *format, ...) PRINTF_LIKE(2, 3);

/* Takes a figure in and prints its line. */
void report_add(struct report *r, const struct figure *f, const struct samples *s);

/* The same for a figure without a bar. */
void report_say(struct report *r, const char *name, const char *unit, const struct samples *s);

/* Prints a remark under the last figure. */
void report_remark(struct report *r, const char *format, ...) PRINTF_LIKE(2, 3);

/* Prints how many bars were met. */
void report_print_foot(const struct report *r);

/* Writes everything to a file as JSON, replacing it. Errors: those of the disk, with a
 * note. */
MUST_USE int report_save(const struct report *r, const char *path, struct err_note *note);

#endif
