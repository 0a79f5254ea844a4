/* The things of a document of definitions: each is read from its JSON, and then applied. Private to
 * the room.
 *
 * Owner: one shard. */
#ifndef TRANSFER_THINGS_H
#define TRANSFER_THINGS_H

#include <jansson.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/err.h"

struct broker;

enum { THING_TABLE_MAX = 1 << 20 };

/* Where things go. */
struct things {
    struct broker *broker;
    const json_t *document;
    struct bytes vhost; /* that everything is for; no data: each thing says it */
    struct buf area;    /* for field tables */
    bool is_real;       /* false: it is only looked at */
};

/* Reads one thing of that section, and when it is real applies it. ERR_INVALID and others, with a
 * note; ERR_FULL: later. */
typedef int thing_fn(struct things *t, const json_t *item, struct err_note *note);

struct thing_section {
    const char *name;
    bool is_of_cluster;
    thing_fn *take;
};

enum { THING_SECTIONS = 10 };
/* In the order in which they are applied. */
extern const struct thing_section thing_sections[THING_SECTIONS];

/* ---- things.c, for things_inside.c ---- */

/* Members of an item. They return ERR_INVALID with a note when it is of another kind, or not there
 * while it is needed; what is not there leaves *out alone. */
struct thing_member {
    const json_t *item;
    const char *section;
    const char *name;
    bool is_needed;
};
MUST_USE int thing_text(const struct thing_member *m, struct bytes *out, struct err_note *note);
MUST_USE int thing_bool(const struct thing_member *m, bool *out, struct err_note *note);
MUST_USE int thing_integer(const struct thing_member *m, int64_t *out, struct err_note *note);
/* The virtual host that the item is of; it must be there, or in the document. */
MUST_USE int thing_vhost(struct things *t, const json_t *item, const char *section,
                         struct bytes *out, struct err_note *note);

/* ---- things_inside.c: what is in a virtual host ---- */

thing_fn thing_policy;
thing_fn thing_parameter;
thing_fn thing_queue;
thing_fn thing_exchange;
thing_fn thing_binding;

#endif
