/* Reading JSON. */
#include "http/api/json_in.h"

#include "base/mem.h"

/* As mem_free(), which jansson calls with any of its own. */
static void give_back(void *p)
{
    mem_free(p);
}

void json_in_init(void)
{
    json_set_alloc_funcs(mem_alloc, give_back);
    json_object_seed(0);
}

/* Whether nothing nests deeper than allowed. What is no JSON is found by the reader. */
static bool is_shallow(struct bytes text)
{
    unsigned depth = 0;
    bool is_string = false;

    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];

        if (is_string) {
            i += c == '\\';
            is_string = c != '"';
        } else if (c == '"') {
            is_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > JSON_IN_DEPTH_MAX)
                return false;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return true;
}

int json_in_read(struct bytes text, bool any, json_t **out, struct err_note *note)
{
    size_t flags = JSON_REJECT_DUPLICATES | (any ? JSON_DECODE_ANY : 0);
    json_error_t error;
    json_t *value;

    if (text.size == 0) {
        *out = json_object();
        return 0;
    }
    if (!is_shallow(text))
        return err_note(note, ERR_INVALID, "not_json: it nests deeper than %d levels",
                        JSON_IN_DEPTH_MAX);
    value = json_loadb((const char *)text.data, text.size, flags, &error);
    if (value == NULL)
        return err_note(note, ERR_INVALID, "not_json: line %d, column %d: %s", error.line,
                        error.column, error.text);
    if (!any && !json_is_object(value)) {
        json_decref(value);
        return err_note(note, ERR_INVALID, "not_json: it is no object");
    }
    *out = value;
    return 0;
}
