/* Verbs that are one request, described by their row. */
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/units.h"
#include "tools/ctl/rows.h"
#include "tools/ctl/verbs.h"

/* The word of that number, from 1 on, or NULL. */
static const char *word(const struct ctl *c, size_t number)
{
    return number >= 1 && number <= c->options->word_count ? c->options->words[number - 1] : NULL;
}

char *ctl_path(struct ctl *c, const char *form)
{
    struct buf path;
    char *text = NULL;

    buf_init(&path, 64 * KIB);
    for (const char *at = form; *at != '\0'; at++) {
        if (at[0] != '{') {
            buf_u8(&path, (uint8_t)*at);
            continue;
        }
        const char *value = at[1] == 'v' ? c->options->vhost : word(c, (size_t)(at[1] - '0'));
        char *part = call_path(c->call, "%s", value != NULL ? value : "");

        buf_bytes(&path, bytes_text(part));
        mem_free(part);
        at += 2;
        ASSERT(*at == '}');
    }
    while (path.size > 1 && path.data[path.size - 1] == '/' && form[strlen(form) - 1] == '}')
        path.size--; /* the last word was not given */
    text = mem_format("%.*s", (int)path.size, (const char *)path.data);
    buf_release(&path);
    return text;
}

static json_t *joined(const struct ctl *c, size_t number)
{
    struct buf text;
    json_t *value = NULL;

    buf_init(&text, 64 * KIB);
    for (; word(c, number) != NULL; number++) {
        if (text.size > 0)
            buf_u8(&text, ',');
        buf_bytes(&text, bytes_text(word(c, number)));
    }
    value = json_stringn(text.size > 0 ? (const char *)text.data : "", text.size);
    buf_release(&text);
    return value;
}

static int parse(struct ctl *c, const char *text, json_t **out)
{
    json_error_t wrong;
    json_t *value = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &wrong);

    if (value == NULL)
        return err_note(&c->note, ERR_INVALID, "'%s' is no JSON: %s at column %d", text, wrong.text,
                        wrong.column);
    *out = value;
    return 0;
}

/* One member of a body. *out stays NULL when its word was not given. */
static int member(struct ctl *c, const char *kind, json_t **out)
{
    size_t number = (size_t)(kind[1] - '0');
    int64_t integer = 0;

    if (kind[0] == ':')
        return parse(c, kind + 1, out);
    if (kind[0] == 'l') {
        *out = joined(c, number);
        return 0;
    }
    if (word(c, number) == NULL)
        return 0;
    if (kind[0] == 'j')
        return parse(c, word(c, number), out);
    if (kind[0] == 's') {
        *out = json_string(word(c, number));
        return *out != NULL ? 0 : err_note(&c->note, ERR_INVALID, "a word is no UTF-8");
    }
    ASSERT(kind[0] == 'i');
    if (parse_i64(bytes_text(word(c, number)), INT64_MIN, INT64_MAX, &integer) != 0)
        return err_note(&c->note, ERR_INVALID, "'%s' is no integer", word(c, number));
    *out = json_integer(integer);
    return 0;
}

int ctl_body(struct ctl *c, const char *form, json_t **out)
{
    json_t *body = form == NULL ? NULL : json_object();
    int rv = 0;

    while (form != NULL && *form != '\0' && rv == 0) {
        size_t size = strcspn(form, " ");
        size_t split = strcspn(form, "=");
        char *name = mem_format("%.*s", (int)split, form);
        char *kind = mem_format("%.*s", (int)(size - split - 1), form + split + 1);
        json_t *value = NULL;

        rv = member(c, kind, &value);
        if (value != NULL)
            (void)json_object_set_new(body, name, value);
        mem_free(name);
        mem_free(kind);
        form += size + strspn(form + size, " ");
    }
    if (rv == 0)
        *out = body;
    else
        json_decref(body);
    return rv;
}

int ctl_request(struct ctl *c, const char *method, const char *path, json_t *body, json_t **out)
{
    struct answer answer = {0};
    int rv = call_make(c->call, &(struct request){.method = method, .path = path, .body = body},
                       &answer, &c->note);

    if (rv == 0 && out != NULL)
        *out = answer.json;
    else
        json_decref(answer.json);
    return rv;
}

static int request(struct ctl *c, const struct verb *v, json_t **out)
{
    char *path = ctl_path(c, v->path);
    json_t *body = NULL;
    int rv = ctl_body(c, v->body, &body);

    if (rv == 0)
        rv = ctl_request(c, v->method, path, body, out);
    json_decref(body);
    mem_free(path);
    return rv;
}

int verb_request(struct ctl *c, const struct verb *v)
{
    return request(c, v, NULL);
}

int verb_show(struct ctl *c, const struct verb *v)
{
    json_t *answer = NULL;
    int rv = request(c, v, &answer);

    if (rv == 0 && answer != NULL)
        rows_print_value(c->options, answer);
    json_decref(answer);
    return rv;
}
