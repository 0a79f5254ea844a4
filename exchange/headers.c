/* headers: a message goes to what its headers match.
 *
 * Most bindings ask for values, so bindings wait under the hash of a value that they ask for:
 *
 *     hash of (name, value)  --> demand, demand, ...     one of each "all" binding,
 *     hash of (name)         --> demand, demand, ...     every one of an "any" binding
 *     nothing asked for      --> demand, ...             an "all" binding that matches always
 *
 * and a message looks only at those under its own headers. An "all" binding chooses the demand
 * with the shortest row to wait under, so that what many ask for in common is not looked at for
 * each of them. A demand under the hash is a candidate; values then decide (field_equal()). */
#include "base/hash.h"
#include "base/mem.h"
#include "exchange/arguments.h"
#include "exchange/row.h"

/* Bindings that wait under one hash. */
struct waiting {
    uint64_t hash;
    struct list demands;
    size_t count;
};

/* One pair of name and value that a binding asks for. */
struct demand {
    struct list_link link;   /* in the row under which it waits, if it does */
    struct waiting *waiting; /* NULL: it does not */
    struct match *match;
    struct bytes name; /* borrowed from the binding, as is the value */
    struct field value;
    uint64_t name_hash;
    uint64_t hash;
};

/* What a binding asks for. */
struct match {
    struct binding *binding;
    bool is_any;
    size_t count;
    struct demand demands[];
};

struct headers_state {
    struct map waiting;    /* by hash */
    struct waiting always; /* "all" of nothing; their demand is not a demand */
    size_t void_count;     /* demands that wait under a name alone */
    size_t match_count;
    uint64_t seed;
};

struct match_mode {
    const char *text;
    bool is_any;
    bool with_x;
};

static const struct match_mode modes[] = {
    {"all", false, false},
    {"any", true, false},
    {"all-with-x", false, true},
    {"any-with-x", true, true},
};

/* The mode of a binding; NULL when there is no such mode. */
static const struct match_mode *mode_find(struct bytes text)
{
    for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
        if (bytes_equal(text, bytes_text(modes[i].text)))
            return &modes[i];
    }
    return NULL;
}

static int headers_check_binding(const struct exchange_options *o, const struct binding_spec *spec,
                                 struct err_note *note)
{
    struct field f;
    struct bytes text;
    int64_t integer = 0;

    (void)o;
    if (!table_find(spec->arguments, bytes_text("x-match"), &f))
        return 0;
    if (field_as_text(&f, &text)) {
        if (mode_find(text) != NULL)
            return 0;
        return err_note(note, ERR_INVALID,
                        "Invalid x-match field value <<\"%.*s\">>; expected all, any, all-with-x, "
                        "or any-with-x",
                        (int)text.size, (const char *)text.data);
    }
    if (field_as_integer(&f, &integer))
        return err_note(note, ERR_INVALID,
                        "Invalid x-match field type %s (value %lld); expected longstr",
                        field_type_name(&f), (long long)integer);
    return err_note(note, ERR_INVALID, "Invalid x-match field type %s; expected longstr",
                    field_type_name(&f));
}

/* Whether the argument is one that headers are compared with. */
static bool is_demand(const struct match_mode *mode, struct bytes name)
{
    if (mode->with_x)
        return !bytes_equal(name, bytes_text("x-match"));
    return name.size < 2 || memcmp(name.data, "x-", 2) != 0;
}

static uint64_t hash_of(uint64_t name_hash, const struct field *value, uint64_t seed)
{
    uint64_t parts[2] = {name_hash, 0};

    if (value->type == FIELD_VOID)
        return name_hash;
    parts[1] = field_hash(value, seed);
    return hash64(bytes_of(parts, sizeof(parts)), seed);
}

static struct match *match_new(const struct headers_state *s, struct binding *b)
{
    struct field f;
    struct bytes text = bytes_text("all");
    struct table_walk w = table_walk(b->arguments);
    struct table_entry e;
    struct match *m = (struct match *)mem_zero(1, sizeof(*m) + (table_count(b->arguments) + 1) *
                                                                   sizeof(m->demands[0]));

    if (table_find(b->arguments, bytes_text("x-match"), &f))
        (void)field_as_text(&f, &text);

    const struct match_mode *mode = mode_find(text);

    ASSERT(mode != NULL); /* it was checked */
    m->binding = b;
    m->is_any = mode->is_any;
    m->demands[0].match = m;
    while (table_next(&w, &e)) {
        struct demand *d = &m->demands[m->count];

        if (!is_demand(mode, e.name))
            continue;
        d->match = m;
        d->name = e.name;
        d->value = e.value;
        d->name_hash = hash64(e.name, s->seed);
        d->hash = hash_of(d->name_hash, &e.value, s->seed);
        m->count++;
    }
    return m;
}

static void wait_in(struct headers_state *s, struct demand *d, struct waiting *row)
{
    d->waiting = row;
    list_push(&row->demands, &d->link);
    row->count++;
    s->void_count += row != &s->always && d->value.type == FIELD_VOID;
}

