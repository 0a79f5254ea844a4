/* Writes the text format. */
#include "http/metrics/expose.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/utf8.h"

void expose_family(struct expose *e, const char *name, const char *type, const char *help)
{
    buf_text(e->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", e->prefix, name, help, e->prefix, name,
             type);
}

void expose_begin(struct expose *e, const char *name, const char *labels)
{
    e->has_label = labels != NULL;
    buf_text(e->out, "%s%s%s%s", e->prefix, name, labels != NULL ? "{" : "",
             labels != NULL ? labels : "");
}

static void add_character(struct buf *b, struct bytes character)
{
    uint8_t first = character.data[0];

    if (first == '\n')
        buf_text(b, "\\n");
    else if (first == '"' || first == '\\')
        buf_text(b, "\\%c", first);
    else
        buf_bytes(b, character);
}

void expose_label(struct expose *e, const char *name, struct bytes value)
{
    buf_text(e->out, "%s%s=\"", e->has_label ? "," : "{", name);
    e->has_label = true;
    while (value.size > 0) {
        size_t size = utf8_character_size(value);

        if (size == 0)
            buf_text(e->out, "\xef\xbf\xbd");
        else
            add_character(e->out, bytes_of(value.data, size));
        size += size == 0;
        value = bytes_of(value.data + size, value.size - size);
    }
    buf_text(e->out, "\"");
}

void expose_end(struct expose *e, uint64_t value)
{
    buf_text(e->out, "%s %" PRIu64 "\n", e->has_label ? "}" : "", value);
}

void expose_end_real(struct expose *e, double value)
{
    buf_text(e->out, "%s %.9g\n", e->has_label ? "}" : "", value);
}

/* How many of the recorded values are in buckets that end at the bound or below. */
static uint64_t count_up_to(const struct histogram *h, uint64_t bound)
{
    uint64_t count = 0;

    for (size_t i = 0; i < HISTOGRAM_BUCKETS && histogram_bucket_max(i) <= bound; i++)
        count += atomic_load_explicit(&h->buckets[i], memory_order_relaxed);
    return count;
}

static void begin_part(struct expose *e, const struct expose_histogram *row, const char *part)
{
    char name[128];
    int size = snprintf(name, sizeof(name), "%s_%s", row->name, part);

    ASSERT(size > 0 && size < (int)sizeof(name));
    expose_begin(e, name, row->labels);
}

void expose_histogram(struct expose *e, const struct expose_histogram *row,
                      const struct histogram *h)
{
    char bound[32];
    uint64_t count = histogram_count(h);

    for (size_t i = 0; i < row->bound_count; i++) {
        int size = snprintf(bound, sizeof(bound), "%.9g", (double)row->bounds[i] / row->scale);
        ASSERT(size > 0 && size < (int)sizeof(bound));
        begin_part(e, row, "bucket");
        expose_label(e, "le", bytes_text(bound));
        expose_end(e, count_up_to(h, row->bounds[i]));
    }
    begin_part(e, row, "bucket");
    expose_label(e, "le", bytes_text("+Inf"));
    expose_end(e, count);
    begin_part(e, row, "sum");
    expose_end_real(e, (double)histogram_sum(h) / row->scale);
    begin_part(e, row, "count");
    expose_end(e, count);
}
