/* What millracectl can do: one row per verb.
 *
 * Most verbs are one request, which their row describes; in its path and body stand
 *
 *     {v}      the virtual host            {1} {2} ...   a word, encoded
 *     "configure=s2 tags=l2 value=j3 durable=:true"
 *          sN   the word as text               lN   this word and all behind it, with commas
 *          jN   the word as JSON               iN   the word as an integer
 *          :x   the JSON value x               what has no word is left out */
#ifndef TOOLS_CTL_VERBS_H
#define TOOLS_CTL_VERBS_H

#include <stddef.h>

#include "base/check.h"
#include "base/err.h"
#include "tools/ctl/call.h"
#include "tools/ctl/options.h"

struct ctl {
    const struct options *options;
    struct call *call;
    struct err_note note;
};

struct verb {
    const char *name;
    const char *words; /* as help shows them */
    size_t least;      /* words */
    size_t most;
    const char *does; /* "adds a user": what is said while it runs */
    int (*run)(struct ctl *c, const struct verb *v);
    const char *method;
    const char *path;
    const char *body;
};

extern const struct verb verbs[];
extern const size_t verb_count;

const struct verb *verb_find(const char *name);

/* A verb of RabbitMQ's that cannot be here. */
struct refused {
    const char *name;
    const char *instead; /* why, or what to do */
};
extern const struct refused refused[];
extern const size_t refused_count;
const struct refused *refused_find(const char *name);

/* ---- requests that a row describes; request.c ---- */

/* Makes the request of the row and forgets the answer. */
MUST_USE int verb_request(struct ctl *c, const struct verb *v);
/* The same, and prints the answer. */
MUST_USE int verb_show(struct ctl *c, const struct verb *v);
/* As verb_request() for any path; *out is the caller's, NULL: it is forgotten. */
MUST_USE int ctl_request(struct ctl *c, const char *method, const char *path, json_t *body,
                         json_t **out);
/* The path of a template; new memory. */
char *ctl_path(struct ctl *c, const char *form);
/* The body of a description; NULL for none. ERR_INVALID with a note. */
MUST_USE int ctl_body(struct ctl *c, const char *form, json_t **out);

/* ---- lists.c ---- */

/* Lists what the row's path answers; words are columns. */
MUST_USE int verb_list(struct ctl *c, const struct verb *v);
/* The same, without those that run. */
MUST_USE int verb_list_unresponsive(struct ctl *c, const struct verb *v);

/* ---- changes.c ---- */

MUST_USE int verb_change_password(struct ctl *c, const struct verb *v);
MUST_USE int verb_set_user_tags(struct ctl *c, const struct verb *v);
MUST_USE int verb_set_limits(struct ctl *c, const struct verb *v);
MUST_USE int verb_clear_limits(struct ctl *c, const struct verb *v);
MUST_USE int verb_set_policy(struct ctl *c, const struct verb *v);
MUST_USE int verb_delete(struct ctl *c, const struct verb *v);
MUST_USE int verb_close_connection(struct ctl *c, const struct verb *v);
MUST_USE int verb_close_all(struct ctl *c, const struct verb *v);
MUST_USE int verb_export(struct ctl *c, const struct verb *v);
MUST_USE int verb_import(struct ctl *c, const struct verb *v);

/* ---- looks.c ---- */

MUST_USE int verb_authenticate(struct ctl *c, const struct verb *v);
MUST_USE int verb_hash_password(struct ctl *c, const struct verb *v);
MUST_USE int verb_await(struct ctl *c, const struct verb *v);
MUST_USE int verb_ping(struct ctl *c, const struct verb *v);
MUST_USE int verb_get(struct ctl *c, const struct verb *v);
MUST_USE int verb_browse(struct ctl *c, const struct verb *v);
/* The message at a place from the front, counted from 1. */
MUST_USE int verb_peek(struct ctl *c, const struct verb *v);
MUST_USE int verb_publish(struct ctl *c, const struct verb *v);

/* ---- node.c ---- */

/* Whether the node that answers is the one that --node names, when there is such an option. */
MUST_USE int ctl_check_node(struct ctl *c);
/* A request in whose path `%s` is the node's name; prints the answer, if there is one. */
MUST_USE int verb_of_node(struct ctl *c, const struct verb *v);
MUST_USE int verb_await_nodes(struct ctl *c, const struct verb *v);
/* Fails when the node answers, as it does not boot then. */
MUST_USE int verb_is_booting(struct ctl *c, const struct verb *v);
/* The settings that say where diagnostics go. */
MUST_USE int verb_log_location(struct ctl *c, const struct verb *v);
/* What other verbs print, one after the other. */
MUST_USE int verb_report(struct ctl *c, const struct verb *v);
MUST_USE int verb_check_ports(struct ctl *c, const struct verb *v);
/* The request of the row for each virtual host, which is `%s` in its path. */
MUST_USE int verb_set_globally(struct ctl *c, const struct verb *v);

/* ---- settings.c ---- */

MUST_USE int verb_set_memory(struct ctl *c, const struct verb *v);
MUST_USE int verb_set_disk(struct ctl *c, const struct verb *v);
MUST_USE int verb_set_log_level(struct ctl *c, const struct verb *v);

/* ---- secret.c ---- */

/* Where a verb's password is not among its words, reads it from standard input: its first line;
 * from a terminal without showing it. ERR_INVALID with a note. */
MUST_USE int secret_read(struct options *o, const struct verb *v, struct err_note *note);
void secret_forget(struct options *o);

/* ---- groups.c ---- */

MUST_USE int verb_group_offsets(struct ctl *c, const struct verb *v);
MUST_USE int verb_reset_group(struct ctl *c, const struct verb *v);

/* ---- help.c ---- */

MUST_USE int verb_help(struct ctl *c, const struct verb *v);
MUST_USE int verb_completion(struct ctl *c, const struct verb *v);
MUST_USE int verb_manual(struct ctl *c, const struct verb *v);

#endif
