/* Filters of streams; see stream_filter.h. */
#include "queue/stream_filter.h"

#include <string.h>

#include "base/mem.h"
#include "base/zoo.h"
#include "msg/props.h"

struct texts {
    size_t count;
    struct bytes *items; /* NULL: nothing is asked */
    uint8_t *bytes;
};

struct stream_filter {
    struct texts values;
    struct texts patterns;
    bool takes_unfiltered;
};

/* ---- made ---- */

static void add_text(struct texts *t, size_t *used, const struct field *f)
{
    struct bytes text = {NULL, 0};
    bool is_text = field_as_text(f, &text);

    ASSERT(is_text); /* stream_want_read() has looked */
    if (text.size > 0)
        memcpy(t->bytes + *used, text.data, text.size);
    t->items[t->count++] = bytes_of(t->bytes + *used, text.size);
    *used += text.size;
}

static struct texts texts_new(const struct stream_texts *from)
{
    struct texts t = {.count = 0};
    struct array array;
    struct array_walk w;
    struct field f;
    size_t used = 0;

    if (!from->is_there)
        return t;
    bool is_array = field_as_array(&from->field, &array);
    size_t count = is_array ? array_count(array) : 1;
    t.items = MEM_NEW_ARRAY(struct bytes, count > 0 ? count : 1);
    t.bytes = (uint8_t *)mem_alloc(from->field.bytes.size + 1);
    if (!is_array) {
        add_text(&t, &used, &from->field);
        return t;
    }
    w = array_walk(array);
    while (array_next(&w, &f))
        add_text(&t, &used, &f);
    return t;
}

static void texts_release(struct texts *t)
{
    mem_free(t->items);
    mem_free(t->bytes);
}

struct stream_filter *stream_filter_new(const struct stream_want *want)
{
    struct stream_filter *f;

    if (!want->values.is_there && !want->patterns.is_there)
        return NULL;
    f = MEM_NEW(struct stream_filter);
    f->values = texts_new(&want->values);
    f->patterns = texts_new(&want->patterns);
    f->takes_unfiltered = want->takes_unfiltered;
    return f;
}

void stream_filter_free(struct stream_filter *f)
{
    if (f == NULL)
        return;
    texts_release(&f->values);
    texts_release(&f->patterns);
    mem_free(f);
}

/* ---- patterns ---- */

/* The first word, and what is behind its dot. */
static struct bytes first_word(struct bytes key, struct bytes *rest)
{
    const uint8_t *dot = key.size > 0 ? (const uint8_t *)memchr(key.data, '.', key.size) : NULL;
    size_t size = dot == NULL ? key.size : (size_t)(dot - key.data);

    *rest = dot == NULL ? bytes_of(NULL, 0) : bytes_of(dot + 1, key.size - size - 1);
    return bytes_of(key.data, size);
}

/* A place in a text of words. An empty text has no word; what is behind a last dot is one. */
struct words {
    struct bytes rest;
    bool is_done;
};

static struct words words_of(struct bytes text)
{
    return (struct words){text, text.size == 0};
}

static struct bytes next_word(struct words *w)
{
    struct bytes rest;
    struct bytes word = first_word(w->rest, &rest);

    w->is_done = word.size == w->rest.size;
    w->rest = rest;
    return word;
}

static bool take_hash(struct words *p)
{
    struct words next = *p;

    if (p->is_done || !bytes_equal(next_word(&next), bytes_text("#")))
        return false;
    *p = next;
    return true;
}

/* The next word of the pattern fits that of the key: both go on. */
static bool take_word(struct words *p, struct words *k)
{
    struct words p_next = *p, k_next = *k;

    if (p->is_done || k->is_done)
        return false;
    struct bytes word = next_word(&p_next), other = next_word(&k_next);
    if (!bytes_equal(word, bytes_text("*")) && !bytes_equal(word, other))
        return false;
    *p = p_next;
    *k = k_next;
    return true;
}

/* Goes back to the last '#' only, which is enough: what an earlier one could take more, the last
 * one can take too. */
bool topic_pattern_fits(struct bytes pattern, struct bytes key)
{
    struct words p = words_of(pattern), k = words_of(key);
    struct words p_back = p, k_back = k;
    bool has_hash = false;

    while (!k.is_done || !p.is_done) {
        if (take_hash(&p)) {
            p_back = p;
            k_back = k;
            has_hash = true;
            continue;
        }
        if (take_word(&p, &k))
            continue;
        if (!has_hash || k_back.is_done)
            return false;
        (void)next_word(&k_back); /* the '#' takes one more */
        k = k_back;
        p = p_back;
    }
    return true;
}

/* ---- asked ---- */

static bool has_value(const struct stream_filter *f, const struct stored *m)
{
    struct bytes value;
    struct table headers;
    struct props props;
    struct field field;

    if (props_decode(m->props, &props) != 0 || !props_find_headers(&props, &headers) ||
        !table_find(headers, bytes_text("x-stream-filter-value"), &field) ||
        !field_as_text(&field, &value))
        return f->takes_unfiltered && !ZOO(FILTER_TOO_NARROW);
    for (size_t i = 0; i < f->values.count; i++)
        if (bytes_equal(f->values.items[i], value) || (ZOO(FILTER_TOO_WIDE) && value.size > 0))
            return true;
    return false;
}

bool stream_filter_takes(const struct stream_filter *f, const struct stored *m)
{
    bool is_wanted = f->patterns.items == NULL;

    for (size_t i = 0; i < f->patterns.count && !is_wanted; i++)
        is_wanted = topic_pattern_fits(f->patterns.items[i], m->routing_key);
    return is_wanted && (f->values.items == NULL || has_value(f, m));
}
