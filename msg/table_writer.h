/* Makes field tables: from nothing, or from another table with some entries changed.
 *
 *     struct table_writer w;
 *     table_writer_init(&w, &buf);
 *     table_writer_begin_array(&w, "x-death");
 *     table_writer_begin_table(&w, NULL);
 *     table_writer_long(&w, "count", 1);
 *     table_writer_end(&w);
 *     table_writer_end(&w);
 *     rv = table_writer_finish(&w, &table);
 *
 * Entries are added behind what the buffer holds, without a size in front of the outermost
 * table. In a table each value has a name, in an array its name is NULL. What goes wrong on the
 * way (the buffer is full, a name is too long, too deep) shows at the end: a writer that failed
 * takes everything and finish() says why. Owner: one thread. */
#ifndef MSG_TABLE_WRITER_H
#define MSG_TABLE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/check.h"
#include "msg/table.h"

struct table_writer {
    struct buf *out; /* borrowed */
    size_t start;    /* where the outermost table begins in it */
    size_t depth;    /* tables and arrays begun and not ended, the outermost not counted */
    int error;
    struct {
        size_t start; /* of its entries, behind the size */
        bool is_array;
    } open[TABLE_DEPTH_MAX];
};

/* Borrows the buffer until table_writer_finish(). */
void table_writer_init(struct table_writer *w, struct buf *out);

void table_writer_bool(struct table_writer *w, const char *name, bool value);
/* `type` is one of the integer types; the value must fit it. */
void table_writer_integer(struct table_writer *w, const char *name, enum field_type type,
                          int64_t value);
/* An integer as FIELD_LONG, which is what RabbitMQ gives clients. */
void table_writer_long(struct table_writer *w, const char *name, int64_t value);
void table_writer_float(struct table_writer *w, const char *name, float value);
void table_writer_double(struct table_writer *w, const char *name, double value);
void table_writer_decimal(struct table_writer *w, const char *name, uint8_t scale, uint32_t value);
void table_writer_text(struct table_writer *w, const char *name, struct bytes value);
void table_writer_binary(struct table_writer *w, const char *name, struct bytes value);
void table_writer_time(struct table_writer *w, const char *name, uint64_t time_s);
void table_writer_void(struct table_writer *w, const char *name);

/* Everything up to the end() that belongs to it goes into this table or array. */
void table_writer_begin_table(struct table_writer *w, const char *name);
void table_writer_begin_array(struct table_writer *w, const char *name);
void table_writer_end(struct table_writer *w);

/* Adds a copy of a value out of a checked table. The name may hold any bytes. In an array it
 * is not used. */
void table_writer_field(struct table_writer *w, struct bytes name, const struct field *value);

/* Gives the finished table, borrowed until the buffer next changes. All that was begun must
 * have been ended. Returns ERR_RANGE when it breaks a limit of msg/table.h, or the buffer's
 * error; the bytes in the buffer are then of no use. */
MUST_USE int table_writer_finish(struct table_writer *w, struct table *out);

/* At most so many entries are set in one table_rewrite(). */
enum { TABLE_SET_MAX = 64 };

/* Adds the entries of `from` to the buffer, changed so:
 *   - those named in `remove` (`count` names) are left out;
 *   - those of a name in `set`, whose names must differ, are replaced by the entry there, at the
 *     first one's place; what `from` does not have follows at the end, in the order of `set`.
 * All others keep their order and their bytes. Linear in `from`. Errors show in buf_error(). */
void table_rewrite(struct table from, struct table set, const struct bytes *remove, size_t count,
                   struct buf *out);

/* Adds the entries of `from` to the buffer in the order of their names, byte by byte; equal names
 * keep their order. Two tables with the same entries in any order so give the same bytes, as an
 * identity asks for. Errors show in buf_error(). */
void table_sort(struct table from, struct buf *out);

#endif
