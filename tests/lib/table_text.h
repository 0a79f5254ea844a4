/* Field tables out of text.
 *
 * "name=value name=value": a value of digits is a long, i:5 an int, d:5 a double, true and false
 * are bools, void is void, t:5 a timestamp, [a,b] an array, all else text. */
#ifndef TESTS_LIB_TABLE_TEXT_H
#define TESTS_LIB_TABLE_TEXT_H

#include "base/buf.h"
#include "msg/table.h"

/* The table of the text, borrowed from the buffer, which is cleared before. */
struct table table_text(struct buf *area, const char *text);

#endif