static void wait_for(struct headers_state *s, struct demand *d)
{
    struct waiting *row = (struct waiting *)map_find(&s->waiting, d->hash);

    if (row == NULL) {
        row = MEM_NEW(struct waiting);
        row->hash = d->hash;
        list_init(&row->demands);
        map_put(&s->waiting, d->hash, row);
    }
    wait_in(s, d, row);
}

static void wait_no_more(struct headers_state *s, struct demand *d)
{
    struct waiting *row = d->waiting;

    if (row == NULL)
        return;
    list_remove(&d->link);
    row->count--;
    s->void_count -= row != &s->always && d->value.type == FIELD_VOID;
    if (row->count > 0 || row == &s->always)
        return;
    map_remove(&s->waiting, row->hash);
    mem_free(row);
}

static size_t row_size(const struct headers_state *s, const struct demand *d)
{
    const struct waiting *row = (const struct waiting *)map_find(&s->waiting, d->hash);

    return row == NULL ? 0 : row->count;
}

static void headers_bind(struct exchange *x, struct binding *b)
{
    struct headers_state *s = (struct headers_state *)x->state;
    struct match *m = match_new(s, b);
    struct demand *least = &m->demands[0];

    b->place = m;
    s->match_count++;
    for (size_t i = 0; i < m->count; i++) {
        if (m->is_any)
            wait_for(s, &m->demands[i]);
        else if (row_size(s, &m->demands[i]) < row_size(s, least))
            least = &m->demands[i];
    }
    if (m->is_any)
        return; /* without demands it never matches */
    if (m->count > 0)
        wait_for(s, least);
    else
        wait_in(s, least, &s->always);
}

static void headers_unbind(struct exchange *x, struct binding *b)
{
    struct headers_state *s = (struct headers_state *)x->state;
    struct match *m = (struct match *)b->place;

    ASSERT(m->binding == b && s->match_count > 0);
    for (size_t i = 0; i < m->count || i == 0; i++)
        wait_no_more(s, &m->demands[i]);
    s->match_count--;
    mem_free(m);
}

static bool is_met(const struct demand *d, const struct headers_read *headers)
{
    const struct field *value = headers_find(headers, d->name, d->name_hash);

    if (value == NULL)
        return false;
    return d->value.type == FIELD_VOID || field_equal(&d->value, value);
}

static bool is_match(const struct match *m, const struct demand *candidate,
                     const struct headers_read *headers)
{
    if (m->is_any)
        return is_met(candidate, headers);
    for (size_t i = 0; i < m->count; i++) {
        if (!is_met(&m->demands[i], headers))
            return false;
    }
    return true;
}

static void look_under(const struct headers_state *s, uint64_t hash,
                       const struct headers_read *headers, struct walk *w)
{
    const struct waiting *row = (const struct waiting *)map_find(&s->waiting, hash);

    if (row == NULL)
        return;
    LIST_FOREACH (link, &row->demands) {
        const struct demand *d = CONTAINER_OF(link, struct demand, link);
        if (is_match(d->match, d, headers))
            walk_hit(w, d->match->binding->target);
    }
}

static void headers_route(struct exchange *x, struct walk *w)
{
    const struct headers_state *s = (const struct headers_state *)x->state;
    const struct headers_read *headers = walk_headers(w);

    LIST_FOREACH (link, &s->always.demands)
        walk_hit(w, CONTAINER_OF(link, struct demand, link)->match->binding->target);
    for (size_t i = 0; i < headers->used && map_count(&s->waiting) > 0; i++) {
        const struct header *h = &headers->slots[i];

        if (h->name.data == NULL)
            continue;
        if (s->void_count > 0)
            look_under(s, h->name_hash, headers, w);
        if (h->value.type != FIELD_VOID)
            look_under(s, hash_of(h->name_hash, &h->value, s->seed), headers, w);
    }
}

static void headers_open(struct exchange *x)
{
    struct headers_state *s = MEM_NEW(struct headers_state);

    map_init(&s->waiting);
    list_init(&s->always.demands);
    s->seed = x->table->seed;
    x->state = s;
}

static void headers_close(struct exchange *x)
{
    struct headers_state *s = (struct headers_state *)x->state;

    ASSERT(s->match_count == 0 && map_count(&s->waiting) == 0 && s->void_count == 0);
    map_release(&s->waiting);
    mem_free(s);
}

static size_t headers_check(const struct exchange *x)
{
    const struct headers_state *s = (const struct headers_state *)x->state;

    map_check(&s->waiting);
    MAP_FOREACH (walk, &s->waiting) {
        const struct waiting *row = (const struct waiting *)walk.value;
        size_t count = 0;

        LIST_FOREACH (link, &row->demands) {
            ASSERT(CONTAINER_OF(link, struct demand, link)->hash == row->hash);
            count++;
        }
        ASSERT(count == row->count && count > 0);
    }
    return s->match_count;
}

const struct exchange_kind headers_kind = {
    .name = "headers",
    .looks_at = LOOKS_AT_MESSAGE,
    .check_binding = headers_check_binding,
    .open = headers_open,
    .close = headers_close,
    .bind = headers_bind,
    .unbind = headers_unbind,
    .route = headers_route,
    .check = headers_check,
};
