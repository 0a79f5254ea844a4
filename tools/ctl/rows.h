/* Rows of values on standard output, in the form that was asked for.
 *
 * A row is a JSON object, a column a path into it: "name", "queue.name". */
#ifndef TOOLS_CTL_ROWS_H
#define TOOLS_CTL_ROWS_H

#include <jansson.h>
#include <stddef.h>

struct options;

struct column {
    const char *title;
    const char *path;
};

/* Prints an array of objects; for JSON, objects with the titles as keys. */
void rows_print(const struct options *o, const json_t *rows, const struct column *columns,
                size_t count);

/* Prints any value: JSON as it is, else lines "name: value", indented by depth. */
void rows_print_value(const struct options *o, const json_t *value);

#endif
