/* Pieces of answers: tables, counts, lists of words, bindings. */
#include "http/api/shapes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/hash.h"
#include "http/api/past.h"

/* ---- tables ---- */

static void tell_field(struct tell *t, const char *name, const struct field *f);

void tell_entries(struct tell *t, struct table table)
{
    struct table_walk w = table_walk(table);
    struct table_entry e;

    while (table_next(&w, &e)) {
        tell_name(t, e.name);
        tell_field(t, NULL, &e.value);
    }
}

void tell_table(struct tell *t, const char *name, struct table table)
{
    tell_object(t, name);
    tell_entries(t, table);
    tell_end(t);
}

static void tell_field_array(struct tell *t, const char *name, struct array array)
{
    struct array_walk w = array_walk(array);
    struct field f;

    tell_array(t, name);
    while (array_next(&w, &f))
        tell_field(t, NULL, &f);
    tell_end(t);
}

static void tell_decimal(struct tell *t, const char *name, const struct field *f)
{
    uint8_t scale = 0;
    uint32_t value = 0;
    double number;

    (void)field_as_decimal(f, &scale, &value);
    number = value;
    for (unsigned i = 0; i < scale && number != 0; i++)
        number /= 10;
    tell_real(t, name, number);
}

/* Tables nest at most TABLE_DEPTH_MAX deep, so this may come back to itself (T2). */
static void tell_field(struct tell *t, const char *name, const struct field *f)
{
    struct table table;
    struct array array;
    struct bytes text;
    int64_t integer = 0;
    uint64_t time_s = 0;
    double real = 0;
    bool is_true = false;

    if (field_as_integer(f, &integer))
        tell_int(t, name, integer);
    else if (field_as_text(f, &text) || field_as_binary(f, &text))
        tell_text(t, name, text);
    else if (field_as_bool(f, &is_true))
        tell_bool(t, name, is_true);
    else if (field_as_real(f, &real))
        tell_real(t, name, real);
    else if (field_as_time(f, &time_s))
        tell_uint(t, name, time_s);
    else if (field_as_table(f, &table))
        tell_table(t, name, table);
    else if (field_as_array(f, &array))
        tell_field_array(t, name, array);
    else if (f->type == FIELD_DECIMAL)
        tell_decimal(t, name, f);
    else
        tell_null(t, name);
}

/* ---- counts and words ---- */

/* The values that a sample had at the times of a range, the last one first, and what they are
 * together. */
static void tell_samples(struct tell *t, const struct past *past, const struct range *r,
                         size_t place)
{
    int64_t last = (int64_t)past_value(past, r->last_ms, place);
    int64_t first = (int64_t)past_value(past, r->first_ms, place);
    double seconds = (double)(r->last_ms - r->first_ms) / 1000;
    double sum = 0;
    size_t count = 0;

    tell_array(t, "samples");
    for (int64_t at = r->last_ms; at >= r->first_ms; at -= r->step_ms) {
        uint64_t value = past_value(past, at, place);

        tell_object(t, NULL);
        tell_uint(t, "sample", value);
        tell_int(t, "timestamp", at);
        tell_end(t);
        sum += (double)value;
        count++;
    }
    tell_end(t);
    tell_real(t, "avg", sum / (double)count);
    tell_real(t, "avg_rate", seconds > 0 ? (double)(last - first) / seconds : 0);
}

static void tell_details(struct tell *t, const char *name, struct sample *s, size_t place,
                         enum range_kind kind)
{
    const struct range *r = t->ranges == NULL ? NULL : &t->ranges->of[kind];
    char details[64];

    (void)snprintf(details, sizeof(details), "%s_details", name);
    tell_object(t, details);
    tell_real(t, "rate", s == NULL ? 0 : sample_rate(s, place));
    if (s != NULL && r != NULL && r->step_ms > 0) {
        sample_ask(s);
        if (s->past != NULL)
            tell_samples(t, s->past, r, place);
    }
    tell_end(t);
}

