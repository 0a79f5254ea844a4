/* Histories in memory, and the text they are kept as. */
#include "tests/trust/history.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"

enum fact_kind { FACT_NUMBER, FACT_DIGEST, FACT_FLAG, FACT_WORD, FACT_WORDS };

static const char *const verb_texts[] = {
#define X(constant, text) text,
    VERB_LIST(X)
#undef X
};

static const struct {
    const char *text;
    enum fact_kind kind;
} fact_kinds[] = {
#define X(constant, text, kind) {text, kind},
    FACT_LIST(X)
#undef X
};

static const char first_line[] = "trust-history 1";

void history_init(struct history *h)
{
    memset(h, 0, sizeof(*h));
    names_init(&h->numbers, 1);
}

void history_release(struct history *h)
{
    names_release(&h->numbers);
    mem_free((void *)h->words);
    mem_free(h->events);
}

struct event *history_add(struct history *h, uint64_t at_ms, enum verb verb)
{
    struct event *e;

    if (h->count == h->capacity) {
        h->capacity = h->capacity > 0 ? h->capacity * 2 : 64;
        h->events = (struct event *)mem_grow(h->events, h->capacity, sizeof(*h->events));
    }
    e = &h->events[h->count++];
    memset(e, 0, sizeof(*e));
    e->at_ms = at_ms;
    e->verb = verb;
    return e;
}

uint64_t history_number(struct history *h, struct bytes word)
{
    uintptr_t number = (uintptr_t)names_find(&h->numbers, word);

    if (number > 0)
        return number - 1;
    number = h->word_count++;
    names_put(&h->numbers, word, (void *)(number + 1));
    h->words = (const char **)mem_grow((void *)h->words, h->word_count, sizeof(*h->words));
    h->words[number] =
        (const char *)CONTAINER_OF(list_last(&h->numbers.order), struct names_entry, link)
            ->name.data;
    return number;
}

const char *history_word(const struct history *h, uint64_t number)
{
    ASSERT(number < h->word_count);
    return h->words[number];
}

void event_set(struct event *e, enum fact fact, uint64_t value)
{
    ASSERT(fact < FACT_COUNT);
    e->facts |= UINT64_C(1) << fact;
    e->values[fact] = value;
}

void event_add_route(struct event *e, uint64_t queue)
{
    uint64_t count = event_get(e, FACT_ROUTES, 0);

    ASSERT(count < HISTORY_ROUTES_MAX);
    e->routes[count] = queue;
    event_set(e, FACT_ROUTES, count + 1);
}

/* ---- out ---- */

static void write_fact(const struct history *h, const struct event *e, enum fact fact,
                       struct buf *out)
{
    uint64_t value = e->values[fact];

    buf_text(out, " %s", fact_kinds[fact].text);
    switch (fact_kinds[fact].kind) {
    case FACT_NUMBER:
        buf_text(out, "=%" PRIu64, value);
        break;
    case FACT_DIGEST:
        buf_text(out, "=%" PRIx64, value);
        break;
    case FACT_WORD:
        buf_text(out, "=%s", history_word(h, value));
        break;
    case FACT_WORDS:
        for (uint64_t i = 0; i < value; i++)
            buf_text(out, "%c%s", i == 0 ? '=' : ',', history_word(h, e->routes[i]));
        break;
    case FACT_FLAG:
        break;
    }
}

void history_write_event(const struct history *h, const struct event *e, struct buf *out)
{
    buf_text(out, "%" PRIu64 " %s", e->at_ms, verb_texts[e->verb]);
    for (unsigned fact = 0; fact < FACT_COUNT; fact++)
        if (event_has(e, (enum fact)fact))
            write_fact(h, e, (enum fact)fact, out);
    buf_text(out, "\n");
}

void history_write(const struct history *h, struct buf *out)
{
    buf_text(out, "%s\n", first_line);
    for (size_t i = 0; i < h->count; i++)
        history_write_event(h, &h->events[i], out);
}

/* ---- in ---- */

