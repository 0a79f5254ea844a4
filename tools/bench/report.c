/* Keeps the figures; prints each when it comes, and all of them as JSON in the end. */
#include "tools/bench/report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/mem.h"
#include "io/disk.h"
#include "io/real.h"
#include "tools/bench/measure/machine.h"

enum { NUMBER_SIZE = 32, CASE_SIZE = 128, LINE_SIZE = 1024, JSON_SIZE_MAX = 16 << 20 };

#define QUIET_CORES 0.3 /* the kernel's own threads, which write for us, need some of it */

/* A figure as it is kept. */
struct row {
    const char *scenario;
    char in[CASE_SIZE]; /* which case of it */
    double others;      /* cores that other programs kept busy meanwhile */
    struct figure figure;
    struct samples samples;
};

struct report {
    const struct machine *machine;
    const char *command;
    const char *scenario;
    char in[CASE_SIZE];
    double others;
    struct machine_usage since; /* the case before, or the begin */
    struct row *rows;
    size_t count;
    size_t capacity;
};

struct report *report_new(const struct machine *m, const char *command)
{
    struct report *r = MEM_NEW(struct report);

    r->machine = m;
    r->command = command;
    return r;
}

void report_free(struct report *r)
{
    if (r == NULL)
        return;
    mem_free(r->rows);
    mem_free(r);
}

enum verdict {
    VERDICT_MET,
    VERDICT_MISSED,
    VERDICT_OPEN, /* the machine was not quiet */
};

static const char *const verdict_names[] = {"met", "MISSED", "NOT JUDGED, the machine was busy"};

static enum verdict judge(const struct row *row)
{
    double median = samples_median(&row->samples);
    bool is_below = median <= row->figure.limit, is_above = median >= row->figure.limit;

    ASSERT(row->figure.bar != BAR_NONE);
    if (row->others > QUIET_CORES)
        return VERDICT_OPEN;
    return (row->figure.bar == BAR_AT_MOST ? is_below : is_above) ? VERDICT_MET : VERDICT_MISSED;
}

/* ---- the table ---- */

static PRINTF_LIKE(1, 0) void print_values(const char *format, va_list values)
{
    char text[LINE_SIZE];
    int size = vsnprintf(text, sizeof(text), format, values);

    ASSERT(size >= 0);
    (void)!real_print(text); /* nobody may be listening any more; the JSON is written anyway */
}

static PRINTF_LIKE(1, 2) void print(const char *format, ...)
{
    va_list values;

    va_start(values, format);
    print_values(format, values);
    va_end(values);
}

/* Three digits that count, more in front of the point. */
static const char *number_text(double value, char text[NUMBER_SIZE])
{
    double size = value < 0 ? -value : value;
    int decimals = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;

    (void)snprintf(text, NUMBER_SIZE, "%.*f", decimals, value);
    return text;
}

void report_print_head(const struct report *r)
{
    const struct machine *m = r->machine;

    print("command   %s\n", r->command);
    print("machine   %ld cores of %s, %" PRIu64 " MiB of memory\n", m->cores, m->processor,
          m->memory_bytes >> 20);
    print("kernel    %s\n", m->kernel);
    print("files     %s on %s at %s (%s)\n", m->file_system, m->device, m->mount, m->mount_options);
    print("build     %s\n", m->build);
}

void report_begin(struct report *r, const char *scenario, const char *what)
{
    r->scenario = scenario;
    r->in[0] = '\0';
    machine_usage(&r->since);
    print("\n%-52s %10s %10s %10s\n%s\n", scenario, "median", "min", "max", what);
}

void report_case(struct report *r, const char *format, ...)
{
    struct machine_usage used = machine_usage_since(&r->since);
    va_list values;
    int size;

    ASSERT(r->scenario != NULL);
    va_start(values, format);
    size = vsnprintf(r->in, sizeof(r->in), format, values);
    va_end(values);
    ASSERT(size >= 0);
    r->others = (double)used.others_cpu_ns / (double)used.elapsed_ns;
    machine_usage(&r->since);
    print("  %s (other programs: %.2f cores)\n", r->in, r->others);
}

static void print_row(const struct row *row)
{
    const struct figure *f = &row->figure;
    char median[NUMBER_SIZE], min[NUMBER_SIZE], max[NUMBER_SIZE], limit[NUMBER_SIZE];

    print("    %-48s %10s %10s %10s  %s", f->name,
          number_text(samples_median(&row->samples), median),
          number_text(samples_min(&row->samples), min),
          number_text(samples_max(&row->samples), max), f->unit);
    if (f->bar != BAR_NONE)
        print("  [%s %s: %s]", f->bar == BAR_AT_MOST ? "at most" : "at least",
              number_text(f->limit, limit), verdict_names[judge(row)]);
    print("\n");
}

