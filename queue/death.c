/* Writes the headers of a dead message anew: old deaths are copied, the new one goes in front. */
#include "queue/death.h"

#include "base/units.h"
#include "msg/slip.h"
#include "msg/table_writer.h"

/* A message with more than that in its headers does not come from a client: frames are smaller. */
enum { PAPERS_SIZE_MAX = 64 << 20 };

/* Entries of one queue and reason are put together while there are no more than that: looking for
 * them takes time by the square. */
enum { GROUPED_MAX = 256 };

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
    buf_init(&p->slip, SLIP_MAX);
    p->own = 0;
}

void death_papers_release(struct death_papers *p)
{
    buf_release(&p->deaths);
    buf_release(&p->headers);
    buf_release(&p->props);
    buf_release(&p->slip);
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

static bool is_death_of(struct table death, struct bytes queue, struct bytes reason)
{
    return bytes_equal(text_of(death, "queue"), queue) &&
           bytes_equal(text_of(death, "reason"), reason);
}

/* The deaths so far; false when there are none. */
static bool find_deaths(struct table headers, struct array *out)
{
    struct field f;

    return table_find(headers, bytes_text("x-death"), &f) && field_as_array(&f, out);
}

static bool is_same_death(struct table a, struct table b)
{
    return is_death_of(a, text_of(b, "queue"), text_of(b, "reason"));
}

/* Entries that are one death. */
struct group {
    struct table first;
    size_t at;    /* its index */
    size_t count; /* of entries */
};

/* All entries of the same queue and reason as `death`. False: there are none. */
static bool find_group(struct array deaths, struct table death, struct group *out)
{
    struct array_walk w = array_walk(deaths);
    struct field f;
    struct table t;

    *out = (struct group){.count = 0};
    for (size_t i = 0; array_next(&w, &f); i++) {
        if (!field_as_table(&f, &t) || !is_same_death(t, death))
            continue;
        if (out->count++ == 0) {
            out->first = t;
            out->at = i;
        }
    }
    return out->count > 0;
}

/* A death that happened before: its count rises, the rest stays. Without a count, as old brokers
 * and strange clients write it, it happened as often as there are entries. */
static void write_again(struct table_writer *w, const struct group *g, int64_t more)
{
    struct table_walk walk = table_walk(g->first);
    struct table_entry e;
    struct field f;
    int64_t count = 0;
    bool has_count = table_find(g->first, bytes_text("count"), &f) && field_as_integer(&f, &count);

    table_writer_begin_table(w, NULL);
    if (!has_count)
        table_writer_long(w, "count", (int64_t)g->count + more);
    while (table_next(&walk, &e)) {
        bool is_count = bytes_equal(e.name, bytes_text("count"));

        if (!is_count)
            table_writer_field(w, e.name, &e.value);
        else if (has_count)
            table_writer_long(w, "count", count < INT64_MAX ? count + more : count);
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

/* The deaths so far but `again`; those of one queue and reason are one. */
static void write_others(struct table_writer *w, struct array deaths, const struct group *again)
{
    bool is_grouped = array_count(deaths) <= GROUPED_MAX;
    struct array_walk walk = array_walk(deaths);
    struct group g;
    struct field f;
    struct table t;

    for (size_t i = 0; array_next(&walk, &f); i++) {
        if (!field_as_table(&f, &t)) {
            table_writer_field(w, bytes_of(NULL, 0), &f);
            continue;
        }
        if (again->count > 0 && is_same_death(t, again->first))
            continue;
        g = (struct group){t, i, 1};
        if (is_grouped)
            (void)find_group(deaths, t, &g);
        if (g.at == i)
            write_again(w, &g, 0);
    }
}

/* Finds what this death is the next one of. */
static void find_again(struct array deaths, const struct death_paper *d, struct group *out)
{
    struct array_walk w = array_walk(deaths);
    struct field f;
    struct table t;

    *out = (struct group){.count = 0};
    while (out->count == 0 && array_next(&w, &f)) {
        if (field_as_table(&f, &t) && is_death_of(t, d->queue, bytes_text(death_name(d->reason))))
            (void)find_group(deaths, t, out);
    }
}

/* The entries that change, as a table: x-death, x-first-death-..., x-last-death-... `own` is how
 * many at the front are the broker's, before and after. */
static int write_deaths(struct buf *out, const struct message *m, struct table headers,
                        const struct death_paper *d, uint8_t *own)
{
    struct table_writer w;
    struct array deaths = {{NULL, 0}};
    struct group again;
    struct table set;
    struct field f;
    bool has_first = table_find(headers, bytes_text("x-first-death-reason"), &f);

    (void)find_deaths(headers, &deaths);
    find_again(deaths, d, &again);
    table_writer_init(&w, out);
    table_writer_begin_array(&w, "x-death");
    if (again.count > 0)
        write_again(&w, &again, 1);
    else
        write_first(&w, m, headers, d);
    write_others(&w, deaths, &again);
    table_writer_end(&w);
    if ((again.count == 0 || again.at >= *own) && *own < UINT8_MAX)
        ++*own;
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
    struct slip slip = slip_read(m->slip);

    buf_clear(&p->deaths);
    buf_clear(&p->headers);
    buf_clear(&p->props);
    buf_clear(&p->slip);
    (void)props_find_headers(&m->props, &headers);
    int rv = write_deaths(&p->deaths, m, headers, d, &slip.deaths);
    if (rv != 0)
        return rv;
    p->own = slip.deaths;
    slip.has_origin = false; /* what it becomes now is no copy */
    if (d->is_rerouted)
        slip.keys = bytes_of(NULL, 0);
    slip_write(&slip, &p->slip);
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
    for (unsigned left = p->own; left > 0 && array_next(&w, &f); left--) {
        if (!field_as_table(&f, &death))
            continue;
        if (bytes_equal(text_of(death, "reason"), bytes_text(death_name(DEATH_REJECTED))))
            return false;
        if (bytes_equal(text_of(death, "queue"), queue))
            return true;
    }
    return false;
}
