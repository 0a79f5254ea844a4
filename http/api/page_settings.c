/* The settings in effect, and changing those that can be changed while the broker runs. */
#include "base/mem.h"
#include "http/api/call.h"
#include "http/api/pages.h"
#include "http/api/shapes.h"

static void tell_setting(void *to, const char *name, const char *value)
{
    struct tell *t = to;

    if (value == NULL)
        tell_null(t, name);
    else
        tell_string(t, name, value);
}

/* What the body says, as it would stand in a file; NULL: it is no value. */
static char *value_text(const json_t *value)
{
    if (json_is_string(value))
        return mem_text(json_string_value(value));
    if (json_is_integer(value))
        return mem_format("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    if (json_is_real(value))
        return mem_format("%.9g", json_real_value(value));
    if (json_is_boolean(value))
        return mem_text(json_is_true(value) ? "true" : "false");
    return NULL;
}

static void change(struct api_call *c, const char *name, const char *text)
{
    const struct api_all_settings *s = &c->api->settings;
    struct err_note note = {{0}};
    int rv = s->change == NULL ? ERR_NOT_FOUND : s->change(s->owner, name, text, &note);

    if (rv == ERR_DENIED)
        api_bad_request(c, "%s", note.text);
    else if (rv != 0)
        api_failed(c, rv, &note);
    else
        api_answer_empty(c, 204);
}

/* One setting, until the next start: {"value": "512MB"}, or a number, or true or false. */
void config_effective_put(struct api_call *c)
{
    char *name = mem_format("%.*s", API_SHOW(c->args[0]));
    char *text = value_text(json_object_get(c->body, "value"));

    if (text == NULL)
        api_bad_request(c, "'value' must be a string, a number, or true or false");
    else
        change(c, name, text);
    mem_free(text);
    mem_free(name);
}

void config_effective_get(struct api_call *c)
{
    const struct api_all_settings *s = &c->api->settings;
    struct tell t;

    api_start(c, &t);
    tell_object(&t, NULL);
    if (s->each != NULL)
        s->each(s->owner, tell_setting, &t);
    tell_end(&t);
    api_answer(c, 200, &c->api->reply);
}
