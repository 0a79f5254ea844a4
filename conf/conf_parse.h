/* From the bytes of a configuration file to keys and values, one line at a time.
 *
 *     line   = [ key "=" value ] [ "#" comment ] , ended by "\n" or "\r\n" or the end of the file
 *     key    = word { "." word }    word: letters, digits, "_", "-", and "\." for a dot in it
 *     value  = "'" any characters but "'" "'"
 *            | any characters but "#", without spaces at its ends
 *
 * This is what RabbitMQ reads, but for its "include". A byte order mark at the start is skipped. */
#ifndef CONF_CONF_PARSE_H
#define CONF_CONF_PARSE_H

#include "base/bytes.h"
#include "base/check.h"
#include "base/err.h"
#include "conf/conf.h"

struct conf_reader {
    struct bytes rest; /* not read yet */
    int line;          /* number of the last line read, from 1; 0 before the first */
};

/* Both are texts with a zero byte at the end. */
struct conf_entry {
    char key[CONF_KEY_MAX + 1];
    char value[CONF_LINE_MAX + 1];
};

/* Starts at the beginning of `text`, borrowed. Errors: ERR_INVALID when this is no text file;
 * r->line is then the line that shows it, or 0 when it is about the whole file. */
MUST_USE int conf_reader_init(struct conf_reader *r, struct bytes text, struct err_note *note);

/* Reads on to the next line with a key. Errors: ERR_NOT_FOUND at the end, ERR_INVALID with a note
 * about line r->line; the next call goes on behind it. */
MUST_USE int conf_read(struct conf_reader *r, struct conf_entry *out, struct err_note *note);

/* Reads "key=value" of a --set, the value as it stands. Errors: ERR_INVALID. */
MUST_USE int conf_read_set(const char *text, struct conf_entry *out, struct err_note *note);

#endif