void tell_counted(struct tell *t, const char *name, uint64_t value, struct sample *s, size_t place)
{
    tell_uint(t, name, value);
    tell_details(t, name, s, place, RANGE_MESSAGES);
}

void tell_length(struct tell *t, const char *name, uint64_t value, struct sample *s, size_t place)
{
    tell_uint(t, name, value);
    tell_details(t, name, s, place, RANGE_LENGTHS);
}

void tell_queue_length(struct tell *t, const char *name, uint64_t value, struct sample *s,
                       size_t place)
{
    tell_uint(t, name, value);
    tell_details(t, name, s, place, RANGE_QUEUE_LENGTHS);
}

void tell_bytes(struct tell *t, const char *name, uint64_t value, struct sample *s, size_t place)
{
    tell_uint(t, name, value);
    tell_details(t, name, s, place, RANGE_BYTES);
}

void tell_node_figure(struct tell *t, const char *name, uint64_t value, struct sample *s,
                      size_t place)
{
    tell_uint(t, name, value);
    tell_details(t, name, s, place, RANGE_NODE);
}

void tell_idle(struct tell *t, const struct sample *s)
{
    int64_t since_ms = sample_idle_since_ms(s);
    time_t second = (time_t)(since_ms / 1000);
    char text[40];
    char all[60];
    struct tm utc;

    if (since_ms <= 0 || gmtime_r(&second, &utc) == NULL ||
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc) == 0)
        return;
    (void)snprintf(all, sizeof(all), "%s.%03d+00:00", text, (int)(since_ms % 1000));
    tell_string(t, "idle_since", all);
}

void tell_text_or_null(struct tell *t, const char *name, struct bytes value)
{
    if (value.size == 0)
        tell_null(t, name);
    else
        tell_text(t, name, value);
}

void tell_words(struct tell *t, const char *name, struct bytes list)
{
    tell_array(t, name);
    while (list.size > 0) {
        const uint8_t *comma = memchr(list.data, ',', list.size);
        struct bytes word =
            bytes_of(list.data, comma == NULL ? list.size : (size_t)(comma - list.data));
        size_t taken = word.size + (comma != NULL);

        if (word.size > 0)
            tell_text(t, NULL, word);
        list = bytes_of(list.data + taken, list.size - taken);
    }
    tell_end(t);
}

/* ---- bindings ---- */

static bool is_plain(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' ||
           c == '-' || c == '_' || c == '*';
}

struct bytes binding_key(const struct look_binding *b, char *out)
{
    bool has_arguments = b->arguments.bytes.size > 0;
    size_t size = 0;

    for (size_t i = 0; i < b->key.size && size + 3 < SHAPES_KEY_SIZE - 20; i++) {
        uint8_t c = b->key.data[i];

        if (is_plain(c))
            out[size++] = (char)c;
        else if (c == ' ')
            out[size++] = '+';
        else
            size += (size_t)snprintf(out + size, SHAPES_KEY_SIZE - size, "%%%02X", c);
    }
    if (has_arguments)
        size += (size_t)snprintf(out + size, SHAPES_KEY_SIZE - size, "~%016" PRIx64,
                                 hash64(b->arguments.bytes, 0));
    else if (b->key.size == 0)
        size += (size_t)snprintf(out + size, SHAPES_KEY_SIZE - size, "~");
    return bytes_of(out, size);
}

void tell_binding(struct tell *t, const struct look_binding *b)
{
    char key[SHAPES_KEY_SIZE];

    tell_object(t, NULL);
    tell_text(t, "source", b->source);
    tell_text(t, "vhost", b->vhost);
    tell_text(t, "destination", b->destination);
    tell_string(t, "destination_type", b->is_to_exchange ? "exchange" : "queue");
    tell_text(t, "routing_key", b->key);
    tell_table(t, "arguments", b->arguments);
    tell_text(t, "properties_key", binding_key(b, key));
    tell_end(t);
}