void report_add(struct report *r, const struct figure *f, const struct samples *s)
{
    struct row *row;

    ASSERT(r->scenario != NULL && s->count > 0);
    if (r->count == r->capacity) {
        r->capacity = r->capacity > 0 ? r->capacity * 2 : 64;
        r->rows = mem_grow(r->rows, r->capacity, sizeof(r->rows[0]));
    }
    row = &r->rows[r->count++];
    *row = (struct row){
        .scenario = r->scenario,
        .others = r->others,
        .figure = *f,
        .samples = *s,
    };
    (void)snprintf(row->in, sizeof(row->in), "%s", r->in);
    print_row(row);
}

void report_say(struct report *r, const char *name, const char *unit, const struct samples *s)
{
    report_add(r, &(struct figure){.name = name, .unit = unit}, s);
}

void report_remark(struct report *r, const char *format, ...)
{
    va_list values;

    ASSERT(r->scenario != NULL);
    print("    ");
    va_start(values, format);
    print_values(format, values);
    va_end(values);
    print("\n");
}

void report_print_foot(const struct report *r)
{
    size_t counts[ARRAY_SIZE(verdict_names)] = {0};

    for (size_t i = 0; i < r->count; i++) {
        if (r->rows[i].figure.bar != BAR_NONE)
            counts[judge(&r->rows[i])]++;
    }
    print("\nbars: %zu met, %zu missed, %zu not judged\n", counts[VERDICT_MET],
          counts[VERDICT_MISSED], counts[VERDICT_OPEN]);
}

/* ---- JSON ---- */

/* A string with its quotes. */
static void put_string(struct buf *b, const char *text)
{
    buf_u8(b, '"');
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\')
            buf_u8(b, '\\');
        if (c < ' ')
            buf_text(b, "\\u%04x", c);
        else
            buf_u8(b, c);
    }
    buf_u8(b, '"');
}

static void put_member(struct buf *b, const char *name, const char *text)
{
    buf_text(b, "\"%s\": ", name);
    put_string(b, text);
    buf_text(b, ", ");
}

static const char *const verdict_values[] = {"true", "false", "null"};

static void put_row(struct buf *b, const struct row *row)
{
    const struct figure *f = &row->figure;

    buf_text(b, "    {");
    put_member(b, "scenario", row->scenario);
    put_member(b, "case", row->in);
    put_member(b, "name", f->name);
    put_member(b, "unit", f->unit);
    buf_text(b, "\"others_cores\": %.9g, ", row->others);
    buf_text(b, "\"median\": %.9g, \"min\": %.9g, ", samples_median(&row->samples),
             samples_min(&row->samples));
    buf_text(b, "\"max\": %.9g, ", samples_max(&row->samples));
    if (f->bar != BAR_NONE)
        buf_text(b, "\"%s\": %.9g, \"is_met\": %s, ",
                 f->bar == BAR_AT_MOST ? "at_most" : "at_least", f->limit,
                 verdict_values[judge(row)]);
    buf_text(b, "\"samples\": [");
    for (size_t i = 0; i < row->samples.count; i++)
        buf_text(b, "%s%.9g", i > 0 ? ", " : "", row->samples.items[i]);
    buf_text(b, "]}");
}

static void put_report(struct buf *b, const struct report *r)
{
    const struct machine *m = r->machine;

    buf_text(b, "{\n  ");
    put_member(b, "command", r->command);
    buf_text(b, "\n  \"cores\": %ld, \"memory_bytes\": %" PRIu64 ", ", m->cores, m->memory_bytes);
    put_member(b, "processor", m->processor);
    put_member(b, "kernel", m->kernel);
    buf_text(b, "\n  ");
    put_member(b, "file_system", m->file_system);
    put_member(b, "device", m->device);
    put_member(b, "mount_options", m->mount_options);
    put_member(b, "build", m->build);
    buf_text(b, "\n  \"figures\": [\n");
    for (size_t i = 0; i < r->count; i++) {
        put_row(b, &r->rows[i]);
        buf_text(b, i + 1 < r->count ? ",\n" : "\n");
    }
    buf_text(b, "  ]\n}\n");
}

/* What was there is removed first: it may have been longer. */
static int write_file(const char *path, struct bytes text)
{
    struct disk *d = real_disk();
    struct iovec part = {.iov_base = (void *)(uintptr_t)text.data, .iov_len = text.size};
    struct disk_file *f = NULL;
    int rv = disk_remove(d, path);

    if (rv == 0 || rv == ERR_NOT_FOUND)
        rv = disk_open(d, path, DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE, &f);
    if (rv == 0)
        rv = disk_write(f, &part, 1, 0);
    disk_close(f);
    return rv;
}

int report_save(const struct report *r, const char *path, struct err_note *note)
{
    struct buf b;
    int rv;

    buf_init(&b, JSON_SIZE_MAX);
    put_report(&b, r);
    rv = buf_error(&b);
    if (rv == 0)
        rv = write_file(path, buf_view(&b));
    buf_release(&b);
    return rv == 0 ? 0 : err_note(note, rv, "cannot write '%s': %s", path, err_text(rv));
}
