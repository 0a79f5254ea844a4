/* Operating errors: things a correct program must live with. Zero is success, errors are
 * negative.
 *
 * A function that fails leaves its out-parameters untouched and returns one of these. Where
 * a person will have to act on it, the function also fills a `struct err_note`: one
 * sentence that names the subject and says what to do. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/check.h"

#define ERR_LIST(X)                                                                                \
    X(ERR_IO, -1, "the operating system refused a read, write or sync")                            \
    X(ERR_FULL, -2, "a configured limit was reached")                                              \
    X(ERR_CORRUPT, -3, "stored bytes fail their checksum")                                         \
    X(ERR_NO_SPACE, -4, "no space is left on the disk")                                            \
    X(ERR_NO_FILES, -5, "no file descriptor is left")                                              \
    X(ERR_NO_MEMORY, -6, "no memory is left")                                                      \
    X(ERR_NOT_FOUND, -7, "it does not exist")                                                      \
    X(ERR_EXISTS, -8, "it exists already")                                                         \
    X(ERR_DENIED, -9, "permission was denied")                                                     \
    X(ERR_BUSY, -10, "it is in use by someone else")                                               \
    X(ERR_AGAIN, -11, "it would have to wait")                                                     \
    X(ERR_CLOSED, -12, "the other side closed the connection")                                     \
    X(ERR_INVALID, -13, "the input is not valid")                                                  \
    X(ERR_RANGE, -14, "the value is out of range")                                                 \
    X(ERR_FAILED, -15, "an earlier failure closed it")                                             \
    X(ERR_VERSION, -16, "it has a format this program does not know")                              \
    X(ERR_TRIMMED, -17, "it was removed by retention")

enum err {
#define X(name, value, text) name = (value),
    ERR_LIST(X)
#undef X
};

enum { ERR_NOTE_SIZE = 512 };

/* One sentence for a person. Empty when nobody filled it. */
struct err_note {
    char text[ERR_NOTE_SIZE];
};

/* The fixed text of an error code; "success" for 0, "unknown error" for a code not in the
 * table. */
const char *err_text(int err);

/* The name of an error code as written in the source, for traces: "ERR_IO". */
const char *err_name(int err);

/* Writes the sentence, cut at the note's size. NULL is allowed for a caller that does not ask.
 * Returns `err`, so that a failing function can say and return in one line. */
int err_note(struct err_note *note, int err, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
