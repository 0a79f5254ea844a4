/* What a client is told when something is refused: code, text, and whether it ends the channel or
 * the connection. The only place that knows the names of reply codes. */
#ifndef AMQP_REPLY_H
#define AMQP_REPLY_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "amqp/wire/frame.h"
#include "base/bytes.h"
#include "base/check.h"

struct refusal;

/* X(code, name, hard): a hard one ends the connection, a soft one the channel. */
#define REPLY_LIST(X)                                                                              \
    X(311, CONTENT_TOO_LARGE, false)                                                               \
    X(312, NO_ROUTE, false)                                                                        \
    X(313, NO_CONSUMERS, false)                                                                    \
    X(320, CONNECTION_FORCED, true)                                                                \
    X(402, INVALID_PATH, true)                                                                     \
    X(403, ACCESS_REFUSED, false)                                                                  \
    X(404, NOT_FOUND, false)                                                                       \
    X(405, RESOURCE_LOCKED, false)                                                                 \
    X(406, PRECONDITION_FAILED, false)                                                             \
    X(501, FRAME_ERROR, true)                                                                      \
    X(502, SYNTAX_ERROR, true)                                                                     \
    X(503, COMMAND_INVALID, true)                                                                  \
    X(504, CHANNEL_ERROR, true)                                                                    \
    X(505, UNEXPECTED_FRAME, true)                                                                 \
    X(506, RESOURCE_ERROR, true)                                                                   \
    X(530, NOT_ALLOWED, true)                                                                      \
    X(540, NOT_IMPLEMENTED, true)                                                                  \
    X(541, INTERNAL_ERROR, true)

enum reply_code {
#define X(code, name, hard) REPLY_##name = (code),
    REPLY_LIST(X)
#undef X
};

enum { REPLY_TEXT_MAX = 255 };

struct reply {
    enum reply_code code;
    char text[REPLY_TEXT_MAX + 1]; /* "NOT_FOUND - no queue 'q' in vhost '/'", cut at a character */
};

const char *reply_name(enum reply_code code);
bool reply_is_hard(enum reply_code code);

void reply_format(struct reply *r, enum reply_code code, const char *format, ...) PRINTF_LIKE(3, 4);
void reply_vformat(struct reply *r, enum reply_code code, const char *format, va_list args)
    PRINTF_LIKE(3, 0);

/* What the broker refused. */
void reply_of_refusal(struct reply *r, const struct refusal *refusal);

/* What is wrong with a frame. */
void reply_of_frame(struct reply *r, enum wire_result result, const struct frame *f,
                    uint32_t frame_max);
/* A method that is none of a client's, or that is unknown. */
void reply_of_unimplemented(struct reply *r);
/* What is wrong with a method. */
void reply_of_method(struct reply *r, enum wire_result result);
/* What is wrong with a content header, of which class and size are known. */
struct content;
void reply_of_content(struct reply *r, enum wire_result result, const struct content *content);

/* A frame that does not belong there. */
void reply_of_unexpected(struct reply *r, const struct frame *f);

#endif
