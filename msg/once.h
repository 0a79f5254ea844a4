/* Publishing exactly once: a publisher names itself and numbers its messages, so that one that it
 * sends again, after it heard nothing, is known.
 *
 *     x-publisher-id    text of 1 to 255 bytes
 *     x-publish-seq     an integer, 0 or more, that rises from message to message
 *
 * Pure. */
#ifndef MSG_ONCE_H
#define MSG_ONCE_H

#include <stdint.h>

#include "base/bytes.h"
#include "msg/table.h"

enum { ONCE_ID_MAX = 255 };

/* Plain value that borrows. */
struct once {
    struct bytes publisher; /* no data: the message has no number */
    uint64_t seq;
};

enum once_fault {
    ONCE_OK,
    ONCE_BAD_PUBLISHER, /* no text, or too long, or empty */
    ONCE_BAD_SEQ,       /* no integer, or negative */
    ONCE_NO_PUBLISHER,  /* only the number is there */
    ONCE_NO_SEQ,
};

/* Reads the headers. *out is without data unless all is well and there. */
enum once_fault once_read(struct table headers, struct once *out);

#endif
