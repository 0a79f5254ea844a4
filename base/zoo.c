/* Which deliberate fault is loose. Nobody asks in a build without them. */
#include "base/zoo.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static const char *const names[] = {
#define X(name, what) #name,
    ZOO_LIST(X)
#undef X
};

enum { NAMES = sizeof(names) / sizeof(names[0]) };

static int find(const char *text)
{
    int bug = 0;

    while (bug < NAMES && strcmp(names[bug], text) != 0)
        bug++;
    ASSERT(bug < NAMES); /* MILLRACE_ZOO is one of the names */
    return bug;
}

bool zoo_is_loose(enum zoo_bug bug)
{
    static int loose = -1;
    const char *text;

    if (loose < 0) {
        text = getenv("MILLRACE_ZOO");
        loose = text == NULL ? NAMES : find(text);
    }
    return loose == (int)bug;
}
