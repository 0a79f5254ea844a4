/* Patterns by PCRE2. Compiling may take PATTERN_MEMORY_MAX, and matching MATCH_STEPS steps: at some
 * ten nanoseconds a step less than a millisecond. */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "auth/pattern.h"

#include <pcre2.h>

#include "auth/auth.h"
#include "base/buf.h"
#include "base/mem.h"

enum {
    PATTERN_MEMORY_MAX = 64 << 10, /* of one allocation of the compiler */
    PATTERN_NEST_MAX = 32,         /* brackets in one another */
    EXPANDED_MAX = 32 << 10,       /* bytes of a pattern with its words filled in */
    MATCH_STEPS = 10000,
    MATCH_DEPTH = 1000,
    MATCH_HEAP_KIB = 256,
};

struct pattern {
    char *text;
    size_t text_size;
    bool is_nothing; /* the empty pattern matches the empty name alone */
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *limits;
};

static void *take_memory(size_t size, void *owner)
{
    (void)owner;
    return size > PATTERN_MEMORY_MAX ? NULL : mem_try(size);
}

static void give_memory(void *at, void *owner)
{
    (void)owner;
    mem_free(at);
}

/* Matching takes its heap through the same functions; its own limit is in KiB. */
static void *take_match_memory(size_t size, void *owner)
{
    (void)owner;
    return size > (size_t)MATCH_HEAP_KIB << 10 ? NULL : mem_try(size);
}

static int complain(struct err_note *note, struct bytes text, int code, size_t at)
{
    PCRE2_UCHAR8 why[120] = {0};

    (void)pcre2_get_error_message(code, why, sizeof(why));
    return err_note(note, ERR_INVALID, "invalid regular expression '%.*s': %s at %zu",
                    (int)(text.size < 200 ? text.size : 200), (const char *)text.data,
                    (const char *)why, at);
}

static int compile(struct pattern *p, struct bytes text, struct err_note *note)
{
    pcre2_general_context *memory = pcre2_general_context_create(take_memory, give_memory, NULL);
    pcre2_compile_context *rules = memory == NULL ? NULL : pcre2_compile_context_create(memory);
    int code = PCRE2_ERROR_NOMEMORY;
    PCRE2_SIZE at = 0;

    if (rules != NULL) {
        (void)pcre2_set_parens_nest_limit(rules, PATTERN_NEST_MAX);
        p->code = pcre2_compile(text.size == 0 ? (PCRE2_SPTR) "" : text.data, text.size,
                                PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C, &code,
                                &at, rules);
    }
    pcre2_compile_context_free(rules);
    pcre2_general_context_free(memory);
    return p->code == NULL ? complain(note, text, code, at) : 0;
}

static int prepare_match(struct pattern *p, struct err_note *note)
{
    pcre2_general_context *memory =
        pcre2_general_context_create(take_match_memory, give_memory, NULL);

    if (memory != NULL) {
        p->match = pcre2_match_data_create(1, memory);
        p->limits = pcre2_match_context_create(memory);
    }
    pcre2_general_context_free(memory);
    if (p->match == NULL || p->limits == NULL)
        return err_note(note, ERR_INVALID, "no memory is left for a regular expression");
    (void)pcre2_set_match_limit(p->limits, MATCH_STEPS);
    (void)pcre2_set_depth_limit(p->limits, MATCH_DEPTH);
    (void)pcre2_set_heap_limit(p->limits, MATCH_HEAP_KIB);
    return 0;
}

static int pattern_make(struct bytes text, struct bytes expanded, struct pattern **out,
                        struct err_note *note)
{
    struct pattern *p = MEM_NEW(struct pattern);
    int rv = 0;

    p->text = (char *)mem_alloc(text.size + 1);
    p->text_size = text.size;
    if (text.size > 0)
        memcpy(p->text, text.data, text.size);
    p->text[text.size] = '\0';
    p->is_nothing = text.size == 0;
    rv = compile(p, expanded, note);
    if (rv == 0)
        rv = prepare_match(p, note);
    if (rv != 0) {
        pattern_free(p);
        return rv;
    }
    *out = p;
    return 0;
}

static int check_size(struct bytes text, struct err_note *note)
{
    if (text.size > AUTH_PATTERN_MAX)
        return err_note(note, ERR_INVALID,
                        "a regular expression of %zu bytes is too large; at most %d are allowed",
                        text.size, (int)AUTH_PATTERN_MAX);
    return 0;
}

int pattern_new(struct bytes text, struct pattern **out, struct err_note *note)
{
    int rv = check_size(text, note);

    return rv == 0 ? pattern_make(text, text, out, note) : rv;
}

/* Adds the word so that it stands for itself. */
static void add_literal(struct buf *out, struct bytes word)
{
    for (size_t i = 0; i < word.size; i++)
        buf_text(out, "\\x%02x", word.data[i]);
}

/* Takes the name off the front of the text, if it is there. */
static bool take_name(struct bytes *text, const char *name)
{
    struct bytes b = bytes_text(name);

    if (text->size < b.size || memcmp(text->data, b.data, b.size) != 0)
        return false;
    *text = bytes_of(text->data + b.size, text->size - b.size);
    return true;
}

static void expand(struct bytes text, const struct pattern_words *words, struct buf *out)
{
    while (text.size > 0) {
        if (take_name(&text, "{username}")) {
            add_literal(out, words->username);
        } else if (take_name(&text, "{vhost}")) {
            add_literal(out, words->vhost);
        } else {
            buf_u8(out, text.data[0]);
            text = bytes_of(text.data + 1, text.size - 1);
        }
    }
}

int pattern_new_with(struct bytes text, const struct pattern_words *words, struct pattern **out,
                     struct err_note *note)
{
    struct buf expanded;
    int rv = check_size(text, note);

    if (rv != 0)
        return rv;
    buf_init(&expanded, EXPANDED_MAX);
    expand(text, words, &expanded);
    if (buf_error(&expanded) != 0)
        rv = err_note(note, ERR_INVALID, "a regular expression is too large with its words in it");
    else
        rv = pattern_make(text, buf_view(&expanded), out, note);
    buf_release(&expanded);
    return rv;
}

void pattern_free(struct pattern *p)
{
    if (p == NULL)
        return;
    pcre2_match_context_free(p->limits);
    pcre2_match_data_free(p->match);
    pcre2_code_free(p->code);
    mem_free(p->text);
    mem_free(p);
}

bool pattern_matches(const struct pattern *p, struct bytes name)
{
    if (p->is_nothing)
        return name.size == 0;
    return pcre2_match(p->code, name.size == 0 ? (PCRE2_SPTR) "" : name.data, name.size, 0, 0,
                       p->match, p->limits) >= 0;
}

struct bytes pattern_text(const struct pattern *p)
{
    return bytes_of(p->text, p->text_size);
}