/* Takes the part before the first `mark` off the text. */
static struct bytes take_until(struct bytes *text, char mark)
{
    const uint8_t *end = text->size == 0 ? NULL : memchr(text->data, mark, text->size);
    size_t size = end == NULL ? text->size : (size_t)(end - text->data);
    struct bytes part = bytes_of(text->data, size);

    *text = bytes_of(text->data + size + (end != NULL), text->size - size - (end != NULL));
    return part;
}

static int read_digest(struct bytes text, uint64_t *out)
{
    uint64_t value = 0;

    if (text.size == 0 || text.size > 16)
        return ERR_INVALID;
    for (size_t i = 0; i < text.size; i++) {
        const char *at = strchr("0123456789abcdef", text.data[i]);

        if (at == NULL || text.data[i] == '\0')
            return ERR_INVALID;
        value = value << 4 | (uint64_t)(at - "0123456789abcdef");
    }
    *out = value;
    return 0;
}

static int read_words(struct history *h, struct event *e, struct bytes text)
{
    while (text.size > 0) {
        struct bytes word = take_until(&text, ',');

        if (word.size == 0 || event_get(e, FACT_ROUTES, 0) == HISTORY_ROUTES_MAX)
            return ERR_INVALID;
        event_add_route(e, history_number(h, word));
    }
    return 0;
}

static int read_value(struct history *h, struct event *e, enum fact fact, struct bytes text)
{
    uint64_t value = 0;
    int rv = 0;

    switch (fact_kinds[fact].kind) {
    case FACT_NUMBER:
        rv = parse_u64(text, 0, UINT64_MAX, &value);
        break;
    case FACT_DIGEST:
        rv = read_digest(text, &value);
        break;
    case FACT_WORD:
        rv = text.size == 0 ? ERR_INVALID : 0;
        value = rv == 0 ? history_number(h, text) : 0;
        break;
    case FACT_WORDS:
        event_set(e, fact, 0);
        return read_words(h, e, text);
    case FACT_FLAG:
        rv = text.size == 0 ? 0 : ERR_INVALID;
        break;
    }
    if (rv == 0)
        event_set(e, fact, value);
    return rv;
}

static int read_fact(struct history *h, struct event *e, struct bytes text)
{
    struct bytes key = take_until(&text, '=');

    for (unsigned fact = 0; fact < FACT_COUNT; fact++)
        if (bytes_equal(key, bytes_text(fact_kinds[fact].text)))
            return read_value(h, e, (enum fact)fact, text);
    return ERR_INVALID;
}

static int read_event(struct history *h, struct bytes line)
{
    struct bytes time = take_until(&line, ' ');
    struct bytes word = take_until(&line, ' ');
    uint64_t at_ms = 0;
    unsigned verb = 0;

    while (verb < VERB_COUNT && !bytes_equal(word, bytes_text(verb_texts[verb])))
        verb++;
    if (verb == VERB_COUNT || parse_u64(time, 0, UINT64_MAX, &at_ms) != 0)
        return ERR_INVALID;
    history_add(h, at_ms, (enum verb)verb);
    while (line.size > 0) {
        struct bytes fact = take_until(&line, ' ');

        if (fact.size > 0 && read_fact(h, &h->events[h->count - 1], fact) != 0)
            return ERR_INVALID;
    }
    return 0;
}

int history_read(struct history *h, struct bytes text, struct err_note *note)
{
    bool has_begun = false;

    for (unsigned number = 1; text.size > 0; number++) {
        struct bytes line = take_until(&text, '\n');
        int rv = 0;

        if (line.size == 0 || line.data[0] == '#')
            continue;
        if (has_begun)
            rv = read_event(h, line);
        else if (!bytes_equal(line, bytes_text(first_line)))
            rv = ERR_INVALID;
        has_begun = true;
        if (rv != 0)
            return err_note(note, rv, "line %u is no event: '%.*s'", number, (int)line.size,
                            (const char *)line.data);
    }
    return has_begun ? 0 : err_note(note, ERR_INVALID, "a history begins with '%s'", first_line);
}
