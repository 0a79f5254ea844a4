/* Private to diag: where finished lines go, and the thread that writes them.
 *
 *     diag() --put--> front buffer ==swap==> back buffer --write--> standard error, file
 *             lock                   lock                 no lock
 *
 * The file is opened, rotated and opened again by the thread alone. Without the thread the console
 * is written at once, and nothing goes to the file.
 *
 * Owner: any thread puts; the rest belongs to the main thread. */
#ifndef BASE_DIAG_WRITER_H
#define BASE_DIAG_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

struct diag_options;

enum diag_target { DIAG_CONSOLE, DIAG_FILE, DIAG_TARGETS };

enum {
    DIAG_LINE_MAX = 6144,
    DIAG_BUFFER_SIZE = 256 * 1024, /* lines that wait; further ones are lost */
};

/* A whole line with its end. */
void diag_writer_put(enum diag_target target, const char *line, size_t size);

/* How many lines were lost since this was told the last time; 0 while there is no room to say so.
 * */
uint64_t diag_writer_take_lost(void);

/* Path and rotation of the file, from the next line on. */
void diag_writer_set_file(const struct diag_options *o);
void diag_writer_reopen(void);

MUST_USE int diag_writer_start(void);
void diag_writer_stop(void);

#endif
