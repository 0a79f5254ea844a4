/* Prints what an inspection finds, as it is found: one line for each thing, in columns, to standard
 * output.
 *
 * Owner: one thread. */
#ifndef TOOLS_LOGDUMP_SHOW_H
#define TOOLS_LOGDUMP_SHOW_H

#include "log/inspect.h"
#include "tools/logdump/arguments.h"

enum { SHOW_LINE_SIZE = 256 };

struct show {
    const struct arguments *arguments;
    bool is_summary;
    char segment[SHOW_LINE_SIZE]; /* its line, until something in it is printed */
    const char *heading;          /* of the columns printed last; NULL: none yet */
    uint64_t lanes;               /* of the log at hand */
    uint64_t destination;         /* of the entry before */
    uint64_t checkpoints;         /* good ones */
    uint64_t checkpoint;          /* the newest */
    uint64_t checkpoint_bytes;
    uint64_t logs;
};

void show_init(struct show *s, const struct arguments *a);

/* The visitor that prints; it asks only for what is to be shown. */
struct inspect_visitor show_visitor(struct show *s);

/* The last line of --verify. */
void show_verdict(const struct show *s, const struct inspect *in);

#endif
