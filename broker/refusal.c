/* Refusals are filled here and nowhere else. */
#include "broker/refusal.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/err.h"

int refuse(struct refusal *r, enum refusal_code code, const char *format, ...)
{
    va_list values;
    int size = 0;

    r->code = code;
    va_start(values, format);
    size = vsnprintf(r->text, sizeof(r->text), format, values);
    va_end(values);
    ASSERT(size >= 0); /* a longer one is cut */
    return ERR_DENIED;
}
