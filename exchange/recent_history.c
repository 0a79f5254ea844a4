/* x-recent-history: a fanout that keeps its last messages for those who are bound later.
 *
 * What is kept are numbers that mean a message to the owner. He keeps the message when it is
 * really published (exchange_keep()), and looks at what is kept when he made a new binding
 * (exchange_kept()). */
#include "base/mem.h"
#include "exchange/row.h"

enum { HISTORY_DEFAULT = 20, HISTORY_CAPACITY_MIN = 16 };

struct history_state {
    struct row row;
    uint64_t *messages; /* a ring */
    size_t capacity;
    size_t first; /* the oldest */
    size_t count;
    size_t limit;
};

static int read_length(struct table arguments, uint32_t most, size_t *out, struct err_note *note)
{
    struct field f;
    int64_t length = HISTORY_DEFAULT;

    if (table_find(arguments, bytes_text("x-recent-history-length"), &f) &&
        (!field_as_integer(&f, &length) || length <= 0))
        return err_note(note, ERR_INVALID,
                        "Invalid argument, 'x-recent-history-length' must be a positive integer");
    if ((uint64_t)length > most)
        return err_note(note, ERR_INVALID,
                        "Invalid argument, 'x-recent-history-length' must not be greater than %u",
                        most);
    *out = (size_t)length;
    return 0;
}

static int history_check_arguments(const struct exchange_options *o, struct table arguments,
                                   struct err_note *note)
{
    size_t limit = 0;

    return read_length(arguments, o->history_max, &limit, note);
}

static void history_open(struct exchange *x)
{
    struct history_state *s = MEM_NEW(struct history_state);
    int rv = read_length((struct table){x->arguments}, UINT32_MAX, &s->limit, NULL);

    ASSERT(rv == 0); /* it was checked */
    x->state = s;
}

/* Lets the oldest message go. */
static void let_go(struct exchange *x)
{
    struct history_state *s = (struct history_state *)x->state;
    const struct exchange_calls *calls = &x->table->options.calls;
    uint64_t message = s->messages[s->first];

    ASSERT(s->count > 0);
    s->first = (s->first + 1) % s->capacity;
    s->count--;
    if (calls->on_let_go != NULL)
        calls->on_let_go(calls->owner, message);
}

static void history_close(struct exchange *x)
{
    struct history_state *s = (struct history_state *)x->state;

    while (s->count > 0)
        let_go(x);
    row_release(&s->row);
    mem_free(s->messages);
    mem_free(s);
}

static void history_bind(struct exchange *x, struct binding *b)
{
    row_add(&((struct history_state *)x->state)->row, b);
}

static void history_unbind(struct exchange *x, struct binding *b)
{
    row_remove(&((struct history_state *)x->state)->row, b);
}

/* Whether the publisher asked for it not to be kept. */
static bool is_no_store(const struct props *p)
{
    struct table headers;
    struct field f;
    bool is_set = false;

    return p != NULL && props_find_headers(p, &headers) &&
           table_find(headers, bytes_text("x-recent-history-no-store"), &f) &&
           field_as_bool(&f, &is_set) && is_set;
}

static void history_route(struct exchange *x, struct walk *w)
{
    row_hit(&((const struct history_state *)x->state)->row, w);
    if (!is_no_store(w->view->props))
        walk_keep(w, x);
}

/* Doubles the ring, the oldest message first again. */
static void grow(struct history_state *s)
{
    size_t capacity = s->capacity == 0 ? HISTORY_CAPACITY_MIN : 2 * s->capacity;
    uint64_t *messages = MEM_NEW_ARRAY(uint64_t, capacity);

    for (size_t i = 0; i < s->count; i++)
        messages[i] = s->messages[(s->first + i) % s->capacity];
    mem_free(s->messages);
    s->messages = messages;
    s->capacity = capacity;
    s->first = 0;
}

void exchange_keep(struct exchange_table *t, struct exchange *x, uint64_t message)
{
    struct history_state *s = (struct history_state *)x->state;

    ASSERT(x->table == t && x->kind == &recent_history_kind);
    if (s->count == s->limit)
        let_go(x);
    if (s->count == s->capacity)
        grow(s);
    s->messages[(s->first + s->count++) % s->capacity] = message;
}

bool exchange_kept(const struct exchange *x, size_t index, uint64_t *message)
{
    const struct history_state *s = (const struct history_state *)x->state;

    if (x->kind != &recent_history_kind || index >= s->count)
        return false;
    *message = s->messages[(s->first + index) % s->capacity];
    return true;
}

static size_t history_check(const struct exchange *x)
{
    const struct history_state *s = (const struct history_state *)x->state;

    ASSERT(s->count <= s->limit && s->count <= s->capacity);
    return row_check(&s->row);
}

const struct exchange_kind recent_history_kind = {
    .name = "x-recent-history",
    .looks_at = LOOKS_AT_MESSAGE,
    .check_arguments = history_check_arguments,
    .open = history_open,
    .close = history_close,
    .bind = history_bind,
    .unbind = history_unbind,
    .route = history_route,
    .check = history_check,
};
