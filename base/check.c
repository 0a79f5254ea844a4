/* What happens when an assertion breaks. Uses nothing of the house: it may run when all
 * else is wrong. */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void check_failed(const char *cond, const char *file, int line)
{
    char text[512];
    int size = snprintf(text, sizeof(text), "assertion failed: %s (%s:%d)\n", cond, file, line);

    if (size >= (int)sizeof(text))
        size = (int)sizeof(text) - 1;
    /* One write, so that lines of two threads do not mix. If it fails there is no one left
     * to tell. */
    if (size > 0 && write(STDERR_FILENO, text, (size_t)size) != size)
        abort();
    abort();
}
