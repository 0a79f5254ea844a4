/* Saying what broke and how to see it again; see verdict.h. */
#include "tests/crash/verdict.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/diag.h"
#include "base/parse.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"

enum { LINES_KEPT = 24, LINE_SIZE = 400, CASE_SIZE = 400 };

static const char *program_name = "crash test";
static char case_text[CASE_SIZE];
static char settings[CASE_SIZE];
static uint64_t case_seed;
static char lines[LINES_KEPT][LINE_SIZE];
static unsigned line_count;    /* all since the last forgetting */
static unsigned trouble_count; /* warnings and errors of these */

static void keep_line(void *owner, const char *line)
{
    (void)owner;
    snprintf(lines[line_count % LINES_KEPT], LINE_SIZE, "%s", line);
    line_count++;
    if (strstr(line, " info ") == NULL)
        trouble_count++;
}

static void print_case(void)
{
    unsigned from = line_count > LINES_KEPT ? line_count - LINES_KEPT : 0;

    for (unsigned i = from; i < line_count; i++)
        fprintf(stderr, "  said: %s\n", lines[i % LINES_KEPT]);
    fprintf(stderr, "  again: %sMILLRACE_SEED=%" PRIu64 " %s %s\n", settings, case_seed, case_text,
            program_name);
}

/* The program dies here anyway, and without the case nobody could repeat it. */
/* NOLINTBEGIN(bugprone-signal-handler) */
static void on_abort(int number)
{
    signal(number, SIG_DFL);
    fprintf(stderr, "an assertion broke\n");
    print_case();
    raise(number);
}
/* NOLINTEND(bugprone-signal-handler) */

/* What the run was told and a case does not say: which cases there are hangs on it. */
static void note_settings(void)
{
    static const char *const names[] = {"MILLRACE_SIZE", "MILLRACE_CRASH_SCALE",
                                        "MILLRACE_CRASH_WHOLE"};
    size_t size = 0;

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const char *value = getenv(names[i]);

        if (value != NULL && size < sizeof(settings))
            size += (size_t)snprintf(settings + size, sizeof(settings) - size, "%s=%s ", names[i],
                                     value);
    }
}

void verdict_begin(const char *program)
{
    program_name = program;
    note_settings();
    diag_set_sink(keep_line, NULL);
    signal(SIGABRT, on_abort);
}

void verdict_case(const char *format, ...)
{
    va_list args;

    case_seed = test_seed();
    va_start(args, format);
    vsnprintf(case_text, sizeof(case_text), format, args);
    va_end(args);
}

void verdict_fail(const char *format, ...)
{
    char text[LINE_SIZE];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    fprintf(stderr, "BROKEN: %s\n", text);
    print_case();
    fail_msg("%s", text);
    abort();
}

void verdict_forget_lines(void)
{
    line_count = 0;
    trouble_count = 0;
}

unsigned verdict_line_count(void)
{
    return trouble_count;
}

bool verdict_has_line(const char *part)
{
    unsigned from = line_count > LINES_KEPT ? line_count - LINES_KEPT : 0;

    for (unsigned i = from; i < line_count; i++) {
        if (strstr(lines[i % LINES_KEPT], part) != NULL)
            return true;
    }
    return false;
}

uint64_t verdict_setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    uint64_t value = otherwise;

    if (text != NULL && parse_u64(bytes_text(text), 0, UINT64_MAX, &value) != 0)
        verdict_fail("%s='%s' is no whole number", name, text);
    return value;
}

uint64_t verdict_scale_hundredths(void)
{
    static const struct {
        const char *name;
        uint64_t hundredths;
    } sizes[] = {{"long", 1000}, {"short", 10}, {"tiny", 1}};
    const char *size = getenv("MILLRACE_SIZE");
    uint64_t scale = 100;

    for (size_t i = 0; size != NULL && i < ARRAY_SIZE(sizes); i++) {
        if (strcmp(size, sizes[i].name) == 0)
            scale = sizes[i].hundredths;
    }
    return scale * verdict_setting("MILLRACE_CRASH_SCALE", 1);
}

uint64_t verdict_stride(void)
{
    uint64_t scale = verdict_scale_hundredths();

    return scale == 0 || scale >= 100 ? 1 : 100 / scale;
}
