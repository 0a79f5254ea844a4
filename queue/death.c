/* Writes the headers of a dead message anew: old deaths are copied, the new one goes in front. */
#include "queue/death.h"

#include "base/units.h"
#include "msg/table_writer.h"

/* A message with more than that in its headers does not come from a client: frames are smaller. */
enum { PAPERS_SIZE_MAX = 64 << 20 };

static const char *const death_names[] = {"rejected", "expired", "maxlen", "delivery_limit"};

const char *death_name(enum death reason)
{
    ASSERT(reason < ARRAY_SIZE(death_names));
    return death_names[reason];
}

void death_papers_init(struct death_papers *p)
{
    buf_init(&p->deaths, PAPERS_SIZE_MAX);
    buf_init(&p->headers, PAPERS_SIZE_MAX);
    buf_init(&p->props, PAPERS_SIZE_MAX);
}

void death_papers_release(struct death_papers *p)
{
    buf_release(&p->deaths);
    buf_release(&p->headers);
    buf_release(&p->props);
}

/* The text under the name, or none. */
static struct bytes text_of(struct table t, const char *name)
{
    struct field f;
    struct bytes text = {NULL, 0};

    if (table_find(t, bytes_text(name), &f))
        (void)field_as_text(&f, &text);
    return text;
}

static bool is_death_of(struct table death, struct bytes queue, const char *reason)
{
    return bytes_equal(text_of(death, "queue"), queue) &&
           bytes_equal(text_of(death, "reason"), bytes_text(reason));
}

/* The deaths so far; false when there are none. */
static bool find_deaths(struct table headers, struct array *out)
{
    struct field f;

    return table_find(headers, bytes_text("x-death"), &f) && field_as_array(&f, out);
}

/* The entry of this queue and reason among the deaths so far. */
static bool find_death(struct array deaths, const struct death_paper *d, struct table *out)
{
    struct array_walk w = array_walk(deaths);
    struct field f;

    while (array_next(&w, &f)) {
        if (field_as_table(&f, out) && is_death_of(*out, d->queue, death_name(d->reason)))
            return true;
    }
    return false;
}

/* A death that happened before: the count rises, the rest stays. */
static void write_again(struct table_writer *w, struct table death)
{
    struct table_walk walk = table_walk(death);
    struct table_entry e;

    table_writer_begin_table(w, NULL);
    while (table_next(&walk, &e)) {
        int64_t count = 0;

        if (!bytes_equal(e.name, bytes_text("count")) || !field_as_integer(&e.value, &count))
            table_writer_field(w, e.name, &e.value);
        else
            table_writer_long(w, "count", count < INT64_MAX ? count + 1 : count);
    }
    table_writer_end(w);
}

/* The routing key and those of CC. BCC left when the message was published. */
static void write_keys(struct table_writer *w, const struct message *m, struct table headers)
{
    struct field f;
    struct array cc;

    table_writer_begin_array(w, "routing-keys");
    table_writer_text(w, NULL, m->routing_key);
    if (table_find(headers, bytes_text("CC"), &f) && field_as_array(&f, &cc)) {
        struct array_walk walk = array_walk(cc);
        struct bytes key;

        while (array_next(&walk, &f)) {
            if (field_as_text(&f, &key))
                table_writer_text(w, NULL, key);
        }
    }
    table_writer_end(w);
}

static void write_first(struct table_writer *w, const struct message *m, struct table headers,
                        const struct death_paper *d)
{
    struct bytes expiration;

    table_writer_begin_table(w, NULL);
    if (props_find_text(&m->props, PROP_EXPIRATION, &expiration))
        table_writer_text(w, "original-expiration", expiration);
    table_writer_long(w, "count", 1);
    table_writer_text(w, "reason", bytes_text(death_name(d->reason)));
    table_writer_text(w, "queue", d->queue);
    table_writer_time(w, "time", (uint64_t)d->time_ms / SECOND_MS);
    table_writer_text(w, "exchange", m->exchange);
    write_keys(w, m, headers);
    table_writer_end(w);
}

/* The entries that change, as a table: x-death, x-first-death-..., x-last-death-... */
static int write_deaths(struct buf *out, const struct message *m, struct table headers,
                        const struct death_paper *d)
{
    struct table_writer w;
    struct array deaths = {{NULL, 0}};
    struct table again, set;
    struct field f;
    bool has_first = table_find(headers, bytes_text("x-first-death-reason"), &f);
    bool has_deaths = find_deaths(headers, &deaths);

    table_writer_init(&w, out);
    table_writer_begin_array(&w, "x-death");
    if (has_deaths && find_death(deaths, d, &again))
        write_again(&w, again);
    else
        write_first(&w, m, headers, d);
    if (has_deaths) {
        struct array_walk walk = array_walk(deaths);
        struct table death;

        while (array_next(&walk, &f)) {
            if (!field_as_table(&f, &death) || !is_death_of(death, d->queue, death_name(d->reason)))
                table_writer_field(&w, bytes_of(NULL, 0), &f);
        }
    }
    table_writer_end(&w);
    if (!has_first) {
        table_writer_text(&w, "x-first-death-reason", bytes_text(death_name(d->reason)));
        table_writer_text(&w, "x-first-death-queue", d->queue);
        table_writer_text(&w, "x-first-death-exchange", m->exchange);
    }
    table_writer_text(&w, "x-last-death-reason", bytes_text(death_name(d->reason)));
    table_writer_text(&w, "x-last-death-queue", d->queue);
    table_writer_text(&w, "x-last-death-exchange", m->exchange);
    return table_writer_finish(&w, &set);
}

int death_write(struct death_papers *p, const struct message *m, const struct death_paper *d)
{
    struct bytes cc = bytes_text("CC");
    struct table headers = {{NULL, 0}};
    struct table checked;
    struct props_edit edit;

    buf_clear(&p->deaths);
    buf_clear(&p->headers);
    buf_clear(&p->props);
    (void)props_find_headers(&m->props, &headers);
    int rv = write_deaths(&p->deaths, m, headers, d);
    if (rv != 0)
        return rv;
    table_rewrite(headers, (struct table){buf_view(&p->deaths)}, &cc, d->is_rerouted ? 1 : 0,
                  &p->headers);
    rv = buf_error(&p->headers) != 0 ? ERR_RANGE : table_decode(buf_view(&p->headers), &checked);
    if (rv != 0)
        return ERR_RANGE;
    props_edit_init(&edit, &m->props);
    props_set_headers(&edit, checked);
    props_remove(&edit, PROP_EXPIRATION);
    props_encode(&edit, &p->props);
    if (buf_error(&p->props) != 0)
        return ERR_RANGE;
    return props_decode(buf_view(&p->props), &p->decoded);
}

bool death_is_cycle(const struct death_papers *p, struct bytes queue)
{
    struct table headers;
    struct array deaths;
    struct field f;
    struct table death;

    if (!props_find_headers(&p->decoded, &headers) || !find_deaths(headers, &deaths))
        return false;
    struct array_walk w = array_walk(deaths);
    while (array_next(&w, &f)) {
        if (!field_as_table(&f, &death))
            continue;
        if (bytes_equal(text_of(death, "reason"), bytes_text(death_name(DEATH_REJECTED))))
            return false;
        if (bytes_equal(text_of(death, "queue"), queue))
            return true;
    }
    return false;
}
