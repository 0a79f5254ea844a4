/* Why a client does not get what he asked for: the reply code of AMQP (403, 404, 405, 406, 530,
 * 540 ...) and the sentence, in RabbitMQ's words, without the name of the code in front.
 *
 * Functions that can refuse return ERR_DENIED and fill one of these. */
#ifndef BROKER_REFUSAL_H
#define BROKER_REFUSAL_H

#include <stdint.h>

#include "base/check.h"

enum { REFUSAL_TEXT_SIZE = 1024 };

enum refusal_code {
    REFUSE_CONTENT_TOO_LARGE = 311,
    REFUSE_FORCED = 320,
    REFUSE_ACCESS = 403,
    REFUSE_NOT_FOUND = 404,
    REFUSE_LOCKED = 405,
    REFUSE_PRECONDITION = 406,
    REFUSE_RESOURCE = 506,
    REFUSE_NOT_ALLOWED = 530,
    REFUSE_NOT_IMPLEMENTED = 540,
    REFUSE_INTERNAL = 541,
};

struct refusal {
    enum refusal_code code;
    char text[REFUSAL_TEXT_SIZE];
};

/* Fills it and returns ERR_DENIED. */
int refuse(struct refusal *r, enum refusal_code code, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
