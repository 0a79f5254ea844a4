/* The texts of the error table, and notes for people. */
#include "base/err.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct err_row {
    int err;
    const char *name;
    const char *text;
};

static const struct err_row err_rows[] = {
#define X(name, value, text) {(value), #name, (text)},
    ERR_LIST(X)
#undef X
};

static const struct err_row *err_find(int err)
{
    for (size_t i = 0; i < ARRAY_SIZE(err_rows); i++) {
        if (err_rows[i].err == err)
            return &err_rows[i];
    }
    return NULL;
}

const char *err_text(int err)
{
    const struct err_row *row = err_find(err);

    if (err == 0)
        return "success";
    return row == NULL ? "unknown error" : row->text;
}

const char *err_name(int err)
{
    const struct err_row *row = err_find(err);

    if (err == 0)
        return "success";
    return row == NULL ? "unknown error" : row->name;
}

int err_note(struct err_note *note, int err, const char *format, ...)
{
    struct err_note sentence; /* apart, because the values may quote the old note */
    va_list values;

    ASSERT(err < 0);
    if (note == NULL)
        return err;
    va_start(values, format);
    int size = vsnprintf(sentence.text, sizeof(sentence.text), format, values);
    va_end(values);
    ASSERT(size >= 0);
    memcpy(note->text, sentence.text, strlen(sentence.text) + 1);
    return err;
}
