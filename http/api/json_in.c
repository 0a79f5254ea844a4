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

struct bytes json_in_text(const json_t *string)
{
    return bytes_of(json_string_value(string), json_string_length(string));
}

/* ---- tables ---- */

static void put(struct table_writer *w, const char *name, const json_t *value);

static void put_all(struct table_writer *w, const json_t *object)
{
    for (void *at = json_object_iter((json_t *)(uintptr_t)object); at != NULL;
         at = json_object_iter_next((json_t *)(uintptr_t)object, at))
        put(w, json_object_iter_key(at), json_object_iter_value(at));
    table_writer_end(w);
}

/* They nest at most JSON_IN_DEPTH_MAX deep, so this may call itself. */
static void put(struct table_writer *w, const char *name, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        table_writer_begin_table(w, name);
        put_all(w, value);
        break;
    case JSON_ARRAY:
        table_writer_begin_array(w, name);
        for (size_t i = 0; i < json_array_size(value); i++)
            put(w, NULL, json_array_get(value, i));
        table_writer_end(w);
        break;
    case JSON_STRING:
        table_writer_text(w, name, json_in_text(value));
        break;
    case JSON_INTEGER:
        table_writer_long(w, name, json_integer_value(value));
        break;
    case JSON_REAL:
        table_writer_double(w, name, json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        table_writer_bool(w, name, json_is_true(value));
        break;
    case JSON_NULL:
        table_writer_void(w, name);
        break;
    }
}

int json_in_table(const json_t *object, struct buf *area, struct table *out)
{
    struct table_writer w;

    ASSERT(json_is_object(object));
    table_writer_init(&w, area);
    for (void *at = json_object_iter((json_t *)(uintptr_t)object); at != NULL;
         at = json_object_iter_next((json_t *)(uintptr_t)object, at))
        put(&w, json_object_iter_key(at), json_object_iter_value(at));
    return table_writer_finish(&w, out);
}
